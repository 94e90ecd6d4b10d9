"""Which frames are to be keyframes, and pictures that suit them."""

from sparkvsr.keyframes.choose import KeyframeChoiceError, Sources, at_random, choose, every, is_choice
from sparkvsr.keyframes.registration import Registration, register

__all__ = [
    "KeyframeChoiceError",
    "Registration",
    "Sources",
    "at_random",
    "choose",
    "every",
    "is_choice",
    "register",
]
