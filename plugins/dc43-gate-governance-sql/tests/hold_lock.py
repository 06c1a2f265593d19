"""A second process that holds the write lock for a moment: `hold_lock.py LEDGER`."""

from __future__ import annotations

import sqlite3
import sys
import time

if __name__ == "__main__":
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    print("held", flush=True)
    time.sleep(0.3)
    connection.execute("COMMIT")
    connection.close()
