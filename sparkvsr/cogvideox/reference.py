"""Keyframes of a chunk: which slot each one takes, how it gets there, and where it is to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F

from sparkvsr import evidence, motion
from sparkvsr.cogvideox.geometry import SPATIAL, TEMPORAL, frame_of_slot
from sparkvsr.guidance import GateTerms
from sparkvsr.resample import resize
from sparkvsr.warp import carry

# The network aligns references by itself; the warp is only asked where the keyframe has something to show, so its
# errors count half of what they count where the warp makes the picture.
MOTION: Final = evidence.Tolerance(2 * evidence.MOTION.base, 2 * evidence.MOTION.slope)


@dataclass(frozen=True, slots=True)
class KeyframeLatents:
    """A keyframe. ``picture`` [3, H, W] and ``source`` [3, h, w] in 0..1; ``latent`` [16, H/8, W/8].

    ``agreement`` is None in a host blind to time, where ``source`` is the picture reduced.
    """

    picture: torch.Tensor
    source: torch.Tensor
    latent: torch.Tensor
    agreement: evidence.Agreement | None

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        error = 0 if self.agreement is None else self.agreement.error.nbytes
        return self.picture.nbytes + self.source.nbytes + self.latent.nbytes + error


@dataclass(frozen=True, slots=True)
class Placed:
    """A keyframe in its slot. ``index``: among those given; ``offset``: its frame, counted from the chunk's first."""

    index: int
    offset: int
    slot: int

    @property
    def is_exact(self) -> bool:
        """Whether its frame is the one that the slot stands for."""
        return self.offset == frame_of_slot(self.slot)


def place(offsets: Sequence[int], frames: int, borrow: bool) -> tuple[Placed, ...]:
    """Slots of a chunk of ``frames`` frames for keyframes at ``offsets``, ascending by slot.

    Each takes the nearest slot whose frame the chunk has. Of two in one slot the nearer counts, the earlier of equally
    near ones. Keyframes outside the chunk count where ``borrow`` is set, and only where none lies inside.
    """
    inside = [index for index, offset in enumerate(offsets) if 0 <= offset < frames]
    used = inside or ([*range(len(offsets))] if borrow else [])
    best: dict[int, Placed] = {}
    for index in sorted(used, key=lambda index: offsets[index]):
        slot = min(max((offsets[index] + TEMPORAL // 2 - 1) // TEMPORAL, 0), (frames - 1) // TEMPORAL)
        placed = Placed(index, offsets[index], slot)
        rival = best.get(slot)
        if rival is None or _distance(placed) < _distance(rival):
            best[slot] = placed
    return tuple(best[slot] for slot in sorted(best))


def _distance(placed: Placed) -> int:
    return abs(placed.offset - frame_of_slot(placed.slot))


def move(keyframe: KeyframeLatents, frame: torch.Tensor) -> torch.Tensor:
    """The picture [3, H, W] as it would look at ``frame`` [3, h, w]: its detail, carried by measured motion.

    What the motion does not reach stays as the frame shows it: enlarged, without detail.
    """
    size = (keyframe.picture.shape[1], keyframe.picture.shape[2])
    here, there = resize(frame, size, "lanczos3"), resize(keyframe.source, size, "lanczos3")
    flow = motion.measure(motion.gray8(motion.luma(here)), motion.gray8(motion.luma(there)))
    moved = carry(keyframe.picture - there, flow).add_(here)
    return moved.clamp_(0.0, 1.0)


def terms_at(
    keyframe: KeyframeLatents, offset: int, frame: torch.Tensor, at: int, grid: tuple[int, int], strength: float
) -> GateTerms:
    """What speaks against the keyframe at frame ``at`` of the chunk, on the latents' grid [1, h', w'].

    ``offset``: the keyframe's own frame; ``frame``: the one in question, [3, h, w] in 0..1.
    """
    scale = keyframe.picture.shape[1] / frame.shape[1]
    contrast = evidence.contrast(frame, scale)
    if at == offset:
        agreement = keyframe.agreement or evidence.agreement_with(keyframe.picture, frame)
        unlike, lost = _resized(agreement.error, frame), torch.zeros_like(contrast)
    else:
        flow = motion.measure(motion.gray8(motion.luma(frame)), motion.gray8(motion.luma(keyframe.source)))
        error = evidence.motion_error(carry(keyframe.source, flow), frame, scale)
        lost = MOTION.evidence(error, contrast)
        known = torch.zeros_like(contrast) if keyframe.agreement is None else keyframe.agreement.error
        unlike = carry(_resized(known, frame), flow)
    size = (keyframe.picture.shape[1], keyframe.picture.shape[2])
    agreement_terms = evidence.AGREEMENT.evidence(unlike, contrast)
    return GateTerms(_on_grid(lost, size, grid), _on_grid(agreement_terms, size, grid), strength)


def _resized(error: torch.Tensor, frame: torch.Tensor) -> torch.Tensor:
    return resize(error, (frame.shape[1], frame.shape[2]), "linear")


def _on_grid(terms: torch.Tensor, size: tuple[int, int], grid: tuple[int, int]) -> torch.Tensor:
    """Means over the latent pixels of a picture of ``size``; the padding at right and bottom goes on as the edge."""
    rows, columns = -(-size[0] // SPATIAL), -(-size[1] // SPATIAL)
    coarse = resize(terms, (rows, columns), "area" if rows <= terms.shape[1] else "linear")
    return F.pad(coarse.unsqueeze(0), (0, grid[1] - columns, 0, grid[0] - rows), mode="replicate").squeeze(0)
