"""The built-in engine: measured motion, one warp, small trained networks; deterministic, at home on two CPU cores."""

from sparkvsr.lite.engine import create_lite_engine

__all__ = ["create_lite_engine"]
