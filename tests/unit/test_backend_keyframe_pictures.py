"""Keyframe pictures on their way into the engine: fitted, moved to their place, told of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engines import CopyEngine, registry_of
from support.requests import keyframe, request_for
from support.small_clip import SCALE, reduce, truth

from sparkvsr.color import Transfer, to_working
from sparkvsr.frames import Frame, fingerprint
from sparkvsr.keyframes import Registration
from sparkvsr.keyframes.models.function import FunctionModel
from sparkvsr.media import write_still
from sparkvsr_backend.computation import RenderResult
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import BadMessageError
from sparkvsr_backend.requests import KeyframeUse, Picture

SIZE = (96, 72)


class TakingEngine(CopyEngine):
    """Remembers the keyframe picture that it was given."""

    taken: torch.Tensor

    def encode_keyframe(self, picture: torch.Tensor, source: Any, settings: Any, watch: Any) -> Any:
        self.taken = picture.clone()
        return super().encode_keyframe(picture, source, settings, watch)


def shot() -> tuple[np.ndarray, Frame]:
    """An HR frame and its source."""
    frames = truth(1, SIZE[0] * SCALE, SIZE[1] * SCALE)
    return frames[0], Frame.from_numpy(reduce(frames)[0])


def beside(hr: np.ndarray, right: float) -> np.ndarray:
    """The picture shifted by so many source pixels."""
    place = Registration(((1.0, 0.0, -right / SIZE[0]), (0.0, 1.0, 0.0)), (SIZE[1], SIZE[0]))
    planes = torch.from_numpy(np.ascontiguousarray(hr.transpose(2, 0, 1)))
    return np.ascontiguousarray(place.apply(planes).numpy().transpose(1, 2, 0))


def rendered(source: Frame, used: KeyframeUse, *others: Frame) -> tuple[RenderResult, TakingEngine]:
    engine = TakingEngine()
    loop = EngineLoop(registry_of(engine))
    for one in (source, *others):
        loop.frames.put(fingerprint(one), one)
    return loop.render(request_for(source, scale=SCALE, keyframes=(used,))), engine


def test_a_picture_beside_its_source_frame_is_moved_and_told() -> None:
    hr, source = shot()
    shifted = Frame.from_numpy(beside(hr, 2.0))
    result, engine = rendered(source, keyframe(0, shifted, source), shifted)
    (notice,) = result.notices
    assert notice.name == "PictureRegistered"
    assert notice.text.startswith("keyframe 0: the picture lay beside its source frame and was moved by -2.0, ")
    wanted = torch.from_numpy(hr).permute(2, 0, 1)
    before, after = (
        (picture - wanted)[:, 16:-16, 16:-16].abs().mean()
        for picture in (shifted.pixels.permute(2, 0, 1), engine.taken)
    )
    assert float(after) < 0.3 * float(before)


def test_a_picture_that_lies_right_is_given_as_it_is() -> None:
    hr, source = shot()
    true = Frame.from_numpy(hr)
    result, engine = rendered(source, keyframe(0, true, source), true)
    assert result.notices == ()
    assert torch.equal(engine.taken, true.pixels.permute(2, 0, 1))


def test_a_host_blind_to_time_has_nothing_to_move_by() -> None:
    hr, source = shot()
    shifted = Frame.from_numpy(beside(hr, 2.0))
    result, engine = rendered(source, keyframe(0, shifted), shifted)
    assert result.notices == ()
    assert torch.equal(engine.taken, shifted.pixels.permute(2, 0, 1))


def test_a_file_of_another_size_is_resampled_and_moved(tmp_path: Path) -> None:
    hr, source = shot()
    large = np.repeat(np.repeat(beside(hr, -1.5), 2, axis=0), 2, axis=1)
    write_still(tmp_path / "k.png", Frame.from_numpy((large * 255.0).round().astype(np.uint8)))
    result, engine = rendered(source, keyframe(0, str(tmp_path / "k.png"), source))
    assert [notice.name for notice in result.notices] == ["PictureResampled", "PictureRegistered"]
    assert tuple(engine.taken.shape) == (3, SIZE[1] * SCALE, SIZE[0] * SCALE)


# --- curves of files -----------------------------------------------------------------------------------------------


def test_a_files_curve_can_be_named(tmp_path: Path) -> None:
    """Painted in the log of the footage and saved as PNG: nothing in the file says so."""
    hr, source = shot()
    codes = (hr * 65535.0).round().astype(np.uint16)
    write_still(tmp_path / "k.png", Frame.from_numpy(codes))
    path = str(tmp_path / "k.png")
    told = KeyframeUse(time=0, picture=Picture(path=path, transfer=Transfer.LOGC3), source=fingerprint(source))
    for use, transfer in ((told, Transfer.LOGC3), (keyframe(0, path, source), Transfer.SRGB)):
        _, engine = rendered(source, use)
        planes = torch.from_numpy(codes.astype(np.float32)).permute(2, 0, 1) / 65535.0
        torch.testing.assert_close(engine.taken, to_working(planes, transfer))


def test_a_named_curve_is_part_of_the_key(tmp_path: Path) -> None:
    hr, source = shot()
    write_still(tmp_path / "k.png", Frame.from_numpy((hr * 255.0).round().astype(np.uint8)))
    engine = TakingEngine()
    loop = EngineLoop(registry_of(engine))
    loop.frames.put(fingerprint(source), source)
    results = []
    for transfer in (None, Transfer.LOGC3, Transfer.SLOG3):
        picture = Picture(path=str(tmp_path / "k.png"), transfer=transfer)
        use = KeyframeUse(time=0, picture=picture, source=fingerprint(source))
        results.append(loop.render(request_for(source, scale=SCALE, keyframes=(use,))))
    assert [result.cached for result in results] == [False] * 3
    assert not torch.equal(results[0].frame.pixels, results[1].frame.pixels)
    assert not torch.equal(results[1].frame.pixels, results[2].frame.pixels)


def test_only_a_file_has_a_curve_of_its_own() -> None:
    with pytest.raises(BadMessageError, match="a transfer of a path alone"):
        Picture(fingerprint=b"f" * 16, transfer=Transfer.PQ)
    with pytest.raises(BadMessageError, match="one of a fingerprint, a path, a model"):
        Picture(path="/k.png", model="blind")


# --- image models --------------------------------------------------------------------------------------------------


def fourfold(array: np.ndarray) -> np.ndarray:
    return np.repeat(np.repeat(array, SCALE, axis=0), SCALE, axis=1)


def made(time: int, source: Frame | None, model: str = "ours") -> KeyframeUse:
    own = None if source is None else fingerprint(source)
    return KeyframeUse(time=time, picture=Picture(model=model), source=own)


def loop_with(function: Any, engine: CopyEngine | None = None, *frames: Frame) -> EngineLoop:
    loop = EngineLoop(registry_of(engine or TakingEngine()))
    loop.image_models.add("ours", FunctionModel(function, "ours"))
    for one in frames:
        loop.frames.put(fingerprint(one), one)
    return loop


def test_a_model_makes_the_picture_of_the_source_frame() -> None:
    _, source = shot()
    engine = TakingEngine()
    loop = loop_with(fourfold, engine, source)
    request = request_for(source, scale=SCALE, keyframes=(made(3, source),), guidance=1.0)
    assert loop.render(request).notices == ()
    expected = torch.from_numpy(fourfold(source.numpy()[..., :3])).permute(2, 0, 1)
    torch.testing.assert_close(engine.taken, expected)


def test_the_blind_part_is_built_in() -> None:
    _, source = shot()
    engine = TakingEngine()
    loop = loop_with(fourfold, engine, source)
    assert loop.render(request_for(source, scale=SCALE, keyframes=(made(3, source, "blind"),))).notices == ()
    assert tuple(engine.taken.shape) == (3, SIZE[1] * SCALE, SIZE[0] * SCALE)


def failing(array: np.ndarray) -> np.ndarray:
    raise ValueError("no more ideas")


def test_a_model_that_fails_is_told_and_its_keyframe_left_out() -> None:
    _, source = shot()
    loop = loop_with(failing, None, source)
    blind = loop.render(request_for(source, scale=SCALE))
    result = loop.render(request_for(source, scale=SCALE, keyframes=(made(3, source),)))
    (notice,) = result.notices
    assert notice.name == "KeyframeLeftOut"
    assert "keyframe 3 is left out" in notice.text
    assert "ValueError: no more ideas" in notice.text
    assert torch.equal(result.frame.pixels, blind.frame.pixels)


def test_what_is_left_out_is_told_each_time_and_other_keyframes_stay() -> None:
    hr, source = shot()
    true = Frame.from_numpy(hr)
    loop = loop_with(failing, None, source, true)
    request = request_for(source, scale=SCALE, keyframes=(made(3, source), keyframe(5, true, source)))
    alone = loop.render(request_for(source, scale=SCALE, keyframes=(keyframe(5, true, source),)))
    for _ in range(2):
        result = loop.render(request)
        assert [notice.name for notice in result.notices] == ["KeyframeLeftOut"]
        assert torch.equal(result.frame.pixels, alone.frame.pixels)


def test_a_failure_is_not_tried_for_every_frame_but_again_after_clearing() -> None:
    calls: list[int] = []

    def counted(array: np.ndarray) -> np.ndarray:
        calls.append(1)
        return failing(array)

    _, source = shot()
    loop = loop_with(counted, None, source)
    for guidance in (0.25, 0.5, 0.75):
        loop.render(request_for(source, scale=SCALE, guidance=guidance, keyframes=(made(3, source),)))
    assert len(calls) == 1
    loop.clear()
    loop.frames.put(fingerprint(source), source)
    loop.render(request_for(source, scale=SCALE, keyframes=(made(3, source),)))
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("nobody", "expected blind, a weights file"),
        ("/nowhere/model.pth", "no such file"),
        ("command:touch {in} {out}", "a project cannot name a program by itself"),
    ],
)
def test_models_that_cannot_be_had_leave_their_keyframe_out(model: str, reason: str) -> None:
    _, source = shot()
    loop = loop_with(fourfold, None, source)
    (notice,) = loop.render(request_for(source, scale=SCALE, keyframes=(made(3, source, model),))).notices
    assert notice.name == "KeyframeLeftOut"
    assert reason in notice.text


def test_a_host_blind_to_time_has_no_source_frame_to_enlarge() -> None:
    _, source = shot()
    (notice,) = (
        loop_with(fourfold, None, source).render(request_for(source, scale=2, keyframes=(made(3, None),))).notices
    )
    assert "blind to time" in notice.text


def test_a_small_picture_of_a_model_is_resampled_and_told() -> None:
    _, source = shot()
    loop = loop_with(lambda array: np.repeat(np.repeat(array, 2, axis=0), 2, axis=1), None, source)
    (notice,) = loop.render(request_for(source, scale=SCALE, keyframes=(made(3, source),))).notices
    assert notice.name == "PictureResampled"


def test_a_models_picture_is_kept_until_its_frame_or_model_changes() -> None:
    calls: list[int] = []

    def counted(array: np.ndarray) -> np.ndarray:
        calls.append(1)
        return fourfold(array)

    _, source = shot()
    loop = loop_with(counted, None, source)
    for time in (0, 1, 2):
        loop.render(request_for(source, time=time, scale=SCALE, keyframes=(made(3, source),)))
    assert len(calls) == 1
    loop.image_models.add("ours", FunctionModel(counted, "ours, better"))
    loop.render(request_for(source, scale=SCALE, keyframes=(made(3, source),)))
    assert len(calls) == 2
