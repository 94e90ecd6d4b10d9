"""What the link asks beside frames: analyses, wishes for memory, who serves; keyframes that are files or made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.fake_backend import ANALYSE, ANALYSED, BUDGET, CANCEL, ERROR, PROGRESS, RENDER, FakeBackend, Header

from sparkvsr_bridge.link import Link, LinkError, fingerprint

pytestmark = pytest.mark.timeout(60)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(abs(seed)).random((6, 8, 4), dtype=np.float32)


def quick_link() -> Link:
    return Link(allow_spawn=False, silence=0.8, handshake=1.0)


@pytest.fixture
def fake(fresh_runtime_dir: Path) -> FakeBackend:
    return FakeBackend(fresh_runtime_dir)


def asked(fake: FakeBackend, kind: int) -> list[Header]:
    return [header for header in fake.received if header["type"] == kind]


def test_an_analysis_asks_for_the_frames_it_lacks_and_then_answers(fake: FakeBackend) -> None:
    frames = [(time, fingerprint(picture(time))) for time in (-3, 4)]
    with fake.running():
        link = quick_link()
        needed = []
        for _ in frames:
            outcome = link.analyse(kind="cuts", frames=frames)
            needed += outcome.need
            link.put(picture({p: t for t, p in frames}[outcome.need[0]]), force=True)
        assert needed == [print_ for _, print_ in frames]
        assert link.analyse(kind="cuts", frames=frames).frames == [4]
    request = asked(fake, ANALYSE)[-1]
    assert [time for time, _ in request["frames"]] == [-3, 4]
    assert request["kind"] == "cuts"


def test_a_suggestion_says_all_that_counts(fake: FakeBackend) -> None:
    with fake.running():
        link = quick_link()
        link.analyse(
            kind="suggest",
            frames=[(0, b"a" * 16), (1, b"b" * 16)],
            keyframes=[1],
            cuts=[0],
            count=1,
            settings={"scale": 3, "transfer": "pq"},
        )
    (request,) = asked(fake, ANALYSE)
    assert {key: request[key] for key in ("keyframes", "cuts", "count", "scale")} == {
        "keyframes": [1],
        "cuts": [0],
        "count": 1,
        "scale": 3,
    }
    assert request["settings"]["transfer"] == "pq"


class Reporting(FakeBackend):
    """Says how far it is, and then what the test wants."""

    answer: Header

    def analyse(self, client: bytes, header: Header) -> None:
        self.send(client, {"type": PROGRESS, "id": header["id"], "fraction": 0.25, "stage": "looking"})
        time.sleep(0.1)
        if self.answer:
            self.send(client, {"id": header["id"], **self.answer})


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"type": ERROR, "name": "EngineFailed", "message": "no", "expected": "", "found": ""}, "EngineFailed"),
        ({"type": ANALYSED, "frames": "1 2"}, "BadMessage"),
        ({"type": ANALYSED, "frames": [0.5]}, "BadMessage"),
        ({"type": ANALYSED, "frames": [2**63]}, "BadMessage"),
        ({"type": ANALYSED}, "BadMessage"),
        ({"type": 5}, "BadMessage"),
    ],
)
def test_bad_answers_to_an_analysis_have_names(fresh_runtime_dir: Path, answer: Header, name: str) -> None:
    fake = Reporting(fresh_runtime_dir)
    fake.answer = answer
    told: list[tuple[float, str]] = []
    with fake.running(), pytest.raises(LinkError) as caught:
        quick_link().analyse(
            kind="cuts", frames=[(0, b"a" * 16)], progress=lambda fraction, stage: told.append((fraction, stage))
        )
    assert caught.value.name == name
    assert told == [(0.25, "looking")]


def test_an_analysis_can_be_given_up(fresh_runtime_dir: Path) -> None:
    fake = Reporting(fresh_runtime_dir)
    fake.answer = {}
    with fake.running():
        begin = time.monotonic()
        with pytest.raises(LinkError) as caught:
            quick_link().analyse(kind="cuts", frames=[(0, b"a" * 16)], abort=lambda: time.monotonic() > begin + 0.3)
        for _ in range(100):
            if asked(fake, CANCEL):
                break
            time.sleep(0.02)
    assert caught.value.name == "Aborted"
    assert asked(fake, CANCEL)[0]["id"] == asked(fake, ANALYSE)[0]["id"]


def render(link: Link, **options: Any) -> Any:
    return link.render(target=(8, 6), frames=[(0, link.put(picture()))], **options)


def test_a_wish_is_told_once_and_before_the_first_frame(fake: FakeBackend) -> None:
    with fake.running():
        link = quick_link()
        assert link.wish_budget(vram=2.0, ram=0.5)
        assert asked(fake, BUDGET) == [], "nobody is connected"
        render(link)
        render(link)
        link.wish_budget(vram=2.0, ram=0.5)
    told = asked(fake, BUDGET)
    assert [(one["vram_gb"], one["ram_gb"]) for one in told] == [(2.0, 0.5)]
    assert fake.received.index(told[0]) < fake.received.index(asked(fake, RENDER)[0])


def test_a_wish_can_change_and_be_taken_back(fake: FakeBackend) -> None:
    with fake.running():
        link = quick_link()
        render(link)
        link.wish_budget(ram=1.0)
        link.wish_budget()  # another node, which wishes nothing
        link.wish_budget(always=True)
        link.wish_budget(always=True)
    assert [one["ram_gb"] for one in asked(fake, BUDGET)] == [1.0, 0.0]


def test_a_wish_is_told_again_to_the_next_connection(fresh_runtime_dir: Path) -> None:
    link = quick_link()
    for _ in range(2):
        fake = FakeBackend(fresh_runtime_dir)
        with fake.running():
            link.wish_budget(ram=1.0)
            render(link)
        assert len(asked(fake, BUDGET)) == 1


class Refusing(FakeBackend):
    """Has never heard of wishes."""

    def pong(self, client: bytes, header: Header) -> None:
        if header["type"] == BUDGET:
            self.error(client, header, "BadMessage")
        else:
            super().pong(client, header)


def test_a_wish_that_is_refused_is_told(fresh_runtime_dir: Path) -> None:
    fake = Refusing(fresh_runtime_dir)
    with fake.running():
        link = quick_link()
        link.wish_budget(ram=1.0)
        with pytest.raises(LinkError) as caught:
            render(link)
    assert caught.value.name == "BadMessage"


def test_who_serves(fake: FakeBackend) -> None:
    with fake.running():
        card = quick_link().backend()
    assert (card["version"], card["device"], card["pid"]) == ("0", "cpu", fake.pid)
    assert card["arithmetic"] == "", "an older backend does not say"
    with pytest.raises(LinkError):
        quick_link().backend()


def test_pictures_that_are_files_or_made(fake: FakeBackend) -> None:
    with fake.running():
        link = quick_link()
        render(
            link,
            keyframes=[
                {"time": 0, "picture": "/a.dpx", "transfer": "cineon"},
                {"time": 1, "picture": "/a.png"},
                {"time": 2, "model": "blind", "source": b"s" * 16},
            ],
            settings={"grain": 0.5, "sharpness": 0.25, "quality": "draft", "arithmetic": "cpu"},
        )
    (request,) = asked(fake, RENDER)
    assert [use["picture"] for use in request["keyframes"]] == [
        {"path": "/a.dpx", "transfer": "cineon"},
        {"path": "/a.png"},
        {"model": "blind"},
    ]
    assert {key: request["settings"][key] for key in ("grain", "sharpness", "quality", "arithmetic")} == {
        "grain": 0.5,
        "sharpness": 0.25,
        "quality": "draft",
        "arithmetic": "cpu",
    }
