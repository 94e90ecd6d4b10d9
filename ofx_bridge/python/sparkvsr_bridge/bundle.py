"""Where the plugin's bundle is."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def bundle_path() -> Path:
    """The folder SparkVSR.ofx.bundle of this installation. Raises FileNotFoundError with advice."""
    path = Path(str(resources.files("sparkvsr_bridge") / "SparkVSR.ofx.bundle"))
    if not path.is_dir():
        raise FileNotFoundError(f"expected the plugin at {path}, found nothing: build it with `pip install -e .`")
    return path
