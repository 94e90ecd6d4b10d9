"""The 5B engine behind its contract, on a tiny random checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from support import published_method
from support.shifting_clip import clip, window

from sparkvsr.cogvideox import create_cogvideox_engine, residency
from sparkvsr.cogvideox import engine as engine_module
from sparkvsr.cogvideox.blocks import Part
from sparkvsr.cogvideox.engine import CogVideoXEngine
from sparkvsr.cogvideox.errors import (
    MemoryBudgetError,
    OptionsNotSettledError,
    WeightsDamagedError,
    WeightsMissingError,
)
from sparkvsr.cogvideox.lowband import low_band
from sparkvsr.cogvideox.record import record_of, write_record
from sparkvsr.engine import (
    CancelledError,
    ChunkEngine,
    Decoded,
    EngineError,
    EngineSettings,
    EngineUnavailableError,
    Keyframe,
    Mix,
    Propagation,
    UnsupportedSettingError,
    Watch,
)

CPU = torch.device("cpu")
WATCH = Watch()
Make = Callable[[str], CogVideoXEngine]


@pytest.fixture(scope="module")
def installed(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("installed")
    write_record(record_of(tiny_checkpoint), root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARKVSR_WEIGHTS_DIR", str(root))
        yield root


@pytest.fixture(scope="module")
def make(installed: Path) -> Make:
    def made(options: str = "") -> CogVideoXEngine:
        engine = create_cogvideox_engine(CPU, options)
        assert isinstance(engine, CogVideoXEngine)
        return engine

    return made


def settings(scale: int) -> EngineSettings:
    return EngineSettings(scale=scale)


def propagated(
    engine: CogVideoXEngine,
    pictures: list[torch.Tensor],
    keyframes: dict[int, tuple[torch.Tensor, torch.Tensor | None]],
    scale: int,
    strength: float = 1.0,
) -> Propagation:
    chosen = settings(scale)
    source = engine.encode_source(window(pictures), chosen, WATCH)
    used = [
        Keyframe(offset, engine.encode_keyframe(picture, own, chosen, WATCH), strength)
        for offset, (picture, own) in keyframes.items()
    ]
    (propagation,) = engine.propagate(source, used, chosen, WATCH)
    return propagation


def frame(engine: CogVideoXEngine, propagation: Propagation, offset: int, mix: Mix | None = None) -> Decoded:
    return engine.frame_of(engine.decode_chunk(propagation, mix or Mix(), WATCH), offset)


# --- the published method --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "keyed", "guidance"), [(9, (0, 8), 1.0), (9, (4,), 1.6), (1, (0,), 1.0), (17, (), 1.0)]
)
@torch.no_grad()
def test_without_its_own_additions_the_engine_gives_the_published_result(
    make: Make, tiny_checkpoint: Path, frames: int, keyed: tuple[int, ...], guidance: float
) -> None:
    pictures, truth = clip(frames, 8, 16, 4)
    video = F.interpolate(torch.stack(pictures), scale_factor=4, mode="bilinear", align_corners=False)
    wanted = published_method.run(tiny_checkpoint, video, {t: truth[t] for t in keyed}, guidance)["decoded"]
    engine = make("gate=off,color=off")
    propagation = propagated(engine, pictures, {t: (truth[t], pictures[t]) for t in keyed}, 4)
    chunk = engine.decode_chunk(propagation, Mix(guidance=guidance), WATCH)
    for offset in range(frames):
        found = engine.frame_of(chunk, offset).frame
        assert float((found - wanted[offset].clamp(0.0, 1.0)).abs().max()) <= 1e-5


# --- the contract ----------------------------------------------------------------------------------------------------


def test_what_it_says_of_itself(make: Make, installed: Path) -> None:
    engine = make("")
    assert isinstance(engine, ChunkEngine)
    info = engine.info
    assert (info.name, info.scales, info.grids, info.window) == ("sparkvsr-5b", (1, 2, 3, 4), (24, 40), 32)
    others = [make(text).info.identity for text in ("color=off", "tile=512", "chunk=49", "channels=last")]
    assert len({info.identity, *others}) == 5
    # Resolved and written out: another kind of device, or another default some day, is another identity.
    assert "/cpu/dtype=float32,tile=auto,vae=512,chunk=33,color=on" in info.identity
    longer = make("chunk=49").info
    assert (longer.grids, longer.window) == ((40, 24), 48)


def test_asked_for_a_plan_it_makes_no_pixels_but_says_what_to_keep(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARKVSR_VRAM_GB", "60")
    pictures, _ = clip(1, 270, 480, 4)
    with pytest.raises(OptionsNotSettledError, match=r"float32, exact, on a processor.*of 60\.0 GB") as caught:
        make("plan, color=off").encode_source(window(pictures), settings(4), WATCH)
    assert caught.value.expected == "dtype=float32,tile=0,vae=1024,chunk=49,color=off"
    assert make(caught.value.expected).info.grids == (40, 24)
    assert make("plan").info.identity != make("").info.identity  # no cached pixels in the place of the answer
    with pytest.raises(OptionsNotSettledError) as caught:
        make("plan,chunk=49,vae=256").encode_source(window(pictures), settings(4), WATCH)
    assert caught.value.expected == "dtype=float32,tile=0,vae=256,chunk=49"
    monkeypatch.setenv("SPARKVSR_VRAM_GB", "3")
    with pytest.raises(MemoryBudgetError, match="lower the output's size"):
        make("plan").encode_source(window(pictures), settings(4), WATCH)


def test_another_checkpoint_is_another_identity(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sparkvsr.cogvideox.tiny import make_tiny

    known = make("").info.identity
    write_record(record_of(make_tiny(tmp_path / "other", seed=5)), tmp_path / "weights")
    monkeypatch.setenv("SPARKVSR_WEIGHTS_DIR", str(tmp_path / "weights"))
    assert make("").info.identity != known


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings_of_hypothesis(max_examples=15)
@given(
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    frames=st.one_of(st.sampled_from([1, 2, 10]), st.integers(1, 18)),
    scale=st.integers(1, 4),
    vae=st.sampled_from(["vae=0", "vae=128"]),
)
@example(size=(270, 2), frames=1, scale=4, vae="vae=512")  # 1080 lines
@example(size=(2, 135), frames=10, scale=2, vae="vae=128")  # 8n + 2 frames, 270 columns in tiles
@example(size=(1, 1), frames=2, scale=4, vae="vae=0")
def test_any_size_length_and_scale_comes_out_as_asked_for(
    make: Make, size: tuple[int, int], frames: int, scale: int, vae: str
) -> None:
    engine = make(vae)
    pictures, truth = clip(frames, *size, scale)
    propagation = propagated(engine, pictures, {0: (truth[0], pictures[0])}, scale)
    chunk = engine.decode_chunk(propagation, Mix(), WATCH)
    for offset in {0, frames - 1}:
        decoded = engine.frame_of(chunk, offset)
        enlarged = (size[0] * scale, size[1] * scale)
        assert decoded.frame.shape == (3, *enlarged)
        assert decoded.confidence.shape == (1, *enlarged)
        assert decoded.influence.shape == (1, *enlarged)
        for picture in (decoded.frame, decoded.confidence, decoded.influence):
            assert picture.dtype == torch.float32
            assert bool(torch.isfinite(picture).all())
        # The picture is where it was: its means over cells of 32 pixels are those of the source frame.
        wanted = low_band(pictures[offset], enlarged)
        assert float((low_band(decoded.frame, enlarged) - wanted).abs().mean()) < 0.1


def test_the_plain_contract_gives_the_same_frame_and_its_blind_one(make: Make) -> None:
    engine = make("")
    pictures, truth = clip(5, 8, 12, 2)
    propagation = propagated(engine, pictures, {0: (truth[0], pictures[0])}, 2)
    mix = Mix(guidance=1.5, trust=0.3)
    plain = engine.decode(replace(propagation, offset=3), mix, WATCH)
    assert torch.equal(plain.frame, frame(engine, propagation, 3, mix).frame)
    alone = propagated(engine, pictures, {}, 2)
    assert plain.blind is not None
    assert torch.equal(plain.blind, frame(engine, alone, 3).frame)
    assert not torch.equal(plain.blind, plain.frame)


def test_the_same_chunk_has_the_same_bytes_whenever_it_is_made(make: Make) -> None:
    pictures, truth = clip(6, 8, 12, 2)
    keyframes = {0: (truth[0], pictures[0]), 5: (truth[5], pictures[5])}
    first, second = (propagated(make(""), pictures, keyframes, 2) for _ in range(2))
    for offset in (5, 0, 3):
        assert torch.equal(frame(make(""), first, offset).frame, frame(make(""), second, offset).frame)


def test_a_picture_too_large_for_the_autoencoder_in_one_piece_is_refused(make: Make) -> None:
    pictures, _ = clip(1, 270, 480, 4)
    with pytest.raises(UnsupportedSettingError, match="smaller tiles of the autoencoder for 1920×1080, found vae=0"):
        make("vae=0").encode_source(window(pictures), settings(4), WATCH)


def test_gaps_and_foreign_settings_are_refused(make: Make) -> None:
    engine = make("")
    pictures, _ = clip(3, 8, 8, 1)
    frames = window(pictures)
    with pytest.raises(EngineError, match=r"expected the frames 0, 1, 2, … of a chunk, found \[0, 2\]"):
        engine.encode_source([frames[0], frames[2]], settings(1), WATCH)
    with pytest.raises(UnsupportedSettingError, match="expected a scale of 1, 2, 3, 4, found 5"):
        engine.encode_source(frames, settings(5), WATCH)
    with pytest.raises(UnsupportedSettingError, match="found int8"):
        engine.encode_source(frames, EngineSettings(1, "int8"), WATCH)
    chunk = engine.decode_chunk(propagated(engine, pictures, {}, 1), Mix(), WATCH)
    with pytest.raises(EngineError, match=r"expected a frame 0\.\.2 of the chunk, found 3"):
        engine.frame_of(chunk, 3)


# --- what is computed, and what is not -------------------------------------------------------------------------------


@pytest.fixture
def passes(make: Make, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The network's work, as it is done."""
    done: list[str] = []
    for name, label in (("tiled_x0", "transformer"),):
        monkeypatch.setattr(engine_module, name, counted(getattr(engine_module, name), label, done))
    for name in ("encode", "encode_reference", "decode"):
        monkeypatch.setattr(engine_module.codec, name, counted(getattr(engine_module.codec, name), name, done))
    return done


def counted(function: Callable[..., Any], label: str, done: list[str]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        done.append(label)
        return function(*arguments)

    return call


def test_a_slider_costs_a_decoding_and_a_new_keyframe_one_pass(make: Make, passes: list[str]) -> None:
    engine = make("")
    chosen = settings(2)
    pictures, truth = clip(5, 8, 12, 2)
    source = engine.encode_source(window(pictures), chosen, WATCH)
    known = engine.encode_keyframe(truth[0], pictures[0], chosen, WATCH)
    assert passes == ["encode", "encode_reference", "encode"]
    passes.clear()
    (propagation,) = engine.propagate(source, [Keyframe(0, known)], chosen, WATCH)
    assert passes == ["transformer"]
    engine.decode_chunk(propagation, Mix(), WATCH)
    assert passes == ["transformer", "transformer", "decode"]  # the blind one, once for the source
    passes.clear()
    for mix in (Mix(0.5), Mix(1.3, 0.7), Mix(0.0)):
        engine.decode_chunk(propagation, mix, WATCH)
    assert passes == ["decode"] * 3
    passes.clear()
    other = engine.encode_keyframe(truth[0] * 0.9, pictures[0], chosen, WATCH)
    (again,) = engine.propagate(source, [Keyframe(0, other)], chosen, WATCH)
    engine.decode_chunk(again, Mix(), WATCH)
    assert passes == ["encode_reference", "encode", "transformer", "decode"]


def test_the_published_setting_needs_one_pass(make: Make, passes: list[str]) -> None:
    engine = make("gate=off")
    pictures, truth = clip(5, 8, 12, 2)
    propagation = propagated(engine, pictures, {0: (truth[0], pictures[0])}, 2)
    engine.decode_chunk(propagation, Mix(), WATCH)
    assert passes.count("transformer") == 1


def test_it_stops_within_a_block(make: Make) -> None:
    """The watch says no at its n-th question: wherever that is, the work ends there and can be done again."""
    engine = make("")
    pictures, _ = clip(5, 8, 8, 2)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > limit

    for limit in (0, 2, 5):
        asked = 0
        with pytest.raises(CancelledError):
            engine.encode_source(window(pictures), settings(2), Watch(cancelled=cancelled))
        assert asked == limit + 1
    source = engine.encode_source(window(pictures), settings(2), WATCH)
    limit, asked = 1, 0
    (propagation,) = engine.propagate(source, [], settings(2), WATCH)
    with pytest.raises(CancelledError):
        engine.decode_chunk(propagation, Mix(), Watch(cancelled=cancelled))
    engine.decode_chunk(propagation, Mix(), WATCH)


def test_progress_is_told_and_never_goes_back(make: Make) -> None:
    told: list[tuple[float, str]] = []
    watch = Watch(progress=lambda fraction, stage: told.append((fraction, stage)))
    engine = make("vae=128")
    pictures, truth = clip(5, 8, 80, 2)
    source = engine.encode_source(window(pictures), settings(2), watch.part(0.0, 0.2))
    known = [engine.encode_keyframe(truth[t], pictures[t], settings(2), watch.part(0.2, 0.4)) for t in (0,)]
    used = [Keyframe(0, known[0]), Keyframe(3, known[0])]
    (propagation,) = engine.propagate(source, used, settings(2), watch.part(0.4, 0.6))
    engine.decode_chunk(propagation, Mix(), watch.part(0.6, 1.0))
    assert list(dict.fromkeys(stage for _, stage in told)) == ["encode", "motion", "transformer", "decode"]
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 8


def test_two_threads_never_work_with_one_network_at_once(make: Make) -> None:
    engine = make("")
    pictures, _ = clip(1, 8, 8, 1)
    withdrawn = Watch(cancelled=lambda: True)
    turn = residency._SHELF.turns.turn(Part.AUTOENCODER, False, WATCH)
    for taken in (residency._SHELF.lock, turn):
        with taken, pytest.raises(CancelledError, match="waiting"):
            engine.encode_source(window(pictures), settings(1), withdrawn)
    assert not residency._SHELF.lock.locked()
    assert not residency._SHELF.turns.taken


# --- keyframes -------------------------------------------------------------------------------------------------------


def test_a_keyframe_between_slots_is_moved_to_its_slot(make: Make) -> None:
    """Frame 3 goes to slot 1, which stands for frame 4: the picture arrives as frame 4 would show it."""
    engine = make("")
    pictures, truth = clip(9, 24, 32, 2, speed=1)
    chosen = settings(2)
    known = engine.encode_keyframe(truth[3], pictures[3], chosen, WATCH)
    moved = engine_module.move(known, pictures[4])
    inside = (slice(None), slice(8, -8), slice(8, -8))
    unmoved = float((truth[3] - truth[4])[inside].abs().mean())
    assert float((moved - truth[4])[inside].abs().mean()) < 0.2 * unmoved

    source = engine.encode_source(window(pictures), chosen, WATCH)
    (propagation,) = engine.propagate(source, [Keyframe(3, known)], chosen, WATCH)
    (used,) = propagation.data.used
    assert (used.placed.slot, used.placed.is_exact) == (1, False)
    exact = engine.encode_keyframe(moved, None, chosen, WATCH)
    (wanted,) = engine.propagate(source, [Keyframe(4, exact)], chosen, WATCH)
    assert torch.equal(propagation.data.keyed, wanted.data.keyed)


def test_a_keyframe_of_the_neighbouring_chunk_is_used_by_choice(make: Make) -> None:
    pictures, truth = clip(12, 16, 24, 2)
    beside = {-3: (truth[0], pictures[0])}
    borrowed = propagated(make(""), pictures[3:], beside, 2)
    assert [one.placed.slot for one in borrowed.data.used] == [0]
    assert float(frame(make(""), borrowed, 0).confidence.mean()) > 0.5
    alone = propagated(make("borrow=off"), pictures[3:], beside, 2)
    decoded = frame(make("borrow=off"), alone, 0)
    assert decoded.influence.shape[0] == 1
    assert not decoded.influence.any()
    blind = propagated(make("borrow=off"), pictures[3:], {}, 2)
    assert torch.equal(decoded.frame, frame(make("borrow=off"), blind, 0).frame)


def test_where_a_keyframe_lies_guidance_gives_way(make: Make) -> None:
    """The lower half of the picture shows something else than its source frame."""
    engine = make("")
    pictures, truth = clip(1, 32, 32, 2)
    wrong = truth[0].clone()
    wrong[:, 32:] = 1.0 - wrong[:, 32:]
    propagation = propagated(engine, pictures, {0: (wrong, pictures[0])}, 2)
    strict = frame(engine, propagation, 0)
    assert float(strict.confidence[:, :20].min()) > 0.9
    assert float(strict.confidence[:, 44:].max()) < 0.1
    painted = frame(engine, propagation, 0, Mix(trust=1.0))
    assert float(painted.confidence.min()) > 0.99
    assert (
        engine.agreement(propagation.data.used and engine.encode_keyframe(wrong, pictures[0], settings(2), WATCH)) < 0.7
    )
    assert engine.agreement(engine.encode_keyframe(truth[0], pictures[0], settings(2), WATCH)) > 0.9
    assert engine.agreement(engine.encode_keyframe(truth[0], None, settings(2), WATCH)) == 1.0


def test_strength_and_guidance_scale_the_same_difference(make: Make) -> None:
    engine = make("color=off")
    pictures, truth = clip(1, 16, 16, 2)
    whole = propagated(engine, pictures, {0: (truth[0], None)}, 2)
    half = propagated(engine, pictures, {0: (truth[0], None)}, 2, strength=0.5)
    assert torch.equal(frame(engine, whole, 0, Mix(0.5)).frame, frame(engine, half, 0, Mix(1.0)).frame)
    assert float(frame(engine, half, 0).confidence.max()) <= 0.5


def test_in_a_host_blind_to_time_the_frame_itself_judges_the_picture(make: Make) -> None:
    engine = make("")
    pictures, truth = clip(1, 24, 24, 2)
    true = propagated(engine, pictures, {0: (truth[0], None)}, 2)
    foreign = propagated(engine, pictures, {0: (1.0 - truth[0], None)}, 2)
    assert float(frame(engine, true, 0).confidence.mean()) > 0.9
    assert float(frame(engine, foreign, 0).confidence.mean()) < 0.2


# --- pixels ----------------------------------------------------------------------------------------------------------


def test_low_frequencies_are_the_sources(make: Make) -> None:
    pictures, truth = clip(3, 32, 48, 2)
    size = (64, 96)
    errors = {}
    for options in ("", "color=off"):
        engine = make(options)
        decoded = frame(engine, propagated(engine, pictures, {0: (truth[0], pictures[0])}, 2), 1)
        errors[options] = float((low_band(decoded.frame, size) - low_band(pictures[1], size)).abs().mean())
    assert errors[""] < 0.25 * errors["color=off"]


def test_what_an_artist_painted_keeps_its_colour_as_trust_rises(make: Make) -> None:
    engine = make("")
    pictures, truth = clip(1, 32, 32, 2)
    painted = (truth[0] * 0.2 + torch.tensor([0.8, 0.0, 0.0]).view(3, 1, 1)).clamp(0, 1)
    propagation = propagated(engine, pictures, {0: (painted, pictures[0])}, 2)
    chunk = engine.decode_chunk(propagation, Mix(trust=1.0), WATCH)
    uncorrected = chunk.pictures[0].float().clamp(0, 1)
    assert torch.allclose(engine.frame_of(chunk, 0).frame, uncorrected, atol=1e-2)
    corrected = engine.frame_of(engine.decode_chunk(propagated(engine, pictures, {}, 2), Mix(), WATCH), 0).frame
    assert not torch.allclose(corrected, uncorrected, atol=5e-2)


def test_highlights_and_negatives_survive(make: Make) -> None:
    engine = make("")
    pictures, _ = clip(1, 32, 32, 2)
    lit = pictures[0].clone()
    lit[:, 8:24, 8:24] = 6.0
    lit[:, 28:, :] = -0.5
    found = frame(engine, propagated(engine, [lit], {}, 2), 0).frame
    assert float(found.max()) > 3.0
    assert float(found.min()) < -0.1
    ordinary = frame(engine, propagated(engine, pictures, {}, 2), 0).frame
    assert float(ordinary.max()) < 2.0


def test_bfloat16_is_near_float32(make: Make) -> None:
    pictures, truth = clip(5, 16, 16, 2)
    keyframes = {0: (truth[0], pictures[0])}
    exact = frame(make("gate=off"), propagated(make("gate=off"), pictures, keyframes, 2), 2)
    lowered = make("gate=off,dtype=bfloat16")
    chunk = lowered.decode_chunk(propagated(lowered, pictures, keyframes, 2), Mix(), WATCH)
    assert chunk.pictures.dtype == torch.bfloat16
    assert 0.0 < float((lowered.frame_of(chunk, 2).frame - exact.frame).abs().mean()) < 0.03


# --- what is missing -------------------------------------------------------------------------------------------------


def test_without_the_packages_it_says_what_to_install(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparkvsr.cogvideox.models.find_spec", lambda name: None if name == "diffusers" else object())
    with pytest.raises(EngineUnavailableError, match=r"found no diffusers; pip install 'sparkvsr\[cogvideox\]'"):
        create_cogvideox_engine(CPU)


def test_without_weights_it_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARKVSR_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(WeightsMissingError, match="run `sparkvsr weights fetch sparkvsr-5b`"):
        create_cogvideox_engine(CPU)


def test_a_damaged_file_is_found_before_anything_is_loaded(
    installed: Path, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    copy = Path(shutil.copytree(tiny_checkpoint, tmp_path / "copy"))
    write_record(record_of(copy), tmp_path / "weights")
    with (copy / "vae" / "diffusion_pytorch_model.safetensors").open("ab") as file:
        file.write(b"x")
    monkeypatch.setenv("SPARKVSR_WEIGHTS_DIR", str(tmp_path / "weights"))
    with pytest.raises(WeightsDamagedError, match=r"vae.*expected \d+ bytes, found \d+"):
        create_cogvideox_engine(CPU)
