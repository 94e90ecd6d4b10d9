"""The release: what hosts on old systems need of it, what it carries, and that it renders. `make release` builds it."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from sparkvsr.cli import main
from sparkvsr.cli.elf import read_library

pytestmark = pytest.mark.ofx

ENTRY_POINTS = ("OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost")
OLDEST_GLIBC = (2, 28)  # of EL8 and of VFX Platform CY2024
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def release() -> Path:
    """The packed bundle. `make test` builds it and says where; by hand it may be missing."""
    named = os.environ.get("SPARKVSR_RELEASE_BUNDLE")
    bundle = Path(named) if named else ROOT / "dist" / "SparkVSR.ofx.bundle"
    if named is None and not bundle.is_dir():
        pytest.skip("no release here: `make release` builds it")
    assert bundle.is_dir(), f"SPARKVSR_RELEASE_BUNDLE names {bundle}, which is not there"
    return bundle


@pytest.fixture(scope="module")
def binary(release: Path) -> Path:
    return release / "Contents" / "Linux-x86-64" / "SparkVSR.ofx"


def test_exactly_three_exports(binary: Path) -> None:
    assert read_library(binary).exports == ENTRY_POINTS


def test_runs_on_an_old_glibc_and_needs_no_cpp_runtime(binary: Path) -> None:
    library = read_library(binary)
    assert (2, 2) < library.glibc <= OLDEST_GLIBC
    assert {version.partition("_")[0] for version in library.versions} == {"GLIBC"}
    assert {name.split(".so")[0] for name in library.needed} <= {
        *("libc", "libm", "libpthread", "libdl", "librt", "ld-linux-x86-64")
    }


def test_refers_to_nothing_that_a_host_may_have(binary: Path) -> None:
    listed = subprocess.run(
        ["nm", "-D", "--undefined-only", str(binary)], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    # (The library itself asks whether the others are there, weakly.)
    weak_questions = {"__cxa_finalize", "__cxa_atexit", "__cxa_thread_atexit_impl"}
    names = {line.split()[-1].partition("@")[0] for line in listed.splitlines()} - weak_questions
    assert "malloc" in names
    assert not [name for name in names if name.startswith(("zmq_", "_Z", "_Unwind_", "__cxa_", "__gxx_"))]


def test_binds_at_load_time_and_stays_mapped(binary: Path) -> None:
    flags = subprocess.run(
        ["readelf", "-dlW", str(binary)], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    for flag in ("SYMBOLIC", "NODELETE"):
        assert flag in flags
    assert "BIND_NOW" in flags or "NOW" in flags
    assert "RPATH" not in flags
    assert "RUNPATH" not in flags
    assert "RWE" not in next(line for line in flags.splitlines() if "GNU_STACK" in line)


def test_libzmq_keeps_its_sockets_from_the_hosts_children(release: Path) -> None:
    """What libzmq asked by running programs: an answer lost to a cross build would leak sockets into every child."""
    platform = ROOT / "build" / "release" / "zeromq" / "platform.hpp"
    if not platform.is_file():
        pytest.skip("the build tree of the release is not here")
    text = platform.read_text()
    for name in ("SOCK_CLOEXEC", "O_CLOEXEC", "EVENTFD_CLOEXEC"):
        assert f"#define ZMQ_HAVE_{name}" in text


def test_carries_its_licences(release: Path) -> None:
    resources = release / "Contents" / "Resources"
    texts = {path.stem: path.read_text() for path in (resources / "licenses").iterdir()}
    assert set(texts) == {"SparkVSR", "xxHash", "nlohmann-json", "zig", "libcxx", "libcxxabi", "libunwind"}
    for name, words in {
        "xxHash": "BSD 2-Clause",
        "nlohmann-json": "Niels Lohmann",
        "libcxx": "LLVM Exceptions",
    }.items():
        assert words in texts[name]
    assert (resources / "libzmq-LICENSE.txt").stat().st_size > 1000
    assert "libc++" in (resources / "NOTICE.md").read_text()


def test_the_archive_is_the_bundle_and_says_nothing_of_who_packed_it(release: Path, tmp_path: Path) -> None:
    (archive,) = release.parent.glob("SparkVSR-*-Linux-x86-64.tar.gz")
    digest, _, name = archive.with_name(archive.name + ".sha256").read_text().partition("  ")
    assert (digest, name.strip()) == (hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name)
    with tarfile.open(archive) as tar:
        assert {(entry.uid, entry.gid, entry.uname, entry.mtime) for entry in tar} == {(0, 0, "", 0)}
        tar.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("*/SparkVSR.ofx.bundle")
    files = sorted(path.relative_to(release) for path in release.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file())
    assert all((release / path).read_bytes() == (unpacked / path).read_bytes() for path in files)
    assert (unpacked / "Contents/Linux-x86-64/SparkVSR.ofx").stat().st_mode & 0o777 == 0o755
    assert (unpacked / "Contents/Info.plist").stat().st_mode & 0o777 == 0o644


def test_a_bundle_of_a_newer_system_is_not_packed(bundle: Path, tmp_path: Path) -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "pack_release.py"))
    newer = read_library(bundle / "Contents" / "Linux-x86-64" / "SparkVSR.ofx").glibc > OLDEST_GLIBC
    if not newer:
        pytest.skip("this machine's own build is as old as a release")
    assert tool["main"]([str(bundle), str(tmp_path)]) == 1
    assert not list(tmp_path.iterdir())


def test_the_doctor_says_which_glibc_it_needs(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--quiet", "--bundle", str(release)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "needs glibc 2." in said
    assert "loads and describes itself" in said


@pytest.mark.slow
def test_renders_what_the_other_build_renders(
    release: Path, bundle: Path, fresh_runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through its own link and a backend that it starts itself."""
    command = [sys.executable, "-m", "sparkvsr_backend", "serve", "--device", "cpu", "--cache-gb", "1"]
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", json.dumps(command))
    from support.small_clip import reduce, rgba, truth

    from sparkvsr_bridge import Host

    frames = rgba(reduce(truth(2)))
    results = []
    for path in (release, bundle):
        with Host(path, "nuke") as host:
            instance = host.create_instance()
            instance.connect("Source", frames)
            results.append(instance.render(1))
    assert results[0].shape == (frames[0].shape[0] * 4, frames[0].shape[1] * 4, 4)
    np.testing.assert_array_equal(*results)
    assert float(np.std(results[0][..., :3])) > 0.01
