"""`acme-block-after`: a stream may have a bad batch, but not many in a row."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge

from dc43_core import Decision, DecisionContext, Intervention


@frozen(kw_only=True)
class BlockAfterOptions:
    """What a configuration may set.

    Attributes:
        n: Bad batches in a row, the last of which is blocked.
    """

    n: int = field(default=3, validator=ge(1))


class BlockAfterN:
    """Blocks the nth bad batch in a row; a good batch begins the count anew."""

    def __init__(self, options: BlockAfterOptions) -> None:
        self.options = options

    def decide(self, context: DecisionContext) -> Intervention:
        """Count, and block at `n`.

        The count is part of the answer and comes back with the next batch. Kept in an attribute
        it would be lost at a restart, and count twice when a batch is replayed.
        """
        bad = context.state.get("bad", 0) + 1 if context.bad else 0
        if bad < self.options.n:
            return Intervention(state={"bad": bad})
        return Intervention(
            decision=Decision.BLOCK,
            reason=f"{bad} bad batches in a row, {self.options.n} are too many",
            state={"bad": bad},
        )
