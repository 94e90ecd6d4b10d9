"""Measure in a process like the backend's, or what surrounds the arithmetic costs more than it."""

from __future__ import annotations

import os
import sys

from sparkvsr_backend.memory import keep_freed_memory


def like_the_backend() -> None:
    """Start this program anew with idle threads that leave the cores alone; keep freed memory for the next picture.

    OpenMP reads its policy when torch is loaded, so that it has to stand in the environment before.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.execv(sys.executable, sys.orig_argv)
    keep_freed_memory()
