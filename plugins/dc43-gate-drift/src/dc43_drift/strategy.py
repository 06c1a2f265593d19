"""A strategy that blocks a batch whose schema is not the contract's."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import in_

from dc43_core import Decision, DecisionContext, Finding, Intervention, Severity

_KINDS = ("drift", "unreadable")
_SHOWN = 3


@frozen(kw_only=True)
class SchemaDriftOptions:
    """Which drift blocks.

    Attributes:
        on: `any` difference, or only an `incompatible` one: a required column that is gone, a
            type that cannot be read as the contract's.
    """

    on: Literal["incompatible", "any"] = field(
        default="any", validator=in_(("incompatible", "any"))
    )


class SchemaDriftBlocking:
    """Blocks on drift, also where the table of dispositions would publish the batch.

    Incompatible drift blocks in enforce anyway. This strategy blocks on additional and widened
    columns too, and in observe if it is passed to the helper.
    """

    def __init__(self, options: SchemaDriftOptions | None = None) -> None:
        self.options = options or SchemaDriftOptions()

    def decide(self, context: DecisionContext) -> Intervention:
        """Block if a drift finding is of the kind that the options name."""
        found = [f for f in context.result.findings if f.kind in _KINDS and self._counts(f)]
        if not found:
            return Intervention()
        return Intervention(decision=Decision.BLOCK, reason=_reason(found))

    def _counts(self, finding: Finding) -> bool:
        # The data-quality client gives incompatible drift severity error, any other info.
        return self.options.on == "any" or finding.severity is Severity.ERROR


def _reason(found: list[Finding]) -> str:
    columns = [finding.check_id.removeprefix("schema.") for finding in found]
    details = "; ".join(finding.message for finding in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return (
        f"the schema is not the contract's in column{'s' if len(columns) > 1 else ''} "
        f"{', '.join(columns)} ({details}{more})"
    )
