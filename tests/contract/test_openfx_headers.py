"""The OpenFX declarations: compiled as C and as C++, each alone, and exchangeable for the official SDK."""

import shutil
import subprocess
from pathlib import Path

import pytest

HEADERS = sorted(path.name for path in (Path(__file__).resolve().parents[2] / "ofx_bridge/include/ofx").glob("*.h"))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def compile_text(text: str, language: str, include: Path) -> subprocess.CompletedProcess[str]:
    compiler, standard = {"c": ("gcc", "c11"), "c++": ("g++", "c++17")}[language]
    command = [compiler, f"-std={standard}", *STRICT, f"-I{include}", "-x", language, "-"]
    return subprocess.run(command, input=text, text=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_each_header_stands_alone(repository: Path, language: str) -> None:
    for header in HEADERS:
        # twice: the include guard must hold
        done = compile_text(
            f'#include "{header}"\n' * 2 + "int unused;\n", language, repository / "ofx_bridge/include/ofx"
        )
        assert done.returncode == 0, f"{header}: {done.stderr}"


@pytest.mark.parametrize("language", ["c", "c++"])
def test_abi_holds(repository: Path, language: str) -> None:
    source = {"c": "ofx_abi_c.c", "c++": "ofx_abi_cpp.cpp"}[language]
    text = f'#include "{repository}/ofx_bridge/include/abi/{source}"\n'
    done = compile_text(text, language, repository / "ofx_bridge/include/ofx")
    assert done.returncode == 0, done.stderr


def test_abi_check_notices_a_changed_order(repository: Path, tmp_path: Path) -> None:
    sdk = tmp_path / "ofx"
    shutil.copytree(repository / "ofx_bridge/include/ofx", sdk)
    header = sdk / "ofxParam.h"
    lines = header.read_text().splitlines(keepends=True)
    begin = next(i for i, line in enumerate(lines) if "(*paramEditEnd)" in line)
    other = next(i for i, line in enumerate(lines) if "(*paramDeleteAllKeys)" in line)
    lines[begin], lines[other] = lines[other], lines[begin]
    header.write_text("".join(lines))
    done = compile_text(f'#include "{repository}/ofx_bridge/include/abi/ofx_abi_c.c"\n', "c", sdk)
    assert done.returncode != 0
    assert "paramEditEnd is no. 17" in done.stderr


def find_openfx(repository: Path, build: Path, root: Path | None) -> subprocess.CompletedProcess[str]:
    """Run FindOpenFX.cmake as the project does, and print what it found."""
    project = build.parent / "project"
    project.mkdir(exist_ok=True)
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(Probe LANGUAGES NONE)\n"
        f'set(PROJECT_SOURCE_DIR "{repository}")\n'
        f'list(PREPEND CMAKE_MODULE_PATH "{repository}/cmake")\nfind_package(OpenFX MODULE REQUIRED)\n'
        'message(STATUS "headers=${OpenFX_INCLUDE_DIR} official=${OpenFX_OFFICIAL}")\n'
    )
    chosen = "" if root is None else str(root)
    command = ["cmake", "-S", str(project), "-B", str(build), f"-DOpenFX_ROOT={chosen}"]
    return subprocess.run(command, text=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("layout", ["include", ""])
def test_the_official_sdk_takes_our_place(repository: Path, tmp_path: Path, layout: str) -> None:
    stand_in = tmp_path / "sdk" / layout
    shutil.copytree(repository / "ofx_bridge/include/ofx", stand_in)
    done = find_openfx(repository, tmp_path / "build", tmp_path / "sdk")
    assert done.returncode == 0, done.stderr
    assert f"headers={stand_in} official=TRUE" in done.stdout.replace("/ official", " official")


def test_without_openfx_root_ours_serve(repository: Path, tmp_path: Path) -> None:
    done = find_openfx(repository, tmp_path / "build", None)
    assert done.returncode == 0, done.stderr
    assert f"headers={repository}/ofx_bridge/include/ofx official=FALSE" in done.stdout


def test_a_wrong_openfx_root_is_refused(repository: Path, tmp_path: Path) -> None:
    done = find_openfx(repository, tmp_path / "build", tmp_path / "nothing")
    assert done.returncode != 0
    assert "holds no ofxImageEffect.h" in done.stderr
