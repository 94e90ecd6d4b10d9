"""The trained networks of the lite engine: the blind part, and the fusion of keyframes.

All heavy work is at LR resolution; the HR picture is made at the end by a pixel shuffle. Networks see display-referred
RGB and predict what bicubic interpolation lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import nn

SCALES: Final = (1, 2, 3, 4)
_SLOPE = 0.1


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        calm(self.second, 0.1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """[N, C, h, w] to the same shape."""
        inner: torch.Tensor = self.second(F.leaky_relu(self.first(features), _SLOPE))
        return features + inner


class BlindNetwork(nn.Module):
    """A frame to the detail that bicubic interpolation lacks.

    ``channels`` is the width at LR, ``blocks`` the number of residual blocks. One body serves all scales; each scale
    has a last convolution of its own.
    """

    def __init__(self, channels: int = 64, blocks: int = 6) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.tails = nn.ModuleDict({str(s): nn.Conv2d(channels, 3 * s * s, 3, padding=1) for s in SCALES})
        for tail in self.tails.values():
            calm(tail, 0.1)

    def forward(self, frame: torch.Tensor, scale: int) -> torch.Tensor:
        """Detail [N, 3, h·scale, w·scale] of ``frame`` [N, 3, h, w]."""
        features = self.head(frame - 0.5)
        features = features + self.body(features)
        return F.pixel_shuffle(self.tails[str(scale)](features), scale)


def calm(layer: nn.Module, factor: float) -> None:
    """Make a new convolution's output small, its bias zero: training then begins near the identity."""
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"expected a convolution, found {type(layer).__name__}")
    with torch.no_grad():
        layer.weight.mul_(factor)
        if layer.bias is not None:
            layer.bias.zero_()


GRID: Final = 4  # output pixels of a side of the cell that the fusion network works on, whatever the scale
_EVIDENCE_CELL = 2  # evidence has half the output's resolution: 2 × 2 values a cell
_DETAIL_GAIN = 8.0  # details are small beside pictures
_MAPS = 3  # corrections a keyframe gets: two for its motion evidence, one for its agreement
_REACH = 1  # radius of the attention's window, in cells
_LARGEST_CORRECTION = 2.0  # of the logarithm of the evidence
_LARGEST_DOUBT = 4.0  # evidence that the network may add where the hand-made one sees nothing


@dataclass(frozen=True, slots=True)
class FusionInput:
    """What the hand-made engine knows of a frame, for N frames and K keyframes each; sides are multiples of ``GRID``.

    ``blind`` [N, 3, H, W]; ``contrast`` [N, 1, H/2, W/2] in 1/255; ``keyed`` [N, K, 3, H, W], what each keyframe
    proposes; ``unlike`` [N, K, 3, H/2, W/2], the keyframe's source frame carried here less this one; ``disagreement``
    of the same shape, the keyframe, reduced, less its source frame, carried here; ``motion`` and ``agreement``
    [N, K, 1, H/2, W/2], evidence as in ``GateTerms``; ``strength`` [N, K], 0 for a keyframe that is not.
    """

    blind: torch.Tensor
    contrast: torch.Tensor
    keyed: torch.Tensor
    unlike: torch.Tensor
    disagreement: torch.Tensor
    motion: torch.Tensor
    agreement: torch.Tensor
    strength: torch.Tensor


@dataclass(frozen=True, slots=True)
class FusionOutput:
    """``refinement`` [N, 3, H, W], to be added where the gate is open; evidence of each keyframe as in ``FusionInput``.

    ``latent`` [N, 48, H/4, W/4] is stage 1's own guess of the detail over the blind result, by space-to-depth.
    """

    refinement: torch.Tensor
    motion: torch.Tensor
    agreement: torch.Tensor
    latent: torch.Tensor


class FusionNetwork(nn.Module):
    """Stage 1: the frame's latents attend to the keyframes' around the place to which motion brought them.

    Stage 2: what the attention found, and the frame, are refined to pixels; a gate corrects each keyframe's evidence.
    Untrained, the network changes nothing: training begins at the hand-made engine.
    """

    def __init__(self, channels: int = 48, blocks: int = 4, keys: int = 16) -> None:
        super().__init__()
        pixels, evidence = 3 * GRID**2, _EVIDENCE_CELL**2
        self.frame = nn.Conv2d(pixels + evidence, channels, 3, padding=1)
        self.keyframe = nn.Conv2d(pixels + 8 * evidence, channels, 3, padding=1)
        self.keyframe_block = ResidualBlock(channels)
        self.query = nn.Conv2d(channels, keys, 1)
        self.key = nn.Conv2d(2 * channels, keys, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.place = nn.Parameter(torch.zeros((2 * _REACH + 1) ** 2))
        self.nothing = nn.Parameter(torch.zeros(1))
        self.latent = nn.Conv2d(channels, pixels, 1)
        self.merge = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.pixels = nn.Conv2d(channels, pixels, 3, padding=1)
        self.gate = nn.Conv2d(2 * channels, _MAPS * evidence, 3, padding=1)
        for layer in (self.latent, self.pixels, self.gate):
            calm(layer, 0.0)
        with torch.no_grad():
            self.place[self.place.numel() // 2] = 2.0  # the measured motion is right most of the time

    def forward(self, known: FusionInput) -> FusionOutput:
        """Detail and gate of N frames. Pictures are float32; convolutions run in the weights' (or autocast's) type."""
        frames = known.strength.shape[0]
        dtype = self.frame.weight.dtype
        frame = F.leaky_relu(self.frame(_of_frame(known, dtype)), _SLOPE)
        keyframes = _unfolded(self._encode(_of_keyframes(known, dtype)), frames)
        found = self._attend(frame, keyframes, known.strength)
        latent = self.latent(found)
        inner = F.leaky_relu(self.merge(torch.cat([frame, found], dim=1)), _SLOPE)
        inner = self.body(inner)
        refinement = F.pixel_shuffle((self.pixels(inner) + latent).float(), GRID) / _DETAIL_GAIN
        maps = _unfolded(F.pixel_shuffle(_beside(self.gate, inner, keyframes).float(), _EVIDENCE_CELL), frames)
        motion, agreement = _corrected(known, maps)
        return FusionOutput(refinement, motion, agreement, latent.float() / _DETAIL_GAIN)

    def _encode(self, keyframes: torch.Tensor) -> torch.Tensor:
        encoded: torch.Tensor = self.keyframe_block(F.leaky_relu(self.keyframe(keyframes), _SLOPE))
        return encoded

    def _attend(self, frame: torch.Tensor, keyframes: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
        """Cross-attention: [N, C, h, w] asks [N, K, C, h, w] in windows of 3 × 3 cells, and may find nothing."""
        frames, count = strength.shape
        query = self.query(frame)
        keys = _unfolded(_beside(self.key, frame, keyframes), frames)
        values = _unfolded(self.value(keyframes.flatten(0, 1)), frames)
        bias = strength.clamp_min(1e-6).log()
        logits = [self.nothing.to(query.dtype).expand(frames, 1, *frame.shape[2:])]
        windows = []
        for index in range(count):
            for place, (key, value) in enumerate(zip(_shifts(keys[:, index]), _shifts(values[:, index]), strict=True)):
                match = (query * key).sum(dim=1, keepdim=True) * query.shape[1] ** -0.5
                logits.append(match + (bias[:, index].view(-1, 1, 1, 1) + self.place[place]).to(match.dtype))
                windows.append(value)
        weights = torch.cat(logits, dim=1).float().softmax(dim=1).to(frame.dtype)
        found = torch.zeros_like(frame)
        for index, value in enumerate(windows):
            found = torch.addcmul(found, value, weights[:, index + 1 : index + 2])
        return found


def _unfolded(folded: torch.Tensor, frames: int) -> torch.Tensor:
    """[N·K, …] to [N, K, …]."""
    return folded.reshape(frames, -1, *folded.shape[1:])


def _beside(layer: nn.Conv2d, frame: torch.Tensor, keyframes: torch.Tensor) -> torch.Tensor:
    """``layer`` on the frame's features [N, C, h, w] above each keyframe's [N, K, C, h, w]: [N·K, …].

    The frame's half is worked out once for all keyframes, and nothing is copied together.
    """
    channels, reach = frame.shape[1], layer.kernel_size[0] // 2
    shared = F.conv2d(frame, layer.weight[:, :channels], layer.bias, padding=reach)
    own = F.conv2d(keyframes.flatten(0, 1), layer.weight[:, channels:], padding=reach)
    return (_unfolded(own, frame.shape[0]) + shared.unsqueeze(1)).flatten(0, 1)


def _of_frame(known: FusionInput, dtype: torch.dtype) -> torch.Tensor:
    picture = (known.blind.clamp(-0.25, 1.25) - 0.5).to(dtype)
    contrast = (known.contrast / 32.0).clamp_max(2.0).to(dtype)
    return torch.cat([F.pixel_unshuffle(picture, GRID), F.pixel_unshuffle(contrast, _EVIDENCE_CELL)], dim=1)


def _of_keyframes(known: FusionInput, dtype: torch.dtype) -> torch.Tensor:
    detail = (known.keyed - known.blind.unsqueeze(1)).clamp_(-0.5, 0.5).mul_(_DETAIL_GAIN).to(dtype).flatten(0, 1)
    differences = torch.cat([known.unlike, known.disagreement], dim=2).clamp(-0.5, 0.5) * _DETAIL_GAIN
    maps = torch.cat([differences, (-known.motion).exp(), (-known.agreement).exp()], dim=2).to(dtype)
    return torch.cat([F.pixel_unshuffle(detail, GRID), F.pixel_unshuffle(maps.flatten(0, 1), _EVIDENCE_CELL)], dim=1)


def _corrected(known: FusionInput, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Evidence of motion and agreement, as the gate sees it; ``maps`` [N, K, 3, H/2, W/2]."""
    factor, doubt, kindness = (maps[:, :, index : index + 1] for index in range(_MAPS))
    motion = known.motion * _bounded(factor).exp() + _LARGEST_DOUBT * torch.tanh(doubt / _LARGEST_DOUBT).clamp_min(0.0)
    return motion, known.agreement * _bounded(kindness).exp()


def _bounded(correction: torch.Tensor) -> torch.Tensor:
    return _LARGEST_CORRECTION * torch.tanh(correction / _LARGEST_CORRECTION)


def _shifts(features: torch.Tensor) -> list[torch.Tensor]:
    """[N, C, h, w] moved to each place of the attention's window, row by row; borders replicated."""
    height, width = features.shape[2:]
    padded = F.pad(features, (_REACH,) * 4, mode="replicate")
    places = range(2 * _REACH + 1)
    return [padded[:, :, y : y + height, x : x + width] for y in places for x in places]
