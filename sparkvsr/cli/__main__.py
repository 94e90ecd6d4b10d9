"""`python -m sparkvsr.cli`."""

import sys

from sparkvsr.cli.main import main

sys.exit(main())
