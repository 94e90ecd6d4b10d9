"""What the lite engine keeps of frames and keyframes, and of what it carried from one to the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sparkvsr import evidence, guidance, motion
from sparkvsr.lite.consistency import corrected


@dataclass(frozen=True, slots=True)
class SourceLatents:
    """A source frame: ``picture`` [3, h, w], its ``blind`` result [3, H, W], and what DIS sees of that.

    ``small`` [3, H', W'] is the frame at the evidence's size, ``contrast`` [1, H', W'] its local contrast.
    """

    picture: torch.Tensor
    blind: torch.Tensor
    small: torch.Tensor
    contrast: torch.Tensor
    gray: motion.Gray

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return nbytes(self.picture, self.blind, self.small, self.contrast) + self.gray.nbytes


@dataclass(frozen=True, slots=True)
class KeyframeLatents:
    """A keyframe: its ``picture`` and the ``blind`` result of its source frame, both [3, H, W], and how well they
    agree.

    ``agreement`` is None in a host blind to time, where the reduced picture stands in for the source and agrees by
    construction. ``lack`` [1, h, w] is evidence that the picture holds less detail than the blind result;
    ``disagreement`` [3, h, w] the picture, reduced, less the source frame.
    """

    picture: torch.Tensor
    blind: torch.Tensor
    small: torch.Tensor
    agreement: evidence.Agreement | None
    lack: torch.Tensor
    disagreement: torch.Tensor
    gray: motion.Gray

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        errors = () if self.agreement is None else (self.agreement.error,)
        return nbytes(self.picture, self.blind, self.small, self.lack, self.disagreement, *errors) + self.gray.nbytes


@dataclass(frozen=True, slots=True)
class Carried:
    """One keyframe at the frame: the keyed picture [3, H, W] that it proposes, and the evidence.

    ``lacking`` is what back-projection would give back to ``keyed``; None where the picture is to stay as it is.
    """

    keyed: torch.Tensor
    terms: guidance.GateTerms
    lacking: torch.Tensor | None

    def proposal(self, trust: float) -> torch.Tensor:
        """The keyed picture [3, H, W], corrected by the source frame as far as ``trust`` leaves it to."""
        if self.lacking is None:
            return self.keyed
        return corrected(self.keyed, self.lacking, self.terms.agreement, trust)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        lacking = 0 if self.lacking is None else nbytes(self.lacking)
        return nbytes(self.keyed, self.terms.motion, self.terms.agreement) + lacking


@dataclass(frozen=True, slots=True)
class LitePropagation:
    """Everything that ``decode`` needs: moving guidance or trust computes no motion and runs no network.

    ``refinement`` [3, H, W] is what the fusion network adds where the gate of Strict is open; None without it.
    """

    blind: torch.Tensor
    carried: tuple[Carried, ...]
    refinement: torch.Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Bytes held, the blind result included, which a cached propagation keeps alive."""
        refinement = 0 if self.refinement is None else nbytes(self.refinement)
        return nbytes(self.blind) + refinement + sum(one.nbytes for one in self.carried)


def nbytes(*tensors: torch.Tensor) -> int:
    """Bytes of the tensors' memory, shared memory counted once (at ×1 a frame is its own blind result)."""
    return sum({tensor.data_ptr(): tensor.numel() * tensor.element_size() for tensor in tensors}.values())
