"""The plugin's face: names, types and order of options are a file format and never change."""

from pathlib import Path
from typing import Any

import pytest

from sparkvsr_bridge import Host

pytestmark = pytest.mark.ofx

TRANSFERS = [
    "Auto",
    "sRGB",
    "Rec.709",
    "Scene-linear",
    "ACEScct",
    "Cineon",
    "LogC3",
    "LogC4",
    "S-Log3",
    "V-Log",
    "Log3G10",
    "PQ",
    "HLG",
]
VIEWS = ["Result", "Source", "Blind", "Difference", "Confidence", "Keyframe influence", "Split"]
MODES = ["Auto", "Resize", "Restore in place", "Active area", "Undo host upscale"]

# A file format. Lines and options may be appended; nothing here may change. The order in the panel is another matter.
FACE: list[tuple[str, str, Any, list[str]]] = [
    ("engine", "Choice", 0, ["Lite", "SparkVSR 5B"]),
    ("scale", "Integer", 4, []),
    ("outputMode", "Choice", 0, MODES),
    ("keyframe", "Integer", 0, []),
    ("keyframeList", "String", "", []),
    ("flagKeyframe", "PushButton", None, []),
    ("unflagKeyframe", "PushButton", None, []),
    ("keyframeFiles", "String", "", []),
    ("frameOffset", "Integer", 0, []),
    ("guidance", "Double", 1.0, []),
    ("trust", "Double", 0.0, []),
    ("view", "Choice", 0, VIEWS),
    ("splitPosition", "Double", 0.5, []),
    ("inputTransfer", "Choice", 0, TRANSFERS),
    ("cuts", "String", "", []),
    ("onError", "Choice", 0, ["Fail", "Bicubic"]),
    ("backend", "String", "", []),
    ("status", "String", "", []),
    ("generation", "Integer", 0, []),
    ("engineOptions", "String", "", []),
    ("keyframeStrength", "Double", 1.0, []),
    ("keyframeRadius", "Integer", 0, []),
    ("keyframeSource", "Choice", 0, ["Pictures", "Auto"]),
    ("keyframeModel", "String", "", []),
    ("keyframeTransfer", "Choice", 0, TRANSFERS),
    ("previousKeyframe", "PushButton", None, []),
    ("nextKeyframe", "PushButton", None, []),
    ("suggestCount", "Integer", 3, []),
    ("suggestKeyframes", "PushButton", None, []),
    ("findCuts", "PushButton", None, []),
    ("propagateRange", "PushButton", None, []),
    ("clearCache", "PushButton", None, []),
    ("restartBackend", "PushButton", None, []),
    ("openLog", "PushButton", None, []),
    ("hostReport", "PushButton", None, []),
    ("grain", "Double", 0.0, []),
    ("sharpness", "Double", 0.0, []),
    ("quality", "Choice", 0, ["Full", "Draft", "Draft while interactive"]),
    ("precision", "Choice", 0, ["float32", "bfloat16"]),
    ("vramBudget", "Double", 0.0, []),
    ("ramBudget", "Double", 0.0, []),
    ("sourceWidth", "Integer", 0, []),
    ("sourceHeight", "Integer", 0, []),
    ("activeLeft", "Integer", 0, []),
    ("activeRight", "Integer", 0, []),
    ("activeTop", "Integer", 0, []),
    ("activeBottom", "Integer", 0, []),
    ("arithmetic", "String", "", []),
    ("bindArithmetic", "PushButton", None, []),
]
GROUPS = {  # in the order of the panel
    "keyframesGroup": "Keyframes",
    "guidanceGroup": "Guidance",
    "pictureGroup": "Picture",
    "colourGroup": "Colour",
    "outputGroup": "Output",
    "performanceGroup": "Performance",
    "advancedGroup": "Advanced",
}
PAGES = {"controlsPage": list(GROUPS)[:5], "systemPage": list(GROUPS)[5:]}
LIMITS = {
    "scale": (1, 4),
    "keyframe": (0, 1),
    "guidance": (0.0, 2.0),
    "trust": (0.0, 1.0),
    "splitPosition": (0.0, 1.0),
    "keyframeStrength": (0.0, 1.0),
    "suggestCount": (1, 1000),
    "grain": (0.0, 2.0),
    "sharpness": (0.0, 2.0),
    "vramBudget": (0.0, 1024.0),
    "ramBudget": (0.0, 1024.0),
    "sourceWidth": (0, 65536),
    "activeTop": (0, 65536),
}
PERSONALITIES = ["nuke", "natron", "resolve", "resolve-fusion", "flame", "mlt", "vegas", "fusion", "strict"]


def described(bundle: Path, personality: str = "strict") -> dict[str, Any]:
    host = Host(bundle, personality=personality)
    try:
        return host.describe()
    finally:
        host.unload()


def value(properties: dict[str, list[Any]], name: str) -> Any:
    """A property: its only value, or the list of its values."""
    found = properties.get(name)
    return found[0] if found is not None and len(found) == 1 else found


def parameters(description: dict[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Properties of each parameter, group and page, in the order of definition; the same in both contexts."""
    contexts = list(description["contexts"].values())
    assert all(context["params"] == contexts[0]["params"] for context in contexts)
    params: dict[str, dict[str, list[Any]]] = contexts[0]["params"]
    return params


def test_identity(bundle: Path) -> None:
    description = described(bundle)
    assert description["identifier"] == "com.sparkvsr.SparkVSR"
    assert tuple(description["version"]) == (1, 0)
    assert sorted(description["contexts"]) == ["OfxImageEffectContextFilter", "OfxImageEffectContextGeneral"]
    assert value(description["properties"], "OfxPropLabel") == "SparkVSR"
    assert value(description["properties"], "OfxImageEffectPluginPropGrouping") == "SparkVSR"


def test_parameters_are_the_released_ones(bundle: Path) -> None:
    params = parameters(described(bundle))
    assert set(params) == {name for name, *_ in FACE} | set(GROUPS) | set(PAGES)
    for name, kind, default, options in FACE:
        param = params[name]
        assert value(param, "OfxParamPropType") == f"OfxParamType{kind}", name
        if default is not None:
            assert value(param, "OfxParamPropDefault") == default, name
        assert param.get("OfxParamPropChoiceOption", [])[: len(options)] == options, name


def test_every_parameter_says_what_it_does(bundle: Path) -> None:
    for name, param in parameters(described(bundle)).items():
        assert len(value(param, "OfxParamPropHint")) > 10, name
        assert 0 < len(value(param, "OfxPropLabel")) <= 12, f"{name}: some hosts cut labels at 12 characters"


def members(params: dict[str, dict[str, list[Any]]], group: str) -> list[str]:
    """The parameters in a group, in the order of definition."""
    return [name for name, param in params.items() if value(param, "OfxParamPropParent") == group]


def test_every_parameter_lies_in_a_group(bundle: Path) -> None:
    params = parameters(described(bundle))
    kinds = {name: value(param, "OfxParamPropType") for name, param in params.items()}
    assert [name for name, kind in kinds.items() if kind == "OfxParamTypeGroup"] == list(GROUPS)
    assert {name: value(params[name], "OfxPropLabel") for name in GROUPS} == GROUPS
    for name, *_ in FACE:
        assert value(params[name], "OfxParamPropParent") in GROUPS, name
    for group in GROUPS:
        first = list(params).index(group) + 1
        inside = members(params, group)
        assert list(params)[first : first + len(inside)] == inside, f"{group}: hosts without groups go by the order"
    assert members(params, "guidanceGroup") == ["guidance", "trust", "keyframeStrength", "keyframeRadius"]
    assert "grain" in members(params, "pictureGroup")
    assert "vramBudget" in members(params, "performanceGroup")


def test_pages_hold_what_their_groups_hold(bundle: Path) -> None:
    """Groups and pages are no children of pages."""
    params = parameters(described(bundle))
    for page, groups in PAGES.items():
        children = [name for group in groups for name in members(params, group)]
        assert params[page]["OfxParamPropPageChild"] == children, page


@pytest.mark.parametrize("refused", [["Group"], ["Page"], ["Group", "Page"]])
def test_hosts_without_groups_or_pages_have_all_parameters(bundle: Path, refused: list[str]) -> None:
    types = [f"OfxParamType{kind}" for kind in refused]
    with Host(bundle, "flame", overrides={"refused_param_types": types}) as host:
        params = parameters(host.describe())
        host.create_instance()
    assert {name for name, *_ in FACE} <= set(params)
    grouped = [name for name, *_ in FACE if value(params[name], "OfxParamPropParent")]
    assert bool(grouped) == ("Group" not in refused)


def test_hosts_are_told_which_edits_reach_other_frames(bundle: Path) -> None:
    """A key at one frame changes frames whose own value stays: caches keyed by values at a time would be wrong."""
    params = parameters(described(bundle))
    all_frames = [n for n, p in params.items() if value(p, "OfxParamPropCacheInvalidation") == "OfxParamInvalidateAll"]
    assert all_frames == ["keyframe", "keyframeStrength"]


def test_what_changes_no_picture_renders_nothing(bundle: Path) -> None:
    params = parameters(described(bundle))
    quiet = {name for name, param in params.items() if value(param, "OfxParamPropEvaluateOnChange") == 0}
    assert quiet == {"status", "suggestCount", "vramBudget", "ramBudget"}


def test_numbers_have_all_their_limits(bundle: Path) -> None:
    for name, param in parameters(described(bundle)).items():
        if value(param, "OfxParamPropType") not in ("OfxParamTypeInteger", "OfxParamTypeDouble"):
            continue
        low, high = (value(param, f"OfxParamProp{end}") for end in ("Min", "Max"))
        shown = [value(param, f"OfxParamPropDisplay{end}") for end in ("Min", "Max")]
        assert low <= shown[0] < shown[1] <= high, name
        assert low <= value(param, "OfxParamPropDefault") <= high, name
        if name in LIMITS:
            assert (low, high) == LIMITS[name], name


def test_what_animates(bundle: Path) -> None:
    params = parameters(described(bundle))
    animated = {name for name, param in params.items() if value(param, "OfxParamPropAnimates") == 1}
    assert animated == {"keyframe", "keyframeStrength", "guidance", "trust", "grain", "sharpness"}


def test_kinds_of_text_and_secrets(bundle: Path) -> None:
    params = parameters(described(bundle))
    assert value(params["keyframeFiles"], "OfxParamPropStringMode") == "OfxParamStringIsFilePath"
    assert value(params["keyframeFiles"], "OfxParamPropStringFilePathExists") == 1
    assert value(params["status"], "OfxParamPropStringMode") == "OfxParamStringIsLabel"
    assert value(params["status"], "OfxParamPropEvaluateOnChange") == 0
    secret = [name for name, param in params.items() if value(param, "OfxParamPropSecret") == 1]
    assert secret == ["generation"]


def test_clips(bundle: Path) -> None:
    for context in described(bundle)["contexts"].values():
        assert set(context["clips"]) == {"Source", "Keyframes", "Output"}
        check_clips(context["clips"])


def check_clips(clips: dict[str, dict[str, list[Any]]]) -> None:
    for name, clip in clips.items():
        assert value(clip, "OfxImageEffectPropTemporalClipAccess") == 1, name
        assert value(clip, "OfxImageEffectPropSupportsTiles") == 0, name
        assert value(clip, "OfxImageClipPropOptional") == (1 if name == "Keyframes" else 0), name
        assert clip["OfxImageEffectPropSupportedComponents"] == ["OfxImageComponentRGBA", "OfxImageComponentRGB"], name


@pytest.mark.parametrize("personality", PERSONALITIES)
def test_how_it_renders_in_each_host(bundle: Path, personality: str) -> None:
    properties = described(bundle, personality)["properties"]
    safety = "OfxImageEffectRenderUnsafe" if personality == "mlt" else "OfxImageEffectRenderInstanceSafe"
    assert value(properties, "OfxImageEffectPluginRenderThreadSafety") == safety
    assert value(properties, "OfxImageEffectPluginPropHostFrameThreading") == 0
    assert value(properties, "OfxImageEffectPropSupportsTiles") == 0
    assert value(properties, "OfxImageEffectPropSupportsMultiResolution") == 1
    assert value(properties, "OfxImageEffectPropTemporalClipAccess") == 1
    if personality != "nuke":  # which has no such property
        assert value(properties, "OfxImageEffectInstancePropSequentialRender") == 2


@pytest.mark.parametrize(
    ("personality", "depths"),
    [
        ("strict", ["Byte", "Short", "Half", "Float"]),
        ("flame", ["Byte", "Short", "Half", "Float"]),
        ("natron", ["Byte", "Short", "Half", "Float"]),
        ("nuke", ["Float"]),
        ("resolve", ["Float"]),
        ("vegas", ["Byte", "Float"]),
        ("mlt", ["Byte", "Short"]),
    ],
)
def test_depths_offered(bundle: Path, personality: str, depths: list[str]) -> None:
    offered = described(bundle, personality)["properties"]["OfxImageEffectPropSupportedPixelDepths"]
    assert list(offered) == [f"OfxBitDepth{depth}" for depth in depths]


def test_loading_and_describing_again_changes_nothing(bundle: Path) -> None:
    first = described(bundle)
    assert all(described(bundle) == first for _ in range(5))
