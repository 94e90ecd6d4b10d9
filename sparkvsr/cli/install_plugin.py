"""``sparkvsr install-plugin``: copy the bundle to where hosts look, tell it how to start the backend."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from sparkvsr.cli import values
from sparkvsr.cli.bundle import BINARY_NAME, BUNDLE_NAME, installed_bundle, user_plugin_folder
from sparkvsr.cli.errors import SUCCESS, CommandError, UsageError
from sparkvsr.cli.screen import Screen

SYSTEM_FOLDER = Path("/usr/OFX/Plugins")
BACKEND_FILE = Path("Contents/Resources/backend.json")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the command. Raises CommandError."""
    folder = _folder(options)
    if options.uninstall:
        return _uninstall(folder, screen)
    target = install(options.bundle or installed_bundle(), folder)
    screen.result(str(target))
    for line in _what_hosts_need(folder):
        screen.note(line)
    return SUCCESS


def _folder(options: argparse.Namespace) -> Path:
    if options.dir is not None:
        folder: Path = options.dir
        return folder.expanduser().absolute()
    return user_plugin_folder() if options.user else SYSTEM_FOLDER


def install(source: Path, folder: Path) -> Path:
    """Copy the bundle into ``folder`` in one step: hosts see the old one or the new one. Raises CommandError."""
    target = folder / BUNDLE_NAME
    if source.name != BUNDLE_NAME or not any(source.glob(f"Contents/*/{BINARY_NAME}")):
        raise UsageError(
            f"{source} is no bundle of this plugin", expected=f"{BUNDLE_NAME} with its binary", found=source.name
        )
    if source.resolve() == target.resolve():
        raise UsageError(
            f"{target} is the bundle of this installation itself", expected="another folder", found=str(folder)
        )
    draft, old = (folder / f".{BUNDLE_NAME}.{kind}{os.getpid()}" for kind in ("new", "old"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, draft, symlinks=False)
        _write_backend_file(draft / BACKEND_FILE)
        _swap(draft, target, old)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return target


def _write_backend_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"command": backend_command()}, indent=2) + "\n", encoding="utf-8")
    path.chmod(0o644)


def backend_command() -> list[str]:
    """How to start the backend of this installation."""
    return [sys.executable, "-m", "sparkvsr_backend", "serve"]


def _swap(draft: Path, target: Path, old: Path) -> None:
    """A running host keeps the files it has mapped: they are renamed away, never written to."""
    if target.exists():
        target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def _uninstall(folder: Path, screen: Screen) -> int:
    target = folder / BUNDLE_NAME
    if not target.is_dir():
        raise CommandError(f"{target} is not there; nothing to remove", name="NotInstalled")
    try:
        shutil.rmtree(target)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    screen.result(f"removed {target}")
    return SUCCESS


def _cannot_write(folder: Path, error: OSError) -> CommandError:
    return CommandError(
        f"{folder}: {error.strerror or error}",
        name="CannotInstall",
        advice="call it with sudo, or with --user, or with --dir FOLDER",
    )


def _what_hosts_need(folder: Path) -> list[str]:
    lines = ["Start the host again: hosts look for plugins only at launch."]
    if folder != SYSTEM_FOLDER:
        lines.append(f"Hosts find it with: export OFX_PLUGIN_PATH={folder}${{OFX_PLUGIN_PATH:+:$OFX_PLUGIN_PATH}}")
    lines.append(
        "After an update delete the host's plugin cache where it keeps one: ofxplugincache*.xml (Nuke), "
        "OFXPluginCacheV2.xml (Resolve), ~/.cache/INRIA/Natron/OFXLoadCache (Natron)."
    )
    return lines


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = f"Install the OpenFX plugin into {SYSTEM_FOLDER} (default), or elsewhere."
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help=f"into {user_plugin_folder()}, without root")
    parser.add_argument(
        "--bundle",
        type=values.folder,
        metavar="DIR",
        help="install this bundle, a release for instance (default: ours)",
    )
    where.add_argument("--dir", type=values.folder, metavar="DIR", help="into DIR")
    parser.add_argument("--uninstall", action="store_true", help="remove it from there")
