"""Which expectations were broken, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from dc43_demo_app.reading.promises import Promise
from dc43_demo_app.reading.run_view import RunBatches


@frozen(kw_only=True)
class Violation:
    """One expectation that rows broke.

    Attributes:
        demand: What is asked, as a sentence; its id where the contract cannot be had.
        rows: Rows that broke it.
        total: Rows that were looked at.
        batches: How many batches had such rows.
        warns: Whether the contract only warns of it; None where that is not known.
        length: Its bar, in percent of the longest.
    """

    check: str
    demand: str
    rows: int
    total: int
    batches: int
    warns: bool | None
    length: float


def violations(totals: RunBatches, promise: Promise | None) -> list[Violation]:
    """Return what was broken in a run, the most broken first."""
    return ranked(totals.violations, totals.rows, promise, hits=totals.batches_hit)


def ranked(
    by_check: Mapping[str, int],
    total: int,
    promise: Promise | None,
    hits: Mapping[str, int] | None = None,
) -> list[Violation]:
    """Return broken expectations by rows, the most broken first."""
    known = {} if promise is None else promise.expectations
    warning_checks = None if promise is None else promise.warning_checks
    most = max(by_check.values(), default=0)
    found = sorted(by_check, key=lambda check: (-by_check[check], check))
    return [
        Violation(
            check=check,
            demand=known[check].demand if check in known else check,
            rows=by_check[check],
            total=total,
            batches=(hits or {}).get(check, 1),
            warns=None if warning_checks is None else check in warning_checks,
            length=100 * by_check[check] / most if most else 0,
        )
        for check in found
        if by_check[check]
    ]
