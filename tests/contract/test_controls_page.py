"""docs/controls.md says of every parameter what the plugin says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sparkvsr_bridge import Host

pytestmark = pytest.mark.ofx

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "controls.md").read_text()
ROW = re.compile(
    r"^\| (?P<label>[^|]*?) ?\| `(?P<name>\w+)` \| (?P<kind>[^|]+) \| ?(?P<default>[^|]*?) ?\| ?(?P<range>[^|]*?) ?\|",
    re.M,
)


@pytest.fixture(scope="module")
def params(bundle: Path) -> dict[str, dict[str, list[Any]]]:
    with Host(bundle) as host:
        described: dict[str, dict[str, list[Any]]] = next(iter(host.describe()["contexts"].values()))["params"]
    return described


def only(param: dict[str, list[Any]], name: str) -> Any:
    found = param.get(name, [None])
    return found[0] if len(found) == 1 else found


def number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def kind(param: dict[str, list[Any]]) -> str:
    plain = {"Integer": "integer", "Double": "number", "Choice": "choice", "PushButton": "button", "String": "text"}
    text = {"OfxParamStringIsFilePath": "file", "OfxParamStringIsLabel": "label"}
    found = plain[only(param, "OfxParamPropType").removeprefix("OfxParamType")]
    found = text.get(only(param, "OfxParamPropStringMode") or "", found)
    if only(param, "OfxParamPropSecret") == 1:
        return "hidden"
    return f"{found}, animates" if only(param, "OfxParamPropAnimates") == 1 else found


def test_the_page_has_every_parameter_in_the_order_of_the_panel(params: dict[str, dict[str, list[Any]]]) -> None:
    sections = re.split(r"^## ", PAGE, flags=re.M)[1:]
    written = {section.splitlines()[0]: [row["name"] for row in ROW.finditer(section)] for section in sections}
    panel: dict[str, list[str]] = {}
    for name, param in params.items():
        parent = only(param, "OfxParamPropParent")
        if parent:
            panel.setdefault(only(params[parent], "OfxPropLabel"), []).append(name)
    assert {title: names for title, names in written.items() if names} == panel


def test_labels_kinds_defaults_and_ranges_are_those_of_the_plugin(params: dict[str, dict[str, list[Any]]]) -> None:
    for row in ROW.finditer(PAGE):
        param = params[row["name"]]
        where = row["name"]
        assert row["kind"] == kind(param), where
        if row["kind"] != "hidden":
            assert row["label"] == only(param, "OfxPropLabel"), where
        options = param.get("OfxParamPropChoiceOption")
        default = only(param, "OfxParamPropDefault")
        if options:
            assert row["default"] == options[default], where
            assert row["range"] in (", ".join(options), "as *Transfer*", "see [color.md](color.md)"), where
        elif isinstance(default, (int, float)):
            assert row["default"] == number(default), where
            low, high = (number(only(param, f"OfxParamProp{end}")) for end in ("Min", "Max"))
            assert row["range"] == f"{low} … {high}", where
