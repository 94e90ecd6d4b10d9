"""Making the engine: cheap, so that a server can say at once whether it has it."""

from __future__ import annotations

import torch

from sparkvsr.cogvideox.models import require_packages
from sparkvsr.cogvideox.options import parse_options
from sparkvsr.cogvideox.record import read_record
from sparkvsr.engine import Engine


def create_cogvideox_engine(device: torch.device, options: str = "") -> Engine:
    """The engine on ``device``; its networks are loaded when they are first needed.

    ``options`` with ``plan`` among them: an engine that says what they should be. Raises EngineUnavailableError when a
    package or the weights are missing, UnsupportedSettingError for bad options.
    """
    require_packages()
    from sparkvsr.cogvideox.asking import AskingEngine, asks
    from sparkvsr.cogvideox.engine import CogVideoXEngine
    from sparkvsr.cogvideox.residency import Networks

    asking, rest = asks(options)
    chosen = parse_options(rest)
    record = read_record()
    record.checkpoint()
    networks = Networks(record, device, chosen)
    return AskingEngine(networks, rest) if asking else CogVideoXEngine(networks, chosen)
