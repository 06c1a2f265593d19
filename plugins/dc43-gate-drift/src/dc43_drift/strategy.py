"""What a batch comes to whose schema is not the contract's: one knob, and its short form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from attrs import field, frozen
from attrs.validators import in_, optional

from dc43_core import ColumnDrift, Decision, DecisionContext, Intervention

POLICIES = ("ignore", "warn", "evolve", "reject", "block")
GROWTH = ("extra", "wider")
"""Kinds of drift that a later version of the contract can take in, and break nobody."""
_SHOWN = 3


@frozen(kw_only=True)
class SchemaDriftOptions:
    """What drift does.

    Attributes:
        policy: `ignore`, `warn`, `evolve`, `reject` or `block`, see `SchemaDrift`.
        on_incompatible: `block` or `reject`, when a required column is gone or a type narrowed;
            None leaves it to the caller and the run type.
    """

    policy: Literal["ignore", "warn", "evolve", "reject", "block"] = field(
        default="warn", validator=in_(POLICIES)
    )
    on_incompatible: Literal["block", "reject"] | None = field(
        default=None, validator=optional(in_(("block", "reject")))
    )


class SchemaDrift:
    """Decides what drift does to a batch, in streams and in batch writes.

    | policy | does |
    |---|---|
    | `ignore` | nothing; the record names the drift, as it always does |
    | `warn` | warns, with the columns as its reason |
    | `evolve` | blocks where the contract could grow: columns are new, or of a wider type |
    | `reject` | sends every row of the batch to the rejects |
    | `block` | blocks |

    Whatever the policy, a schema whose values could not be told apart blocks, and incompatible
    drift does what `on_incompatible` says.
    """

    def __init__(self, options: SchemaDriftOptions | None = None) -> None:
        self.options = options or SchemaDriftOptions()

    @property
    def needs_rejects(self) -> bool:
        """Whether rows may have to go to a reject sink."""
        return "reject" in (self.options.policy, self.options.on_incompatible)

    @property
    def on_incompatible(self) -> str | None:
        """What incompatible drift does, where the caller says nothing."""
        return self.options.on_incompatible

    def sets_aside(self, drift: Sequence[ColumnDrift]) -> bool:
        """Send every row to the rejects, if that is the policy."""
        return self.options.policy == "reject" and bool(drift)

    def decide(self, context: DecisionContext) -> Intervention:
        """Answer as the policy says."""
        policy, drift = self.options.policy, context.drift
        if policy == "evolve":
            return _evolve([one for one in drift if _is_growth(one)], context)
        if policy == "ignore" or not drift:
            return Intervention()
        if policy == "block":
            return Intervention(decision=Decision.BLOCK, reason=_differs(drift))
        then = "; every row of the batch goes to the rejects" if policy == "reject" else ""
        return Intervention(decision=Decision.WARN, reason=_differs(drift) + then)


@frozen(kw_only=True)
class SchemaDriftBlockingOptions:
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

    def __init__(self, options: SchemaDriftBlockingOptions | None = None) -> None:
        self.options = options or SchemaDriftBlockingOptions()

    def decide(self, context: DecisionContext) -> Intervention:
        """Block if there is drift that counts."""
        found = [d for d in context.drift if self.options.on == "any" or d.incompatible]
        if not found:
            return Intervention()
        return Intervention(decision=Decision.BLOCK, reason=_differs(found))


def _is_growth(drift: ColumnDrift) -> bool:
    return drift.kind in GROWTH and not drift.incompatible


def _evolve(grown: Sequence[ColumnDrift], context: DecisionContext) -> Intervention:
    if not grown:
        return Intervention()
    return Intervention(
        decision=Decision.BLOCK,
        reason=f"the contract could take in {_columns(grown)}; draft its successor with "
        f"`dc43 draft {context.result.dataset_id}`, publish it, and start again under it",
    )


def _differs(drift: Sequence[ColumnDrift]) -> str:
    return f"the schema is not the contract's in {_columns(drift)}"


def _columns(drift: Sequence[ColumnDrift]) -> str:
    names = ", ".join(dict.fromkeys(one.column for one in drift))
    said = "; ".join(_said(one) for one in drift[:_SHOWN])
    more = f"; and {len(drift) - _SHOWN} more" if len(drift) > _SHOWN else ""
    return f"column{'s' if len(drift) > 1 else ''} {names} ({said}{more})"


def _said(drift: ColumnDrift) -> str:
    where = f" (file {drift.where})" if drift.where else ""
    return f"column {drift.column}: {drift.detail}{where}"
