"""From host pixels to working pictures, and the way that leaves pixels alone where nothing has to be converted."""

from __future__ import annotations

import torch

from sparkvsr.color import LARGEST, Transfer, to_working, unpack
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication
from sparkvsr.resample import resize
from sparkvsr_backend.errors import BadKeyframeError
from sparkvsr_backend.host_pixels import are_within_unit

ASPECT_TOLERANCE = 0.01


def working_picture(frame: Frame, transfer: Transfer) -> torch.Tensor:
    """Display-referred colour [3, H, W] float32, in memory of its own."""
    return to_working(unpack(frame)[0], transfer)


def alpha_of(frame: Frame) -> torch.Tensor | None:
    """Alpha [1, H, W] in 0..1; None where the frame has none that means anything."""
    if not carries_alpha(frame.format):
        return None
    return unpack(frame)[1]


def carries_alpha(layout: PixelFormat) -> bool:
    """Whether a fourth component means coverage."""
    return layout.components == 4 and layout.premultiplication is not Premultiplication.OPAQUE


def direct_view(frame: Frame, transfer: Transfer, *, ordinary: bool = False) -> torch.Tensor | None:
    """The frame's own samples as a working picture [3, H, W], or None where any of them would have to be converted.

    ``ordinary``: they are known to be in 0..1.
    """
    if not needs_no_conversion(frame.format, transfer) or not (ordinary or _all_ordinary(frame)):
        return None
    return frame.pixels[..., :3].permute(2, 0, 1)


def shows(picture: torch.Tensor, frame: Frame) -> bool:
    """Whether ``picture`` [3, H, W] is nothing but the samples of ``frame``."""
    view = frame.pixels[..., :3].permute(2, 0, 1)
    same_place = picture.data_ptr() == view.data_ptr() and picture.device == view.device
    return same_place and picture.shape == view.shape and picture.stride() == view.stride()


def fitted(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A keyframe's picture [3, H, W] at ``size``.

    Raises BadKeyframeError when the aspect ratio differs by more than 1 %.
    """
    height, width = picture.shape[1:]
    if (height, width) == size:
        return picture
    aspect, wanted = width / height, size[1] / size[0]
    if abs(aspect / wanted - 1.0) > ASPECT_TOLERANCE:
        raise BadKeyframeError(
            "the picture has another aspect ratio than its source frame",
            expected=f"{size[1]}×{size[0]} or that aspect ratio ({wanted:.4f})",
            found=f"{width}×{height} ({aspect:.4f})",
        )
    return resize(picture, size, "lanczos3")


def needs_no_conversion(layout: PixelFormat, transfer: Transfer) -> bool:
    """Whether ordinary samples of this form are a working picture as they are."""
    whole_alpha = layout.components == 3 or layout.premultiplication is Premultiplication.STRAIGHT
    return layout.depth is Depth.FLOAT and transfer is Transfer.SRGB and whole_alpha


def _all_ordinary(frame: Frame) -> bool:
    """Whether the colour rules would leave every sample alone; NaN fails every comparison."""
    if not frame.pixels.is_cuda and are_within_unit(frame.pixels):
        return True
    low, high = (float(bound) for bound in torch.aminmax(frame.pixels))
    if low >= 0.0 and high <= 1.0:
        return True
    return frame.format.components == 3 and low >= -LARGEST and high <= LARGEST
