"""`block-after`: a stream may have a bad batch, but not many in a row."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, in_

from dc43_core import Decision, DecisionContext, Intervention


@frozen(kw_only=True)
class BlockAfterOptions:
    """When it blocks, and what counts.

    Attributes:
        n: Bad batches in a row, the last of which is blocked.
        count: `all`: a batch is bad if anything of severity error is found; `landed`: findings
            about rows that go to the rejects do not count.
    """

    n: int = field(default=3, validator=ge(1))
    count: Literal["all", "landed"] = field(default="all", validator=in_(("all", "landed")))


class BlockAfter:
    """Blocks the nth bad batch in a row.

    A good batch begins the count anew, and so does one that was blocked and let go by someone.

    State: `bad` batches in a row.
    """

    def __init__(self, options: BlockAfterOptions | None = None) -> None:
        self.options = options or BlockAfterOptions()

    def decide(self, context: DecisionContext) -> Intervention:
        """Count the batch, and block at `n`."""
        trouble = context.trouble(landed=self.options.count == "landed")
        if trouble is None:
            return Intervention(state={"bad": 0})
        bad = 1 + (0 if context.after_release else context.state.get("bad", 0))
        if bad < self.options.n:
            return Intervention(state={"bad": bad})
        which = f"{bad} bad batches in a row" if bad > 1 else "a bad batch"
        return Intervention(
            decision=Decision.BLOCK,
            reason=f"{which} ({trouble}); it blocks after {self.options.n}",
            state={"bad": bad},
        )
