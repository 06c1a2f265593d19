"""`python -m dc43_core.cli`."""

from __future__ import annotations

import sys

from dc43_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
