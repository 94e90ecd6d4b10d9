"""Training of the lite engine's networks: material, degradations, losses, and the runs that made the shipped weights.

Imports the models and is never imported by them.
"""
