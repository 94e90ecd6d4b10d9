"""What the lite engine gives and costs, measured on clips whose truth is known; run by ``quality_lite.py``."""
