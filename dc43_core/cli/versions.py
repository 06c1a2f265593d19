"""`dc43 versions`: what was published, what it was made of, and what stewards say of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import frozen

from dc43_core.cli.blocked import decider
from dc43_core.cli.history import require_ledger
from dc43_core.cli.options import Json, Namespace, Newest
from dc43_core.cli.state import State, state_of
from dc43_core.cli.text import (
    clean,
    console,
    count,
    is_local,
    moment,
    number,
    place,
    print_table,
    write_json,
)
from dc43_core.errors import ApprovalRefusedError, UnknownDatasetError
from dc43_core.governance.approvals import give_status
from dc43_core.governance.catalogue import (
    DatasetVersion,
    Input,
    find_version,
    known_ids,
    lineage,
    published,
)
from dc43_core.governance.interface import GovernanceClient, catalogue_keeper
from dc43_core.pipeline_file import PipelineFile, load_pipeline
from dc43_core.protocol.file_store import FileStore, LocalFileStore
from dc43_core.upkeep.doctor import contract_of, upkeep_of
from dc43_core.vocabulary import VersionStatus

versions = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)

Given = Annotated[
    str, typer.Argument(metavar="DATASET", help="The dataset's id, or the pipeline file.")
]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="The version.")]
Sink = Annotated[
    str | None, typer.Option(help="Where the version lies, if the dataset has several places.")
]
Reason = Annotated[str, typer.Option(help="Why; it is kept for good.")]
By = Annotated[str | None, typer.Option(help="Who decided; default: who is logged in here.")]

_COLUMNS = (
    ("version", "right"),
    ("previous", "right"),
    ("published (UTC)", "left"),
    ("rows", "right"),
    ("rejected", "right"),
    ("verdict", "left"),
    ("contract", "left"),
    ("status", "left"),
)


@versions.callback()
def _group() -> None:
    """Show the versions of a dataset, and approve or reject one."""


@frozen(kw_only=True)
class Catalogue:
    """A dataset as the caller named it, and who is asked about it."""

    client: GovernanceClient
    namespace: str
    dataset_id: str
    sink: str | None
    pipeline: PipelineFile | None
    state: State

    def find(self, version: str) -> DatasetVersion:
        """Return one version.

        Raises:
            UnknownVersionError: if there is none, or several.
        """
        return find_version(self.client, self.namespace, self.dataset_id, version, sink=self.sink)

    def store(self, found: DatasetVersion) -> FileStore:
        """Return who writes beside the sink of a version.

        Raises:
            ApprovalRefusedError: if it takes an engine, and the caller named none.
        """
        sink = found.record.sink
        if is_local(sink):
            return LocalFileStore()
        if self.pipeline is None:
            raise ApprovalRefusedError(
                self.dataset_id,
                found.version,
                f"it lies at {sink}, which an engine alone can write",
                "give the pipeline file in place of the dataset's id",
            )
        return upkeep_of(self.state.runtime, self.pipeline).store()


def _catalogue(
    context: typer.Context, given: str, namespace: str | None, sink: str | None = None
) -> Catalogue:
    state = state_of(context)
    runtime = state.runtime
    if state.configured:
        require_ledger(runtime)
    file = load_pipeline(Path(given)) if given.endswith(".toml") else None
    dataset_id = given
    if file is not None:
        contract = contract_of(runtime, file)
        plan = runtime.plan(contract, file.contract.object, any_status=True)
        dataset_id, namespace = plan.dataset_id, namespace or file.namespace
    return Catalogue(
        client=runtime.governance,
        namespace=namespace or runtime.config.namespace,
        dataset_id=dataset_id,
        sink=LocalFileStore().uri(sink) if sink and is_local(sink) else sink,
        pipeline=file,
        state=state,
    )


@versions.command("list")
def list_(
    context: typer.Context,
    dataset: Given,
    newest: Newest = 20,
    namespace: Namespace = None,
    sink: Sink = None,
    as_json: Json = False,
) -> None:
    """List the published versions of a dataset, oldest first."""
    at = _catalogue(context, dataset, namespace, sink)
    found = published(at.client, at.namespace, at.dataset_id, newest=newest, sink=at.sink)
    ledger = place(at.client.location())
    heard_of = known_ids(at.client, at.namespace)
    if at.dataset_id not in heard_of:
        raise UnknownDatasetError(at.dataset_id, at.namespace, ledger, heard_of)
    if as_json:
        write_json(
            {
                "dataset_id": at.dataset_id,
                "namespace": at.namespace,
                "ledger": at.client.location(),
                "versions": [one.payload() for one in found],
            }
        )
        return
    sys.stderr.write(f"ledger {ledger}\n")
    out = console()
    if not found:
        out.print(f"No version of {clean(at.dataset_id)} is published yet.", soft_wrap=True)
        return
    print_table(out, _COLUMNS, [_row(one) for one in found], gap=1)
    out.print()
    more = "; --newest N shows more" if len(found) == newest else ""
    out.print(f"{count(len(found), 'version')} of {clean(at.dataset_id)}{more}.", soft_wrap=True)


def _row(one: DatasetVersion) -> tuple[Any, ...]:
    record = one.record
    return (
        one.version,
        one.previous or "-",
        moment(record.ended_at),
        number(record.row_count),
        number(record.reject_count),
        record.verdict.value,
        f"{record.contract_id} {record.contract_version}",
        one.status.value if one.status else "-",
    )


@versions.command()
def show(
    context: typer.Context,
    dataset: Given,
    version: Version,
    namespace: Namespace = None,
    sink: Sink = None,
    as_json: Json = False,
) -> None:
    """Show one version: verdict, contract, what it was made of, what was said of it."""
    at = _catalogue(context, dataset, namespace, sink)
    found = at.find(version)
    made_of = lineage(at.client, found)
    if as_json:
        write_json({**found.payload(), "inputs": [one.payload() for one in made_of]})
        return
    out, record = console(), found.record

    def say(text: str) -> None:
        out.print(text, soft_wrap=True)

    say(f"version {clean(found.version)} of {clean(record.dataset_id)}")
    say(f"published  {moment(record.ended_at)} UTC by batch {record.batch_id}")
    say(f"previous   {clean(found.previous or 'none')}")
    say(f"contract   {clean(record.contract_id)} {clean(record.contract_version)}")
    say(f"verdict    {record.verdict.value}")
    if record.intervention:
        say(f"reason     {clean(record.intervention)}")
    rejected = f", {number(record.reject_count)} rejected" if record.rejects else ""
    say(f"rows       {number(record.row_count)}, {number(record.main_count)} in main{rejected}")
    say(f"main       {place(record.sink)}")
    if record.rejects:
        entry = f", version {clean(record.rejects_version)}" if record.rejects_version else ""
        say(f"rejects    {place(record.rejects)}{entry}")
    for line in _inputs(made_of, record.input):
        say(f"input      {line}")
    say(f"record     {record.record_id}")
    say(f"status     {found.status.value if found.status else 'none'}")
    for word in found.approvals:
        about = f"{word.status.value} by {clean(word.by)}: {clean(word.reason)}"
        say(f"           {moment(word.at)} UTC {about}")


def _inputs(made_of: Sequence[Input], read: Any) -> list[str]:
    lines = []
    for one in made_of:
        under = one.contract.get("id")
        version = one.contract.get("version", "")
        contract = f", contract {clean(under)} {clean(version)}" if under else ""
        lines.append(f"{clean(one.dataset_id)} at {place(one.path)}{contract}")
        lines += [f"  version {clean(v)} of {clean(d)}" for d, v in one.versions]
    files = read.get("file_count")
    if files:
        lines.append(f"{count(files, 'file')}")
    elif "offsets" in read:
        lines.append(
            f"from {clean(read.get('offsets_before', 'its beginning'))} to {clean(read['offsets'])}"
        )
    return lines or ["not named by the source"]


@versions.command()
def approve(
    context: typer.Context,
    dataset: Given,
    version: Version,
    reason: Reason,
    by: By = None,
    namespace: Namespace = None,
    sink: Sink = None,
    as_json: Json = False,
) -> None:
    """Approve a version; a later word counts, and every word is kept."""
    at = _catalogue(context, dataset, namespace, sink)
    _give(at, version, VersionStatus.APPROVED, reason, by, as_json=as_json)


@versions.command()
def reject(
    context: typer.Context,
    dataset: Given,
    version: Version,
    reason: Reason,
    by: By = None,
    namespace: Namespace = None,
    sink: Sink = None,
    as_json: Json = False,
) -> None:
    """Reject a version; a later word counts, and every word is kept.

    Nothing is removed: readers see the version's rows as before.
    """
    at = _catalogue(context, dataset, namespace, sink)
    _give(at, version, VersionStatus.REJECTED, reason, by, as_json=as_json)


def _give(
    at: Catalogue,
    version: str,
    status: VersionStatus,
    reason: str,
    by: str | None,
    *,
    as_json: bool,
) -> None:
    found = at.find(version)
    word = give_status(
        at.store(found), found.record, status=status, reason=reason, by=by or decider()
    )
    if catalogue_keeper(at.client):
        at.client.add_approvals([word])
    if as_json:
        write_json(word.payload())
        return
    sys.stdout.write(
        f"Version {clean(version)} of {clean(at.dataset_id)} is {word.status.value} by "
        f"{clean(word.by)}: {clean(word.reason)}.\n"
    )
