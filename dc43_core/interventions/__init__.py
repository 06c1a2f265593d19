"""Stage 4: strategies look at a `ValidationResult` and decide."""
