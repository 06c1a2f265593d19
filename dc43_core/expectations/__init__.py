"""Stage 2: a `Contract` becomes typed `Expectation` values, without any engine."""
