"""Which pictures an engine may see as they lie in the host's memory: those that no rule would change."""

from __future__ import annotations

import numpy as np
import pytest

from sparkvsr.color import LARGEST, Transfer
from sparkvsr.frames import Frame, Premultiplication
from sparkvsr_backend.pictures import direct_view

ABOVE_ONE = float(np.nextafter(np.float32(1), np.float32(2)))
TINY = float(np.finfo(np.float32).smallest_subnormal)


def seen(value: float, components: int) -> bool:
    """Whether a picture with this sample among ordinary ones is used as it is."""
    array = np.full((4, 5, components), 0.5, np.float32)
    array[2, 3, 1] = value
    source = Frame.from_numpy(array, Premultiplication.STRAIGHT)
    view = direct_view(source, Transfer.SRGB)
    assert view is None or view.data_ptr() == source.pixels.data_ptr()
    return view is not None


@pytest.mark.parametrize("value", [0.0, -0.0, TINY, 0.25, 1.0])
@pytest.mark.parametrize("components", [3, 4])
def test_ordinary_samples_are_used_as_they_are(value: float, components: int) -> None:
    assert seen(value, components)


@pytest.mark.parametrize("value", [-TINY, -0.5, ABOVE_ONE, 2.0])
def test_what_only_alpha_may_not_be_is_used_where_there_is_no_alpha(value: float) -> None:
    assert seen(value, 3)
    assert not seen(value, 4)


@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf, 2 * LARGEST, -2 * LARGEST])
@pytest.mark.parametrize("components", [3, 4])
def test_what_the_rules_would_change_is_never_used_as_it_is(value: float, components: int) -> None:
    assert not seen(value, components)
