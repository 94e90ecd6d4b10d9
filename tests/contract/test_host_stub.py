"""The stub of the compiled module names what is there, with the parameters that it takes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sparkvsr_bridge
from sparkvsr_bridge import _core

pytestmark = [pytest.mark.ofx]

STUB = ast.parse((Path(sparkvsr_bridge.__file__).parent / "_core.pyi").read_text())
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}


def members(body: list[ast.stmt]) -> set[str]:
    """Public names of functions, properties and attributes."""
    names = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    names |= {
        str(node.target.id) for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return {name for name in names if not name.startswith("_")}


def parameters(function: object) -> list[str]:
    """Parameter names by the signature that pybind11 writes into the docstring."""
    signature = str(function.__doc__).split(" -> ", maxsplit=1)[0]
    return [name for name in re.findall(r"[(,] ?(\w+): ", signature) if name != "self"]


def test_every_name_is_there_and_no_other():
    submodules = {"link"}  # has a stub of its own
    assert members(STUB.body) == {name for name in dir(_core) if not name.startswith("_")} - submodules


@pytest.mark.parametrize("name", CLASSES)
def test_every_member_is_there_and_no_other(name: str):
    assert members(CLASSES[name].body) == {member for member in dir(getattr(_core, name)) if not member.startswith("_")}


@pytest.mark.parametrize("name", CLASSES)
def test_parameters_have_their_names(name: str):
    for node in CLASSES[name].body:
        if not isinstance(node, ast.FunctionDef) or node.decorator_list:
            continue
        expected = [argument.arg for argument in node.args.args if argument.arg != "self"]
        found = parameters(getattr(getattr(_core, name), node.name))
        assert found == expected, node.name
