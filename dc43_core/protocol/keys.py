"""Keys of earlier batches: which files hold them, in a log of small files beside the checkpoint.

    <checkpoint>/dc43/<stream id>/keys/<n>        one step: who adds which keys
    <checkpoint>/dc43/<stream id>/keys/parts/...  the keys themselves, salted hashes, by the engine

A step of a batch counts once the manifest of its batch names it; one of a replay once that replay
is taken; one of an erasure at once. Steps share one sequence, each created only if absent, so that
whoever judged keys while another made a step finds out, and judges again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from dc43_core.errors import CorruptFileError
from dc43_core.expectations.model import Expectation
from dc43_core.protocol import clock
from dc43_core.protocol.engine import KnownKeys, NewKeys
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.identity import streams_into
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.record import FORMAT_VERSION, decode, encode, require_known_format

BATCH, REPLAY, ERASURE = "batch", "replay", "erasure"
Columns = tuple[tuple[str, str], ...]
"""Of one rule: name and type of each column of its key."""


@frozen(kw_only=True)
class KeyPart:
    """Keys that came together.

    Attributes:
        files: Below the folder of the keys, so that a checkpoint can be moved.
        count: How many keys.
        newest: The stream's own time when the newest of them came; milliseconds since 1970.
    """

    files: tuple[str, ...]
    count: int
    newest: int


@frozen(kw_only=True)
class KeyStep:
    """One step.

    Attributes:
        number: From 1.
        by: `batch`, `replay` or `erasure`.
        adds: The keys that come with it; None for none.
        batch_id: Of a batch, which.
        replay: Of a replay, all that is needed to decide it.
        before: Every part before this step, where the step says so; a walk back ends there.
        undecided: Steps before it that could still come to count when it was made.
        columns: Of each rule the columns of its key.
    """

    number: int
    by: str
    adds: KeyPart | None = None
    batch_id: int | None = None
    replay: Mapping[str, Any] | None = None
    before: tuple[KeyPart, ...] | None = None
    undecided: tuple[int, ...] = ()
    columns: tuple[Columns, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "format_version": FORMAT_VERSION}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> KeyStep:
        """Read a step back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is no step.
        """
        require_known_format(payload, source)
        try:
            before, adds = payload["before"], payload["adds"]
            return cls(
                number=payload["number"],
                by=payload["by"],
                adds=None if adds is None else _part(adds),
                batch_id=payload["batch_id"],
                replay=payload["replay"],
                before=None if before is None else tuple(map(_part, before)),
                undecided=tuple(payload["undecided"]),
                columns=tuple(
                    tuple((name, kind) for name, kind in rule) for rule in payload["columns"]
                ),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(source, f"not a step of the keys: {error!r}") from error


def _part(found: Mapping[str, Any]) -> KeyPart:
    return KeyPart(files=tuple(found["files"]), count=found["count"], newest=found["newest"])


@frozen(kw_only=True)
class KeyState:
    """What is known of keys at one moment.

    Attributes:
        number: The newest step that was looked at; 0 before the first.
        parts: Of the steps that count.
        possible: Of steps that may still come to count.
        undecided: Their numbers.
        columns: Of each rule that keys were kept for, the columns of its key.
    """

    number: int = 0
    parts: tuple[KeyPart, ...] = ()
    possible: tuple[KeyPart, ...] = ()
    undecided: tuple[int, ...] = ()
    columns: tuple[Columns, ...] = ()


@frozen
class KeyLog:
    """The steps of one stream.

    Attributes:
        journal: Of the stream.
        new_id: Makes what nobody can guess.
    """

    journal: Journal
    new_id: Callable[[], str] = clock.new_id

    @property
    def store(self) -> FileStore:
        """Where they lie."""
        return self.journal.store

    @property
    def folder(self) -> str:
        """The folder of the keys."""
        return join(self.journal.folder, "keys")

    def newest(self, after: int | None = None) -> int:
        """Return the number of the newest step; 0 if there is none.

        Args:
            after: A step that is known; then only what follows is looked up.
        """
        if after is None:
            return max(self.journal.numbers("keys"), default=0)
        while self.store.status(self._path(after + 1)) is not None:
            after += 1
        return after

    def read(self, number: int) -> KeyStep:
        """Return one step.

        Raises:
            CorruptFileError: if it is missing or not whole.
        """
        path = self._path(number)
        try:
            return KeyStep.from_payload(decode(self.store.read(path), path), path)
        except FileNotFoundError as error:
            raise CorruptFileError(path, "this step of the keys is missing") from error

    def make(self, step: KeyStep) -> bool:
        """Make a step; False if another has its number."""
        return self.store.create_if_absent(self._path(step.number), encode(step.payload()))

    def salt(self) -> str:
        """Return what every hash of this stream begins with; made by whoever comes first."""
        path = join(self.folder, "salt")
        if self.store.status(path) is None:
            made = {"format_version": FORMAT_VERSION, "salt": self.new_id()}
            self.store.create_if_absent(path, encode(made))
        found = decode(self.store.read(path), path)
        require_known_format(found, path)
        return str(found["salt"])

    def state(self, is_taken: Callable[[Mapping[str, Any]], bool]) -> KeyState:
        """Return what is known now: back from the newest step to one that knows all before it.

        Args:
            is_taken: Says of a replay whether it counts, and decides it where nobody has.
        """
        newest = self.newest()
        parts: list[KeyPart] = []
        possible: dict[int, tuple[KeyPart, ...]] = {}
        columns: dict[Columns, None] = {}
        for number in range(newest, 0, -1):
            step = self.read(number)
            counts = self._counts(step, is_taken)
            adds = () if step.adds is None else (step.adds,)
            if counts is None:
                possible[number] = adds
                columns.update(dict.fromkeys(step.columns))
            if not counts:
                continue
            columns.update(dict.fromkeys(step.columns))
            parts = [*adds, *parts]
            if step.before is not None:
                parts = [*step.before, *self._late(step, possible), *parts]
                break
        return KeyState(
            number=newest,
            parts=tuple(parts),
            possible=tuple(part for found in possible.values() for part in found),
            undecided=tuple(sorted(possible)),
            columns=tuple(columns),
        )

    def begun_replays(self) -> Iterator[Mapping[str, Any]]:
        """Yield the replays that were told of since the newest batch that is decided."""
        for number in range(self.newest(), 0, -1):
            step = self.read(number)
            if step.replay is not None:
                yield step.replay
            elif step.by == BATCH and self._counts(step, lambda _: False):
                return

    def _late(self, step: KeyStep, possible: dict[int, tuple[KeyPart, ...]]) -> Iterator[KeyPart]:
        """Yield the parts of steps that came to count after a later one was made."""
        for number in step.undecided:
            earlier = self.read(number)
            counts = self._counts(earlier, lambda _: False)
            adds = () if earlier.adds is None else (earlier.adds,)
            if counts:
                yield from adds
            elif counts is None:
                possible[number] = adds

    def _counts(self, step: KeyStep, is_taken: Callable[[Mapping[str, Any]], bool]) -> bool | None:
        """Whether a step counts; None where that is open."""
        if step.by == BATCH:
            assert step.batch_id is not None
            manifest = self.journal.prepared(step.batch_id)
            return None if manifest is None else manifest.keys == step.number
        return True if step.replay is None else is_taken(step.replay)

    def uris(self, parts: Sequence[KeyPart]) -> tuple[str, ...]:
        """Return the files of parts as URIs."""
        return tuple(join(self.folder, file) for part in parts for file in part.files)

    def part(self, new: NewKeys, time: int) -> KeyPart | None:
        """Return what an engine wrote as a part; None if there is nothing in it."""
        start = len(self.folder) + 1
        files = tuple(file[start:] for file in map(self.store.uri, new.files))
        return KeyPart(files=files, count=new.count, newest=time) if new.count else None

    def place(self, name: str) -> str:
        """Return a folder for a part."""
        return join(self.folder, "parts", name)

    def _path(self, number: int) -> str:
        return join(self.folder, str(number))


def key_logs(store: FileStore, sink: str) -> dict[str, KeyLog]:
    """Return by stream id the keys of the streams into a sink that keep any."""
    found = (
        KeyLog(Journal(store, str(one["checkpoint"]), str(one["stream_id"])))
        for one in streams_into(store, sink)
    )
    return {log.journal.stream_id: log for log in found if log.newest()}


def key_prefix(salt: str, columns: Sequence[str]) -> str:
    """Return what the hash of a key begins with: rules over the same columns share their keys."""
    return hashlib.sha256(f"{salt}{json.dumps(list(columns))}".encode()).hexdigest()[:32]


def known_keys(
    log: KeyLog, rules: Sequence[Expectation], parts: Sequence[KeyPart], folder: str
) -> KnownKeys:
    """Return what an engine needs to hold rows against these keys."""
    salt = log.salt()
    return KnownKeys(
        prefixes={rule.id: key_prefix(salt, rule.columns) for rule in rules},
        files=log.uris(parts),
        folder=log.place(folder),
    )


def key_rules(log: KeyLog, state: KeyState) -> dict[str, Columns]:
    """Return by prefix the columns of each rule that keys were kept for."""
    salt = log.salt()
    return {key_prefix(salt, [name for name, _ in rule]): rule for rule in state.columns}


def with_kinds(rules: Sequence[Expectation], schema: Mapping[str, str]) -> tuple[Columns, ...]:
    """Return of each rule the columns of its key, with their types."""
    return tuple(tuple((c, schema.get(c, "")) for c in rule.columns) for rule in rules)


def merged(parts: Sequence[KeyPart], new: NewKeys, log: KeyLog) -> KeyPart:
    """Return one part in place of several."""
    part = log.part(new, max(part.newest for part in parts))
    assert part is not None
    return part
