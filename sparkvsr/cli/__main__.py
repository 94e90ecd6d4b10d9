"""`python -m sparkvsr.cli`."""

import sys

from sparkvsr.cli import main

sys.exit(main())
