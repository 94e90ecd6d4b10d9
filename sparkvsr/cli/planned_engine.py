"""Engine options for a memory budget: proposed once, told, and from then on part of the engine's name."""

from __future__ import annotations

from dataclasses import replace

import torch

from sparkvsr.cli.errors import UsageError


def planned_engine(
    name: str, vram: float | str, size: tuple[int, int], device: torch.device, chunk: int | None = None
) -> tuple[str, str]:
    """The engine's name with all options that the planner proposes, and why.

    Options that the name has stay. ``vram``: gigabytes, or "auto"; ``size``: height and width of the output;
    ``chunk``: frames, where that is settled. Raises UsageError, MemoryBudgetError, UnsupportedSettingError.
    """
    from sparkvsr.cogvideox.asking import completed
    from sparkvsr.cogvideox.budget import card_of, plannable
    from sparkvsr.cogvideox.options import given_options, parse_options
    from sparkvsr.cogvideox.planner import GB, propose

    base, _, text = name.partition("?")
    if base != "sparkvsr-5b":
        raise UsageError("--vram", expected="the engine sparkvsr-5b, which can be planned", found=base)
    given, options = set(given_options(text)), parse_options(text)
    if chunk is not None:
        given, options = given | {"chunk"}, replace(options, chunk=chunk)
    budget = plannable(device) if isinstance(vram, str) else int(vram * GB)
    found = propose(*size, budget, card_of(device), options, given)
    return f"{base}?{completed(found.text, text)}", found.why
