"""The released SparkVSR 5B checkpoint as an engine. Importing this needs neither diffusers nor weights."""
