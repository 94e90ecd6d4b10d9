"""The demo's host side: the built plugin in the headless host, as a scene-linear compositing program would run it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sparkvsr.cli.bundle import installed_bundle
from sparkvsr.cli.demo_material import SCALE, Material
from sparkvsr.cli.errors import CommandError
from sparkvsr.cli.install_plugin import backend_command
from sparkvsr.color import Transfer, from_working, pack, to_working, unpack
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication

Pixels = npt.NDArray[np.float32]
PERSONALITY = "nuke"


def to_host(frame: Frame) -> Pixels:
    """Scene-linear RGBA float, as such a host reads an sRGB file."""
    rgb = from_working(unpack(frame)[0], Transfer.LINEAR)
    height, width = rgb.shape[1:]
    layout = PixelFormat(width, height, 4, Depth.FLOAT, Premultiplication.PREMULTIPLIED)
    return np.asarray(pack(rgb, torch.ones((1, height, width)), layout).numpy(), np.float32)


def from_host(pixels: Pixels) -> Frame:
    """The 8-bit sRGB picture of a scene-linear one."""
    rgb = torch.from_numpy(np.ascontiguousarray(pixels[:, :, :3].transpose(2, 0, 1)))
    height, width = rgb.shape[1:]
    layout = PixelFormat(width, height, 3, Depth.BYTE, Premultiplication.OPAQUE)
    return pack(to_working(rgb, Transfer.LINEAR), None, layout)


class PluginInHost:
    """An instance of the plugin with the demo's clips connected and its keyframes flagged."""

    def __init__(self, host: Any, material: Material) -> None:
        self._instance = host.create_instance()
        self._connect(material)
        self._instance.set("scale", SCALE)
        self._instance.set("cuts", " ".join(map(str, material.cuts)))
        for number in material.keyframes:
            self._instance.set_at("keyframe", number, 1)
        self._view = "Result"

    def _connect(self, material: Material) -> None:
        span = (material.numbers[0], material.numbers[-1])
        flagged = frozenset(material.keyframes)

        def source(time: float) -> Pixels | None:
            return to_host(material.source.read(round(time))) if round(time) in material.numbers else None

        def picture(time: float) -> Pixels | None:
            return to_host(material.truth.read(round(time))) if round(time) in flagged else None

        self._instance.connect("Source", source, frame_range=span)
        self._instance.connect("Keyframes", picture, frame_range=span)

    def render(self, number: int, view: str = "Result") -> Frame:
        """One frame of a view. Raises CommandError with the plugin's own words."""
        from sparkvsr_bridge import RenderFailed

        if view != self._view:
            self._instance.set("view", view)
            self._view = view
        try:
            return from_host(self._instance.render(number))
        except RenderFailed as error:
            raise CommandError(f"the plugin failed at frame {number}: {error}", name="RenderFailed") from error

    def destroy(self) -> None:
        """End the instance."""
        self._instance.destroy()


@contextmanager
def plugin_in_host(material: Material) -> Iterator[PluginInHost]:
    """The plugin, loaded; it starts the backend by itself, in a place of its own, which is cleared away at the end."""
    from sparkvsr_bridge import Host

    bundle = installed_bundle()
    with _private_backend():
        host = Host(bundle, personality=PERSONALITY)
        try:
            instance = PluginInHost(host, material)
            try:
                yield instance
            finally:
                instance.destroy()
        finally:
            host.unload()


@contextmanager
def _private_backend() -> Iterator[None]:
    """A runtime directory for this demo alone, and the command that the plugin starts its backend with."""
    with tempfile.TemporaryDirectory(prefix="sparkvsr-demo-", dir="/tmp") as folder:
        kept = {name: os.environ.get(name) for name in _VARIABLES}
        os.environ["SPARKVSR_RUNTIME_DIR"] = folder
        os.environ["SPARKVSR_BACKEND_COMMAND"] = json.dumps(backend_command())
        os.environ.pop("SPARKVSR_ADDRESS", None)
        try:
            yield
        finally:
            _end_backend(Path(folder))
            _restore(kept)


_VARIABLES = ("SPARKVSR_RUNTIME_DIR", "SPARKVSR_BACKEND_COMMAND", "SPARKVSR_ADDRESS")


def _restore(kept: dict[str, str | None]) -> None:
    for name, value in kept.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _end_backend(folder: Path) -> None:
    from sparkvsr_backend.client import Client
    from sparkvsr_backend.errors import BackendError, BackendNotFoundError

    try:
        with Client(folder, name="sparkvsr-demo", timeout_s=5.0) as client:
            client.shutdown()
    except BackendNotFoundError:
        return
    except BackendError as error:
        raise CommandError(f"the demo's backend could not be ended: {error}", name="BackendSilent") from error
