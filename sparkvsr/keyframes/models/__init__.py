"""Image models: what makes a keyframe's picture from its source frame, where the artist has none."""

from sparkvsr.keyframes.models.contract import ImageModel, ImageModelError, make_picture
from sparkvsr.keyframes.models.registry import ImageModels, UnknownImageModelError

__all__ = ["ImageModel", "ImageModelError", "ImageModels", "UnknownImageModelError", "make_picture"]
