"""What the pages know of starting streams: each start is a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from dc43_core.vocabulary import RunType


@frozen(kw_only=True)
class Scenario:
    """One thing to watch.

    Attributes:
        name: As in `run_streaming_scenario`.
        sentence: What it is.
        look_for: What to look for while it runs.
        run_type: What it is started with where nobody chooses.
        pace: How fast the feed comes, and how long it takes.
    """

    name: str
    sentence: str
    look_for: str
    run_type: RunType
    pace: str


@frozen(kw_only=True)
class Launch:
    """A process that was started, as far as it has come.

    Attributes:
        launch_id: Made at its start.
        title: The scenario's name, or the pipeline file.
        started_at: UTC, RFC 3339.
        run_id: The run that it became; None until its row is in the ledger.
        problem: Why no run will come of it; None as long as one may.
        done: What a replay said at its end; no run comes of it.
    """

    launch_id: str
    title: str
    started_at: str
    run_id: str | None = None
    problem: str | None = None
    done: str | None = None


class Launcher(Protocol):
    """Starts streams, and says what became of each start; also after this process began anew."""

    def scenarios(self) -> Sequence[Scenario]:
        """Return what can be started from the first page; empty over a user's own ledger."""
        ...

    def problem(self) -> str | None:
        """Return why nothing can be started here, as a sentence with its way out, or None."""
        ...

    def start(self, scenario: str, run_type: RunType) -> str:
        """Start a scenario anew, in a process of its own; return the launch's id."""
        ...

    def can_restart(self, stream_id: str) -> bool:
        """Say whether `restart` and `replay` know how to start this stream."""
        ...

    def restart(self, stream_id: str) -> str:
        """Start a stream again, where it ended; return the launch's id."""
        ...

    def way_out(self, stream_id: str) -> str | None:
        """Return what `take_way_out` does about a blocked batch, as a button says it, or None."""
        ...

    def take_way_out(self, stream_id: str) -> str:
        """Remove what blocks a stream and start it again; return the launch's id."""
        ...

    def replay(self, stream_id: str, batches: Sequence[int], checks: Sequence[str]) -> str:
        """Judge rejects again in a process of its own; return the launch's id."""
        ...

    def command(self, stream_id: str) -> str | None:
        """Return the command that starts a stream again, for people; None where not known."""
        ...

    def launch(self, launch_id: str) -> Launch | None:
        """Return what became of a start; None if there was none."""
        ...
