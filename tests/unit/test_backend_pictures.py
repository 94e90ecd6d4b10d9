"""Keyframe pictures on their way into the engine: fitted, moved to their place, told of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from support.engines import CopyEngine, registry_of
from support.requests import keyframe, request_for
from support.small_clip import SCALE, reduce, truth

from sparkvsr.frames import Frame, fingerprint
from sparkvsr.keyframes import Registration
from sparkvsr.media import write_still
from sparkvsr_backend.computation import RenderResult
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.requests import KeyframeUse

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
