"""What the contract tests of the plugin share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.probe import Probe, probe_bundle


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    """A fresh log; every render is done unless the test says otherwise."""
    bundle = probe_bundle()
    assert bundle.is_dir(), f"{bundle} is not there: configure the build with SPARKVSR_BUILD_TESTS=ON"
    log = tmp_path / "probe.jsonl"
    monkeypatch.setenv("SPARKVSR_PROBE_LOG", str(log))
    monkeypatch.setenv("SPARKVSR_PROBE_SCRIPT", "")
    return Probe(bundle, log, monkeypatch)
