"""The pages over HTTP: complete HTML before any script runs."""
