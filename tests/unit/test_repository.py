"""What is written down twice says the same twice."""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version() -> None:
    python = re.search(r'^version = "(.+?)"', text("pyproject.toml"), re.MULTILINE)
    cmake = re.search(r"project\(SparkVSR VERSION (\S+)", text("CMakeLists.txt"))
    assert python is not None
    assert cmake is not None
    assert python[1] == cmake[1]


def test_pre_commit_and_make_lint_are_the_same_steps() -> None:
    hooks = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    targets = {hook["entry"].split()[-1] for hook in hooks[0]["hooks"]}
    steps = re.search(r"^lint: (.+?) ##", text("Makefile"), re.MULTILINE)
    assert steps is not None
    assert targets == set(steps[1].split())


def test_ci_runs_what_developers_run() -> None:
    assert "make test" in text(".ci/run")


def test_presets_name_a_sanitizer_that_cmake_knows() -> None:
    presets = json.loads(text("CMakePresets.json"))["configurePresets"]
    sanitizers = {p["name"]: p["cacheVariables"].get("SPARKVSR_SANITIZE") for p in presets}
    assert sanitizers["asan"] == "address"
    assert sanitizers["tsan"] == "thread"


def test_tools_are_pinned_where_their_output_depends_on_the_version() -> None:
    for tool in ("clang-format", "cmakelang", "codespell", "mypy", "ruff"):
        assert re.search(rf'"{tool}(\[YAML\])?==[\d.]+"', text("pyproject.toml")), tool


def test_the_licence_is_apache_2() -> None:
    licence = text("LICENSE")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
