"""`sparkvsr weights` against a hub on this machine: whole or not at all, and every failure has a name."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from support.hub_server import COMMIT, REPOSITORY, Hub, hub_of, serving

from sparkvsr.cli import main
from sparkvsr.cogvideox import fetch as fetching
from sparkvsr.cogvideox.errors import NoSpaceError, WeightsDamagedError, WeightsMissingError, WeightsTransferError
from sparkvsr.cogvideox.fetch import Source, fetch, take_prompt
from sparkvsr.cogvideox.layout import find_checkpoint
from sparkvsr.cogvideox.models import load_models
from sparkvsr.cogvideox.prompt import empty_prompt
from sparkvsr.cogvideox.record import read_record
from sparkvsr.engine import EngineUnavailableError

VAE = "vae/diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own hub account or cache, and no pauses between attempts."""
    for name in ("HF_ENDPOINT", "HF_TOKEN", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SPARKVSR_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture
def hub(tiny_checkpoint: Path) -> Iterator[Hub]:
    with serving(hub_of(tiny_checkpoint)) as served:
        yield served


def source(hub: Hub, prompt: str = "") -> Source:
    return Source(REPOSITORY, None, hub.endpoint, prompt)


def test_a_checkpoint_arrives_whole_and_without_what_nobody_wants(
    hub: Hub, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    record = fetch(source(hub), tell=told.append)
    assert record == read_record(tmp_path / "weights")
    assert record.folder == (tmp_path / "weights" / "sparkvsr-5b" / COMMIT).resolve()
    wanted = {name for name in hub.files if name.startswith(("transformer/", "vae/", "scheduler/", "prompt"))}
    there = {p.relative_to(record.folder).as_posix() for p in record.folder.rglob("*") if p.is_file()}
    assert there == wanted == {line.partition(",")[0] for line in told}
    for name in there:
        assert (record.folder / name).read_bytes() == hub.files[name]
    load_models(record.checkpoint(), torch.device("cpu"), torch.float32)


def test_what_is_there_is_not_fetched_again(hub: Hub) -> None:
    fetch(source(hub))
    hub.requests.clear()
    fetch(source(hub))
    assert hub.requests == []


def test_a_checkpoint_in_a_folder_of_the_repository_is_found(tiny_checkpoint: Path) -> None:
    with serving(hub_of(tiny_checkpoint, "ckpt-500-sft/")) as hub:
        record = fetch(source(hub))
    assert find_checkpoint(record.folder).vae[0].relative_to(record.folder).as_posix() == VAE


def test_a_broken_transfer_installs_nothing_and_goes_on_where_it_stopped(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 500)
    hub.cut[VAE] = 1000
    with pytest.raises(WeightsTransferError, match=f"expected {VAE} to arrive.*goes on where it stopped"):
        fetch(source(hub))
    assert not list((tmp_path / "weights").glob("*.json"))
    (part,) = (tmp_path / "weights").rglob("*.part")
    assert part.stat().st_size == 1000
    hub.broken = False
    hub.requests.clear()
    record = fetch(source(hub))
    assert hub.requests == [(VAE, 1000)]
    record.verify()


@pytest.mark.parametrize("name", [VAE, "vae/config.json"])
def test_a_wrong_checksum_is_an_error_and_the_file_is_thrown_away(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.lies.add(name)
    with pytest.raises(WeightsDamagedError, match="fetch it again"):
        fetch(source(hub))
    assert not list((tmp_path / "weights").glob("*.json"))
    assert not list((tmp_path / "weights").rglob("*.part"))
    hub.lies.clear()
    fetch(source(hub))


def test_a_full_disk_is_found_before_the_first_byte(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    with pytest.raises(NoSpaceError, match=r"expected room for 0\.3 GB, found 0\.0 GB; SPARKVSR_WEIGHTS_DIR"):
        fetch(source(hub))
    assert hub.requests == []


def test_a_disk_that_fills_up_on_the_way_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    from huggingface_hub import file_download

    monkeypatch.setattr(file_download, "http_get", full)
    with pytest.raises(NoSpaceError, match="the disk is full"):
        fetch(source(hub))


def test_without_a_network_the_error_says_so(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(
        WeightsTransferError, match=r"expected the list of files of somebody/checkpoint to arrive.*--endpoint"
    ):
        fetch(Source(REPOSITORY, None, endpoint))


def test_a_server_in_trouble_is_named(hub: Hub) -> None:
    hub.broken = True
    with pytest.raises(WeightsTransferError, match="503"):
        fetch(source(hub))


def test_a_repository_of_something_else_is_refused(hub: Hub) -> None:
    hub.files = {name: content for name, content in hub.files.items() if not name.startswith("vae/")}
    with pytest.raises(WeightsMissingError, match=r"expected vae/\*\.safetensors, found none"):
        fetch(source(hub))
    hub.files = {"README.md": b""}
    with pytest.raises(WeightsMissingError, match="expected one checkpoint, found none"):
        fetch(source(hub))


def test_names_that_lead_elsewhere_are_not_wanted() -> None:
    for name in ("transformer/../../x.safetensors", "/vae/config.json", "vae\\..\\config.json", "vae/readme.md"):
        assert not fetching._is_wanted(name)
    assert fetching._is_wanted(VAE)


# --- the empty prompt ------------------------------------------------------------------------------------------------


def test_the_prompt_comes_from_elsewhere_where_the_repository_has_none(hub: Hub, tmp_path: Path) -> None:
    prompt = hub.files.pop("prompt_embedding.safetensors")
    with pytest.raises(WeightsMissingError, match="expected the embedding of the empty prompt at nowhere"):
        fetch(source(hub, "nowhere"))
    assert not list((tmp_path / "weights").glob("*.json"))
    hub.files["elsewhere.bin"] = prompt
    record = fetch(source(hub, f"{hub.endpoint}/elsewhere.bin"))
    assert (record.folder / "prompt_embedding.safetensors").read_bytes() == prompt


def test_a_prompt_that_is_none_is_refused(tmp_path: Path) -> None:
    pickled = tmp_path / "prompt.pt"
    pickled.write_bytes(b"\x80\x04\x95")
    with pytest.raises(WeightsDamagedError, match="expected a safetensors file"):
        take_prompt(str(pickled), tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_the_prompt_can_be_computed() -> None:
    """The empty text is T5's sign for its end, and padding that is not masked."""
    seen = []

    def encoder(tokens: torch.Tensor) -> tuple[torch.Tensor]:
        seen.append(tokens)
        return (tokens.unsqueeze(-1).expand(-1, -1, 4096).float(),)

    embedding = empty_prompt(encoder)
    assert embedding.shape == (1, 226, 4096)
    assert embedding.dtype == torch.bfloat16
    assert seen[0].tolist() == [[1] + [0] * 225]


# --- the command -----------------------------------------------------------------------------------------------------


def lines(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    found = capsys.readouterr()
    return found.out.strip(), found.err


def test_the_command_fetches_lists_shows_and_verifies(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"]) == 0
    assert lines(capsys)[0] == "sparkvsr-5b  not installed"
    assert (
        main(["weights", "--quiet", "fetch", "sparkvsr-5b", "--endpoint", hub.endpoint, "--repository", REPOSITORY])
        == 0
    )
    folder = lines(capsys)[0]
    assert main(["weights", "path"]) == 0
    assert lines(capsys)[0] == folder
    assert main(["weights", "list"]) == 0
    assert folder in lines(capsys)[0]
    assert main(["weights", "verify"]) == 0
    assert "all as they were installed" in lines(capsys)[0]
    assert main(["weights", "fetch", "sparkvsr-5b", "--offline"]) == 0
    (Path(folder) / VAE).write_bytes(hub.files[VAE][:-1] + b"!")
    assert main(["weights", "verify"]) == 1
    assert "WeightsDamaged:" in lines(capsys)[1]


def test_the_command_uses_a_local_copy_and_makes_a_tiny_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "make-tiny", str(tmp_path / "mine")]) == 0
    assert main(["weights", "use", str(tmp_path / "mine")]) == 0
    assert read_record().folder == (tmp_path / "mine").resolve()
    assert main(["weights", "use", str(tmp_path)]) == 1
    assert "WeightsMissing: " in lines(capsys)[1]
    assert read_record().folder == (tmp_path / "mine").resolve()


def test_the_command_says_what_fits_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    plan = ["weights", "plan", "--size", "1920x1080"]
    assert main([*plan, "--budget", "24"]) == 0
    out, err = lines(capsys)
    assert out == "sparkvsr-5b?dtype=bfloat16,tile=0,vae=768,chunk=33"
    assert "all weights on the device" in err
    assert main(plan) == 0
    out, err = lines(capsys)
    assert out.splitlines() == [
        "12 GB  sparkvsr-5b?dtype=bfloat16,tile=0,vae=768,chunk=33",
        "16 GB  sparkvsr-5b?dtype=bfloat16,tile=0,vae=768,chunk=33",
        "24 GB  sparkvsr-5b?dtype=bfloat16,tile=0,vae=768,chunk=33",
        "80 GB  sparkvsr-5b?dtype=bfloat16,tile=0,vae=1024,chunk=49",
    ]
    assert [word in err for word in ("one by one", "take turns", "at work at once")] == [True] * 3
    assert main([*plan, "--budget", "24", "--keep", "chunk=49,vae=512", "--no-bfloat16"]) == 0
    assert lines(capsys)[0] == "sparkvsr-5b?dtype=float16,tile=0,vae=512,chunk=49"
    assert main([*plan, "--budget", "24", "--keep", "chunk=50"]) == 1
    assert "UnsupportedSetting: " in lines(capsys)[1]
    assert main([*plan, "--budget", "2"]) == 1
    assert "MemoryBudget: " in lines(capsys)[1]
    assert main(["weights", "plan", "--size", "1920x", "--budget", "24"]) == 2


def test_offline_without_anything_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", "sparkvsr-5b", "--offline"]) == 1
    assert "WeightsMissing: expected the checkpoint of sparkvsr-5b" in lines(capsys)[1]


def test_without_the_hubs_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailableError, match=r"found none; pip install 'sparkvsr\[cogvideox\]'"):
        fetch(Source())
