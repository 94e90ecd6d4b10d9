"""A frame is a pure function of what it is made from: the same bytes from any process, threads and workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shot as shots
from support.backend_process import backend_process
from support.shot import FRAMES, Shot

bridge = pytest.importorskip("sparkvsr_bridge")

pytestmark = [pytest.mark.ofx, pytest.mark.timeout(300)]

THREADS = ("1", "2")


def threads(count: str) -> dict[str, str]:
    """The environment in which torch computes with so many."""
    return {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    return shots.make(tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def folders(shot: Shot, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the command line wrote, by the number of threads it had."""
    made = {count: tmp_path_factory.mktemp(f"threads-{count}") for count in THREADS}
    for count, folder in made.items():
        shots.by_command_line(shot, folder, "--cuts", str(shots.CUT), environment=threads(count))
    return made


@pytest.fixture(scope="module")
def expected(folders: dict[str, Path]) -> dict[int, np.ndarray]:
    return shots.written(folders["1"])


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_same(rendered: dict[int, np.ndarray], expected: dict[int, np.ndarray]) -> None:
    for t in range(FRAMES):
        assert np.ascontiguousarray(rendered[t][..., :3]).tobytes() == expected[t].tobytes(), f"frame {t} differs"


def test_command_lines_with_other_numbers_of_threads(folders: dict[str, Path]) -> None:
    one, two = (files_of(folders[count]) for count in THREADS)
    assert sorted(one) == [f"hr.{t:04d}.exr" for t in range(FRAMES)]
    assert [name for name in one if one[name] != two[name]] == []


@pytest.mark.parametrize(("workers", "count"), [("1", "2"), ("4", "1")])
def test_backends_with_other_numbers_of_workers(
    bundle: Path,
    shot: Shot,
    expected: dict[int, np.ndarray],
    fresh_runtime_dir: Path,
    workers: str,
    count: str,
) -> None:
    """Four host threads ask at once; after CLEAR everything is computed once more, in another order."""
    options = ("--device", "cpu", "--cache-gb", "1", "--workers", workers)
    with backend_process(
        fresh_runtime_dir, *options, module="sparkvsr_backend serve", environment=threads(count)
    ) as backend:
        instance: Any = shots.connected(bridge.Host(bundle, personality="nuke"), shot)
        assert_same(instance.render_many(list(range(FRAMES)), threads=4), expected)
        with backend.client() as client:
            client.clear()
            before = client.status().requests.rendered
        assert_same(instance.render_many(list(reversed(range(FRAMES))), threads=4), expected)
        with backend.client() as client:
            assert client.status().requests.rendered == before + FRAMES, "CLEAR left results behind"
