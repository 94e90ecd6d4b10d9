"""The bridge to OpenFX hosts for Python: a headless host, the backend link, and where the plugin's bundle is."""

from __future__ import annotations

from importlib import import_module

from sparkvsr_bridge.bundle import bundle_path

try:
    import_module("sparkvsr_bridge._core")  # first, so that its absence is explained
except ImportError as error:
    raise ImportError(
        f"the compiled part of sparkvsr_bridge cannot be loaded ({error}); "
        "build it with `make setup` or `pip install -e .`",
        name="sparkvsr_bridge._core",
    ) from error

from sparkvsr_bridge.errors import (
    ActionFailed,
    HostError,
    LoadFailed,
    PluginViolated,
    RenderAborted,
    RenderFailed,
    Violation,
)
from sparkvsr_bridge.host import Host, override_names, personality_names
from sparkvsr_bridge.instance import Instance
from sparkvsr_bridge.records import Failing, Faults, Message, Progress, Project, Rendered

__all__ = [
    "ActionFailed",
    "Failing",
    "Faults",
    "Host",
    "HostError",
    "Instance",
    "LoadFailed",
    "Message",
    "PluginViolated",
    "Progress",
    "Project",
    "RenderAborted",
    "RenderFailed",
    "Rendered",
    "Violation",
    "bundle_path",
    "override_names",
    "personality_names",
]
