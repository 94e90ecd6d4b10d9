"""Where the plugin's bundle is, and where hosts look for bundles."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from sparkvsr.cli.errors import MissingPartError

BUNDLE_NAME = "SparkVSR.ofx.bundle"
BINARY_NAME = "SparkVSR.ofx"
SYSTEM_FOLDERS = (Path("/usr/OFX/Plugins"), Path("/usr/local/OFX/Plugins"))


def installed_bundle() -> Path:
    """The bundle that came with this installation. Raises MissingPartError."""
    try:
        from sparkvsr_bridge import bundle_path
    except ImportError as error:
        raise MissingPartError(
            f"sparkvsr_bridge cannot be loaded: {error}", advice="build it: `make setup`, or `pip install .`"
        ) from error
    try:
        return bundle_path()
    except FileNotFoundError as error:
        raise MissingPartError(str(error), advice="or `make setup`") from error


def architecture_folder() -> str:
    """The folder's name in a bundle for this machine, exactly as hosts spell it."""
    machine = platform.machine()
    return "Linux-x86-64" if machine == "x86_64" else f"Linux-{machine}"


def binary_of(bundle: Path) -> Path:
    """The plugin's binary for this machine."""
    return bundle / "Contents" / architecture_folder() / BINARY_NAME


def user_plugin_folder() -> Path:
    """Where a user without root keeps plugins; hosts need OFX_PLUGIN_PATH to look there."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local/share") / "OFX/Plugins"


def plugin_path() -> list[Path]:
    """The folders of OFX_PLUGIN_PATH."""
    return [Path(entry) for entry in os.environ.get("OFX_PLUGIN_PATH", "").split(":") if entry]


def bundles_on_path() -> list[Path]:
    """All copies of the plugin that hosts on this machine can see."""
    found = []
    for folder in (*plugin_path(), *SYSTEM_FOLDERS):
        found += sorted(folder.rglob(BUNDLE_NAME)) if folder.is_dir() else []
    return list(dict.fromkeys(path.resolve() for path in found))
