"""Parts of the lite engine: motion, the warp, evidence, back-projection."""

import numpy as np
import pytest
import torch
from support import pictures

from sparkvsr import evidence, motion
from sparkvsr import warp as carrying
from sparkvsr.lite import consistency
from sparkvsr.lite.blind import LanczosBlind
from sparkvsr.motion import luma
from sparkvsr.resample import Kernel, blur, resize


def texture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """A smooth random picture [3, H, W] in 0..1."""
    noise = torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    smooth = blur(noise, 3.0)
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


def constant_flow(height: int, width: int, x: float, y: float) -> motion.Flow:
    return np.broadcast_to(np.float32([x, y]), (height, width, 2)).copy()


def test_motion_finds_a_known_shift() -> None:
    scene = texture(120, 180)
    frame, keyframe = (motion.gray8(luma(part)) for part in (scene[:, 6:106, 10:160], scene[:, 3:103, 5:155]))
    flow = motion.measure(frame, keyframe)[20:-20, 20:-20]
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), [5, 3], atol=0.1)


@pytest.mark.parametrize("size", [(1, 1), (15, 300), (300, 15)])
def test_too_small_pictures_have_no_motion(size: tuple[int, int]) -> None:
    first, second = (motion.gray8(luma(texture(*size, seed))) for seed in (1, 2))
    flow = motion.measure(first, second)
    assert flow.shape == (*size, 2)
    assert flow.dtype == np.float32
    assert not flow.any()


@pytest.mark.parametrize("size", [(16, 16), (16, 500), (500, 17)])
def test_motion_takes_narrow_pictures(size: tuple[int, int]) -> None:
    gray = motion.gray8(luma(texture(*size)))
    assert np.isfinite(motion.measure(gray, gray)).all()


def test_gray_is_clamped_and_rounded() -> None:
    assert motion.gray8(torch.tensor([[[-1.0, 0.5, 7.0, 0.998]]])).tolist() == [[0, 128, 255, 254]]


def test_a_shrunk_flow_keeps_its_meaning() -> None:
    shrunk = motion.shrink(constant_flow(40, 60, 6.0, -4.0), (20, 45))
    np.testing.assert_allclose(shrunk, constant_flow(20, 45, 4.5, -2.0), rtol=1e-6)


@pytest.mark.parametrize(
    "carry", [carrying._carry_on_cpu, lambda p, f: carrying._carry_on_device(p, torch.from_numpy(f))]
)
def test_whole_shifts_are_carried_exactly_and_borders_replicated(carry: object) -> None:
    picture = texture(30, 40)
    carried = carry(picture, constant_flow(30, 40, 4.0, -3.0))  # type: ignore[operator]
    rows, columns = (torch.arange(30) - 3).clamp(0, 29), (torch.arange(40) + 4).clamp(0, 39)
    torch.testing.assert_close(carried, picture[:, rows][:, :, columns], atol=1e-5, rtol=0)


def test_both_ways_to_carry_agree() -> None:
    picture = texture(50, 70) * 3 - 1
    flow = np.random.default_rng(0).uniform(-5, 5, (50, 70, 2)).astype(np.float32)
    on_cpu = carrying.carry(picture, flow)
    torch.testing.assert_close(carrying._carry_on_device(picture, torch.from_numpy(flow)), on_cpu, atol=0.02, rtol=0)


def test_pictures_too_wide_for_opencv_are_carried_all_the_same() -> None:
    picture = torch.rand(1, 2, 33000, generator=torch.Generator().manual_seed(0))
    carried = carrying.carry(picture, constant_flow(2, 33000, 1.0, 0.0))
    torch.testing.assert_close(carried[..., :-1], picture[..., 1:], atol=0.02, rtol=0)


def test_contrast_is_the_local_standard_deviation() -> None:
    flat = torch.full((3, 40, 40), 0.3)
    assert float(evidence.contrast(flat, 1.0).max()) < 0.05
    noisy = flat + 0.1 * torch.randn(1, 40, 40, generator=torch.Generator().manual_seed(0))
    assert float(evidence.contrast(noisy, 1.0).mean()) == pytest.approx(25.5, rel=0.05)


def test_evidence_is_the_square_of_error_over_tolerance_and_bounded() -> None:
    error, contrast = torch.tensor([[[0.0, 3.0, 1e9]]]), torch.tensor([[[0.0, 10.0, 0.0]]])
    squares = evidence.Tolerance(2.0, 0.35).evidence(error, contrast)
    torch.testing.assert_close(squares[0, 0, :2], torch.tensor([0.0, (3.0 / 5.5) ** 2]))
    assert bool(squares.isfinite().all())
    assert float(squares[0, 0, 2].neg().exp()) < 1e-20


@pytest.mark.parametrize("kernel", evidence.REDUCTIONS)
def test_the_reduction_that_made_the_source_is_found(kernel: Kernel) -> None:
    clip = pictures.clip(1, kernel=kernel)
    found = evidence.agreement_with(clip.truth[0], clip.source[0])
    assert found.reduction == kernel
    assert found.mean > 0.999
    assert float(found.error.max()) < 0.01


def test_evidence_is_weighed_at_half_the_output_and_never_below_the_source() -> None:
    source = torch.zeros(3, 5, 7)
    assert [evidence.size_of(source, scale) for scale in (1, 2, 3, 4)] == [(5, 7), (5, 7), (8, 11), (10, 14)]


def test_a_residual_given_back_brings_the_source_back() -> None:
    clip = pictures.clip(1)
    truth, source = clip.truth[0], clip.source[0]
    off = truth + 0.05 * (texture(144, 192) - 0.5)
    lacking = consistency.residual(off, source, "bicubic")
    agreement = torch.zeros(1, 72, 96)
    after = consistency.corrected(off, lacking, agreement, 0.0)
    assert float((resize(after, (36, 48)) - source).abs().mean()) < 0.1 * float(lacking.abs().mean())
    assert float((after - truth).abs().mean()) < 0.5 * float((off - truth).abs().mean())


def test_trust_keeps_the_correction_from_what_was_painted() -> None:
    clip = pictures.clip(1)
    lacking = torch.full((3, 36, 48), 0.1)
    agreement = torch.zeros(1, 72, 96)
    agreement[:, :, 48:] = 64.0
    strict, paint = (consistency.corrected(clip.truth[0], lacking, agreement, trust) for trust in (0.0, 1.0))
    torch.testing.assert_close(strict, clip.truth[0] + 0.1)
    torch.testing.assert_close(paint[..., :80], clip.truth[0][..., :80] + 0.1)
    torch.testing.assert_close(paint[..., 112:], clip.truth[0][..., 112:], atol=1e-5, rtol=0)


def test_the_blind_part_at_full_size_is_the_picture_itself() -> None:
    picture = texture(8, 9)
    assert torch.equal(LanczosBlind().upscale(picture, 1, "float32"), picture)
    assert LanczosBlind().upscale(picture, 3, "float32").shape == (3, 24, 27)
