"""`python -m sparkvsr_backend serve`."""

from __future__ import annotations

import sys

from sparkvsr_backend.launcher import leave, main

if __name__ == "__main__":
    leave(main(sys.argv[1:]))
