"""Making the engine: cheap, so that a server can say at once whether it has it."""

from __future__ import annotations

import torch

from sparkvsr.cogvideox.models import require_packages
from sparkvsr.cogvideox.options import parse_options
from sparkvsr.cogvideox.record import read_record
from sparkvsr.engine import Engine


def create_cogvideox_engine(device: torch.device, options: str = "") -> Engine:
    """The engine on ``device``; its networks are loaded when they are first needed.

    Raises EngineUnavailableError when a package or the weights are missing, UnsupportedSettingError for bad options.
    """
    require_packages()
    chosen = parse_options(options)
    record = read_record()
    record.checkpoint()
    from sparkvsr.cogvideox.engine import CogVideoXEngine
    from sparkvsr.cogvideox.residency import Networks

    return CogVideoXEngine(Networks(record, device, chosen), chosen)
