"""A run of a scenario in a process of its own: `python -m dc43_demo_app.scenarios NAME`.

Progress goes to stderr; with `--json` one JSON object goes to stdout. Exit codes as of `dc43 run`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any

from dc43_core.cli.logs import shown_logs
from dc43_core.cli.progress import Progress
from dc43_core.cli.text import clean, count, number, place, share, write_json
from dc43_core.errors import BatchBlockedError, Dc43Error, EngineError
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import RunOutcome, RunType, Verdict
from dc43_demo_app.scenarios.catalogue import PACE, PLOTS
from dc43_demo_app.scenarios.outcome import ScenarioRun
from dc43_demo_app.streaming import restore_feed, run_streaming_scenario

_STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one scenario; return the exit code."""
    given = _parser().parse_args(arguments)
    # A SIGTERM ends a run as Ctrl-C does: with its row closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with shown_logs(), Progress() as progress:
            return _run(given, progress)
    except KeyboardInterrupt:
        return _STOPPED
    except Dc43Error as error:
        sys.stderr.write(f"dc43: {clean(error)}\n")
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dc43_demo_app.scenarios", description="Run a scenario over real flights."
    )
    parser.add_argument("scenario", choices=list(PLOTS))
    parser.add_argument("--run-type", choices=[one.value for one in RunType])
    parser.add_argument("--home", help="folder for ledger, feeds and sinks")
    parser.add_argument("--seconds", type=float, help="how long it is fed; default: the year")
    parser.add_argument("--pace", type=float, default=PACE, help="seconds from day to day")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        metavar="STREAM",
        help="go on with this stream; without an id with the newest one",
    )
    parser.add_argument(
        "--restore", action="store_true", help="before that, give its feed the lost column back"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    return parser


def _run(given: argparse.Namespace, progress: Progress) -> int:
    where = {"run_type": given.run_type, "home": given.home}
    resume = given.resume or given.restore
    if given.restore:
        restored = restore_feed(given.scenario, stream=resume, **where)
        progress.say(f"{count(len(restored), 'file')} of the feed written anew")

    def hear(batch: dict[str, Any]) -> None:
        progress.batch(GovernanceRecord.from_payload(batch, "a batch of this run"))

    progress.starting("spark")
    run = run_streaming_scenario(
        given.scenario,
        seconds=given.seconds,
        pace=given.pace,
        resume=resume,
        on_streaming_batch=hear,
        **where,
    )
    if given.json:
        write_json(run.payload())
    else:
        progress.say(_summary(run))
    return _code(run)


def _summary(run: ScenarioRun) -> str:
    total = run.totals
    how = run.outcome.value if run.outcome else "over"
    why = f" ({run.reason})" if run.reason else ""
    rejected, rows = total["reject_count"], total["row_count"]
    return (
        f"{run.scenario} {how}{why}: {count(total['batch_count'], 'batch', 'batches')} published, "
        f"{number(total['main_count'])} rows in {place(total['sink'])}, {number(rejected)} of "
        f"{number(rows)} rejected ({share(rejected, rows)})"
    )


def _code(run: ScenarioRun) -> int:
    if run.outcome is RunOutcome.FAILED or run.status is Verdict.UNKNOWN:
        return EngineError.exit_code
    return BatchBlockedError.exit_code if run.outcome is RunOutcome.BLOCKED else 0


if __name__ == "__main__":
    sys.exit(main())
