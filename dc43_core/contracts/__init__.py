"""Stage 1: a file becomes a `Contract`."""
