"""A second process that writes: `write_records.py LEDGER STREAM COUNT`."""

from __future__ import annotations

import sys

from dc43_core.testing.records import make_record
from dc43_governance_sql.ledger import SqlGovernance
from dc43_governance_sql.options import SqlOptions

if __name__ == "__main__":
    path, stream_id, count = sys.argv[1:]
    client = SqlGovernance(SqlOptions(path=path))
    client.open()
    for number in range(int(count)):
        client.record_many([make_record(stream_id=stream_id, batch_id=number)])
        client.record_many([make_record(stream_id="common", batch_id=number)])
    client.close()
