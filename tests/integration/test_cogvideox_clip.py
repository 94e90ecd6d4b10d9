"""The 5B engine through the engine loop, on a tiny checkpoint: whole clips, seams, order of requests."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.requests import keyframe, request_for
from support.shifting_clip import clip

from sparkvsr.cogvideox import codec, passes
from sparkvsr.cogvideox.layout import find_checkpoint
from sparkvsr.cogvideox.models import Models, load_models
from sparkvsr.cogvideox.record import record_of, write_record
from sparkvsr.engine import Watch, default_registry
from sparkvsr.frames import Frame, fingerprint
from sparkvsr.propagation import Chunk, chunks_at
from sparkvsr_backend import plan
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.requests import RenderRequest

WATCH = Watch()
FRAMES = 58
SEAM = 1.05
"""How much more energy a border may have than its surroundings."""


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("installed")
    write_record(record_of(tiny_checkpoint), root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARKVSR_WEIGHTS_DIR", str(root))
        yield tiny_checkpoint


@pytest.fixture(scope="module")
def models(tiny_checkpoint: Path) -> Models:
    return load_models(find_checkpoint(tiny_checkpoint), torch.device("cpu"), torch.float32)


# --- seams in space --------------------------------------------------------------------------------------------------

TILE, OVERLAP, ROWS = 128, 32, 28
"""Two tiles of 16 latent rows, one above the other: they share rows 12 to 16, hard cuts lie between 13 and 14."""


def lopsided(gain: float) -> torch.Tensor:
    """Latents whose upper rows have more contrast: the normalisations of the upper tile see another picture."""
    latents = (torch.rand((1, 16, ROWS, 16), generator=torch.Generator().manual_seed(3)) - 0.5) * 2.0
    latents[:, :, :5] *= gain
    return latents


def border_energy(steps: torch.Tensor, rows: range) -> float:
    """Mean of ``steps`` (one for each latent row) in ``rows``, over that of three rows on either side."""
    elsewhere = torch.cat([steps[9:12], steps[16:19]])
    return float(steps[rows.start : rows.stop].mean() / elsewhere.mean())


def steps_of(picture: torch.Tensor, unit: int) -> torch.Tensor:
    """Energy of the difference across the border of each latent row and the next; ``picture`` [F, C, H, W]."""
    steps = (picture[:, :, 1:] - picture[:, :, :-1]).square().mean(dim=(0, 1, 3))
    return steps[unit - 1 :: unit]


@pytest.mark.parametrize("gain", [2.0, 5.0])
@torch.no_grad()
def test_tiles_of_the_autoencoder_leave_no_seam_and_hard_cuts_would(models: Models, gain: float) -> None:
    blended, cut = (codec.decode(models, lopsided(gain), TILE, overlap, WATCH) for overlap in (OVERLAP, 0))
    assert border_energy(steps_of(blended, 8), range(12, 15)) <= SEAM
    assert border_energy(steps_of(blended, 8), range(13, 14)) <= SEAM
    assert border_energy(steps_of(cut, 8), range(13, 14)) > SEAM


def test_tiles_of_the_transformer_and_the_encoder_are_joined_alike(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny networks barely differ from tile to tile: here each tile gets an offset of its own."""

    def offset(models: Models, seen: torch.Tensor, *_: torch.Tensor | None) -> torch.Tensor:
        return seen + 0.4 * seen[:, :, :5].std()

    def encoded(models: Models, seen: torch.Tensor) -> torch.Tensor:
        return offset(models, seen[:, :, ::8, ::8])

    monkeypatch.setattr(passes, "predict_x0", offset)
    monkeypatch.setattr(codec, "_encode_whole", encoded)
    latents = lopsided(4.0)
    picture = latents.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    for join in (
        lambda overlap: passes.tiled_x0(models, latents, None, TILE, overlap, WATCH),
        lambda overlap: codec.encode(models, picture, TILE, overlap, WATCH),
    ):
        own = steps_of(latents, 1)
        assert float((steps_of(join(OVERLAP), 1) / own)[11:16].mean()) <= SEAM
        assert float((steps_of(join(0), 1) / own)[13]) > 5 * SEAM - 4  # what is spread over five rows otherwise


# --- whole clips -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def material() -> tuple[list[Frame], dict[int, Frame]]:
    pictures, truth = clip(FRAMES, 16, 16, 1)
    frames = [Frame.from_numpy(picture.permute(1, 2, 0).contiguous().numpy()) for picture in pictures]
    keys = {t: Frame.from_numpy((truth[t] * 0.9 + 0.05).permute(1, 2, 0).contiguous().numpy()) for t in (0, 40)}
    return frames, keys


def loop_with(material: tuple[list[Frame], dict[int, Frame]]) -> EngineLoop:
    loop = EngineLoop(default_registry())
    for one in (*material[0], *material[1].values()):
        loop.frames.put(fingerprint(one), one)
    return loop


def request(material: tuple[list[Frame], dict[int, Frame]], time: int, **settings: object) -> RenderRequest:
    frames, keys = material
    window = tuple((t, fingerprint(frames[t])) for t in range(max(0, time - 32), min(FRAMES, time + 33)))
    used = tuple(keyframe(t, picture, frames[t]) for t, picture in keys.items())
    asked = request_for(frames[time], time=time, engine="sparkvsr-5b", window=window, keyframes=used, **settings)  # type: ignore[arg-type]
    return replace(asked, range=(0, FRAMES - 1))


@pytest.fixture(scope="module")
def in_order(checkpoint: Path, material: tuple[list[Frame], dict[int, Frame]]) -> list[torch.Tensor]:
    loop = loop_with(material)
    return [loop.render(request(material, time)).frame.pixels.clone() for time in range(FRAMES)]


@pytest.mark.slow
def test_a_frame_is_the_same_whatever_was_asked_before(
    material: tuple[list[Frame], dict[int, Frame]], in_order: list[torch.Tensor]
) -> None:
    times = [57, 3, 28, 26, 40]
    random.Random(0).shuffle(times)
    loop = loop_with(material)
    for time in times:
        assert torch.equal(loop.render(request(material, time)).frame.pixels, in_order[time])
    loop.clear()
    for one in (*material[0], *material[1].values()):
        loop.frames.put(fingerprint(one), one)
    assert torch.equal(loop.render(request(material, 28)).frame.pixels, in_order[28])


@pytest.mark.slow
def test_chunks_leave_no_seam_in_time_and_hard_cuts_would(
    checkpoint: Path,
    material: tuple[list[Frame], dict[int, Frame]],
    in_order: list[torch.Tensor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chunks 0..32 and 24..56 share frames 24 to 32; the second has a keyframe of its own, the first another."""
    ordinary = [*range(12, 23), *range(33, 44)]
    overlap = range(23, 33)
    assert energy(in_order, overlap) / energy(in_order, ordinary) <= SEAM

    def cut_hard(time: int, *rest: Any) -> tuple[Chunk, ...]:
        found = chunks_at(time, *rest)
        return (replace(max(found, key=lambda chunk: chunk.weight), weight=1.0),)

    monkeypatch.setattr(plan, "chunks_at", cut_hard)
    loop = loop_with(material)
    hard = [loop.render(request(material, time)).frame.pixels.clone() for time in range(FRAMES)]
    assert max(energy(hard, [time]) for time in overlap) / energy(hard, ordinary) > SEAM


def energy(frames: list[torch.Tensor], times: Sequence[int]) -> float:
    """Mean energy of the difference to the next frame."""
    return sum(float((frames[t + 1] - frames[t]).square().mean()) for t in times) / len(times)
