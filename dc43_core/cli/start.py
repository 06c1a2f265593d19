"""One start of a pipeline, as `dc43 run` follows it and tells how it ended."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import typer
from attrs import define, evolve, field

from dc43_core.cli.progress import Progress
from dc43_core.cli.report import BATCHES, print_report
from dc43_core.cli.state import State, StoppedError
from dc43_core.cli.stream import find_stream
from dc43_core.cli.summary import STOPPED, Tally, summarise, tallied
from dc43_core.cli.text import clean, place, write_json
from dc43_core.config import Instance
from dc43_core.errors import (
    BatchBlockedError,
    ConfigurationError,
    Dc43Error,
    StopRequestedError,
)
from dc43_core.pipeline import PipelineRunner
from dc43_core.pipeline_file import PipelineFile, load_pipeline
from dc43_core.protocol import clock
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Outcome, Release, Verdict


class NoVerdictError(Dc43Error, RuntimeError):
    """A batch could not be judged."""

    exit_code = 3


@define(kw_only=True)
class Start:
    """One start: what is known of it so far, however it ends."""

    state: State
    as_json: bool
    began: str = field(factory=clock.now)
    given: str = ""
    pipeline: PipelineFile | None = None
    ledger: str | None = None
    details: dict[str, Any] = field(factory=dict)
    dataset_id: str | None = None
    tally: Tally = field(factory=Tally)
    newest: deque[GovernanceRecord] = field(factory=lambda: deque(maxlen=BATCHES))
    told: GovernanceRecord | None = None
    skipped: Verdict = Verdict.OK

    def go(
        self, path: Path, namespace: str | None, wishes: dict[str, Any], progress: Progress
    ) -> None:
        """Run the pipeline; return when its trigger is done."""
        self.given = str(path)
        runtime = self.state.runtime
        source = runtime.config.source
        progress.say(f"configuration {source or 'none found, using defaults'}")
        file = load_pipeline(path)
        file = evolve(
            file,
            namespace=namespace or file.namespace or runtime.config.namespace,
            run=evolve(file.run, **wishes),
        )
        self.pipeline = file
        runner = pipeline_runner(runtime, file)
        self.ledger = runtime.ledger
        progress.say(f"ledger {place(self.ledger)}")
        progress.say(f"pipeline {file.file} ({file.run.type})")
        progress.starting(file.engine)
        result = runner.run(file, runtime, lambda payload: self._hear(payload, progress))
        self.details = dict(result.details)
        self.dataset_id = result.dataset_id
        if self.details.get("outbox_depth"):
            why = clean(str(self.details.get("outbox_error")))
            progress.say(
                f"{self.details['outbox_depth']:,} records are not in the ledger yet: {why}; "
                "the next start sends them"
            )
        # A runner that only returns what went wrong is heard as well.
        if result.status.rank > max(self.tally.status, self.skipped, key=_rank).rank:
            self.tally.status = result.status

    def _hear(self, payload: dict[str, Any], progress: Progress) -> None:
        record = GovernanceRecord.from_payload(payload, "a record of this start")
        self.told = record
        # The engine hands the last batch over again after a crash. If an earlier start
        # committed it, it is told once more and is no work of this one.
        done = record.outcome in (Outcome.COMMITTED, Outcome.SKIPPED)
        skipped = done and record.ended_at < self.began
        if skipped:
            self.skipped = max(self.skipped, record.verdict, key=_rank)
        else:
            self.tally.add(record)
            self.newest.append(record)
        progress.batch(record, skipped=skipped)

    def end(self, error: BaseException | None) -> None:
        """Report, whatever happened.

        Raises:
            NoVerdictError: if a batch could not be judged and nothing else went wrong.
            Dc43Error, OSError: if all went well but the stream's records cannot be read.
        """
        if isinstance(error, BatchBlockedError):
            error.add_note(f"`dc43 blocked show {self.given} {error.batch_id}` shows the ways out")
        unjudged: NoVerdictError | None = None
        if self.tally.status is Verdict.UNKNOWN and (
            error is None or isinstance(error, BatchBlockedError)
        ):
            unjudged = NoVerdictError(f"no verdict could be reached: {error or self._reason()}")
        stream, unreadable = self._stream_so_far()
        if unreadable is not None and error is not None:
            # The first error is the one to tell of.
            error.add_note(f"the stream's records cannot be read: {clean(unreadable)}")
        ended = _ended(error or unreadable)
        this_run = self._placed(summarise(self.tally, ended=ended))
        total = self._placed(summarise(stream, ended=ended))
        if self.as_json:
            write_json(
                {
                    **total,
                    "error": _told(unjudged or error or unreadable),
                    "namespace": self.pipeline.namespace if self.pipeline else None,
                    "ledger": self.ledger,
                    "outbox_depth": self.details.get("outbox_depth"),
                    "this_run": this_run,
                }
            )
        elif self.told is not None or error is None:
            print_report(
                newest=self.newest,
                tally=self.tally,
                this_run=this_run,
                total=total,
                ledger=self.ledger,
                history=self._history(total),
                way_out=self._way_out(error),
            )
        if unjudged is not None:
            raise unjudged from error
        if error is None and unreadable is not None:
            raise unreadable
        if error is None and self.tally.status is Verdict.BLOCK:
            raise typer.Exit(BatchBlockedError.exit_code)

    def _stream_so_far(self) -> tuple[Tally, Exception | None]:
        """Return the stream's numbers; if they cannot be read this start's, and why."""
        if self.pipeline is None:
            return Tally(), None
        try:
            stream = find_stream(self.pipeline, self.details, self.told)
            records = stream.records(self.state.runtime, str(self.pipeline.namespace))
            return tallied(records), None
        except (Dc43Error, OSError) as unreadable:
            return self.tally, unreadable

    def _placed(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Fill in, for a summary of no batches, what is known without them."""
        known: dict[str, Any] = {"dataset_id": self.dataset_id}
        if self.pipeline is not None:
            file = self.pipeline
            known["sink"] = self.details.get("sink") or file.resolve(file.sink.path)
            known["rejects"] = self.details.get("rejects") or (
                file.resolve(file.rejects.path) if file.rejects else None
            )
        missing = {name: value for name, value in known.items() if summary[name] is None}
        return {**summary, **missing}

    def _way_out(self, error: BaseException | None) -> list[str]:
        if not isinstance(error, BatchBlockedError):
            return []
        batch, ways = f"{self.given} {error.batch_id}", "|".join(Release)
        return [f"or release it: `dc43 blocked release {batch} --as {ways} --reason TEXT`"]

    def _reason(self) -> str:
        unknown = [r for r in self.newest if r.verdict is Verdict.UNKNOWN]
        if not unknown:
            return "dc43 history shows which batch"
        record = unknown[-1]
        why = next(iter(record.errors), record.intervention)
        return f"batch {record.batch_id}: {why or 'no reason given'}"

    def _history(self, total: dict[str, Any]) -> str | None:
        if total["dataset_id"] is None or not total["batch_count"] + len(total["blocked_batches"]):
            return None
        namespace = self.pipeline.namespace if self.pipeline else None
        configured = self.state.runtime.config.namespace
        more = f" --namespace {namespace}" if namespace not in (None, configured) else ""
        return f"`dc43 history {clean(total['dataset_id'])}{more}`"


def _rank(verdict: Verdict) -> int:
    return verdict.rank


def _ended(error: BaseException | None) -> str | None:
    if error is None or isinstance(error, BatchBlockedError):
        return None
    stopped = isinstance(error, KeyboardInterrupt | StopRequestedError)
    return STOPPED if stopped else Outcome.FAILED.value


def _told(error: BaseException | None) -> str | None:
    if isinstance(error, KeyboardInterrupt):
        return str(StoppedError())
    if error is None or isinstance(error, Dc43Error):
        return None if error is None else clean(error)
    return clean(f"{type(error).__name__}: {error}")


def pipeline_runner(runtime: Runtime, pipeline: PipelineFile) -> PipelineRunner:
    """Return the engine of a pipeline file.

    Raises:
        UnknownNameError: if no installed plugin brings it.
        ConfigurationError: if its plugin is there and the engine itself is not.
    """
    try:
        runner: PipelineRunner = runtime.build(
            "pipeline runner", Instance(use=pipeline.engine), "engine"
        )
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("dc43"):
            raise
        raise ConfigurationError(
            str(pipeline.file),
            [f"engine {pipeline.engine!r} needs the module {error.name!r}; install it"],
        ) from error
    return runner
