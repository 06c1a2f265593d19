"""`?view=table`: the numbers of one chart, a page at a time or as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dc43_demo_app.charts.twins import Field, Twin
from dc43_demo_app.reading.batch import Batch
from dc43_demo_app.web.render import page, paged

_EACH = 100


def is_asked(request: Request) -> bool:
    """Say whether an address asks for a table instead of the page."""
    return request.query_params.get("view") == "table"


def show(
    request: Request,
    twins: Mapping[str, Twin],
    batches: Sequence[Batch],
    *,
    key: Field,
    fields: Mapping[str, Any],
    **context: Any,
) -> Response:
    """Show the table that an address asks for, newest first.

    Args:
        request: With `panel`, the chart's name, `page`, and `as=csv` for a file.
        twins: The tables there are, by name.
        batches: What they are of, oldest first.
        key: What a row is named by.
        fields: What else stands in the address.
        context: What the page needs besides.
    """
    wanted = request.query_params.get("panel") or next(iter(twins))
    if wanted not in twins:
        raise HTTPException(404, f"There is no chart {wanted}. There are {', '.join(twins)}.")
    twin = twins[wanted]
    columns = [key, Field("Feed", "text", lambda b: b.label), *twin.fields]
    rows = list(reversed(batches))
    if request.query_params.get("as") == "csv":
        return csv_of([one.title for one in columns], [[f.value(b) for f in columns] for b in rows])
    return page(
        request,
        "table.html",
        twin=twin,
        twins=twins.values(),
        columns=columns,
        shown=paged(rows, request, _EACH),
        fields={"view": "table", **fields},
        **context,
    )


def csv_of(head: Sequence[str], rows: Sequence[Sequence[Any]], name: str = "table") -> Response:
    """Return rows as a file; no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([[_safe(cell) for cell in row] for row in rows])
    return Response(
        out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}.csv"'},
    )


def _safe(cell: Any) -> Any:
    if isinstance(cell, float):
        return round(cell, 6)
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula else ("" if cell is None else cell)
