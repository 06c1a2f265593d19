"""What this plugin offers to dc43; importing it imports no SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence

from dc43_core.governance.interface import GovernanceClient
from dc43_core.markers import hookimpl
from dc43_core.registry import Extension
from dc43_governance_sql.options import SqlOptions


def _ledger(options: SqlOptions) -> GovernanceClient:
    # Importing SQLAlchemy takes most of a second, which only those pay who use a ledger.
    from dc43_governance_sql.ledger import SqlGovernance

    return SqlGovernance(options)


@hookimpl
def dc43_governance_clients() -> Sequence[Extension[GovernanceClient]]:
    """Records in a SQLite file or in PostgreSQL."""
    return [
        Extension(
            "sql",
            _ledger,
            options=SqlOptions,
            capabilities={"roles": ("ledger", "catalogue")},
        )
    ]
