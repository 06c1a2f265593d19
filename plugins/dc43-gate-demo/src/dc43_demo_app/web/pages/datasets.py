"""`/datasets`: whether the newest version of a dataset can be trusted."""

from __future__ import annotations

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dc43_core.governance.approvals import Approval
from dc43_core.protocol.record import GovernanceRecord
from dc43_demo_app.charts.line import line
from dc43_demo_app.charts.twins import Field, version_twins
from dc43_demo_app.reading.batch import Batch, brief
from dc43_demo_app.web.pages import tables
from dc43_demo_app.web.render import page, paged, site_of

_DRAWN = 300
"""Newest versions that the chart shows; the table has all."""


@frozen(kw_only=True)
class Version:
    """A version of a dataset, the one before it, and what a steward says of it."""

    batch: Batch
    previous: str | None
    word: Approval | None


def index(request: Request) -> Response:
    """List the datasets with their newest verdict."""
    found = [
        (dataset, None if record is None else _newest(record))
        for dataset, record in site_of(request).ledger.datasets().items()
    ]
    return page(request, "datasets.html", shown=paged(found, request))


def _newest(record: GovernanceRecord) -> Batch:
    return brief(record, 1, ())


def show(request: Request) -> Response:
    """Show a dataset: its newest version, its versions, where its rows are."""
    dataset = request.path_params["dataset"]
    site = site_of(request)
    log = site.ledger.dataset_log(dataset)
    batches = log.batches()
    if not batches and dataset not in site.ledger.datasets():
        raise HTTPException(404, f"Dataset {dataset} is not found in this ledger.")
    published = [batch for batch in batches if batch.published]
    words = site.ledger.words(dataset)
    versions: list[Version] = []
    before: dict[str, str | None] = {}
    for batch in published:
        word, previous = words.get(batch.record_id), before.get(batch.sink)
        versions.append(Version(batch=batch, previous=previous, word=word))
        before[batch.sink] = batch.dataset_version
    if tables.is_asked(request):
        key = Field("Version", "text", lambda b: b.dataset_version)
        return tables.show(
            request, version_twins(), published, key=key, fields={}, run=None, name=dataset
        )
    drawn = published[-_DRAWN:]
    newest = batches[-1] if batches else None
    return page(
        request,
        "dataset.html",
        dataset=dataset,
        newest=newest,
        record=None if newest is None else log.record(newest),
        version=published[-1] if published else None,
        shown=paged(versions[::-1], request),
        left_out=len(published) - len(drawn),
        lines=[
            line("rejected", "Rejected rows", drawn, lambda b: b.share, is_share=True),
            line("rows", "Rows in the version", drawn, lambda b: float(b.main), is_share=False),
        ]
        if drawn
        else [],
    )
