"""Named errors of the 5B engine: what was expected, what came, what to do."""

from __future__ import annotations

from sparkvsr.engine import EngineError, EngineUnavailableError, UnsupportedSettingError


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


class OptionsNotSettledError(UnsupportedSettingError):
    """The engine was asked what its options should be. ``expected`` has the ones proposed, to be kept."""

    def __init__(self, expected: str, why: str) -> None:
        super().__init__(f"engine options are settled once and kept; proposed for this device: {expected} ({why})")
        self.expected = expected
        self.found = "plan"
