"""Which device computes."""

from __future__ import annotations

import torch

from sparkvsr.cli.errors import CommandError


def pick_device(name: str) -> torch.device:
    """``auto``: CUDA where there is one. Raises CommandError when ``cuda`` is asked for and absent."""
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise CommandError(
            "--device cuda", name="NoDevice", expected="a CUDA device", found="none", advice="run `sparkvsr doctor`"
        )
    return torch.device("cuda" if present and name != "cpu" else "cpu")
