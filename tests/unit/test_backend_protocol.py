"""Messages: what is written is read back; what is malformed is refused by name; golden bytes are decoded for ever."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.requests import frame, keyframe, request_for

import sparkvsr_backend.protocol as wire
from sparkvsr.frames import Depth, PixelFormat, Premultiplication
from sparkvsr_backend.errors import BadMessageError
from sparkvsr_backend.requests import FINGERPRINT_BYTES, AnalysisKind, AnalysisRequest, Quality

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "tests" / "data" / "golden"
LAYOUT = PixelFormat(8, 6, 4, Depth.FLOAT, Premultiplication.STRAIGHT)
BIG = 2**40 + 7


def a_render() -> wire.Render:
    source, hero = frame(), frame(seed=1)
    request = request_for(
        source,
        time=-3,
        keyframes=(keyframe(0, hero, source, 0.5), keyframe(24, "/pictures/a.0024.png")),
        cuts=(0, 100),
        generation=4,
    )
    return wire.Render(id=BIG, request=request, output=wire.Image.in_slot(LAYOUT, 1, 2))


EXAMPLES: dict[str, wire.Message] = {
    "hello": wire.Hello(
        id=1,
        proto_min=1,
        proto_max=3,
        token="ab" * 32,
        client=wire.Party(name="link", version="1.2"),
        host=wire.Party(name="Nuke", version="16.0"),
        pid=4242,
        carriers=("shm", "inline"),
    ),
    "welcome": wire.Welcome(
        id=BIG,
        proto=1,
        server=wire.Party(name="sparkvsr-backend", version="0.1.0"),
        instance="0123456789abcdef",
        pid=4321,
        device="cuda:0",
        engines=(wire.EngineCard(name="lite", scales=(1, 2, 3, 4), window=2, identity="lite-handmade-1"),),
        carriers=("shm", "inline"),
        limits=wire.Limits(header_bytes=1 << 20, frame_bytes=1 << 31),
    ),
    "error": wire.Error(id=BIG, name="BadKeyframe", message="keyframe 24: …", expected="8×6", found="8×9"),
    "ping": wire.Ping(id=2),
    "pong": wire.Pong(id=BIG),
    "attach": wire.Attach(id=3, segment=1, name="/sparkvsr-" + "0f" * 16, slot_bytes=4096, slots=8),
    "attached": wire.Attached(id=BIG, segment=7),
    "put": wire.Put(fingerprint=bytes(range(16)), image=wire.Image.in_slot(LAYOUT, 1, 2, row_bytes=256)),
    "release": wire.Release(segment=7, slots=(0, 3, 5)),
    "render": a_render(),
    "need": wire.Need(id=BIG, fingerprints=(bytes(range(16)), bytes(range(16, 32)))),
    "progress": wire.Progress(id=BIG, fraction=0.375, stage="motion"),
    "done": wire.Done(
        id=BIG,
        image=wire.Image.in_slot(LAYOUT, 7, 5, row_bytes=256),
        cached=True,
        confidence=wire.Confidence(mean=0.75, low=0.125),
        notices=(wire.Notice(name="KeyframeUnlikeSource", text="keyframe 24: check the offset"),),
        timings={"propagate": 12.5, "pack": 0.25},
    ),
    "cancel": wire.Cancel(id=9),
    "status": wire.Status(id=10),
    "status_reply": wire.StatusReply(
        id=BIG,
        version="0.1.0",
        instance="0123456789abcdef",
        pid=4321,
        uptime_s=12.5,
        device="cpu",
        requests=wire.RequestCounters(rendered=1, cached=2, cancelled=3, failed=4, needed=5),
        frames=wire.FrameCounters(received=6, received_bytes=BIG),
        cache={
            "results": wire.TierCounters(hits=7, misses=8, entries=9, bytes=10, budget_bytes=11, evictions=12),
        },
        sessions=13,
        queue=14,
        clients=15,
    ),
    "bye": wire.Bye(id=11),
    "shutdown": wire.Shutdown(id=12),
    "clear": wire.Clear(id=13),
    "detach": wire.Detach(id=14, segment=3),
    "analyse": wire.Analyse(
        id=BIG,
        request=AnalysisRequest(
            kind=AnalysisKind.SUGGEST,
            frames=((-3, bytes(range(16))), (-2, bytes(range(16, 32))), (4, bytes(range(32, 48)))),
            keyframes=(-2,),
            cuts=(0,),
            count=1,
            scale=3,
            settings=a_render().request.settings,
        ),
    ),
    "analysed": wire.Analysed(id=BIG, frames=(-3, 4, 2**40)),
    "budget": wire.Budget(id=15, vram_gb=6.5, ram_gb=0.0),
}
FROM_BACKEND = (
    "welcome",
    "error",
    "pong",
    "attached",
    "release",
    "need",
    "progress",
    "done",
    "status_reply",
    "analysed",
)


def header_of(message: wire.Message) -> dict[str, object]:
    unpacked: dict[str, object] = msgpack.unpackb(wire.encode(message))
    return unpacked


def refused(header: object) -> BadMessageError:
    with pytest.raises(BadMessageError) as caught:
        wire.decode(msgpack.packb(header))
    return caught.value


def test_every_message_has_an_example() -> None:
    assert set(EXAMPLES) == {kind.name.lower() for kind in wire.MessageType}
    assert len(wire.MESSAGES) == len(wire.MessageType)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_message_survives_the_journey(name: str) -> None:
    assert wire.decode(wire.encode(EXAMPLES[name])) == EXAMPLES[name]


@pytest.mark.parametrize("name", FROM_BACKEND)
def test_golden_bytes_of_version_1_are_those_written_today(name: str) -> None:
    """A difference means that older links read something else: add a field with a default, or raise the version."""
    stored = (GOLDEN / f"v1-{name}.msgpack").read_bytes()
    assert wire.decode(stored) == EXAMPLES[name]
    assert stored == wire.encode(EXAMPLES[name])


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.msgpack")), ids=lambda path: path.stem)
def test_golden_bytes_of_either_side_are_decoded(path: Path) -> None:
    message = wire.decode(path.read_bytes())
    assert message.TYPE.name.lower() == path.stem.split("-")[1]


def test_labels_of_keyframes_are_read_and_may_be_missing() -> None:
    def labels(name: str) -> list[int | None]:
        message = wire.decode((GOLDEN / name).read_bytes())
        assert isinstance(message, wire.Render)
        return [keyframe.label for keyframe in message.request.keyframes]

    assert labels("v1-render-label.msgpack") == [1001, -7]
    assert labels("v1-render.msgpack") == [None, None]


def test_finish_and_quality_are_read_and_may_be_missing() -> None:
    def finish(name: str) -> tuple[float, float, Quality, str]:
        message = wire.decode((GOLDEN / name).read_bytes())
        assert isinstance(message, wire.Render)
        found = message.request.settings
        return found.grain, found.sharpness, found.quality, found.arithmetic

    assert finish("v1-render-finish.msgpack") == (0.5, 0.25, Quality.DRAFT, "")
    assert finish("v1-render.msgpack") == (0.0, 0.0, Quality.FULL, "")


def test_golden_bytes_of_the_links_new_messages_say_what_was_meant() -> None:
    analyse = wire.decode((GOLDEN / "v1-analyse.msgpack").read_bytes())
    assert isinstance(analyse, wire.Analyse)
    meant = EXAMPLES["analyse"]
    assert isinstance(meant, wire.Analyse)
    assert replace(analyse.request, settings=meant.request.settings) == meant.request
    assert (str(analyse.request.settings.transfer), analyse.request.settings.scale) == ("linear", 3)
    budget = wire.decode((GOLDEN / "v1-budget.msgpack").read_bytes())
    assert isinstance(budget, wire.Budget)
    assert (budget.vram_gb, budget.ram_gb) == (6.5, 0.0)


def test_a_sparse_field_is_written_only_where_it_says_something() -> None:
    """So a WELCOME of a backend that is bound to nothing is written as it was before the field was there."""
    welcome = EXAMPLES["welcome"]
    assert isinstance(welcome, wire.Welcome)
    assert "arithmetic" not in header_of(welcome)
    told = replace(welcome, arithmetic="cpu-avx2")
    assert header_of(told)["arithmetic"] == "cpu-avx2"
    assert wire.decode(wire.encode(told)) == told


def test_the_numbers_are_those_of_the_document() -> None:
    text = (REPOSITORY / "docs" / "protocol.md").read_text()
    documented = {name: int(number) for number, name in re.findall(r"^\| (\d+) +\| ([A-Z_]+) +\|", text, re.MULTILINE)}
    assert documented == {kind.name: int(kind) for kind in wire.MessageType}
    version = re.search(r"Protocol version: \*\*(\d+)\*\*", text)
    assert version is not None
    assert int(version[1]) == wire.PROTOCOL_MAX


def test_unknown_keys_are_ignored() -> None:
    header = {**header_of(EXAMPLES["attach"]), "colour": "blue"}
    assert wire.decode(msgpack.packb(header)) == EXAMPLES["attach"]


def test_missing_keys_take_their_defaults() -> None:
    header = header_of(EXAMPLES["render"])
    settings = {"engine": "lite", "scale": 2, "transfer": "linear"}
    message = wire.decode(msgpack.packb({**header, "settings": settings}))
    assert isinstance(message, wire.Render)
    found = message.request.settings
    assert (found.guidance, found.trust, str(found.view), found.cuts, found.grid) == (1.0, 0.0, "result", (), 0)
    assert (found.split, str(found.precision), found.generation) == (0.5, "float32", 0)
    assert (found.grain, found.sharpness, found.quality, found.arithmetic) == (0.0, 0.0, Quality.FULL, "")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"type": 99}, "type"),
        ({"type": True}, "type"),
        ({"type": "10"}, "type"),
        ({"id": -1}, "id"),
        ({"id": 2**64 - 1, "time": 2**63}, "time"),
        ({"priority": 3}, "priority"),
        ({"session": 5}, "session"),
        ({"session": "x" * 257}, "session"),
        ({"session": "a\0b"}, "session"),
        ({"window": []}, "window"),
        ({"window": [[-3, b"short"]]}, "window"),
        ({"window": [[-3, b"x" * 16], [-3, b"y" * 16]]}, "window"),
        ({"window": [[-3, "x" * 16]]}, "window"),
        ({"window": {"-3": b"x" * 16}}, "window"),
        ({"keyframes": [{"time": 0, "picture": {}}]}, "keyframes[].picture"),
        ({"keyframes": [{"time": 0, "picture": {"path": "/a", "fingerprint": b"x" * 16}}]}, "keyframes[].picture"),
        ({"keyframes": [{"time": 0, "picture": {"path": "/a"}, "strength": float("nan")}]}, "keyframes[].strength"),
        ({"keyframes": [{"time": 0, "picture": {"path": "/a"}, "label": 0.5}]}, "keyframes[].label"),
        ({"keyframes": [{"time": 0, "picture": {"path": "/a"}}] * 2}, "keyframes"),
        ({"range": [0]}, "range"),
        ({"target": {"width": 8, "height": 6, "window": [0, 0, 9, 6]}}, "target.window"),
        ({"target": {"width": 8, "height": 6, "window": [4, 0, 4, 6]}}, "target.window"),
        ({"target": {"width": 8, "height": 6, "window": [-1, 0, 4, 6]}}, "target.window"),
        ({"target": {"width": 0, "height": 6, "window": [0, 0, 1, 1]}}, "target.width"),
        ({"output": None}, "output"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, object], where: str) -> None:
    error = refused({**header_of(EXAMPLES["render"]), **change})
    assert error.message.split(":")[0].startswith(where), error.message
    assert error.expected
    assert error.found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("engine", ""),
        ("scale", 0),
        ("scale", 5),
        ("scale", 2.0),
        ("guidance", 2.5),
        ("guidance", float("inf")),
        ("guidance", True),
        ("trust", -0.1),
        ("view", "xray"),
        ("transfer", "gamma"),
        ("precision", "int8"),
        ("cuts", [0.5]),
        ("grid", -1),
        ("split", 1.5),
        ("generation", "1"),
        ("grain", 2.5),
        ("grain", float("nan")),
        ("sharpness", -0.5),
        ("quality", "fast"),
        ("arithmetic", "x" * 257),
    ],
)
def test_a_bad_setting_is_named(key: str, value: object) -> None:
    header = header_of(EXAMPLES["render"])
    settings = header["settings"]
    assert isinstance(settings, dict)
    if (key, value) == ("engine", ""):
        value = 7
    assert refused({**header, "settings": {**settings, key: value}}).message.startswith(f"settings.{key}")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"kind": "faces"}, "kind"),
        ({"frames": []}, "frames"),
        ({"frames": [[1, b"x" * 16], [1, b"y" * 16]]}, "frames"),
        ({"frames": [[2, b"x" * 16], [1, b"y" * 16]]}, "frames"),
        ({"frames": [[1, b"x" * 15]]}, "frames"),
        ({"frames": [[1, b"x" * 16]] * 16385}, "frames"),
        ({"keyframes": [5]}, "keyframes"),
        ({"keyframes": [0.5]}, "keyframes"),
        ({"count": 0}, "count"),
        ({"count": 3}, "count"),
        ({"count": 2**31}, "count"),
        ({"scale": 5}, "scale"),
        ({"cuts": "0"}, "cuts"),
        ({"settings": {"engine": "lite", "scale": 4}}, "settings.transfer"),
        ({"settings": None}, "settings"),
    ],
)
def test_a_bad_field_of_an_analysis_is_named(change: dict[str, object], where: str) -> None:
    error = refused({**header_of(EXAMPLES["analyse"]), **change})
    assert error.message.split(":")[0].startswith(where), error.message
    assert error.request_id == BIG


def test_what_only_suggestions_need_may_be_missing_for_cuts() -> None:
    header = header_of(EXAMPLES["analyse"])
    kept = {key: value for key, value in header.items() if key not in ("keyframes", "cuts", "count", "scale")}
    message = wire.decode(msgpack.packb({**kept, "kind": "cuts"}))
    assert isinstance(message, wire.Analyse)
    assert (message.request.keyframes, message.request.cuts, message.request.count) == ((), (), 0)


@pytest.mark.parametrize("change", [{"vram_gb": -1.0}, {"ram_gb": float("nan")}, {"ram_gb": 1e9}, {"vram_gb": "1"}])
def test_a_budget_that_is_none_is_refused(change: dict[str, object]) -> None:
    assert refused({**header_of(EXAMPLES["budget"]), **change}).message.startswith(next(iter(change)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("width", 65537),
        ("height", 0),
        ("components", 2),
        ("components", 5),
        ("depth", "double"),
        ("premultiplication", "some"),
        ("row_bytes", 8 * 16 - 1),
        ("row_bytes", 8 * 16 + 2),
        ("row_bytes", 2**40),
        ("carrier", "pigeon"),
        ("slot", -1),
        ("segment", 2**32),
        ("part", 65),
    ],
)
def test_a_bad_descriptor_is_named(key: str, value: object) -> None:
    header = header_of(EXAMPLES["put"])
    image = header["image"]
    assert isinstance(image, dict)
    assert refused({**header, "image": {**image, key: value}}).message.startswith(f"image.{key}")


def test_the_output_has_the_size_of_the_targets_window() -> None:
    header = header_of(EXAMPLES["render"])
    error = refused({**header, "target": {"width": 8, "height": 6, "window": [0, 0, 4, 6]}})
    assert error.message == "output"
    assert error.request_id == BIG


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x80\x80", b"\x93\x01\x02\x03", b"\xdd\xff\xff\xff\xff", b"\x81\x01\x02"]
)
def test_what_is_no_map_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessageError):
        wire.decode(data)


def test_a_header_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(BadMessageError, match="at most"):
        wire.decode(b"\xc0" * (wire.HEADER_BYTES + 1))


def test_a_truncated_header_is_refused() -> None:
    whole = wire.encode(EXAMPLES["render"])
    for length in range(len(whole)):
        with pytest.raises(BadMessageError):
            wire.decode(whole[:length])


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        wire.decode(data)
    except BadMessageError:
        return


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(name=st.sampled_from(sorted(EXAMPLES)), data=st.data())
def test_any_field_may_be_anything(name: str, data: st.DataObject) -> None:
    """Replacing any field by any value gives a message or BadMessage, never another failure."""
    header = header_of(EXAMPLES[name])
    changed = {**header, data.draw(st.sampled_from(sorted(header))): data.draw(VALUES)}
    try:
        wire.decode(msgpack.packb(changed))
    except BadMessageError:
        return


def test_span_of_an_image_counts_the_last_row_without_padding() -> None:
    image = wire.Image.in_slot(LAYOUT, 0, 0, row_bytes=256)
    assert image.span_bytes == 5 * 256 + 8 * 16
    assert replace(image, row_bytes=128).span_bytes == 6 * 128
    assert FINGERPRINT_BYTES == 16
