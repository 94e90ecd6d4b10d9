"""The engine that ships, whatever is in it: keyed beats blind beats bicubic, wrong keyframes cost nothing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import pytest
import torch
from support import pictures

from sparkvsr.engine import Decoded, Engine, EngineSettings, Keyframe, Mix, Watch, WindowFrame
from sparkvsr.lite import create_lite_engine
from sparkvsr.metrics import haarpsi, psnr_y, ssim_y
from sparkvsr.resample import blur, resize

KEYFRAMES = (0, 5)
JUDGED = (1, 2, 3, 4)
WATCH = Watch()

Spoil = Callable[[pictures.Pictures, int], torch.Tensor]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return create_lite_engine(torch.device("cpu"))


@pytest.fixture(scope="module")
def clip() -> pictures.Pictures:
    return pictures.clip()


def true(clip: pictures.Pictures, k: int) -> torch.Tensor:
    return clip.truth[k]


def render(
    engine: Engine,
    clip: pictures.Pictures,
    frames: Sequence[int] = JUDGED,
    spoil: Spoil = true,
    settings: EngineSettings | None = None,
    mix: Mix | None = None,
) -> dict[int, Decoded]:
    """Frames between two keyframes, in the order given."""
    settings = settings or EngineSettings()
    known = {k: engine.encode_keyframe(spoil(clip, k), clip.source[k], settings, WATCH) for k in KEYFRAMES}
    rendered = {}
    for t in frames:
        window = [
            WindowFrame(k - t, clip.source[k]) for k in range(len(clip.source)) if abs(k - t) <= engine.info.window
        ]
        latents = engine.encode_source(window, settings, WATCH)
        used = [Keyframe(0, known[t])] if t in known else [Keyframe(k - t, one) for k, one in known.items()]
        rendered[t] = engine.decode(next(iter(engine.propagate(latents, used, settings, WATCH))), mix or Mix(), WATCH)
    return rendered


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@pytest.fixture(scope="module")
def keyed(engine: Engine, clip: pictures.Pictures) -> dict[int, Decoded]:
    return render(engine, clip)


@pytest.mark.parametrize("measure", [psnr_y, ssim_y, haarpsi])
def test_keyed_beats_blind_beats_bicubic(
    clip: pictures.Pictures, keyed: dict[int, Decoded], measure: Callable[[torch.Tensor, torch.Tensor], float]
) -> None:
    bicubic = mean([measure(resize(clip.source[t], (144, 192)), clip.truth[t]) for t in JUDGED])
    blind = mean([measure(one.blind, clip.truth[t]) for t, one in keyed.items() if one.blind is not None])
    ours = mean([measure(one.frame, clip.truth[t]) for t, one in keyed.items()])
    assert bicubic < blind < ours
    if measure is psnr_y:
        assert ours > blind + 2.0


WRONG: dict[str, Spoil] = {
    "mirrored": lambda clip, k: clip.truth[k].flip(2),
    "foreign": lambda clip, k: pictures.clip(1, height=192, width=144).truth[0].transpose(1, 2).contiguous(),
    "shifted 8 px": lambda clip, k: clip.truth[k].roll(8, dims=2),
    "+30 % gain": lambda clip, k: clip.truth[k] * 1.3,
    "blurred to LR": lambda clip, k: resize(clip.source[k], (144, 192)),
}


def cost(keyed: dict[int, Decoded], clip: pictures.Pictures) -> float:
    """dB that the keyframes took from blind, mean of the frames."""
    return mean(
        [
            psnr_y(one.blind, clip.truth[t]) - psnr_y(one.frame, clip.truth[t])
            for t, one in keyed.items()
            if one.blind is not None
        ]
    )


@pytest.mark.parametrize("kind", list(WRONG))
def test_wrong_keyframes_cost_nothing(engine: Engine, clip: pictures.Pictures, kind: str) -> None:
    assert cost(render(engine, clip, spoil=WRONG[kind]), clip) <= 0.05


IMPERFECT: dict[str, Spoil] = {
    "sharpened": lambda clip, k: (1.6 * clip.truth[k] - 0.6 * blur(clip.truth[k], 1.5)).clamp(0, 1),
    "noisy": lambda clip, k: (
        clip.truth[k] + 4 / 255 * torch.randn(clip.truth[k].shape, generator=torch.Generator().manual_seed(k))
    ).clamp(0, 1),
    "graded": lambda clip, k: (1.04 * clip.truth[k]).clamp(0, 1),
}


# The clip has no noise, so that true keyframes gain more than on real clips; by PSNR a grade looks worse than it is.
@pytest.mark.parametrize(("kind", "share"), [("sharpened", 0.3), ("noisy", 0.3), ("graded", 0.1)])
def test_imperfect_keyframes_keep_some_of_the_gain(
    engine: Engine, clip: pictures.Pictures, keyed: dict[int, Decoded], kind: str, share: float
) -> None:
    gained, full = -cost(render(engine, clip, spoil=IMPERFECT[kind]), clip), -cost(keyed, clip)
    assert gained > share * full


def test_both_precisions_agree(engine: Engine, clip: pictures.Pictures, keyed: dict[int, Decoded]) -> None:
    half = render(engine, clip, settings=EngineSettings(precision="bfloat16"))
    for t in JUDGED:
        error = float((half[t].frame - keyed[t].frame).square().mean(dtype=torch.float64))
        assert error == 0.0 or -10 * math.log10(error) >= 50.0


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_same_bytes_again_and_in_any_order(clip: pictures.Pictures, precision: str) -> None:
    settings = EngineSettings(precision=precision)
    first, second = (
        render(create_lite_engine(torch.device("cpu")), clip, order, settings=settings, mix=Mix(1.2, 0.4))
        for order in (JUDGED, (3, 1, 4, 2))
    )
    assert all(torch.equal(first[t].frame, second[t].frame) for t in JUDGED)
    assert all(torch.equal(first[t].confidence, second[t].confidence) for t in JUDGED)


@pytest.mark.parametrize("spoil", [true, IMPERFECT["sharpened"], WRONG["foreign"]])
def test_at_paint_a_keyframe_s_own_frame_is_the_keyframe(engine: Engine, clip: pictures.Pictures, spoil: Spoil) -> None:
    own = render(engine, clip, [0], spoil, mix=Mix(1.0, 1.0))[0]
    torch.testing.assert_close(own.frame, spoil(clip, 0), atol=10 ** (-45 / 20), rtol=0)


def test_the_keyed_result_is_as_steady_as_blind(clip: pictures.Pictures, keyed: dict[int, Decoded]) -> None:
    """Consecutive errors differ no more than those of the blind result."""

    def flicker(errors: Sequence[torch.Tensor]) -> float:
        return mean([float((b - a).abs().mean()) for a, b in itertools.pairwise(errors)])

    blind = [one.blind - clip.truth[t] for t, one in keyed.items() if one.blind is not None]
    ours = [one.frame - clip.truth[t] for t, one in keyed.items()]
    assert flicker(ours) <= flicker(blind)
