"""The 5B engine from the plugin in the headless host, on a tiny checkpoint: the pixels are the engine loop's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.shifting_clip import clip

from sparkvsr.cli.clip_renderer import ClipRenderer
from sparkvsr.cogvideox.record import record_of, write_record
from sparkvsr.color import Transfer
from sparkvsr.engine import default_registry
from sparkvsr.frames import Frame, PixelFormat, Premultiplication
from sparkvsr.media import open_clip, write_still
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.requests import Picture, Settings, View

bridge = pytest.importorskip("sparkvsr_bridge")
pytest.importorskip("sparkvsr_bridge.link")

pytestmark = [pytest.mark.ofx, pytest.mark.slow, pytest.mark.timeout(600)]

FRAMES, KEYFRAMES, SCALE = 36, (0, 21), 2
ENGINE = 1


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames ``lr.%04d.exr`` and keyframes ``key.%04d.exr``, taken as sRGB values."""
    folder = tmp_path_factory.mktemp("clip")
    pictures, truth = clip(FRAMES, 8, 12, SCALE)
    for t in range(FRAMES):
        write(folder / f"lr.{t:04d}.exr", pictures[t].permute(1, 2, 0).numpy())
    for t in KEYFRAMES:
        write(folder / f"key.{t:04d}.exr", truth[t].permute(1, 2, 0).numpy())
    return folder


def write(path: Path, rgb: np.ndarray) -> None:
    write_still(path, Frame.from_numpy(np.ascontiguousarray(rgb), Premultiplication.OPAQUE))


@pytest.fixture(scope="module")
def weights(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("installed")
    write_record(record_of(tiny_checkpoint), root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARKVSR_WEIGHTS_DIR", str(root))
        yield root


@pytest.fixture
def instance(weights: Path, material: Path, bundle: Path, fresh_runtime_dir: Path) -> Any:
    node = bridge.Host(bundle, personality="nuke").create_instance()
    frames = [alpha_added(material / f"lr.{t:04d}.exr") for t in range(FRAMES)]
    node.connect("Source", frames, premultiplication="straight")
    node.set("engine", ENGINE)
    node.set("scale", SCALE)
    node.set("inputTransfer", "Scene-linear")
    node.set("keyframeFiles", str(material / "key.%04d.exr"))
    node.set("keyframeList", " ".join(map(str, KEYFRAMES)))
    return node


def alpha_added(path: Path) -> np.ndarray:
    from sparkvsr.media import read_still

    rgb = read_still(path).frame.pixels.numpy()
    return np.concatenate([rgb, np.ones_like(rgb[..., :1])], axis=2)


@pytest.fixture
def renderer(weights: Path, material: Path) -> Any:
    source = open_clip(str(material / "lr.%04d.exr"))
    layout = source.info.layout
    output = PixelFormat(layout.width * SCALE, layout.height * SCALE, 3, layout.depth, Premultiplication.OPAQUE)

    def made(**settings: Any) -> ClipRenderer:
        chosen = Settings(**{"engine": "sparkvsr-5b", "scale": SCALE, "transfer": Transfer.LINEAR, **settings})
        pictures = {t: Picture(path=str(material / f"key.{t:04d}.exr")) for t in KEYFRAMES}
        return ClipRenderer(EngineLoop(default_registry()), source, pictures, chosen, output)

    yield made
    source.close()


def test_the_plugins_pixels_are_the_engine_loops(instance: Any, renderer: Any) -> None:
    expected = renderer()
    for t in (28, 3, 35, 26):
        picture = instance.render(t)
        np.testing.assert_array_equal(picture[..., :3], expected.render(t).frame.pixels.numpy(), err_msg=f"frame {t}")


def test_guidance_and_views_reach_the_engine(instance: Any, renderer: Any) -> None:
    instance.set("guidance", 0.4)
    np.testing.assert_array_equal(instance.render(2)[..., :3], renderer(guidance=0.4).render(2).frame.pixels.numpy())
    instance.set("view", "Confidence")
    confidence = instance.render(2)[..., :3]
    np.testing.assert_array_equal(
        confidence, renderer(guidance=0.4, view=View.CONFIDENCE).render(2).frame.pixels.numpy()
    )
    assert confidence.mean() > 0.1
    instance.set("view", "Blind")
    np.testing.assert_array_equal(instance.render(2)[..., :3], renderer(guidance=0).render(2).frame.pixels.numpy())


def test_options_are_stored_with_the_project(instance: Any, renderer: Any) -> None:
    instance.set("engineOptions", "color=off, gate=off")
    expected = renderer(engine="sparkvsr-5b?color=off,gate=off").render(2).frame.pixels.numpy()
    np.testing.assert_array_equal(instance.render(2)[..., :3], expected)
    instance.set("engineOptions", "colour=off")
    with pytest.raises(bridge.RenderFailed, match=r"UnsupportedSetting.*found 'colour=off'"):
        instance.render(2)
    instance.set("engine", "Lite")
    assert instance.render(2).shape == (16, 24, 4)


def test_longer_chunks_are_an_option_too(instance: Any, renderer: Any) -> None:
    assert instance.frames_needed(2)["Source"] == [(0, 32)]
    instance.set("engineOptions", "color=off, chunk=49")
    assert instance.frames_needed(2)["Source"] == [(0, 35)]  # chunk 0..48, clipped at the clip's end
    assert instance.frames_needed(2)["Keyframes"] == [(0, 0), (21, 21)]
    expected = renderer(engine="sparkvsr-5b?color=off,chunk=49").render(28).frame.pixels.numpy()
    np.testing.assert_array_equal(instance.render(28)[..., :3], expected)
    instance.set("engineOptions", "color=off,chunk=4")
    with pytest.raises(bridge.RenderFailed, match=r"expected chunk=33\|49, found '4'"):
        instance.render(28)


def test_a_plan_is_told_and_settled_by_the_artist(
    instance: Any, renderer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options never follow from free memory by themselves: the error has the ones to put in their place."""
    instance.set("engineOptions", "plan")
    with pytest.raises(bridge.RenderFailed, match=r"UnsupportedSetting.*proposed for this device: dtype=") as caught:
        instance.render(2)
    proposed = str(caught.value).partition("proposed for this device: ")[2].partition(" ")[0]
    instance.set("engineOptions", proposed)
    expected = renderer(engine=f"sparkvsr-5b?{proposed}").render(2).frame.pixels.numpy()
    np.testing.assert_array_equal(instance.render(2)[..., :3], expected)


def test_a_cancelled_render_ends_and_the_next_one_works(instance: Any, renderer: Any) -> None:
    with pytest.raises(bridge.RenderFailed):
        instance.render(5, abort_after_ms=1)
    np.testing.assert_array_equal(instance.render(5)[..., :3], renderer().render(5).frame.pixels.numpy())


def test_the_host_is_asked_for_the_chunks_and_the_artist_told_which_frames_fit(instance: Any) -> None:
    needed = instance.frames_needed(28)
    assert needed["Source"] == [(0, 35)]
    assert needed["Keyframes"] == [(0, 0), (21, 21)]
    instance.press("flagKeyframe", 22)
    assert "Frame 22 is moved to its place by measured motion; 20 and 24 fit exactly." in instance.get("status")
    instance.press("flagKeyframe", 24)
    assert "fit exactly" not in instance.get("status")


def test_progress_and_the_proposed_options_reach_the_link(weights: Path, fresh_runtime_dir: Path) -> None:
    """What the plugin's link hears: stages of a chunk while it is made, and a plan as the ``expected`` of an error."""
    link = bridge.link.Link()
    pictures = [np.ascontiguousarray(one.permute(1, 2, 0).numpy()) for one in clip(9, 16, 24, 1)[0]]
    frames = [(t, link.put(picture)) for t, picture in enumerate(pictures)]
    told: list[tuple[float, str]] = []

    def render(engine: str) -> Any:
        settings = {"engine": engine, "scale": 2, "transfer": "srgb"}
        return link.render(
            target=(48, 32),
            time=3,
            frames=frames,
            range=(0, 8),
            settings=settings,
            progress=lambda *one: told.append(one),
        )

    try:
        if render("sparkvsr-5b").need:  # the backend had to start in between
            frames = [(t, link.put(picture, force=True)) for t, picture in enumerate(pictures)]
            assert render("sparkvsr-5b").pixels.shape[:2] == (32, 48)
        assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
        assert {stage for _, stage in told} & {"encode", "transformer", "decode"}
        with pytest.raises(bridge.link.LinkError) as caught:
            render("sparkvsr-5b?plan")
        assert caught.value.name == "UnsupportedSetting"
        assert caught.value.found == "plan"
        assert caught.value.expected.startswith("dtype=")
    finally:
        link.shutdown_backend()
