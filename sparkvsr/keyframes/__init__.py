"""Which frames are to be keyframes."""

from sparkvsr.keyframes.choose import KeyframeChoiceError, choose, every

__all__ = ["KeyframeChoiceError", "choose", "every"]
