"""ANALYSE without sockets: frames asked for a few at a time, looked at once, and the same answers as the library's."""

from __future__ import annotations

import pytest
import torch
from support.engines import CopyEngine, registry_of
from support.requests import request_for

from sparkvsr.cuts import find_cuts
from sparkvsr.engine import CancelledError, Watch
from sparkvsr.frames import Frame, fingerprint
from sparkvsr.keyframes.suggest import suggest
from sparkvsr.looks import look_at
from sparkvsr_backend import analysis
from sparkvsr_backend.cache import Budgets
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import NeedFrames, OutOfMemoryError
from sparkvsr_backend.requests import AnalysisKind, AnalysisRequest, Settings

HEIGHT, WIDTH = 48, 64
CUT = 5


def clip() -> list[Frame]:
    """Two still pictures, each a little different from frame to frame, so that no two fingerprints are equal."""
    frames = []
    for number in range(9):
        noise = torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(int(number >= CUT)))
        large = torch.nn.functional.interpolate(noise.unsqueeze(0), size=(HEIGHT, WIDTH), mode="bicubic")[0]
        frames.append(Frame.from_numpy((large.clamp(0, 1) * 0.98 + number / 1000).permute(1, 2, 0).numpy().copy()))
    return frames


FRAMES = clip()
SETTINGS: Settings = request_for(FRAMES[0]).settings


def asked(kind: AnalysisKind, first: int = -2, **fields: object) -> AnalysisRequest:
    frames = tuple((first + number, fingerprint(frame)) for number, frame in enumerate(FRAMES))
    return AnalysisRequest(kind=kind, frames=frames, settings=SETTINGS, **fields)  # type: ignore[arg-type]


def loop_of(budgets: Budgets | None = None) -> EngineLoop:
    return EngineLoop(registry_of(CopyEngine()), budgets=budgets or Budgets.share_out(64 << 20))


def answered(
    loop: EngineLoop, request: AnalysisRequest, watch: Watch | None = None
) -> tuple[tuple[int, ...], list[int]]:
    """The answer, and how many frames were asked for each time."""
    known = {fingerprint(frame): frame for frame in FRAMES}
    needs: list[int] = []
    while True:
        try:
            return loop.analyse(request, watch), needs
        except NeedFrames as need:  # noqa: PERF203 - a question, asked again and again
            assert len(needs) < 50, "it never ends"
            needs.append(len(need.fingerprints))
            for one in need.fingerprints:
                loop.frames.put(one, known[one])


def working(number: int) -> torch.Tensor:
    return FRAMES[number].pixels.permute(2, 0, 1).contiguous()


def test_cuts_are_those_of_the_library() -> None:
    expected = find_cuts(range(-2, 7), lambda time: look_at(working(time + 2)))
    assert expected == (CUT - 2,)
    assert answered(loop_of(), asked(AnalysisKind.CUTS))[0] == expected


def test_suggestions_are_those_of_the_library() -> None:
    for count, cuts, known in ((2, (), ()), (2, (CUT - 2,), ()), (1, (), (-1,))):
        expected = suggest(count, -2, 6, lambda time: working(time + 2), cuts, keyframes=known)
        request = asked(AnalysisKind.SUGGEST, count=count, cuts=cuts, keyframes=known)
        assert answered(loop_of(), request)[0] == expected


def test_what_was_looked_at_is_not_asked_for_again() -> None:
    loop = loop_of()
    assert answered(loop, asked(AnalysisKind.CUTS))[1] == [9]
    loop.frames.clear()
    assert answered(loop, asked(AnalysisKind.CUTS))[1] == []
    assert answered(loop, asked(AnalysisKind.SUGGEST, first=40, count=3))[1] == []
    loop.clear()
    assert answered(loop, asked(AnalysisKind.CUTS))[1] == [9]


def test_frames_are_asked_for_as_many_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "_ASKED_AT_ONCE", 4)
    found, needs = answered(loop_of(), asked(AnalysisKind.CUTS))
    assert needs == [4, 4, 1]
    assert found == (CUT - 2,)


def test_large_frames_are_asked_for_by_their_size() -> None:
    """Room for two: what is known to be so large is asked for one by one."""
    loop = loop_of(Budgets(0, 0, 0, 0, 0, arrivals=2 * FRAMES[0].nbytes))
    found, needs = answered(loop, asked(AnalysisKind.CUTS))
    assert found == (CUT - 2,)
    assert needs[1:] == [1] * (len(needs) - 1)


def test_an_analysis_that_never_fits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In turns, of which the last would drop what the first looked at; what comes in one turn needs no cache."""
    monkeypatch.setattr(analysis, "_ASKED_AT_ONCE", 4)
    loop = loop_of(Budgets(1 << 20, 0, 0, 0, 0, analysis=5 * 3 * HEIGHT * WIDTH * 2))
    with pytest.raises(OutOfMemoryError, match="small pictures") as caught:
        answered(loop, asked(AnalysisKind.CUTS))
    assert (caught.value.expected, caught.value.found) == ("at most 5 frames", "9")


def test_an_analysis_tells_how_far_it_is_and_can_be_cancelled() -> None:
    told: list[float] = []
    answered(loop_of(), asked(AnalysisKind.CUTS), Watch(progress=lambda fraction, stage: told.append(fraction)))
    assert told[-1] > 0.9
    assert all(0.0 <= fraction <= 1.0 for fraction in told)
    with pytest.raises(CancelledError):
        loop_of().analyse(asked(AnalysisKind.CUTS), Watch(cancelled=lambda: True))


def test_only_the_frames_that_suggestions_compare_are_asked_for() -> None:
    prints = [number.to_bytes(16, "little") for number in range(600)]
    request = AnalysisRequest(
        kind=AnalysisKind.SUGGEST, frames=tuple(enumerate(prints)), keyframes=(301,), count=3, settings=SETTINGS
    )
    with pytest.raises(NeedFrames) as caught:
        loop_of().analyse(request)
    assert len(caught.value.fingerprints) <= 64
    assert prints[301] in caught.value.fingerprints or len(caught.value.fingerprints) == 64
