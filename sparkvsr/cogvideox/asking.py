"""The engine asked for a plan: it makes no pixels, but says which options this device has room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from sparkvsr.cogvideox.budget import card_of, plannable
from sparkvsr.cogvideox.engine import CogVideoXEngine
from sparkvsr.cogvideox.errors import OptionsNotSettledError
from sparkvsr.cogvideox.options import ASK, given_options, parse_options
from sparkvsr.cogvideox.planner import propose
from sparkvsr.cogvideox.residency import Networks
from sparkvsr.engine import EngineInfo, EngineSettings, Watch, WindowFrame


class AskingEngine(CogVideoXEngine):
    """Pixels never depend on how much memory is free: what would is proposed by an error, and kept by the artist."""

    def __init__(self, networks: Networks, text: str) -> None:
        super().__init__(networks, parse_options(text))
        self._text = text

    @property
    def info(self) -> EngineInfo:
        """With an identity of its own, so that nothing that was rendered before is found in its place."""
        return replace(super().info, identity=f"{super().info.identity}/{ASK}")

    def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> NoReturn:
        """Raises OptionsNotSettledError, MemoryBudgetError."""
        _, height, width = window[0].picture.shape
        device = self._networks.device
        found = propose(
            height * settings.scale,
            width * settings.scale,
            plannable(device),
            card_of(device),
            self._options,
            set(given_options(self._text)),
        )
        raise OptionsNotSettledError(completed(found.text, self._text), found.why)


def asks(text: str) -> tuple[bool, str]:
    """Whether the options ask for a plan, and the other ones."""
    items = [item.strip() for item in text.split(",")]
    return ASK in items, ",".join(item for item in items if item and item != ASK)


def completed(planned: str, text: str) -> str:
    """What was planned, and the options of ``text`` that a plan says nothing about."""
    known = {item.partition("=")[0] for item in planned.split(",")}
    rest = [item for item in text.split(",") if item and item.partition("=")[0].strip() not in known]
    return ",".join((planned, *rest))
