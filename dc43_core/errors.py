"""Every error of dc43: it names the thing, the owner and the way out.

Each class derives from `Dc43Error` and from the built-in exception that a caller would
expect, and keeps its facts as attributes. `exit_code` is what the `dc43` command returns:
1 the data was blocked, 2 wrong use or configuration, 3 a fault.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dc43_core.protocol.defect import Defect


class Dc43Error(Exception):
    """Base of every error raised by dc43.

    Attributes:
        exit_code: What the `dc43` command returns.
        retryable: Whether the same call may succeed later although nobody changes anything: a
            database that is away for a moment. A governance client's own errors may say so too.
    """

    exit_code = 2
    retryable: bool = False


def said_by(error: BaseException) -> str:
    """Return the message of an error of foreign code, whose `str` may be empty or fail."""
    try:
        text = str(error)
    # A boundary to foreign code: an error without a message is told all the same.
    except Exception:  # noqa: BLE001
        text = ""
    return text.strip() or type(error).__name__


def described(error: BaseException) -> str:
    """Return the class and the message of an error of foreign code."""
    name, text = type(error).__name__, said_by(error)
    return name if text == name else f"{name}: {text}"


class ConfigurationError(Dc43Error, ValueError):
    """A configuration or pipeline file says something that cannot be used."""

    def __init__(self, source: str, problems: Iterable[str]) -> None:
        self.source, self.problems = source, list(problems)
        super().__init__(f"{source}: " + "; ".join(self.problems))


class StatusError(ConfigurationError, ValueError):
    """A contract or data product has a status that the configuration does not accept."""

    def __init__(
        self, thing: str, status: str, accepted: Iterable[str], *, source: str, key: str
    ) -> None:
        self.thing, self.status, self.accepted, self.key = thing, status, tuple(accepted), key
        super().__init__(
            source,
            [
                f"{thing} has status {status!r}; accepted: {', '.join(self.accepted)}; activate "
                f"it, or accept the status with {key}"
            ],
        )


class UnknownNameError(Dc43Error, LookupError):
    """A configuration names an extension that no installed plugin provides."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        self.kind, self.name, self.known, self.hint = kind, name, sorted(known), hint
        installed = ", ".join(self.known) or "none"
        super().__init__(
            f"no {kind} named {name!r}; installed: {installed}" + (f"; {hint}" if hint else "")
        )


class DuplicateNameError(Dc43Error, ValueError):
    """Two plugins offer an extension of the same kind under one name."""

    def __init__(self, kind: str, name: str, owners: Iterable[str]) -> None:
        self.kind, self.name, self.owners = kind, name, list(owners)
        super().__init__(
            f"{kind} {name!r} is offered by {' and by '.join(self.owners)}; "
            "uninstall one, or block it with DC43_BLOCK_PLUGINS"
        )


class PluginLoadError(Dc43Error, ImportError):
    """An installed plugin cannot be used; nothing is enforced until that is settled."""

    def __init__(self, plugin: str, distribution: str, version: str, problem: str) -> None:
        self.plugin, self.distribution, self.version = plugin, distribution, version
        self.problem = problem
        super().__init__(
            f"plugin {plugin!r} of {distribution} {version} did not load: {problem}; "
            f"fix or uninstall {distribution}, or block it with DC43_BLOCK_PLUGINS={plugin}"
        )


class DocumentError(Dc43Error, ValueError):
    """A file cannot be read as the document that it says it is.

    Attributes:
        source: The file, or a name for text that came from elsewhere.
        line: 1-based line of the fault, where it is known.
        path: Path inside the document, as in `schema[0].properties[3]`.
    """

    def __init__(
        self, source: str, problem: str, *, line: int | None = None, path: str | None = None
    ) -> None:
        self.source, self.problem, self.line, self.path = source, problem, line, path
        where = source
        if line is not None:
            where += f", line {line}"
        if path:
            where += f", {path}"
        super().__init__(f"{where}: {problem}")


class ContractError(DocumentError, ValueError):
    """A contract file cannot be read as a contract."""


class ContractNotFoundError(Dc43Error, LookupError):
    """No contract with this id and version is known."""

    def __init__(
        self, contract_id: str, selector: str, known: Iterable[str], searched: str
    ) -> None:
        self.contract_id, self.selector = contract_id, selector
        self.known, self.searched = list(known), searched
        found = ", ".join(self.known) or "none"
        super().__init__(
            f"no contract {contract_id!r} in version {selector} in {searched}; found: {found}"
        )


class ArgumentsError(Dc43Error, ValueError):
    """An expectation's arguments do not fit its kind."""

    def __init__(self, kind: str, problem: str) -> None:
        self.kind, self.problem = kind, problem
        super().__init__(f"{kind}: {problem}")


class UnenforceableError(Dc43Error, ValueError):
    """A rule is understood but cannot be enforced, as its message says."""


class MissingEvaluatorError(Dc43Error, LookupError):
    """An expectation's kind has no evaluator on the engine that is to enforce it."""

    def __init__(self, check_id: str, kind: str, engine: str, known: Iterable[str]) -> None:
        self.check_id, self.kind, self.engine = check_id, kind, engine
        self.known = sorted(known)
        super().__init__(
            f"expectation {check_id} is of kind {kind!r}, which no installed plugin evaluates on "
            f"{engine}; evaluated there: {', '.join(self.known)}; install the plugin that brings "
            f"{kind!r} for {engine}, or take the rule out of the contract"
        )


class EvaluatorError(Dc43Error, TypeError):
    """An evaluator gave an expression that its engine does not take."""

    def __init__(self, check_id: str, kind: str, engine: str, problem: str) -> None:
        self.check_id, self.kind, self.engine, self.problem = check_id, kind, engine, problem
        super().__init__(
            f"the {engine} evaluator of kind {kind!r} gave an unusable expression for {check_id}: "
            f"{problem}; an expression addresses columns by name, is boolean, and is applied to "
            "many frames"
        )


class StrategyError(Dc43Error, TypeError):
    """What was given as an intervention strategy cannot decide.

    Attributes:
        strategy: What was given.
        owner: The module of its class, or the plugin that built it.
        problem: Why it cannot, as a clause.
    """

    def __init__(
        self,
        strategy: object,
        problem: str = "has no method decide(context)",
        owner: str | None = None,
    ) -> None:
        kind = strategy if isinstance(strategy, type) else type(strategy)
        self.strategy, self.problem = strategy, problem
        self.owner = owner or kind.__module__
        super().__init__(
            f"{strategy!r}, a {kind.__qualname__} of {self.owner}, is no intervention strategy: it "
            f"{problem}; give an object with a method decide(context), or name an installed "
            "strategy"
        )


class BatchBlockedError(Dc43Error, RuntimeError):
    """A micro-batch was blocked: nothing of it is visible and the checkpoint stands still."""

    exit_code = 1

    def __init__(self, dataset_id: str, batch_id: int, reason: str, record_id: str) -> None:
        self.dataset_id, self.batch_id = dataset_id, batch_id
        self.reason, self.record_id = reason, record_id
        super().__init__(
            f"batch {batch_id} of {dataset_id} was blocked: {reason}; nothing was published and "
            f"the checkpoint did not advance; record {record_id}"
        )


class NotBlockedError(Dc43Error, LookupError):
    """A batch that should have a way out is not blocked."""

    def __init__(self, batch_id: int, why: str, blocked: Sequence[int]) -> None:
        self.batch_id, self.why, self.blocked = batch_id, why, tuple(blocked)
        there = ", ".join(map(str, self.blocked)) or "none"
        super().__init__(f"batch {batch_id} {why}; blocked batches of this stream: {there}")


class ReleaseRefusedError(Dc43Error, ValueError):
    """A blocked batch cannot be released in this way."""

    def __init__(self, batch_id: int, release: str, why: str, remedy: str) -> None:
        self.batch_id, self.release, self.why, self.remedy = batch_id, release, why, remedy
        super().__init__(f"batch {batch_id} cannot be released as {release}: {why}; {remedy}")


class ReplayRefusedError(Dc43Error, ValueError):
    """Rejects cannot be judged again in this way."""

    def __init__(self, why: str, remedy: str) -> None:
        self.why, self.remedy = why, remedy
        super().__init__(f"the rejects cannot be replayed: {why}; {remedy}")


class UnknownDatasetError(Dc43Error, LookupError):
    """Governance keeps no record of this dataset."""

    def __init__(self, dataset_id: str, namespace: str, ledger: str, known: Iterable[str]) -> None:
        self.dataset_id, self.namespace, self.known = dataset_id, namespace, sorted(known)
        there = ", ".join(self.known) or "none yet"
        super().__init__(
            f"no records of dataset {dataset_id!r} in namespace {namespace!r} of ledger {ledger}; "
            f"datasets there: {there}"
        )


class UnknownVersionError(Dc43Error, LookupError):
    """A dataset has no such version, or one in several places."""

    def __init__(self, dataset_id: str, version: str, why: str, remedy: str) -> None:
        self.dataset_id, self.version = dataset_id, version
        self.why, self.remedy = why, remedy
        super().__init__(f"version {version} of {dataset_id} {why}; {remedy}")


class ApprovalRefusedError(Dc43Error, ValueError):
    """A version cannot be approved or rejected as it was asked."""

    def __init__(self, dataset_id: str, version: str, why: str, remedy: str) -> None:
        self.dataset_id, self.version = dataset_id, version
        self.why, self.remedy = why, remedy
        super().__init__(f"version {version} of {dataset_id} gets no status: {why}; {remedy}")


class UnknownMeasurementError(Dc43Error, LookupError):
    """Nobody has been asked for this measurement."""

    def __init__(self, measurement_id: str, place: str) -> None:
        self.measurement_id, self.place = measurement_id, place
        super().__init__(
            f"no measurement {measurement_id!r} in {place}; measure() returns the id to ask with"
        )


class ServiceClosedError(Dc43Error, RuntimeError):
    """A data-quality service that has been closed is asked to measure."""

    def __init__(self) -> None:
        super().__init__("the data-quality service is closed and measures nothing; make another")


class StreamIdentityError(Dc43Error, RuntimeError):
    """Checkpoint and sink do not belong together as they are found."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}; {remedy}")


class UnsoundPlaceError(Dc43Error, RuntimeError):
    """A sink or a checkpoint is not as it was left; nothing is written there until that is settled.

    Attributes:
        place: URI of the folder.
        defects: What is wrong, each with its way out.
    """

    exit_code = 3

    def __init__(self, place: str, defects: Sequence[Defect]) -> None:
        self.place, self.defects = place, tuple(defects)
        super().__init__("; ".join(str(defect) for defect in self.defects))


class SupersededError(Dc43Error, RuntimeError):
    """Another driver has taken over this stream; this one must not write any more."""

    exit_code = 3

    def __init__(self, stream_id: str, mine: int, newest: int) -> None:
        self.stream_id, self.mine, self.newest = stream_id, mine, newest
        super().__init__(
            f"stream {stream_id} was taken over by a later start (this one is start {mine}, the "
            f"newest is {newest}); stop one of the two drivers"
        )


class FormatVersionError(Dc43Error, ValueError):
    """A file was written by a newer dc43."""

    def __init__(self, path: str, found: object, supported: int) -> None:
        self.path, self.found, self.supported = path, found, supported
        super().__init__(
            f"{path} has format version {found}, this dc43 reads up to {supported}; upgrade dc43"
        )


class CorruptFileError(Dc43Error, ValueError):
    """A file that dc43 wrote is not whole any more."""

    exit_code = 3

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}; restore it from a copy, `dc43 doctor` says more")


class UnsupportedStoreError(Dc43Error, ValueError):
    """The file system has no way to create a file only if it is absent."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        super().__init__(
            f"{uri}: this file system offers neither conditional creation nor a rename that "
            "refuses an existing target, so batches cannot be published exactly once there; "
            "use a local, HDFS or viewfs path"
        )


class SingleUseError(Dc43Error, RuntimeError):
    """Something that serves once is to be used a second time."""

    def __init__(self, thing: str, dataset_id: str) -> None:
        self.thing, self.dataset_id = thing, dataset_id
        super().__init__(
            f"this {thing} was started for {dataset_id} and serves once; make another one"
        )


class ClosedError(Dc43Error, RuntimeError):
    """The rows of a checked batch are used after it was closed."""

    def __init__(self, batch_id: int) -> None:
        self.batch_id = batch_id
        super().__init__(
            f"batch {batch_id} was closed, and its rows are gone; use them inside the with block"
        )


class FileAccessError(Dc43Error, OSError):
    """A file system did not do what it was asked; what it was asked for did not happen by half.

    Attributes:
        operation: What was tried, such as `create`.
        path: The file or folder.
        problem: What the system said.
    """

    exit_code = 3

    def __init__(self, operation: str, path: str, problem: str, number: int | None = None) -> None:
        # Found by number on this machine, and by its words where a JVM only hands on a text.
        self.operation, self.path, self.problem = operation, path, problem
        super().__init__(number, problem, path)
        self.remedy = next(
            (way for numbers, words, way in _WAYS_OUT if number in numbers or words in problem),
            "remove the cause",
        )

    def __str__(self) -> str:
        return (
            f"cannot {self.operation} {self.path}: {self.problem}; {self.remedy} and start again: "
            "what was decided of a batch is completed then, and nothing else of it is visible"
        )


_WAYS_OUT = (
    ((errno.ENOSPC, errno.EDQUOT), "No space left", "free space there"),
    ((errno.EFBIG,), "File too large", "raise the limit of file sizes there"),
    ((errno.EROFS,), "Read-only file system", "make it writable"),
    ((errno.EACCES, errno.EPERM), "Permission denied", "let this user write there"),
)


class TargetExistsError(Dc43Error, FileExistsError):
    """A write was to make something new, and something is there."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} holds data already; use mode='append', or another folder")


class StaleStagingError(Dc43Error, RuntimeError):
    """A staged file that a prepared batch needs is in neither place."""

    exit_code = 3

    def __init__(self, staged: str, final: str) -> None:
        self.staged, self.final = staged, final
        super().__init__(
            f"prepared file {staged} is gone and {final} does not exist; restore the staging folder"
        )


class UnsupportedSessionError(Dc43Error, NotImplementedError):
    """The session cannot run what was asked for."""

    def __init__(self, session: str, needed: str) -> None:
        self.session, self.needed = session, needed
        super().__init__(f"{session} sessions are not supported yet; {needed}")


class UnsupportedOutputModeError(Dc43Error, ValueError):
    """An output mode or trigger that the sink cannot keep its guarantee with."""

    def __init__(self, what: str, why: str, instead: str) -> None:
        self.what, self.why, self.instead = what, why, instead
        super().__init__(f"{what}: {why}; {instead}")


class SourceNotFoundError(Dc43Error, FileNotFoundError):
    """There is nothing to read where the source should be."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path}: no such file or folder; create it, or mend the source's path")


class TableNotFoundError(Dc43Error, LookupError):
    """The catalog of the session has no such table."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            f"there is no table {table!r} in the catalog of the session; create it, or give its "
            "folder as path="
        )


class CallbackInterruptedError(Dc43Error, RuntimeError):
    """A batch was interrupted, such as by `sys.exit` in a callback; the checkpoint stands still."""

    exit_code = 3

    def __init__(self, batch_id: int, by: str) -> None:
        self.batch_id, self.by = batch_id, by
        super().__init__(
            f"batch {batch_id} was interrupted by {by} and the checkpoint did not advance; start "
            "the stream again: it takes the batch up where it stands"
        )


class StopRequestedError(Dc43Error, RuntimeError):
    """Someone asked the run to end; the batch at hand was not begun."""

    exit_code = 130

    def __init__(self, run_id: str, by: str, reason: str) -> None:
        self.run_id, self.by, self.reason = run_id, by, reason
        why = f": {reason}" if reason else ""
        super().__init__(f"run {run_id} was stopped on request of {by}{why}; start again to go on")


class GovernanceDownError(Dc43Error, RuntimeError):
    """Governance takes no records, and the configuration says that the data waits for it."""

    exit_code = 3
    retryable = True

    def __init__(self, reason: str, attempts: int, waiting: int) -> None:
        self.reason, self.attempts, self.waiting = reason, attempts, waiting
        super().__init__(
            f"governance is down, after {attempts} attempts: {reason}; no batch is begun, and "
            f"{waiting} records wait beside the checkpoint; bring it back and start again, or "
            'let the data go on without it with outbox.on_outage = "outbox"'
        )


class EngineError(Dc43Error, RuntimeError):
    """The engine stopped a stream with an error of its own."""

    exit_code = 3
