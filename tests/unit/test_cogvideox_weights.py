"""Checkpoints of the 5B engine: strict loading in every published form, and the record of what is installed."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from sparkvsr.cogvideox.errors import WeightsDamagedError, WeightsMissingError
from sparkvsr.cogvideox.layout import PROMPT_FILE, PUBLISHED_PROMPT_FILE, find_checkpoint
from sparkvsr.cogvideox.models import load_models
from sparkvsr.cogvideox.record import read_record, record_of, write_record
from sparkvsr.cogvideox.tiny import make_tiny

CPU = torch.device("cpu")


@pytest.fixture
def folder(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "copy"))


def load(folder: Path, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    models = load_models(find_checkpoint(folder), CPU, dtype)
    return dict(models.transformer.state_dict())


def all_tensors(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return {name: tensor for path in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(path).items()}


def rewrite(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    from safetensors.torch import save_file

    save_file(tensors, path)


def test_the_tiny_checkpoint_has_the_published_layout(tiny_checkpoint: Path) -> None:
    names = {path.relative_to(tiny_checkpoint).as_posix() for path in tiny_checkpoint.rglob("*") if path.is_file()}
    assert names == {
        "transformer/config.json",
        "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
        "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
        "transformer/diffusion_pytorch_model.safetensors.index.json",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
        "scheduler/scheduler_config.json",
        "prompt_embedding.safetensors",
    }


def test_a_tiny_checkpoint_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    digests = [record_of(make_tiny(tmp_path / name, seed)).digest for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    assert digests[0] == digests[1] != digests[2]


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="expected an empty folder"):
        make_tiny(tmp_path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_stored_types_load_as_what_is_asked_for(tmp_path: Path, dtype: torch.dtype) -> None:
    state = load(make_tiny(tmp_path / "tiny", dtype=dtype), torch.bfloat16)
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}


@pytest.mark.parametrize("prefix", ["", "transformer.", "module.", "model.diffusion_model."])
@pytest.mark.parametrize("place", ["transformer/one.safetensors", "transformer.safetensors"])
def test_a_single_file_loads_like_the_shards(folder: Path, prefix: str, place: str) -> None:
    """At the root there is no configuration beside it, so only the published sizes fit: here they must be refused."""
    shards = load(folder)
    tensors = all_tensors(folder / "transformer")
    for path in (folder / "transformer").glob("*.safetensors"):
        path.unlink()
    rewrite(folder / place, {prefix + name: tensor for name, tensor in tensors.items()})
    if place == "transformer.safetensors":
        with pytest.raises(WeightsDamagedError, match=r"missing: transformer_blocks\.\d+.*of another shape"):
            load(folder)
    else:
        single = load(folder)
        assert all(torch.equal(single[name], shards[name]) for name in shards)


def test_missing_unexpected_and_misshapen_tensors_are_named(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = all_tensors(folder / "vae")
    del tensors["encoder.conv_in.conv.bias"]
    tensors["left.over"] = torch.zeros(2)
    tensors["decoder.conv_out.conv.bias"] = torch.zeros(7)
    rewrite(path, tensors)
    with pytest.raises(WeightsDamagedError) as caught:
        load(folder)
    for part in (
        "1 missing: encoder.conv_in.conv.bias",
        "1 unexpected: left.over",
        "decoder.conv_out.conv.bias (expected [3], found [7])",
        str(path),
    ):
        assert part in str(caught.value)


def test_a_tensor_in_two_shards_is_refused(folder: Path) -> None:
    shard = sorted((folder / "transformer").glob("*.safetensors"))[0]
    shutil.copy(shard, shard.with_name("again.safetensors"))
    with pytest.raises(WeightsDamagedError, match=r"is in .* already"):
        load(folder)


def test_a_file_that_is_no_safetensors_is_named(folder: Path) -> None:
    shard = sorted((folder / "transformer").glob("*.safetensors"))[1]
    shard.write_bytes(b"\x80\x04 a pickled thing")
    with pytest.raises(WeightsDamagedError, match=f"{shard.name}: expected a safetensors file"):
        load(folder)


@pytest.mark.parametrize("part", ["transformer", "vae"])
def test_a_missing_part_is_named(folder: Path, part: str) -> None:
    shutil.rmtree(folder / part)
    with pytest.raises(WeightsMissingError, match=part):
        find_checkpoint(folder)


def test_the_prompt_may_have_its_published_name(folder: Path) -> None:
    (folder / "prompt_embeddings").mkdir()
    (folder / PROMPT_FILE).rename(folder / "prompt_embeddings" / PUBLISHED_PROMPT_FILE)
    assert find_checkpoint(folder).prompt.name == PUBLISHED_PROMPT_FILE
    (folder / "prompt_embeddings" / PUBLISHED_PROMPT_FILE).unlink()
    with pytest.raises(WeightsMissingError, match="--prompt-embedding"):
        find_checkpoint(folder)


def test_a_prompt_of_another_width_is_refused(folder: Path) -> None:
    rewrite(folder / PROMPT_FILE, {"prompt_embedding": torch.zeros(1, 6, 25)})
    with pytest.raises(WeightsDamagedError, match=r"\[1, None, 24\], found \[1, 6, 25\]"):
        load(folder)


def test_another_network_is_refused(folder: Path) -> None:
    path = folder / "transformer" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "in_channels": 16}))
    with pytest.raises(WeightsDamagedError, match="expected a transformer with"):
        load(folder)


def test_without_a_record_nothing_is_installed(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match="sparkvsr weights fetch sparkvsr-5b"):
        read_record(tmp_path)


def test_a_record_knows_every_file_and_every_byte(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "weights"
    write_record(record_of(folder), root)
    record = read_record(root)
    assert record.checkpoint() == find_checkpoint(folder)
    record.verify()

    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    record.checkpoint()  # the size is right: only reading everything tells
    with pytest.raises(WeightsDamagedError, match="expected SHA-256"):
        record.verify()
    path.write_bytes(content[:-1])
    with pytest.raises(WeightsDamagedError, match=f"expected {len(content)} bytes, found {len(content) - 1}"):
        record.checkpoint()
    path.unlink()
    with pytest.raises(WeightsMissingError, match="found nothing"):
        record.checkpoint()


def test_a_file_that_came_later_is_refused(folder: Path, tmp_path: Path) -> None:
    write_record(record_of(folder), tmp_path / "weights")
    shard = sorted((folder / "transformer").glob("*.safetensors"))[0]
    shutil.copy(shard, shard.with_name("later.safetensors"))
    with pytest.raises(WeightsDamagedError, match=r"later\.safetensors"):
        read_record(tmp_path / "weights").checkpoint()


@pytest.mark.parametrize("text", ["no json", "[]", '{"version": 2}', '{"version": 1}'])
def test_a_broken_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "sparkvsr-5b.json").write_text(text)
    with pytest.raises(WeightsDamagedError, match="expected a record of version 1"):
        read_record(tmp_path)
