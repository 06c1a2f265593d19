"""`dc43 history`: the micro-batches that governance knows of a dataset."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from dc43_core.cli.options import DatasetId, Json, Namespace, Newest
from dc43_core.cli.state import state_of
from dc43_core.cli.text import (
    clean,
    console,
    count,
    moment,
    number,
    place,
    print_table,
    span,
    write_json,
)
from dc43_core.data_quality.service_levels import level_metrics
from dc43_core.errors import Dc43Error, UnknownDatasetError
from dc43_core.expectations.service_levels import SECONDS
from dc43_core.governance.approvals import Approval
from dc43_core.governance.catalogue import approvals_of, known_ids
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.runtime import Runtime

_COLUMNS = (
    ("version", "right"),
    ("batch", "right"),
    ("ended (UTC)", "left"),
    ("rows", "right"),
    ("main", "right"),
    ("rejected", "right"),
    ("verdict", "left"),
    ("outcome", "left"),
)
_SHOWN = 20


class NoLedgerError(Dc43Error, LookupError):
    """There is no ledger where the configuration says."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"there is no ledger at {path}; go to the folder of the pipeline's configuration, or "
            "name it with DC43_CONFIG"
        )


def history(
    context: typer.Context,
    dataset: DatasetId,
    namespace: Namespace = None,
    newest: Newest = 20,
    as_json: Json = False,
) -> None:
    """Show the micro-batches that governance knows of a dataset, oldest first."""
    state = state_of(context)
    runtime = state.runtime
    if state.configured:
        require_ledger(runtime)
    governance = runtime.governance
    namespace = namespace or runtime.config.namespace
    records = governance.records(namespace=namespace, dataset_id=dataset, newest=newest)
    ledger = place(governance.location())
    if not records:
        raise UnknownDatasetError(dataset, namespace, ledger, known_ids(governance, namespace))
    words = approvals_of(governance, namespace, dataset)
    if as_json:
        write_json(
            {
                "dataset_id": dataset,
                "namespace": namespace,
                "ledger": governance.location(),
                "records": [record.payload() for record in records],
                "approvals": [
                    word.payload() for r in records for word in words.get(r.record_id, ())
                ],
            }
        )
        return
    sys.stderr.write(f"ledger {ledger}\n")
    _print(dataset, records, words, full=len(records) == newest)


def require_ledger(runtime: Runtime) -> None:
    """Refuse to make an empty ledger only to look into it."""
    default = runtime.default_ledger()
    sql = not runtime.config.governance and "sql" in runtime.plugins.registry("governance client")
    if sql and not default.exists():
        raise NoLedgerError(str(default))


def _print(
    dataset: str,
    records: Sequence[GovernanceRecord],
    words: Mapping[str, Sequence[Approval]],
    *,
    full: bool,
) -> None:
    out = console()
    versions = list(dict.fromkeys((r.contract_id, r.contract_version) for r in records))
    several = len(versions) > 1
    under = ", ".join(f"{clean(name)} {clean(version)}" for name, version in versions)
    out.print(f"{clean(dataset)}, {'contracts' if several else 'contract'} {under}")
    out.print()
    said = {r.record_id: words[r.record_id][-1] for r in records if r.record_id in words}
    # Columns of what is there: most datasets have one contract, and no steward.
    columns, rows = list(_COLUMNS), [_row(record) for record in records]
    if several:
        columns.append(("contract", "left"))
        rows = [(*row, r.contract_version) for row, r in zip(rows, records, strict=True)]
    if said:
        columns.append(("status", "left"))
        rows = [
            (*row, said[r.record_id].status.value if r.record_id in said else "-")
            for row, r in zip(rows, records, strict=True)
        ]
    print_table(out, columns, rows, gap=1)
    reasons = [r for r in records if r.intervention]
    aged = [r for r in records if level_metrics(r.metrics)][-1:]
    if reasons or said or aged:
        out.print()
    for record in reasons:
        out.print(f"batch {record.batch_id}: {clean(record.intervention)}", soft_wrap=True)
    for record in aged:
        ages = level_metrics(record.metrics).items()
        told = ", ".join(f"{clean(n.removesuffix(SECONDS))} {span(age)}" for n, age in ages)
        out.print(f"batch {record.batch_id}: {told}", soft_wrap=True)
    for word in said.values():
        out.print(
            f"version {clean(word.dataset_version)}: {word.status.value} by {clean(word.by)}: "
            f"{clean(word.reason)}",
            soft_wrap=True,
        )
    out.print()
    more = "; --newest N shows more" if full else ""
    out.print(f"{count(len(records), 'record')}{more}.")


def _row(record: GovernanceRecord) -> tuple[Any, ...]:
    return (
        record.dataset_version or "-",
        record.batch_id,
        moment(record.ended_at),
        number(record.row_count),
        number(record.main_count),
        number(record.reject_count),
        record.verdict.value,
        record.outcome.value,
    )
