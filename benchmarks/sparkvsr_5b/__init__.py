"""Parts of the benchmark of the 5B engine (``gpu_sparkvsr_5b.py``)."""
