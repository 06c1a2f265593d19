"""What a running pipeline shows on stderr: a live line on a terminal, else a line a batch."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from dc43_core.cli.text import clean, console, count, duration, number, share
from dc43_core.protocol.clock import seconds_between
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import Outcome, Verdict

if TYPE_CHECKING:
    from rich.status import Status
    from rich.text import Text


def batch_line(record: GovernanceRecord, *, skipped: bool = False) -> str:
    """Return one batch as a line."""
    if skipped:
        return f"batch {record.batch_id}: published by an earlier start, skipped"
    if record.outcome is Outcome.SKIPPED:
        return f"batch {record.batch_id}: {count(record.row_count, 'row')}, released as skip"
    rejected = f"{number(record.reject_count)} rejected"
    if record.reject_count:
        rejected += f" ({share(record.reject_count, record.row_count)})"
    seconds = seconds_between(record.started_at, record.ended_at)
    return (
        f"batch {record.batch_id}: {count(record.row_count, 'row')}, {rejected}, "
        f"{record.verdict}, {duration(seconds)}"
    )


class Progress:
    """Shows that something happens; used as a context manager around the run."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._live: Status | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(clean(text), soft_wrap=True)

    def starting(self, engine: str) -> None:
        """Say which engine is starting, which may take seconds."""
        line = f"starting {clean(engine.capitalize())} ..."
        if self._console.is_terminal:
            self._live = self._console.status(self._text(line))
            self._live.start()
        else:
            self.say(line)

    def batch(self, record: GovernanceRecord, *, skipped: bool = False) -> None:
        """Show a batch; on a terminal only what is not ok stays on the screen."""
        line = batch_line(record, skipped=skipped)
        if self._live is None:
            self.say(line)
            return
        if record.verdict in (Verdict.BLOCK, Verdict.UNKNOWN) and not skipped:
            self.say(line)
        self._live.update(self._text(line))

    def _text(self, line: str) -> Text:
        # A plain str would be read as markup there.
        from rich.text import Text

        return Text(line)
