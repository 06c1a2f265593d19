"""Cut the flights of 2013 into one CSV file a day, contents untouched."""

from __future__ import annotations

import sys
from pathlib import Path

from dc43_demo_app.scenarios.flights import prepare

if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "data" / "flights")
    sys.stdout.write(f"{prepare(where):,} flights in {where}\n")
