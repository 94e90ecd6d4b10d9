"""The built-in engine: hand-made keyframe propagation, deterministic, at home on two CPU cores."""

from sparkvsr.lite.engine import create_lite_engine

__all__ = ["create_lite_engine"]
