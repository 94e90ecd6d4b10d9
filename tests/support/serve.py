"""A server process with test engines beside those of the package: `python -m support.serve [options of serve]`."""

import sys

from support.engines import serving_registry

from sparkvsr_backend.launcher import leave, parse_arguments, serve

if __name__ == "__main__":
    leave(serve(parse_arguments(sys.argv[1:]), serving_registry()))
