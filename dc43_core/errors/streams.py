"""What keeps a stream from starting, or ends it."""

from __future__ import annotations

from dc43_core.errors.base import Dc43Error


class StreamIdentityError(Dc43Error, RuntimeError):
    """Checkpoint and sink do not belong together as they are found."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}; {remedy}")


class SupersededError(Dc43Error, RuntimeError):
    """Another driver has taken over this stream; this one must not write any more."""

    exit_code = 3

    def __init__(self, stream_id: str, mine: int, newest: int) -> None:
        self.stream_id, self.mine, self.newest = stream_id, mine, newest
        super().__init__(
            f"stream {stream_id} was taken over by a later start (this one is start {mine}, the "
            f"newest is {newest}); stop one of the two drivers"
        )


class SingleUseError(Dc43Error, RuntimeError):
    """Something that serves once is to be used a second time."""

    def __init__(self, thing: str, dataset_id: str) -> None:
        self.thing, self.dataset_id = thing, dataset_id
        super().__init__(
            f"this {thing} was started for {dataset_id} and serves once; make another one"
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


class EngineError(Dc43Error, RuntimeError):
    """The engine stopped a stream with an error of its own."""

    exit_code = 3
