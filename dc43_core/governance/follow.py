"""Following a ledger: records as they are kept, from any process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dc43_core.governance.interface import GovernanceClient
from dc43_core.protocol.record import GovernanceRecord

_AT_ONCE = 500
"""Records looked at each time; more than land between two looks."""


def follow(
    client: GovernanceClient,
    namespace: str,
    dataset_id: str | None,
    *,
    newest: int,
    pause: Callable[[], bool],
) -> Iterator[GovernanceRecord]:
    """Yield records as they are kept, each once.

    Args:
        client: Where they are kept.
        namespace: Only this namespace.
        dataset_id: Only this dataset; None for all.
        newest: How many of those that are there already come first.
        pause: Waits before the next look; false to end.
    """
    seen: dict[str, None] = {}
    first = True
    while True:
        found = client.records(namespace=namespace, dataset_id=dataset_id, newest=_AT_ONCE)
        fresh: Sequence[GovernanceRecord] = [r for r in found if r.record_id not in seen]
        yield from fresh[max(0, len(fresh) - newest) :] if first else fresh
        # Only those that the next look can bring again.
        seen = dict.fromkeys(r.record_id for r in found)
        first = False
        if not pause():
            return
