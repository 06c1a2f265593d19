"""Records on their way to governance: in order, each at least once, none forgotten.

The durable copy of a record lies beside the checkpoint, so memory holds no more than a bound:
what goes beyond it, what a crash forgot and what another start left behind is read from there.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from dc43_core.config import OutboxConfig
from dc43_core.errors import GovernanceDownError, said_by
from dc43_core.governance.interface import GovernanceClient
from dc43_core.log import get_logger
from dc43_core.protocol.journal import Journal, RecordName
from dc43_core.protocol.record import GovernanceRecord

log = get_logger("governance")
AT_ONCE = 500
"""Records of one call to the client."""
PATIENCE = 9
"""A failed attempt is waited out so many times as long: an outage costs the data a tenth."""


class Outbox:
    """Delivers the records of one stream to one governance client, oldest first.

    Args:
        connect: Returns the client, opened; raises while there is none.
        journal: The records beside the checkpoint.
        namespace: Of the stream.
        config: What an outage does, and the bounds.
        clock: Seconds that only grow.
        sleep: Waits for seconds; called in `block` alone.
    """

    def __init__(
        self,
        connect: Callable[[], GovernanceClient],
        journal: Journal,
        *,
        namespace: str = "default",
        config: OutboxConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect, self._journal, self._namespace = connect, journal, namespace
        self._config = config or OutboxConfig()
        self._clock, self._sleep = clock, sleep
        self._waiting: deque[GovernanceRecord] = deque()
        names = journal.names()
        # Undelivered records that lie in files alone; until governance was asked what it has,
        # that may be any.
        self._behind = len(names)
        self._known: frozenset[str] | None = None if names else frozenset()
        self._newest = names[-1] if names else None
        self._taken: RecordName | None = None
        self._failures = 0
        self._due = 0.0
        self.failure: Exception | None = None
        """What the last attempt failed with; None if it did not."""

    @property
    def depth(self) -> int:
        """Number of records that governance is not known to have."""
        return len(self._waiting) + self._behind

    def open(self) -> None:
        """Begin a start of the stream: reach governance, and send what it lacks.

        Raises:
            GovernanceDownError: where an outage is to block, if it is one.
            Exception: of the client, if it cannot be reached before someone changes something.
        """
        try:
            self._connect()
        # A boundary to foreign code: what may pass by itself is met again by the attempt below.
        except Exception as error:
            if not is_retryable(error):
                raise
        self.require()
        self._attempt()

    def relay(self, *records: GovernanceRecord) -> bool:
        """Take records, and send what waits unless an outage is being waited out.

        Never waits itself. False if something is kept back.

        Raises:
            CorruptFileError: if a record beside the checkpoint cannot be read.
        """
        for record in records:
            self._take(record)
        return self.depth == 0 or (self._clock() >= self._due and self._attempt())

    def flush(self) -> bool:
        """Send what waits, whenever the last attempt was; for the end of a stream."""
        return self.depth == 0 or self._attempt()

    def require(self) -> None:
        """Where an outage is to block: return once all is delivered and governance is well.

        Raises:
            GovernanceDownError: if it is not, after the retries.
        """
        if self._config.on_outage != "block":
            return
        attempts = 0
        while True:
            attempts += 1
            if self._attempt(probe=True):
                return
            assert self.failure is not None
            if attempts > self._config.retries or not is_retryable(self.failure):
                raise GovernanceDownError(said_by(self.failure), attempts, self.depth)
            self._sleep(self._wait())

    def _take(self, record: GovernanceRecord) -> None:
        name = RecordName.of(record)
        if self._newest is not None and name <= self._newest:
            # A batch that is skipped after a restart is told again.
            return
        self._newest = name
        if self._behind or len(self._waiting) >= self._config.bound:
            # Nothing overtakes what lies in the files; this lies there too.
            self._behind += 1
        else:
            self._waiting.append(record)
            self._taken = name

    def _attempt(self, *, probe: bool = False) -> bool:
        began = self._clock()
        failure = self._compare(probe=probe)
        while failure is None and self._fill():
            portion = [self._waiting[i] for i in range(min(AT_ONCE, len(self._waiting)))]
            failure = self._send(portion)
        if failure is None:
            self._failures, self._due, self.failure = 0, 0.0, None
            return True
        self._failures += 1
        self.failure = failure
        ended = self._clock()
        self._due = ended + max(self._wait(), PATIENCE * (ended - began))
        tell = log.warning if is_retryable(failure) else log.error
        tell("records.kept-back", count=self.depth, error=said_by(failure))
        return False

    def _compare(self, *, probe: bool) -> Exception | None:
        """Ask governance what it has of this stream, once; and how it is."""
        try:
            client = self._connect()
            if self._known is None:
                found = client.records(namespace=self._namespace, stream_id=self._journal.stream_id)
                self._known = frozenset(record.record_id for record in found)
            unwell = client.health() if probe else None
        # A boundary to foreign code: an outage of governance must not stop the data, and
        # nothing is lost, since the records are durable beside the checkpoint.
        except Exception as error:  # noqa: BLE001
            return error
        return None if unwell is None else ConnectionError(unwell)

    def _send(self, portion: list[GovernanceRecord]) -> Exception | None:
        try:
            self._connect().record_many(portion)
        # As above. A portion whose answer was lost is sent again, and kept once.
        except Exception as error:  # noqa: BLE001
            return error
        for _ in portion:
            self._waiting.popleft()
        return None

    def _fill(self) -> bool:
        """Read what lies in files alone, as much as the bound allows; False if all is sent."""
        while not self._waiting and self._behind:
            known = self._known or frozenset()
            missing = [
                name
                for name in self._journal.names()
                if (self._taken is None or name > self._taken)
                and self._journal.record_id(name) not in known
            ]
            for name in missing[: self._config.bound]:
                record = self._journal.named(name)
                if record is not None:
                    self._waiting.append(record)
            if missing:
                self._taken = missing[: self._config.bound][-1]
            self._behind = len(missing) - min(len(missing), self._config.bound)
            if not self._behind:
                self._known = frozenset()
        return bool(self._waiting)

    def _wait(self) -> float:
        """Return the seconds from the last failure to the next attempt."""
        if self.failure is not None and not is_retryable(self.failure):
            return self._config.longest_wait
        doubled = self._config.first_wait * 2.0 ** min(self._failures - 1, 60)
        return min(doubled, self._config.longest_wait)


def is_retryable(error: BaseException) -> bool:
    """Whether the call may succeed later although nobody changes anything.

    An error says so by an attribute `retryable`, as every `Dc43Error` does; one that says
    nothing is taken for an outage.
    """
    return bool(getattr(error, "retryable", True))
