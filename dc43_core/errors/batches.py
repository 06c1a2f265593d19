"""What can happen to a batch, and to one that someone wants to free, replay or use."""

from __future__ import annotations

from collections.abc import Sequence

from dc43_core.errors.base import Dc43Error


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


class ClosedError(Dc43Error, RuntimeError):
    """The rows of a checked batch are used after it was closed."""

    def __init__(self, batch_id: int) -> None:
        self.batch_id = batch_id
        super().__init__(
            f"batch {batch_id} was closed, and its rows are gone; use them inside the with block"
        )
