"""The doctor's look at the plugin: layout, symbols, libraries, whether it loads, where hosts find it."""

from __future__ import annotations

import json
import platform
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from sparkvsr.cli.bundle import binary_of, bundles_on_path, installed_bundle, plugin_path, user_plugin_folder
from sparkvsr.cli.elf import SharedLibrary, read_library
from sparkvsr.cli.errors import MissingPartError
from sparkvsr.cli.findings import Finding, fail, ok, warn

REINSTALL = "build and install again: `make setup`, or `pip install .`"
EXPORTS = ("OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost")
SYSTEM_LIBRARIES = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-")
# What the studios' reference platform offers (VFX Platform CY2024): hosts there cannot load what needs more.
REFERENCE_GLIBC = (2, 28)


def layout(bundle: Path | None = None) -> Iterator[Finding]:
    """Files under the names that hosts look for; of the installed bundle unless another is named."""
    bundle = bundle or installed_bundle()
    yield ok("bundle", str(bundle))
    binary, plist = binary_of(bundle), bundle / "Contents/Info.plist"
    if not binary.is_file():
        yield fail("bundle", f"{binary} is missing", REINSTALL)
    for problem in _plist_problems(plist, binary.name):
        yield fail("bundle", problem, REINSTALL)
    if not (bundle / "Contents/Resources").is_dir():
        yield warn("bundle", "Contents/Resources is missing: hosts show no icon", REINSTALL)


def _plist_problems(plist: Path, executable: str) -> Iterator[str]:
    try:
        tree = ElementTree.parse(plist)  # noqa: S314 - a file of this package
        words = [element.text for element in tree.iter() if element.text]
    except (OSError, ElementTree.ParseError) as error:
        yield f"{plist}: {error}"
        return
    if executable not in words:
        yield f"{plist}: CFBundleExecutable is not {executable}"


def binary(bundle: Path | None = None) -> Iterator[Finding]:
    """Symbols and libraries."""
    library = read_library(binary_of(bundle or installed_bundle()))
    if library.exports == EXPORTS:
        yield ok("exports", "the three symbols of OpenFX, nothing else")
    else:
        yield fail("exports", f"expected {', '.join(EXPORTS)}, found {', '.join(library.exports)}", REINSTALL)
    foreign = [name for name in library.needed if not name.startswith(SYSTEM_LIBRARIES)]
    if foreign:
        yield fail("libraries", f"needs {', '.join(foreign)}, which a host may have in another version", REINSTALL)
    else:
        yield ok("libraries", f"needs only {', '.join(library.needed)}")
    yield _glibc(library)


def _glibc(library: SharedLibrary) -> Finding:
    needed, here = library.glibc, _version(platform.libc_ver()[1])
    text = f"needs glibc {_dotted(needed)}, this machine has {_dotted(here)}"
    if here < needed:
        return fail("glibc", text, "build the plugin on this machine or on an older one")
    if needed > REFERENCE_GLIBC:
        return warn(
            "glibc",
            text,
            f"hosts on systems older than glibc {_dotted(needed)} do not show the plugin: `make release` builds one "
            f"that needs {_dotted(REFERENCE_GLIBC)}",
        )
    return ok("glibc", text)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def loading(bundle: Path | None = None) -> Iterator[Finding]:
    """Load and describe it, as a host does at launch."""
    from sparkvsr_bridge import Host, HostError

    bundle = bundle or installed_bundle()
    try:
        with Host(bundle, personality="nuke") as host:
            described, contexts = host.describe(), host.contexts
    except HostError as error:
        yield fail("loading", f"the headless host could not load it: {error}", REINSTALL)
        return
    yield ok("loading", f"{described['identifier']} loads and describes itself in {len(contexts)} contexts")


def host_paths() -> Iterator[Finding]:
    """Copies that hosts on this machine see."""
    for folder in plugin_path():
        if not folder.is_dir():
            yield warn("host paths", f"OFX_PLUGIN_PATH names {folder}, which is not there", "correct OFX_PLUGIN_PATH")
    copies = bundles_on_path()
    if not copies:
        yield _nowhere()
    if len(copies) > 1:
        yield warn("host paths", f"several copies: {', '.join(map(str, copies))}", "remove all but one")
    for copy in copies:
        yield from _copy_findings(copy)


def _nowhere() -> Finding:
    private = user_plugin_folder()
    if (private / "SparkVSR.ofx.bundle").is_dir():
        return warn(
            "host paths", f"installed in {private}, where no host looks by itself", f"export OFX_PLUGIN_PATH={private}"
        )
    return warn("host paths", "the plugin is not installed where hosts look", "run `sparkvsr install-plugin`")


def _copy_findings(copy: Path) -> Iterator[Finding]:
    try:
        same = binary_of(copy).read_bytes() == binary_of(installed_bundle()).read_bytes()
        needs = "" if same else _glibc_need(copy)
    except OSError as error:
        yield fail("host paths", f"{copy}: {error.strerror}", "run `sparkvsr install-plugin` again")
        return
    if same:
        yield ok("host paths", str(copy))
    else:
        yield warn(
            "host paths",
            f"{copy} is not the one of this installation{needs}",
            "run `sparkvsr install-plugin` again, unless it is a release or another version on purpose",
        )
    yield from _command_findings(copy)


def _glibc_need(bundle: Path) -> str:
    try:
        return f" (needs glibc {_dotted(read_library(binary_of(bundle)).glibc)})"
    except MissingPartError:
        return " (and no library for this machine)"


def _command_findings(copy: Path) -> Iterator[Finding]:
    """Whether the copy can start a backend."""
    path = copy / "Contents/Resources/backend.json"
    if not path.exists():
        if shutil.which("sparkvsr") is None:
            yield warn(
                "host paths", f"{copy} does not know how to start a backend", "run `sparkvsr install-plugin` again"
            )
        return
    try:
        command = json.loads(path.read_text(encoding="utf-8"))["command"]
        program = shutil.which(command[0])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        yield fail("host paths", f"{path}: {error}", "run `sparkvsr install-plugin` again")
        return
    if program is None:
        yield fail(
            "host paths", f"{path} starts {command[0]}, which is not there", "run `sparkvsr install-plugin` again"
        )
