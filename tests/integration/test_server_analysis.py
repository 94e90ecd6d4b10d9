"""ANALYSE and BUDGET on the wire: frames asked for in turns, cancelled, refused; memory as the smallest wish says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.backend_process import BackendProcess, backend_process, wait_for
from support.requests import request_for

import sparkvsr_backend.protocol as wire
from sparkvsr.arithmetic import arithmetic_of
from sparkvsr.frames import Frame, fingerprint
from sparkvsr_backend.client import Client, RemoteError
from sparkvsr_backend.requests import AnalysisKind, AnalysisRequest

pytestmark = pytest.mark.timeout(180)

CUT, COUNT = 60, 100
GIB = 1 << 30


@pytest.fixture(scope="module")
def backend() -> Iterator[BackendProcess]:
    with (
        tempfile.TemporaryDirectory(prefix="svsr-", dir="/tmp") as folder,
        backend_process(Path(folder, "run"), "--cache-gb", "0.25", "--frame-mb", "4") as process,
    ):
        yield process
        assert "Traceback" not in process.log_text()


@pytest.fixture
def client(backend: BackendProcess) -> Iterator[Client]:
    with backend.client(timeout_s=60.0) as connection:
        yield connection


@pytest.fixture(scope="module")
def clip() -> list[Frame]:
    """Two still pictures, a hundred frames in all, so that they are asked for in more than one turn."""
    frames = []
    for number in range(COUNT):
        noise = torch.rand(3, 6, 8, generator=torch.Generator().manual_seed(int(number >= CUT)))
        large = torch.nn.functional.interpolate(noise.unsqueeze(0), size=(24, 32), mode="bicubic")[0].clamp(0, 1)
        frames.append(Frame.from_numpy((large * 0.9 + number / 2000).permute(1, 2, 0).contiguous().numpy()))
    return frames


def asked(clip: list[Frame], kind: AnalysisKind, **fields: object) -> AnalysisRequest:
    frames = tuple((1001 + number, fingerprint(frame)) for number, frame in enumerate(clip))
    settings = request_for(clip[0]).settings
    return AnalysisRequest(kind=kind, frames=frames, settings=settings, **fields)  # type: ignore[arg-type]


def answer_to(client: Client, clip: list[Frame], request: AnalysisRequest) -> tuple[wire.Message, int]:
    """The answer, and how often frames were asked for."""
    known = {fingerprint(frame): frame for frame in clip}
    for turn in range(20):
        answer = client.request(wire.Analyse(id=client.next_id(), request=request)).message
        if not isinstance(answer, wire.Need):
            return answer, turn
        for one in answer.fingerprints:
            image = wire.Image.inline(known[one].format)
            client.send(wire.Put(fingerprint=one, image=image), [known[one].pixels.numpy().tobytes()])
    raise AssertionError("it never ends")


def test_cuts_are_found_and_frames_asked_for_in_turns(client: Client, clip: list[Frame]) -> None:
    answer, turns = answer_to(client, clip, asked(clip, AnalysisKind.CUTS))
    assert isinstance(answer, wire.Analysed), answer
    assert answer.frames == (1001 + CUT,)
    assert turns >= 2
    again, turns = answer_to(client, clip, asked(clip, AnalysisKind.CUTS))
    assert (again, turns) == (replace(answer, id=again.id), 0)


def test_keyframes_are_suggested_in_every_shot(client: Client, clip: list[Frame]) -> None:
    request = asked(clip, AnalysisKind.SUGGEST, count=1, keyframes=(1010,), cuts=(1001 + CUT,))
    answer, _ = answer_to(client, clip, request)
    assert isinstance(answer, wire.Analysed), answer
    (frame,) = answer.frames
    assert frame >= 1001 + CUT


def test_an_analysis_that_is_cancelled_says_nothing_more(client: Client, clip: list[Frame]) -> None:
    client.clear()
    number = client.next_id()
    client.send(wire.Analyse(id=number, request=asked(clip, AnalysisKind.CUTS)))
    client.send(wire.Cancel(id=number))
    client.ping()
    wait_for(lambda: client.status().queue == 0, 10, "the analysis to end")


def test_ids_in_use_and_of_nobody_are_refused(client: Client, clip: list[Frame]) -> None:
    answer = client.request(wire.Analyse(id=0, request=asked(clip, AnalysisKind.CUTS))).message
    assert isinstance(answer, wire.Error)
    assert answer.name == "BadMessage"


def test_welcome_names_the_kind_of_machine(client: Client) -> None:
    assert client.welcome is not None
    assert client.welcome.arithmetic == arithmetic_of(torch.device("cpu"))


def budget_of(client: Client) -> int:
    return sum(tier.budget_bytes for tier in client.status().cache.values())


def test_the_smallest_wish_counts_for_as_long_as_its_link_is_there(backend: BackendProcess, client: Client) -> None:
    before = budget_of(client)
    assert before == pytest.approx(0.25 * GIB, rel=0.01)
    client.expect(wire.Pong, wire.Budget(id=client.next_id(), ram_gb=0.125))
    assert budget_of(client) == pytest.approx(0.125 * GIB, rel=0.01)
    with backend.client() as other:
        other.expect(wire.Pong, wire.Budget(id=other.next_id(), ram_gb=0.0625, vram_gb=3.0))
        assert budget_of(client) == pytest.approx(0.0625 * GIB, rel=0.01)
        client.expect(wire.Pong, wire.Budget(id=client.next_id(), ram_gb=0.03125))
        assert budget_of(client) == pytest.approx(0.03125 * GIB, rel=0.01)
        client.expect(wire.Pong, wire.Budget(id=client.next_id()))
        assert budget_of(client) == pytest.approx(0.0625 * GIB, rel=0.01)
    wait_for(lambda: budget_of(client) == before, 10, "the wish of the link that went to be forgotten")


def test_a_request_bound_to_another_machine_is_refused_by_name(client: Client, clip: list[Frame]) -> None:
    source = clip[0]
    client.send(
        wire.Put(fingerprint=fingerprint(source), image=wire.Image.inline(source.format)),
        [source.pixels.numpy().tobytes()],
    )
    request = request_for(source, arithmetic="cpu-of-another-kind")
    render = wire.Render(id=client.next_id(), request=request, output=wire.Image.inline(source.format, part=0))
    with pytest.raises(RemoteError, match=r"UnsupportedSetting.*another kind"):
        client.expect(wire.Done, render)
