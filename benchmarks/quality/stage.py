"""One clip, reduced in one way, before the engines; what several of them need is made once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from sparkvsr.engine import Decoded, EngineSettings, Keyframe, Mix, Watch, WindowFrame
from sparkvsr.resample import resize

from .clips import Clip, Recent
from .keyframe_kinds import KINDS, TRUE, Case
from .lineup import Lineup


@dataclass
class Stage:
    """Renders frames of ``clip`` by the engines of ``lineup``."""

    clip: Clip
    stranger: Clip
    reduction: str
    lineup: Lineup
    settings: EngineSettings
    _sources: Recent[tuple[str, int], Any] = field(default_factory=lambda: Recent(8))
    _keyframes: Recent[tuple[str, int, str], Any] = field(default_factory=lambda: Recent(40))
    _watch: Watch = field(default_factory=Watch)

    def render(
        self, variant: str, t: int, keyframes: tuple[int, ...], kind: str = TRUE, mix: Mix | None = None
    ) -> Decoded:
        """Frame ``t`` by an engine, from keyframes of a kind."""
        engine = self.lineup.variants[variant].engine
        used = [Keyframe(k - t, self.keyframe(variant, k, kind)) for k in keyframes]
        carried = next(iter(engine.propagate(self.source(variant, t), used, self.settings, self._watch)))
        return engine.decode(carried, mix or Mix(), self._watch)

    def blind(self, variant: str, t: int) -> torch.Tensor:
        """The blind result [3, H, W] of an engine."""
        blind: torch.Tensor = self.source(variant, t).blind
        return blind

    def bicubic(self, t: int) -> torch.Tensor:
        """The LR frame enlarged by bicubic convolution, a = −0.5."""
        source = self.clip.source(t, self.reduction)
        scale = self.settings.scale
        return resize(source, (source.shape[1] * scale, source.shape[2] * scale), "bicubic")

    def picture(self, k: int, kind: str) -> torch.Tensor:
        """The keyframe picture [3, H, W] of a kind."""
        truth, source = self.clip.truth(k), self.clip.source(k, self.reduction)
        return KINDS[kind](Case(k, truth, self.blind(self.lineup.best, k), source, self.stranger.truth(0)))

    def source(self, variant: str, t: int) -> Any:
        """Latents of a frame."""
        one = self.lineup.variants[variant]
        reach = range(-one.engine.info.window, one.engine.info.window + 1)
        return self._sources.get(
            (one.blind, t),
            lambda: one.engine.encode_source(
                [
                    WindowFrame(offset, self.clip.source(t + offset, self.reduction))
                    for offset in reach
                    if 0 <= t + offset < len(self.clip)
                ],
                self.settings,
                self._watch,
            ),
        )

    def keyframe(self, variant: str, k: int, kind: str) -> Any:
        """Latents of a keyframe of a kind."""
        one = self.lineup.variants[variant]
        return self._keyframes.get(
            (one.blind, k, kind),
            lambda: one.engine.encode_keyframe(
                self.picture(k, kind), self.clip.source(k, self.reduction), self.settings, self._watch
            ),
        )
