"""Curves as OpenColorIO publishes them: the curve-only named transforms of one built-in config, whose name is pinned.

OpenColorIO gives the numbers; ``curves`` computes with them, so that any device computes the same curve and nothing
depends on the machine's OCIO settings.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sparkvsr.color.curves import Curve, LogCurve, PerceptualQuantizer, PowerCurve

CONFIG: Final = "studio-config-v2.2.0_aces-v1.3_ocio-v2.4"
_PQ_STYLES: Final = ("CURVE - LINEAR_to_ST-2084", "CURVE - ST-2084_to_LINEAR")


class UnknownCurveError(RuntimeError):
    """The pinned config has no such named transform, or one of another kind: another OpenColorIO than we know."""


@cache
def named_curve(name: str) -> Curve:
    """The curve of the named transform ``name``. Raises UnknownCurveError."""
    import PyOpenColorIO as ocio  # noqa: N813  (late: most pictures need none of it)

    named = _config().getNamedTransform(name)
    if named is None:
        raise UnknownCurveError(f"expected the named transform {name!r} in {CONFIG}, found none")
    directions = (ocio.TRANSFORM_DIR_FORWARD, ocio.TRANSFORM_DIR_INVERSE)
    group = next(found for found in map(named.getTransform, directions) if found is not None)
    parts = list(group) if isinstance(group, ocio.GroupTransform) else [group]
    if len(parts) != 1:
        raise UnknownCurveError(f"expected one step in {name!r} of {CONFIG}, found {len(parts)}")
    return _curve_of(name, parts[0])


@cache
def _config() -> Any:
    import PyOpenColorIO as ocio  # noqa: N813

    return ocio.Config.CreateFromBuiltinConfig(CONFIG)


def _curve_of(name: str, step: Any) -> Curve:
    kind = type(step).__name__
    if kind == "LogCameraTransform":
        return _log_curve(step)
    if kind == "ExponentWithLinearTransform":
        return PowerCurve(step.getGamma()[0], step.getOffset()[0])
    if kind == "BuiltinTransform" and step.getStyle() in _PQ_STYLES:
        return PerceptualQuantizer()
    raise UnknownCurveError(f"expected a log or power curve or ST-2084 in {name!r} of {CONFIG}, found {step}")


def _log_curve(step: Any) -> LogCurve:
    slope = step.getLinearSlopeValue() if step.isLinearSlopeValueSet() else None
    return LogCurve(
        base=step.getBase(),
        log_slope=step.getLogSideSlopeValue()[0],
        log_offset=step.getLogSideOffsetValue()[0],
        lin_slope=step.getLinSideSlopeValue()[0],
        lin_offset=step.getLinSideOffsetValue()[0],
        lin_break=step.getLinSideBreakValue()[0],
        linear_slope=None if slope is None else slope[0],
    )
