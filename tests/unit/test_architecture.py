"""The arrows of the design: which room may know which. Read from the sources, so that no import has to work."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "sparkvsr": ROOT / "sparkvsr",
    "sparkvsr_backend": ROOT / "backend" / "sparkvsr_backend",
    "sparkvsr_bridge": ROOT / "ofx_bridge" / "python" / "sparkvsr_bridge",
}
# (the rooms it holds for, what they must not import, why)
PYTHON_RULES = [
    (
        "sparkvsr_bridge",
        ("sparkvsr", "sparkvsr_backend"),
        "the bridge shares only the protocol document with the backend",
    ),
    ("sparkvsr_bridge", ("torch", "cv2"), "the host side knows no model"),
    ("sparkvsr_backend", ("sparkvsr_bridge",), "the backend knows no OFX"),
    ("sparkvsr_backend", ("sparkvsr.cli",), "nothing imports the command line"),
    ("sparkvsr_backend", ("sparkvsr.training",), "only the command line imports training"),
    ("sparkvsr_backend", ("sparkvsr.lite", "sparkvsr.cogvideox"), "the server never names a network"),
    ("sparkvsr", ("socket", "zmq", "msgpack"), "the science knows no sockets"),
    ("sparkvsr", ("sparkvsr_backend", "sparkvsr_bridge"), "tensors in, tensors out"),
    ("sparkvsr", ("sparkvsr.cli",), "nothing imports the command line"),
    ("sparkvsr", ("sparkvsr.training",), "only the command line imports training"),
    ("sparkvsr.lite", ("sparkvsr.media", "sparkvsr.cogvideox"), "an engine sees tensors, not files or other engines"),
    ("sparkvsr.cogvideox", ("sparkvsr.media", "sparkvsr.lite"), "an engine sees tensors, not files or other engines"),
    ("sparkvsr.propagation", ("torch", "numpy", "cv2"), "pure functions of numbers"),
]
EXEMPT = ("sparkvsr.cli",)  # stands above all rooms
# (folder, pattern that none of its #include lines may match, why)
CPP_RULES = [
    ("link", r"ofx\w+\.h", "the link knows no OFX"),
    ("link", r"host/|plugin/", "the link knows neither plugin nor host"),
    ("plugin", r"zmq|shm|mman\.h|pybind11", "the plugin reaches the backend by the link alone"),
    ("plugin", r"host/|sparkvsr_host", "the plugin is compiled without our host"),
    ("host", r"zmq|sparkvsr/link\.hpp|plugin/", "the host treats the plugin as any host would: by its binary"),
    ("host", r"pybind11", "bindings bind, the host does not know them"),
]


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join((package, *(part for part in parts if part != "__init__"))), path


def imports_of(module: str, path: Path) -> Iterator[str]:
    """Absolute names of what a module imports, wherever the statement stands."""
    is_package = path.name == "__init__.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
                base = ".".join((*kept, *([node.module] if node.module else [])))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def inside(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def violations(room: str, forbidden: tuple[str, ...]) -> list[str]:
    found = []
    for module, path in modules():
        if not inside(module, room) or any(inside(module, exempt) for exempt in EXEMPT):
            continue
        for name in imports_of(module, path):
            # A room may of course import itself.
            hits = [f for f in forbidden if inside(name, f) and not inside(module, f)]
            found += [f"{module} imports {name}" for _ in hits]
    return sorted(set(found))


@pytest.mark.parametrize(("room", "forbidden", "why"), PYTHON_RULES, ids=lambda value: str(value)[:40])
def test_import_arrows(room: str, forbidden: tuple[str, ...], why: str) -> None:
    assert not violations(room, forbidden), why


def test_the_rules_can_fail() -> None:
    """The walk sees imports at all: the engine loop does import the science."""
    assert violations("sparkvsr_backend", ("sparkvsr.frames",))


def test_every_module_says_what_it_is() -> None:
    silent = [m for m, path in modules() if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None]
    assert not silent


@pytest.mark.parametrize(("folder", "pattern", "why"), CPP_RULES, ids=lambda value: str(value)[:40])
def test_include_arrows(folder: str, pattern: str, why: str) -> None:
    found = []
    for path in sorted((ROOT / "ofx_bridge" / folder).rglob("*")):
        if path.suffix not in {".cpp", ".hpp", ".h"} or "tests" in path.parts:
            continue
        includes = re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(encoding="utf-8"), re.MULTILINE)
        found += [f"{path.relative_to(ROOT)}: {name}" for name in includes if re.search(pattern, name)]
    assert not found, why


def test_cpp_sources_carry_their_licence() -> None:
    bare = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "ofx_bridge").rglob("*"))
        if path.suffix in {".c", ".cpp", ".hpp", ".h"}
        and not path.read_text(encoding="utf-8").startswith("// SPDX-License-Identifier: Apache-2.0")
    ]
    assert not bare
