"""Named errors of the 5B engine: what was expected, what came, what to do."""

from __future__ import annotations

from sparkvsr.engine import EngineError, EngineUnavailableError


class WeightsError(EngineUnavailableError):
    """Base: the checkpoint is missing, damaged or cannot be had. The message names the file and says what helps."""


class WeightsMissingError(WeightsError):
    """No checkpoint is installed, or a file of it is not there."""


class WeightsDamagedError(WeightsError):
    """A file has another size, checksum, tensor or shape than it must have."""


class WeightsTransferError(WeightsError):
    """A download failed; nothing was installed, and what had come is used by the next attempt."""


class NoSpaceError(WeightsError):
    """The disk has no room for the checkpoint."""


class MemoryBudgetError(EngineError, MemoryError):
    """The work does not fit the device's memory by any means that leaves the bytes alone; says which settings fit."""
