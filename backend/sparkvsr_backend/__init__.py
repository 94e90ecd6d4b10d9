"""The persistent backend: serves engines to OpenFX plugins and to the command line."""
