"""The scenarios of the demo, for programs: run one, and get what became of it.

from dc43_demo_app.streaming import run_streaming_scenario

run_streaming_scenario("streaming-dq-rejects", seconds=5, run_type="observe")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dc43_core.errors import ConfigurationError, UnknownNameError
from dc43_core.vocabulary import RunType
from dc43_demo_app.scenarios.catalogue import PACE, PLOTS, find_plot
from dc43_demo_app.scenarios.home import Home, Place
from dc43_demo_app.scenarios.outcome import ScenarioRun

SCENARIOS = tuple(PLOTS)
"""Their names."""

__all__ = ["SCENARIOS", "ScenarioRun", "restore_feed", "run_streaming_scenario"]


def run_streaming_scenario(
    scenario: str,
    *,
    seconds: float | None = 5,
    run_type: RunType | str | None = None,
    home: str | Path | None = None,
    pace: float = PACE,
    resume: bool | str = False,
    on_streaming_batch: Callable[[dict[str, Any]], object] | None = None,
) -> ScenarioRun:
    """Run a scenario over the flights of 2013, one day a batch, and wait for its end.

    Args:
        scenario: `streaming-valid`, `streaming-dq-rejects` or `streaming-schema-break`.
        seconds: How long its feed lasts once Spark is up; it lasts until the scenario has shown
            what it is about, at least three batches. None for the whole year.
        run_type: `observe` or `enforce`; by default what suits the scenario.
        home: Folder for ledger, feeds and sinks; by default that of `dc43 demo`, so its pages show
            this run too.
        pace: Seconds from one day of the feed to the next, at least.
        resume: Whether to go on with the newest stream of this scenario and run type, or with the
            one of this id; otherwise a new one is begun, on sinks of its own.
        on_streaming_batch: Called with each batch as it becomes durable.

    Returns:
        The run: its outcome, its row in the ledger and its batches. It is returned, and nothing
        raised, also when a batch was blocked or the stream failed.

    Raises:
        Dc43Error: if nothing could be started: no such scenario, no Java, no flights.
    """
    where, kind = Home.at(home), _run_type(scenario, run_type)
    # Spark is imported by those who run something.
    from dc43_demo_app.scenarios.spark import run_place

    place = _begun(where, scenario, kind, resume) if resume else None
    runtime = where.runtime()
    try:
        return run_place(
            place or where.begin(scenario, kind),
            runtime,
            seconds=seconds,
            pace=pace,
            on_batch=on_streaming_batch,
        )
    finally:
        runtime.close()


def restore_feed(
    scenario: str = "streaming-schema-break",
    *,
    run_type: RunType | str | None = None,
    home: str | Path | None = None,
    stream: bool | str = True,
) -> Sequence[str]:
    """Give a stream its lost column back: in the days of its feed that lack it, and from then on.

    The way out of a batch that was blocked for it; the next start with `resume` takes the batch
    again.

    Args:
        scenario: As in `run_streaming_scenario`.
        run_type: As there.
        home: As there.
        stream: Its id; by default the newest one of this scenario and run type.

    Returns:
        The files that were written anew; none if nothing was lost.

    Raises:
        UnknownNameError: if there is no such scenario or stream.
    """
    place = _begun(Home.at(home), scenario, _run_type(scenario, run_type), stream)
    return place.feed.restore() if place else []


def _begun(home: Home, scenario: str, run_type: RunType, stream: bool | str) -> Place | None:
    """Return the stream of this id, or the newest one, if any was begun."""
    if not isinstance(stream, str):
        return home.newest(scenario, run_type)
    place = home.find(stream)
    if place is None:
        raise UnknownNameError("stream", stream, home.streams())
    return place


def _run_type(scenario: str, given: RunType | str | None) -> RunType:
    if given is None:
        return find_plot(scenario).scenario.run_type
    try:
        return RunType(given)
    except ValueError:
        known = ", ".join(RunType)
        raise ConfigurationError("run_type", [f"{given!r} is not one of {known}"]) from None
