"""Transfer curves against OpenColorIO's own processors and published values; invertible for every number."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sparkvsr.color import LARGEST, Transfer, from_working, to_working
from sparkvsr.color.ocio import CONFIG, UnknownCurveError, named_curve
from sparkvsr.color.transfer import curve_of

ocio = pytest.importorskip("PyOpenColorIO")

CURVED = [transfer for transfer in Transfer if transfer not in (Transfer.SRGB, Transfer.LINEAR)]
NAMED = {
    Transfer.REC709: "Rec.709 - Curve",
    Transfer.LOGC3: "ARRI LogC3 - Curve (EI800)",
    Transfer.LOGC4: "ARRI LogC4 - Curve",
    Transfer.SLOG3: "S-Log3 - Curve",
    Transfer.VLOG: "V-Log - Curve",
    Transfer.LOG3G10: "Log3G10 - Curve",
    Transfer.PQ: "ST-2084 - Curve",
}
# Code values of 18 % grey, linear light of code 1, as the makers (or, for PQ, 18 cd/m²; for HLG, BT.2100) publish them.
PUBLISHED = {
    Transfer.REC709: (0.4090, 1.0),
    Transfer.ACESCCT: (0.4136, 222.86),
    Transfer.CINEON: (0.4573, 13.5217),
    Transfer.LOGC3: (0.3910, 55.08),
    Transfer.LOGC4: (0.2784, 469.8),
    Transfer.SLOG3: (0.4106, 38.42),
    Transfer.VLOG: (0.4233, 46.09),
    Transfer.LOG3G10: (0.3333, 184.32),
    Transfer.PQ: (0.3480, 100.0),
    Transfer.HLG: (0.4243, 3.0),
}


def ocio_apply(transform: object, direction: object, values: torch.Tensor) -> torch.Tensor:
    """What OpenColorIO itself makes of grey ``values``, without its fast approximations."""
    config = ocio.Config.CreateFromBuiltinConfig(CONFIG)
    processor = config.getProcessor(transform, direction).getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)
    samples = values.repeat_interleave(3).numpy().copy()
    processor.applyRGB(samples)
    return torch.from_numpy(samples[::3].copy())


def named_transform(transfer: Transfer) -> object:
    return ocio.Config.CreateFromBuiltinConfig(CONFIG).getNamedTransform(NAMED[transfer])


@pytest.mark.parametrize("transfer", NAMED)
def test_named_transforms_are_met_in_both_directions(transfer: Transfer) -> None:
    curve, named = curve_of(transfer), named_transform(transfer)
    assert curve is not None
    coded = torch.linspace(-0.1, 1.0, 2201)
    decoded = ocio_apply(named, ocio.TRANSFORM_DIR_FORWARD, coded)
    torch.testing.assert_close(curve.decode(coded), decoded, rtol=2e-4, atol=1e-6)
    light = torch.cat([torch.linspace(-0.05, 1.0, 1000), torch.logspace(0.0, 2.0, 500)])
    encoded = ocio_apply(named, ocio.TRANSFORM_DIR_INVERSE, light)
    torch.testing.assert_close(curve.encode(light), encoded, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("transfer", "style"),
    [(Transfer.ACESCCT, "CURVE - ACEScct-LOG_to_LINEAR"), (Transfer.HLG, "CURVE - HLG-OETF-INVERSE")],
)
def test_published_formulas_agree_with_opencolorio_where_it_has_them(transfer: Transfer, style: str) -> None:
    if style not in dict(ocio.BuiltinTransformRegistry().getBuiltins()):
        pytest.skip(f"this OpenColorIO has no {style}")
    coded = torch.linspace(0.0, 1.0, 1001)
    expected = ocio_apply(ocio.BuiltinTransform(style), ocio.TRANSFORM_DIR_FORWARD, coded)
    curve = curve_of(transfer)
    assert curve is not None
    torch.testing.assert_close(curve.decode(coded), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("transfer", CURVED)
def test_published_values(transfer: Transfer) -> None:
    curve, (grey, white) = curve_of(transfer), PUBLISHED[transfer]
    assert curve is not None
    assert float(curve.encode(torch.tensor([0.18]))) == pytest.approx(grey, abs=6e-5)
    assert float(curve.decode(torch.tensor([1.0]))) == pytest.approx(white, rel=1e-4)


def test_cineon_has_its_black_and_white_where_kodak_put_them() -> None:
    curve = curve_of(Transfer.CINEON)
    assert curve is not None
    light = curve.decode(torch.tensor([95.0 / 1023.0, 685.0 / 1023.0]))
    torch.testing.assert_close(light, torch.tensor([0.0, 1.0]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("transfer", CURVED)
@given(hnp.arrays(np.float32, (3, 2, 4), elements=st.floats(-0.25, 1.25, width=32)))
def test_code_values_survive_the_working_space(transfer: Transfer, values: np.ndarray) -> None:
    coded = torch.from_numpy(values)
    back = from_working(to_working(coded, transfer), transfer)
    tolerance = 1e-3 if transfer in (Transfer.PQ, Transfer.HLG) else 1e-4  # flat near black, where light has no steps
    assert float((back - coded).abs().max()) < tolerance


@pytest.mark.parametrize("transfer", [Transfer.SRGB, *CURVED])
@pytest.mark.parametrize("bits", [8, 16])
def test_no_integer_code_is_lost(transfer: Transfer, bits: int) -> None:
    white = 2**bits - 1
    codes = torch.arange(0, white + 1, 1 if bits == 8 else 7, dtype=torch.float32)
    back = from_working(to_working((codes / white).expand(3, 1, -1), transfer), transfer)[0, 0] * white
    slack = 0 if bits == 8 else 3 if transfer is Transfer.PQ else 1
    assert float((back.round() - codes).abs().max()) <= slack


@pytest.mark.parametrize("transfer", CURVED)
def test_curves_rise_everywhere_and_stay_finite(transfer: Transfer) -> None:
    curve = curve_of(transfer)
    assert curve is not None
    coded = torch.linspace(-1.0, 2.0, 3001, dtype=torch.float64).to(torch.float32)
    assert bool((curve.decode(coded).diff() >= 0).all())
    light = torch.cat([torch.linspace(-2.0, 2.0, 2001), torch.logspace(0.4, 4.8, 500)])
    assert bool((curve.encode(light).diff() > 0).all())
    extremes = torch.tensor([3e38, -3e38, LARGEST, -LARGEST, 1e-38, 0.0]).expand(3, 1, -1)
    working = to_working(extremes, transfer)
    assert bool(working.isfinite().all())
    assert bool(from_working(working, transfer).isfinite().all())


@pytest.mark.parametrize("transfer", CURVED)
def test_black_stays_black_and_beyond_is_told_apart(transfer: Transfer) -> None:
    curve = curve_of(transfer)
    assert curve is not None
    assert abs(float(curve.decode(curve.encode(torch.zeros(1))))) < 1e-6
    far = curve.encode(torch.tensor([-0.5, 300.0, 1000.0]))
    torch.testing.assert_close(curve.decode(far), torch.tensor([-0.5, 300.0, 1000.0]), rtol=1e-3, atol=1e-5)


def test_a_curve_that_the_config_lacks_is_named() -> None:
    with pytest.raises(UnknownCurveError, match=r"expected the named transform 'X-Log - Curve' in studio-config"):
        named_curve("X-Log - Curve")


def test_a_transform_that_is_no_curve_of_ours_is_named() -> None:
    with pytest.raises(UnknownCurveError, match="C-Log2"):
        named_curve("C-Log2 - Curve")
