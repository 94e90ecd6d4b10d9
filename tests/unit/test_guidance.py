"""The gate and the mix: what guidance, trust and strength do to them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparkvsr.guidance import GateTerms, mix, weigh


def flat(value: float, channels: int = 1) -> torch.Tensor:
    return torch.full((channels, 2, 3), value)


def test_confidence_is_the_exponential_of_both_terms() -> None:
    confidence = GateTerms(flat(0.5), flat(0.25), strength=0.8).confidence(trust=0.0)
    torch.testing.assert_close(confidence, flat(0.8 * 0.47236655))


@given(trust=st.floats(0.0, 1.0), motion=st.floats(0.0, 5.0), agreement=st.floats(0.0, 64.0))
def test_trust_weighs_the_agreement_alone(trust: float, motion: float, agreement: float) -> None:
    without = GateTerms(flat(motion), flat(0.0)).confidence(trust)
    torch.testing.assert_close(without, flat(motion).neg().exp())
    strict = GateTerms(flat(motion), flat(agreement)).confidence(0.0)
    trusted = GateTerms(flat(motion), flat(agreement)).confidence(trust)
    assert bool((trusted >= strict).all())
    assert bool((trusted <= without).all())


def test_at_paint_the_keyframe_counts_as_true() -> None:
    assert torch.equal(GateTerms(flat(0.0), flat(64.0)).confidence(1.0), flat(1.0))


def test_confidence_leaves_the_evidence_alone() -> None:
    terms = GateTerms(flat(0.5), flat(0.25))
    terms.confidence(0.3)
    assert torch.equal(terms.motion, flat(0.5))
    assert torch.equal(terms.agreement, flat(0.25))


def test_shares_sum_to_the_larger_confidence_and_favour_it() -> None:
    shares, gate = weigh([flat(0.9), flat(0.3)])
    torch.testing.assert_close(gate, flat(0.9))
    torch.testing.assert_close(shares.sum(0, keepdim=True), gate)
    torch.testing.assert_close(shares[0], 9 * shares[1])


def test_no_confidence_at_all_gives_the_blind_result() -> None:
    shares, gate = weigh([flat(0.0), flat(0.0)])
    assert float(gate.max()) == 0.0
    assert torch.equal(mix(flat(0.4, 3), [flat(9.0, 3), flat(-9.0, 3)], shares, 1.0), flat(0.4, 3))


@pytest.mark.parametrize(("guidance", "expected"), [(0.0, 0.2), (0.5, 0.35), (1.0, 0.5), (2.0, 0.8)])
def test_guidance_scales_the_way_from_blind_to_keyed(guidance: float, expected: float) -> None:
    torch.testing.assert_close(mix(flat(0.2, 3), [flat(0.8, 3)], flat(0.5), guidance), flat(expected, 3))


def test_the_mix_is_the_formula() -> None:
    generator = torch.Generator().manual_seed(1)
    blind, first, second = (torch.rand(3, 2, 3, generator=generator) for _ in range(3))
    shares, _ = weigh([torch.rand(1, 2, 3, generator=generator) for _ in range(2)])
    expected = blind + 1.4 * (shares[:1] * (first - blind) + shares[1:] * (second - blind))
    torch.testing.assert_close(mix(blind, [first, second], shares, 1.4), expected)


def test_one_certain_keyframe_is_returned_exactly() -> None:
    generator = torch.Generator().manual_seed(2)
    blind, picture = (torch.randn(3, 2, 3, generator=generator) for _ in range(2))
    assert torch.equal(mix(blind, [picture], flat(1.0), 1.0), picture)
