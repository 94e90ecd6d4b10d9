"""Hosts that lack things, refuse things, or answer with errors."""

import numpy as np
import pytest
from support.probe import Probe, film, keyframe_times, nearest

from sparkvsr_bridge import ActionFailed, Failing, Faults, Host, RenderFailed

pytestmark = pytest.mark.ofx

SIZE = (8, 6)

# Written at describe and read at work, but newer than OpenFX 1.0 or left out by some host.
DISPENSABLE = [
    "OfxPropPluginDescription",
    "OfxPropVersion",
    "OfxPropVersionLabel",
    "OfxImageEffectPropTemporalClipAccess",
    "OfxImageEffectInstancePropSequentialRender",
    "OfxImageEffectPropNoSpatialAwareness",
    "OfxImageEffectPropCPURenderSupported",
    "OfxImageEffectPropOpenGLRenderSupported",
    "OfxImageEffectPropCudaRenderSupported",
    "OfxImageEffectPropMetalRenderSupported",
    "OfxImageEffectPropOpenCLRenderSupported",
    "OfxImageEffectPropClipPreferencesSlaveParam",
    "OfxImageEffectPluginPropFieldRenderTwiceAlways",
    "OfxImageEffectPluginPropHostFrameThreading",
    "OfxImageEffectPluginPropSingleInstance",
    "OfxImageClipPropIsMask",
    "OfxImageClipPropContinuousSamples",
    "OfxImageEffectFrameVarying",
    "OfxImageClipPropFieldOrder",
    "OfxImagePropField",
    "OfxImagePropRegionOfDefinition",
    "OfxImagePropPixelAspectRatio",
    "OfxImagePropUniqueIdentifier",
    "OfxImageEffectPropRenderScale",
    "OfxImageEffectPropFieldToRender",
    "OfxImageEffectPropInteractiveRenderStatus",
    "OfxImageEffectPropFrameRange",
    "OfxParamPropScriptName",
    "OfxParamPropHint",
    "OfxParamPropIncrement",
    "OfxParamPropDigits",
    "OfxParamPropDoubleType",
    "OfxParamPropStringMode",
    "OfxParamPropStringFilePathExists",
    "OfxParamPropPersistant",
    "OfxParamPropCanUndo",
    "OfxParamPropPluginMayWrite",
]


def renders(probe: Probe, faults: Faults, personality: str = "nuke") -> None:
    with Host(probe.bundle, personality, faults=faults) as host:
        instance = host.create_instance()
        instance.connect("Source", film(5, *SIZE))
        np.testing.assert_array_equal(instance.render(2), nearest(film(5, *SIZE)[2], 4))


@pytest.mark.parametrize("name", DISPENSABLE)
def test_renders_without_a_property(probe: Probe, name: str) -> None:
    if name == "OfxImageEffectPropTemporalClipAccess":
        personality = "flame"  # any other property of the host stays
        with Host(probe.bundle, personality, faults=Faults(refused_properties=frozenset({name}))) as host:
            instance = host.create_instance()
            instance.connect("Source", film(5, *SIZE))
            np.testing.assert_array_equal(instance.render(2), film(5, *SIZE)[2])
        return
    renders(probe, Faults(refused_properties=frozenset({name})))


def test_renders_without_all_of_them(probe: Probe) -> None:
    renders(probe, Faults(refused_properties=frozenset(DISPENSABLE) - {"OfxImageEffectPropTemporalClipAccess"}))


@pytest.mark.parametrize("suite", ["OfxPropertySuite/1", "OfxImageEffectSuite/1", "OfxParameterSuite/1"])
def test_a_suite_that_no_plugin_can_do_without(probe: Probe, suite: str) -> None:
    with pytest.raises(ActionFailed) as failed:
        Host(probe.bundle, "strict", faults=Faults(missing_suites=frozenset({suite})))
    assert failed.value.status_name == "kOfxStatErrMissingHostFeature"


@pytest.mark.parametrize(
    "faults",
    [
        Faults(missing_suites=frozenset({"OfxMessageSuite/1", "OfxMessageSuite/2"})),
        Faults(null_functions=frozenset({"setPersistentMessage", "clearPersistentMessage"})),
        Faults(null_functions=frozenset({"message", "setPersistentMessage", "clearPersistentMessage"})),
        Faults(failing={"setPersistentMessage": Failing(), "clearPersistentMessage": Failing()}),
    ],
    ids=["absent", "null", "all-null", "failing"],
)
def test_errors_fail_without_messages_too(probe: Probe, faults: Faults) -> None:
    with Host(probe.bundle, "nuke", faults=faults) as host:
        instance = host.create_instance()
        instance.connect("Source", film(5, *SIZE))
        probe.answer("BackendDied", "done")
        with pytest.raises(RenderFailed):
            instance.render(2)
        np.testing.assert_array_equal(instance.render(2), nearest(film(5, *SIZE)[2], 4))


def test_where_keys_cannot_be_read_rises_flag(probe: Probe) -> None:
    faults = Faults(failing={"paramGetNumKeys": Failing(), "paramGetKeyTime": Failing(), "paramGetKeyIndex": Failing()})
    with Host(probe.bundle, "strict", faults=faults) as host:
        instance = host.create_instance()
        instance.connect("Source", film(40, *SIZE))
        instance.connect("Keyframes", film(40, 32, 24))
        for time in (24, 3):
            instance.press("flagKeyframe", time)
        instance.render(10)
        assert list(keyframe_times(probe.request())) == [3, 24]
        instance.press("unflagKeyframe", 3)
        instance.render(10)
        assert list(keyframe_times(probe.request())) == [24]


@pytest.mark.parametrize("function", ["clipGetRegionOfDefinition", "clipGetPropertySet"])
def test_failing_functions_end_in_a_picture_or_a_failure(probe: Probe, function: str) -> None:
    with Host(probe.bundle, "resolve", faults=Faults(failing={function: Failing()})) as host:
        instance = host.create_instance()
        instance.connect("Source", film(5, *SIZE))
        try:
            np.testing.assert_array_equal(instance.render(2), film(5, *SIZE)[2])
        except RenderFailed as failed:
            assert "SourceMissing" in str(failed)  # noqa: PT017


def test_unreadable_parameters_have_their_defaults(probe: Probe) -> None:
    with Host(probe.bundle, "strict", faults=Faults(failing={"paramGetValueAtTime": Failing()})) as host:
        instance = host.create_instance()
        instance.connect("Source", film(5, *SIZE))
        instance.set("scale", 2)
        assert instance.render(2).shape == (24, 32, 4)


def test_two_hosts_at_once_do_not_disturb_each_other(probe: Probe) -> None:
    with Host(probe.bundle, "nuke") as first, Host(probe.bundle, "resolve") as second:
        nodes = [host.create_instance() for host in (first, second)]
        for instance in nodes:
            instance.connect("Source", film(5, *SIZE))
        for time in range(5):
            np.testing.assert_array_equal(nodes[0].render(time), nearest(film(5, *SIZE)[time], 4))
            np.testing.assert_array_equal(nodes[1].render(time), film(5, *SIZE)[time])
        second.unload()
        np.testing.assert_array_equal(nodes[0].render(0), nearest(film(5, *SIZE)[0], 4))


def test_projects_come_back(probe: Probe) -> None:
    with Host(probe.bundle, "strict") as host:
        instance = host.create_instance()
        instance.press("flagKeyframe", 3)
        instance.set("keyframeList", "1")
        instance.set("scale", 2)
        project = instance.save()
    with Host(probe.bundle, "strict") as host:
        instance = host.create_instance(project=project)
        instance.connect("Source", film(5, *SIZE))
        instance.connect("Keyframes", film(5, 16, 12))
        instance.render(2)
        assert list(keyframe_times(probe.request())) == [1, 3]
        assert probe.request()["settings"]["scale"] == 2
