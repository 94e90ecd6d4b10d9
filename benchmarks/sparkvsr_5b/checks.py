"""What must hold on a device before its figures mean anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from sparkvsr.cogvideox.planner import Residency
from sparkvsr.cogvideox.residency import Loaded
from sparkvsr_5b.subject import Material, Subject, recorded_passes

SIDE = 256
COUNT = 9
PLAIN = "gate=off,color=off,tile=0,vae=0"


def checks(loaded: Loaded, compiled: bool) -> dict[str, Callable[[], dict[str, Any]]]:
    """Name and work, which gives figures and ``holds``."""
    material = Material.of(SIDE, SIDE, COUNT)
    cuda = loaded.models.device.type == "cuda"

    def usual() -> torch.Tensor:
        return Subject(PLAIN).pictures(loaded, material)

    def same(work: Callable[[], torch.Tensor]) -> dict[str, Any]:
        return {"holds": bool(torch.equal(usual(), work()))}

    def near(options: str, tolerance: float) -> dict[str, Any]:
        found = Subject(f"{PLAIN},{options}").pictures(loaded, material)
        again = Subject(f"{PLAIN},{options}").pictures(loaded, material)
        mean = float((found - usual()).abs().mean())
        return {"holds": mean <= tolerance and bool(torch.equal(found, again)), "mean_difference": mean}

    def replayed() -> torch.Tensor:
        with recorded_passes(True):
            Subject(PLAIN).pictures(loaded, material)
            return Subject(PLAIN).pictures(loaded, material)

    def at_once() -> torch.Tensor:
        others = [Material.of(SIDE, SIDE, COUNT, seed) for seed in (1, 2)]
        return Subject(PLAIN).many(loaded, [*others, material], 3)[-1]

    found: dict[str, Callable[[], dict[str, Any]]] = {
        "the same bytes again": lambda: same(usual),
        "the same bytes with three chunks at once": lambda: same(at_once),
    }
    for residency in list(Residency)[1:]:
        found[f"the same bytes, {residency.in_words}"] = lambda residency=residency: same(  # type: ignore[misc]
            lambda: Subject(PLAIN, floor=residency).pictures(loaded, material)
        )
    found["channels last: near"] = lambda: near("channels=last", 0.01)
    if cuda:
        found["the same bytes from recorded passes"] = lambda: same(replayed)
    if compiled:
        found["compiled transformer: near"] = lambda: near("compile=transformer", 0.01)
    return found
