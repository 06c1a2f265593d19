"""Run by Alembic: migrates over the connection that `revisions.upgrade` hands in."""

from __future__ import annotations

from alembic import context

from dc43_governance_sql.tables import METADATA, REVISION

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=REVISION.name,
    # SQLite alters most things by copying a table.
    render_as_batch=True,
)
# No transaction of Alembic's own: all steps stand in the caller's, or none does.
context.run_migrations()
