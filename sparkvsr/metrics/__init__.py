"""Measures of results against the truth: fidelity and likeness of a frame, steadiness of consecutive frames."""

from sparkvsr.metrics.fidelity import luma8, psnr_y, ssim_y
from sparkvsr.metrics.perceptual import haarpsi
from sparkvsr.metrics.temporal import temporal_difference

__all__ = ["haarpsi", "luma8", "psnr_y", "ssim_y", "temporal_difference"]
