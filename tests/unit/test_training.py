"""Training: what is drawn depends on seed and step alone, runs go on where they stopped, one command gives weights."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import torch
from torch import nn

from sparkvsr import guidance
from sparkvsr.cli import main
from sparkvsr.lite.network import BlindNetwork, FusionInput, FusionNetwork
from sparkvsr.resample import resize
from sparkvsr.training import checkpoint, degradations, losses, material, runner, spoil
from sparkvsr.training.fusion import result
from sparkvsr.training.windows import WindowData


def photo(seed: int, height: int, width: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with av.open(str(folder / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 352, 336, "yuv420p"
        scenes = [photo(1, 352, 512), 255 - photo(2, 352, 512)]
        for number in range(18):
            seen = scenes[number >= 9][:336, 4 * number : 4 * number + 352]
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(seen), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    cv2.imwrite(str(folder / "photo.png"), photo(3, 448, 640))
    (folder / "train.txt").write_text("clip.mp4\nnot_stated.mp4\n")
    (folder / "licence_stated.txt").write_text("clip.mp4\nother.mp4\n")
    (folder / "photos_train.txt").write_text("photo.png\n")
    return folder


def test_only_listed_clips_are_read_and_cut_into_shots(data: Path) -> None:
    read = material.load(data)
    assert {shot.name for shot in read.clips} == {"clip.mp4"}
    assert [len(shot.frames) for shot in read.clips] == [9, 9]
    assert all(shot.size == (336, 352) for shot in read.clips)


@pytest.mark.parametrize("missing", ["train.txt", "photo.png"])
def test_what_is_missing_is_named(data: Path, tmp_path: Path, missing: str) -> None:
    for path in data.iterdir():
        if path.name != missing:
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(material.MaterialError, match=missing):
        material.load(tmp_path)


def test_a_batch_is_a_pure_function_of_seed_and_step(data: Path) -> None:
    read = material.load(data)
    first, second = WindowData(read, 3, 9, 2), WindowData(read, 3, 9, 2)
    second[1]
    assert torch.equal(first[5].truth, second[5].truth)
    assert not torch.equal(first[5].truth, first[6].truth)
    assert not torch.equal(first[5].truth, WindowData(read, 4, 9, 2)[5].truth)


def test_a_batch_is_of_one_scale_and_its_parts_fit(data: Path) -> None:
    batches = WindowData(material.load(data), 0, 40, 2)
    seen = set()
    for step in range(40):
        batch = batches[step]
        seen.add(batch.scale)
        side = 48 * batch.scale
        assert batch.frame.shape == (2, 3, 48, 48)
        assert batch.base.shape == batch.truth.shape == (2, 3, side, side)
        assert (batch.base - batch.truth).abs().mean() < 0.05
    assert 4 in seen
    assert len(seen) > 1


def test_blur_and_decimate_samples_the_middle_of_a_block() -> None:
    ramp = torch.arange(64.0).expand(1, 32, 64).contiguous()
    small = degradations.blur_and_decimate(ramp, 4)
    assert torch.allclose(small[0, 4, 4:-4], torch.arange(16.0)[4:-4] * 4 + 1.5, atol=1e-4)


@pytest.mark.parametrize("kind", list(spoil.KINDS))
def test_keyframes_are_spoilt_in_range_and_repeatably(kind: str) -> None:
    truth, blind, foreign = (torch.from_numpy(photo(seed, 64, 96)).permute(2, 0, 1).float() / 255 for seed in (1, 2, 3))
    scene = spoil.Scene(truth, blind, foreign)
    made = spoil.apply(kind, scene, np.random.default_rng(7))
    assert torch.equal(made, spoil.apply(kind, scene, np.random.default_rng(7)))
    assert made.shape == truth.shape
    assert made.min() > -0.1
    assert made.max() < 1.1
    assert torch.equal(made, truth) == (kind == "true")


def test_kinds_have_probabilities() -> None:
    assert sum(odds for odds, _ in spoil.KINDS.values()) == pytest.approx(1.0)


def test_the_loss_sees_what_the_engine_would_decode() -> None:
    random = torch.Generator().manual_seed(0)
    known = FusionInput(
        blind=torch.rand(2, 3, 16, 24, generator=random),
        contrast=torch.rand(2, 1, 8, 12, generator=random),
        keyed=torch.rand(2, 2, 3, 16, 24, generator=random),
        unlike=torch.rand(2, 2, 3, 8, 12, generator=random),
        disagreement=torch.rand(2, 2, 3, 8, 12, generator=random),
        motion=torch.rand(2, 2, 1, 8, 12, generator=random) * 3,
        agreement=torch.rand(2, 2, 1, 8, 12, generator=random),
        strength=torch.tensor([[1.0, 0.5], [0.7, 0.0]]),
    )
    refinement = torch.rand(2, 3, 16, 24, generator=random)
    made = result(known, known.motion, known.agreement, refinement).frame
    for index in range(2):
        terms = [
            guidance.GateTerms(known.motion[index, k], known.agreement[index, k], float(known.strength[index, k]))
            for k in range(2)
        ]
        shares, gate = guidance.weigh([resize(one.confidence(0.0), (16, 24), "linear") for one in terms])
        frame = guidance.mix(known.blind[index], list(known.keyed[index]), shares, 1.0)
        assert torch.allclose(made[index], frame + gate * refinement[index], atol=1e-5)


def test_untrained_fusion_leaves_the_evidence_as_it_is() -> None:
    known = FusionInput(
        *(
            torch.rand(shape)
            for shape in [(1, 3, 16, 16), (1, 1, 8, 8), (1, 2, 3, 16, 16), (1, 2, 3, 8, 8), (1, 2, 3, 8, 8)]
        ),
        torch.rand(1, 2, 1, 8, 8),
        torch.rand(1, 2, 1, 8, 8),
        torch.ones(1, 2),
    )
    made = FusionNetwork()(known)
    assert torch.equal(made.motion, known.motion)
    assert torch.equal(made.agreement, known.agreement)
    assert made.refinement.abs().max() == 0


def test_losses_are_zero_for_the_truth_alone() -> None:
    truth = torch.rand(1, 3, 16, 16)
    for loss in (losses.charbonnier, losses.gradients):
        assert float(loss(truth, truth)) == pytest.approx(0.0, abs=1e-7)
        assert float(loss(truth + torch.rand_like(truth) * 0.1, truth)) > 0.01


class LineTask:
    """Fits a line; small enough to run twice."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = nn.Conv2d(1, 1, 1)
        self.data: Any = [torch.full((1, 1, 2, 2), float(step)) for step in range(40)]

    def loss(self, batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        return (self.model(batch / 40) - (0.5 * batch / 40 + 1)).square().mean(), {}

    def measure(self, model: nn.Module) -> dict[str, float]:
        return {"weight": float(next(model.parameters()).detach().sum())}


def test_a_run_that_was_broken_off_ends_where_a_whole_one_does(tmp_path: Path) -> None:
    plan = runner.RunPlan(steps=40, rate=0.05, warm=5, workers=0)
    whole = runner.run(LineTask(), plan, tmp_path / "whole.safetensors", lambda report: None)

    class StoppedError(Exception):
        pass

    def stop(report: runner.Report) -> None:
        if report.step == 25:
            raise StoppedError

    path = tmp_path / "broken.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_SAVE_SECONDS", -1.0)
        with pytest.raises(StoppedError):
            runner.run(LineTask(), plan, path, stop)
    rest = runner.run(LineTask(), plan, path, lambda report: None)
    for first, second in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(first, second)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    small, large = BlindNetwork(8, 1), BlindNetwork(16, 1)
    checkpoint.save(path, small, copy.deepcopy(small), torch.optim.AdamW(small.parameters()), {"step": 1})
    with pytest.raises(checkpoint.CheckpointError, match="another"):
        checkpoint.restore(path, large, large, torch.optim.AdamW(large.parameters()))
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(checkpoint.CheckpointError, match="expected a checkpoint"):
        checkpoint.restore(path, small, small, torch.optim.AdamW(small.parameters()))


@pytest.mark.slow
def test_one_command_makes_weights(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "lite", "--data", str(data), "--output", str(tmp_path / "out"), "--part", "0.0002", "--quiet"]
    assert main(words) == 0
    assert capsys.readouterr().out.strip().endswith("fusion.safetensors")
    for name, network in (("blind", BlindNetwork()), ("fusion", FusionNetwork())):
        from safetensors.torch import load_file

        network.load_state_dict(load_file(tmp_path / "out" / f"{name}.safetensors"))


def test_a_folder_without_lists_is_an_error_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "lite", "--data", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    assert "train.txt" in capsys.readouterr().err
