"""The doctor: each thing that can be wrong is found, with a fix."""

import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparkvsr.cli import backend_checks, bundle_checks, doctor, machine_checks, main
from sparkvsr.cli.elf import SharedLibrary, read_library
from sparkvsr.cli.errors import MissingPartError
from sparkvsr.cli.findings import Finding, Level, fail, ok, warn


def find(findings: Iterator[Finding], check: str) -> Finding:
    found = [finding for finding in findings if finding.check == check]
    assert found, f"nothing was said about {check}"
    return max(found, key=lambda finding: list(Level).index(finding.level))


def library(**changes: tuple[str, ...]) -> SharedLibrary:
    facts = {"exports": bundle_checks.EXPORTS, "needed": ("libc.so.6", "libm.so.6"), "versions": ("GLIBC_2.17",)}
    return SharedLibrary(**{**facts, **changes})


@pytest.fixture
def fake_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    bundle = tmp_path / "SparkVSR.ofx.bundle"
    (bundle / "Contents/Resources").mkdir(parents=True)
    monkeypatch.setattr(bundle_checks, "installed_bundle", lambda: bundle)
    return bundle


def test_a_missing_binary_and_plist(fake_bundle: Path) -> None:
    texts = [finding.text for finding in bundle_checks.layout() if finding.level is Level.FAIL]
    assert len(texts) == 2
    assert "SparkVSR.ofx is missing" in texts[0]
    assert "Info.plist" in texts[1]


@pytest.mark.parametrize(
    ("changes", "check", "level", "words"),
    [
        ({}, "exports", Level.OK, "three symbols"),
        ({"exports": ("OfxGetPlugin", "zmq_msg_init")}, "exports", Level.FAIL, "found OfxGetPlugin, zmq_msg_init"),
        ({"needed": ("libc.so.6", "libzmq.so.5")}, "libraries", Level.FAIL, "needs libzmq.so.5"),
        ({"versions": ("GLIBC_2.17", "GLIBC_9.1")}, "glibc", Level.FAIL, "needs glibc 9.1"),
        ({"versions": ("GLIBC_2.29", "GLIBC_2.4")}, "glibc", Level.WARN, "needs glibc 2.29"),
        ({}, "glibc", Level.OK, "needs glibc 2.17"),
    ],
)
def test_symbols_and_libraries(
    fake_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, tuple[str, ...]],
    check: str,
    level: Level,
    words: str,
) -> None:
    monkeypatch.setattr(bundle_checks, "read_library", lambda path: library(**changes))
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    finding = find(bundle_checks.binary(), check)
    assert (finding.level, words in finding.text) == (level, True), finding
    assert bool(finding.fix) == (level is not Level.OK)


def test_another_bundle_is_looked_at_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    for name in ("layout", "binary", "loading"):
        monkeypatch.setattr(bundle_checks, name, lambda bundle, name=name: asked.append((name, bundle)) or iter(()))
    monkeypatch.setattr(bundle_checks, "binary", lambda bundle: iter([ok("glibc", f"{bundle} needs glibc 2.28")]))
    assert main(["doctor", "--json", "--bundle", str(tmp_path)]) == 0
    assert [line["check"] for line in json.loads(capsys.readouterr().out)] == ["glibc"]
    assert asked == [("layout", tmp_path), ("loading", tmp_path)]


def test_the_elf_reader_knows_a_real_library() -> None:
    import _struct

    found = read_library(Path(_struct.__file__)) if hasattr(_struct, "__file__") else read_library(Path(sys.executable))
    assert any(name.startswith("libc.so") for name in found.needed)
    assert found.glibc >= (2, 2)


def test_the_elf_reader_refuses_other_files(tmp_path: Path) -> None:
    path = tmp_path / "a.ofx"
    with pytest.raises(MissingPartError, match=r"No such file"):
        read_library(path)
    path.write_bytes(b"MZ not ELF")
    with pytest.raises(MissingPartError, match=r"no library for this machine"):
        read_library(path)
    path.write_bytes(b"\x7fELF\x02\x01" + b"\xff" * 60)
    with pytest.raises(MissingPartError, match=r"is damaged"):
        read_library(path)


def test_host_paths(fake_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparkvsr.cli.bundle.SYSTEM_FOLDERS", ())
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert "install-plugin" in find(bundle_checks.host_paths(), "host paths").fix
    monkeypatch.setenv("OFX_PLUGIN_PATH", str(tmp_path / "gone"))
    assert any("which is not there" in finding.text for finding in bundle_checks.host_paths())


def test_an_installed_copy_that_cannot_start_its_backend(
    fake_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparkvsr.cli.bundle import binary_of

    monkeypatch.setattr("sparkvsr.cli.bundle.SYSTEM_FOLDERS", ())
    copy = tmp_path / "plugins/SparkVSR.ofx.bundle"
    for bundle, content in ((fake_bundle, b"new"), (copy, b"old")):
        binary_of(bundle).parent.mkdir(parents=True)
        binary_of(bundle).write_bytes(content)
    command = copy / "Contents/Resources/backend.json"
    command.parent.mkdir(parents=True)
    command.write_text(json.dumps({"command": ["/no/such/python", "-m", "x"]}))
    monkeypatch.setenv("OFX_PLUGIN_PATH", str(copy.parent))
    texts = [finding.text for finding in bundle_checks.host_paths()]
    assert any("is not the one of this installation" in text for text in texts)
    assert any("starts /no/such/python, which is not there" in text for text in texts)
    command.write_text("{}")
    assert find(bundle_checks.host_paths(), "host paths").level is Level.FAIL


def test_small_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_checks, "COMFORTABLE_SHM", 1 << 60)
    finding = find(machine_checks.shared_memory(), "shared memory")
    assert finding.level is Level.WARN
    assert "remount,size=2G" in finding.fix


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_checks, "PACKAGES", ("json", "no_such_package"))
    finding = find(machine_checks.packages(), "packages")
    assert finding.level is Level.FAIL
    assert "no_such_package" in finding.text


def test_open_runtime_directory(fresh_runtime_dir: Path) -> None:
    assert find(backend_checks.runtime_rights(), "runtime directory").level is Level.OK
    fresh_runtime_dir.chmod(0o755)
    finding = find(backend_checks.runtime_rights(), "runtime directory")
    assert finding.level is Level.FAIL
    assert "0700" in finding.fix


def test_a_backend_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [sys.executable, "-c", "import sys; sys.exit('no luck today')"]
    monkeypatch.setattr(backend_checks, "backend_command", lambda: words)
    finding = find(backend_checks.round_trip(), "round trip")
    assert finding.level is Level.FAIL
    assert "no luck today" in finding.text
    assert "found exit code 1" in finding.text


def test_a_frame_goes_round() -> None:
    finding = find(backend_checks.round_trip(), "round trip")
    assert finding.level is Level.OK, finding


def test_report_and_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> Iterator[Finding]:
        raise MissingPartError("half is gone", advice="fetch it")
        yield

    checks = {"a": lambda: iter([ok("a", "fine")]), "b": lambda: iter([warn("b", "slow", "wait")])}
    monkeypatch.setattr(doctor, "_checks", lambda bundle: checks)
    assert main(["doctor", "--quiet"]) == 0
    assert "→ wait" in capsys.readouterr().out
    monkeypatch.setattr(
        doctor, "_checks", lambda bundle: {**checks, "c": lambda: iter([fail("c", "bad", "mend")]), "d": broken}
    )
    assert main(["doctor", "--json"]) == 1
    found = {line["check"]: (line["level"], line["fix"]) for line in json.loads(capsys.readouterr().out)}
    assert found == {"a": ("OK", ""), "b": ("WARN", "wait"), "c": ("FAIL", "mend"), "d": ("FAIL", "fetch it")}
