"""The released SparkVSR 5B checkpoint as an engine. Importing this needs neither diffusers nor weights."""

from sparkvsr.cogvideox.factory import create_cogvideox_engine

__all__ = ["create_cogvideox_engine"]
