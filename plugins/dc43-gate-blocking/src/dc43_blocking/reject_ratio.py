"""`block-on-reject-ratio`: too large a share of the rows breaks the contract, over a window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from attrs import field, frozen
from attrs.validators import and_, ge, le, lt, optional

from dc43_core import Decision, DecisionContext, Intervention

_MOST_BATCHES, _MOST_MINUTES = 1_000, 1_440


def _exact(value: Decimal | float) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


@frozen(kw_only=True)
class RejectRatioOptions:
    """How much is too much, and over which window.

    Attributes:
        ratio: Share of rows that may break the contract, from 0 up to 1.
        batches: Length of the window in batches, the present one included.
        minutes: Length of the window in minutes, instead of `batches`.
        min_rows: Rows that the window must hold before it is judged.
    """

    ratio: Decimal = field(converter=_exact, validator=and_(ge(Decimal(0)), lt(Decimal(1))))
    batches: int | None = field(default=None, validator=optional(and_(ge(1), le(_MOST_BATCHES))))
    minutes: int | None = field(default=None, validator=optional(and_(ge(1), le(_MOST_MINUTES))))
    min_rows: int = field(default=1, validator=ge(1))

    def __attrs_post_init__(self) -> None:
        """Require one window."""
        if (self.batches is None) == (self.minutes is None):
            raise ValueError("give either batches or minutes as the length of the window")


@frozen
class _Entry:
    """Rows of one batch, or of all batches of one minute.

    Attributes:
        rows: Rows handed over.
        rejected: Rows of these that break a rule of severity error, wherever they landed.
        batches: How many batches.
        minute: Which minute, counted from 1970; 0 where the window counts batches.
    """

    rows: int
    rejected: int
    batches: int = 1
    minute: int = 0


class BlockOnRejectRatio:
    """Blocks a batch with broken rows while they are too large a share of the window's rows.

    The window is folded batch by batch and committed with each, so its length is bounded by
    nothing but its options, and a restart changes nothing. It begins anew after a batch that
    was blocked and let go by someone.

    State: `window`, a list of `[rows, rejected, batches, minute]`, oldest first.
    """

    def __init__(self, options: RejectRatioOptions) -> None:
        self.options = options

    def decide(self, context: DecisionContext) -> Intervention:
        """Add the batch to the window, and judge the window."""
        window = self._window(context)
        state = {"window": [[e.rows, e.rejected, e.batches, e.minute] for e in window]}
        rows, rejected = sum(e.rows for e in window), sum(e.rejected for e in window)
        # A clean batch is not blocked for what came before it.
        if not _of(context, "violating_rows") or rows < self.options.min_rows:
            return Intervention(state=state)
        if rejected <= self.options.ratio * rows:
            return Intervention(state=state)
        share, most = _percent(Decimal(rejected) / rows), _percent(self.options.ratio)
        return Intervention(
            decision=Decision.BLOCK,
            reason=f"{rejected:,} of the {rows:,} rows of {self._span(window)} break the contract "
            f"({share}); it blocks above {most}",
            state=state,
        )

    def _window(self, context: DecisionContext) -> list[_Entry]:
        kept = [] if context.after_release else context.state.get("window", [])
        window = [_Entry(*entry) for entry in kept]
        now = _Entry(_of(context, "row_count"), _of(context, "violating_rows"))
        if self.options.batches is not None:
            # Entries of minutes are left from other options; they are no batches.
            return [*(e for e in window if not e.minute), now][-self.options.batches :]
        assert self.options.minutes is not None
        minute = int(datetime.fromisoformat(context.started_at).timestamp() // 60)
        window = [e for e in window if e.minute > minute - self.options.minutes]
        # One entry a minute, so that the state stays small however often batches come.
        if window and window[-1].minute >= minute:
            last = window.pop()
            now = _Entry(
                last.rows + now.rows, last.rejected + now.rejected, last.batches + 1, last.minute
            )
            return [*window, now]
        return [*window, _Entry(now.rows, now.rejected, minute=minute)]

    def _span(self, window: Sequence[_Entry]) -> str:
        batches = sum(e.batches for e in window)
        counted = "batch" if batches == 1 else f"{batches:,} batches"
        if self.options.batches is not None:
            return f"the last {counted}" if batches > 1 else "this batch"
        minutes = "minute" if self.options.minutes == 1 else f"{self.options.minutes:,} minutes"
        return f"the last {minutes} ({'1 ' if batches == 1 else ''}{counted})"


def _of(context: DecisionContext, name: str) -> int:
    return int(context.result.metrics.get(name, 0))


def _percent(share: Decimal) -> str:
    return f"{float(100 * share):.4g} %"
