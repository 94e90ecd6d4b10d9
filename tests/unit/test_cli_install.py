"""Installing the plugin: whole or not at all, with the command that starts the backend."""

import json
import os
import sys
from pathlib import Path

import pytest

from sparkvsr.cli import install_plugin, main
from sparkvsr.cli.bundle import BUNDLE_NAME, bundles_on_path, user_plugin_folder


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle that stands for the built one."""
    bundle = tmp_path / "built" / BUNDLE_NAME
    binary = bundle / "Contents/Linux-x86-64/SparkVSR.ofx"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"version 1")
    monkeypatch.setattr(install_plugin, "installed_bundle", lambda: bundle)
    return bundle


def test_it_is_copied_with_the_backend_command(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deep" / "plugins"
    assert main(["install-plugin", "--dir", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(folder / BUNDLE_NAME)
    assert f"export OFX_PLUGIN_PATH={folder}" in said.err
    found = json.loads((folder / BUNDLE_NAME / "Contents/Resources/backend.json").read_text())
    assert found == {"command": [sys.executable, "-m", "sparkvsr_backend", "serve"]}
    assert (folder / BUNDLE_NAME / "Contents/Linux-x86-64/SparkVSR.ofx").read_bytes() == b"version 1"
    assert not (source / "Contents/Resources").exists(), "the source stays as it was"


def test_another_bundle(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = tmp_path / "dist" / BUNDLE_NAME
    binary = release / "Contents/Linux-x86-64/SparkVSR.ofx"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"release")
    folder = tmp_path / "plugins"
    words = ["install-plugin", "--dir", str(folder), "--quiet", "--bundle"]
    assert main([*words, str(release)]) == 0
    assert (folder / BUNDLE_NAME / "Contents/Linux-x86-64/SparkVSR.ofx").read_bytes() == b"release"
    assert main([*words, str(tmp_path)]) == 2
    assert "is no bundle of this plugin" in capsys.readouterr().err


def test_an_update_replaces_the_old_one_whole(source: Path, tmp_path: Path) -> None:
    old = tmp_path / BUNDLE_NAME
    (old / "Contents").mkdir(parents=True)
    (old / "Contents/left over").touch()
    assert main(["install-plugin", "--dir", str(tmp_path), "--quiet"]) == 0
    assert not (old / "Contents/left over").exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [BUNDLE_NAME, "built"]


def test_a_failed_copy_leaves_the_old_one(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install-plugin", "--dir", str(tmp_path)]) == 0

    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(install_plugin, "_write_backend_file", fail)
    assert main(["install-plugin", "--dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "error: CannotInstall: " in said
    assert "No space left on device; call it with sudo" in said
    assert (tmp_path / BUNDLE_NAME / "Contents/Resources/backend.json").exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [BUNDLE_NAME, "built"]


def test_uninstall(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["install-plugin", "--dir", str(tmp_path)]
    assert main([*words, "--uninstall"]) == 1
    assert "error: NotInstalled: " in capsys.readouterr().err
    assert main(words) == 0
    assert main([*words, "--uninstall"]) == 0
    assert not (tmp_path / BUNDLE_NAME).exists()


def test_the_installation_itself_is_never_replaced(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install-plugin", "--dir", str(source.parent)]) == 2
    assert "is the bundle of this installation itself" in capsys.readouterr().err
    assert (source / "Contents/Linux-x86-64/SparkVSR.ofx").exists()


def test_user_folder_and_search_path(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert user_plugin_folder() == tmp_path / "data/OFX/Plugins"
    assert main(["install-plugin", "--user", "--quiet"]) == 0
    monkeypatch.setenv("OFX_PLUGIN_PATH", f"{tmp_path / 'data'}:{tmp_path / 'nowhere'}")
    assert tmp_path / "data/OFX/Plugins" / BUNDLE_NAME in bundles_on_path()
