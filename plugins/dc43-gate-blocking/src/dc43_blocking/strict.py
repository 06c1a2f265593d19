"""`strict`: one row that breaks the contract is enough, and nothing of the write is visible."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import in_

from dc43_core import Decision, DecisionContext, Finding, Intervention, Severity, Verdict

_SHOWN = 3


@frozen(kw_only=True)
class StrictOptions:
    """Which rules no row may break.

    Attributes:
        severity: `error`: rules of severity error; `warning`: those of severity warning as well.
    """

    severity: Literal["error", "warning"] = field(
        default="error", validator=in_(("error", "warning"))
    )


class Strict:
    """Blocks if any row breaks a rule, also where such rows would be rejected.

    Thresholds and drift take their course. Without a verdict nobody knows that no row breaks a
    rule, so that blocks too.
    """

    def __init__(self, options: StrictOptions | None = None) -> None:
        self.options = options or StrictOptions()

    def decide(self, context: DecisionContext) -> Intervention:
        """Block as soon as one row breaks a rule that counts."""
        result = context.result
        found = [finding.message for finding in result.findings if self._counts(finding)]
        if not found and result.status is Verdict.UNKNOWN:
            return _block("no verdict could be reached, so it is not known that no row breaks it")
        if not found:
            return Intervention()
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return _block(f"{'; '.join(found[:_SHOWN])}{more}")

    def _counts(self, finding: Finding) -> bool:
        counts = {Severity.ERROR} if self.options.severity == "error" else _NOT_INFO
        return finding.on_rows and finding.severity in counts


_NOT_INFO = {Severity.ERROR, Severity.WARNING}


def _block(why: str) -> Intervention:
    reason = f"every row must keep the contract ({why})"
    return Intervention(decision=Decision.BLOCK, reason=reason)
