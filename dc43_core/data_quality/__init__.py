"""Stage 3: what was measured becomes a `ValidationResult`."""
