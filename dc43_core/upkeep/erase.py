"""Rows of one key out of everything that a stream keeps: main, rejects, held batches, raw text.

Files are never changed: each that holds such a row is written anew without it, a durable file says
what takes whose place, and only then is anything replaced. A crash anywhere leaves either nothing
but files that nobody sees, or an erasure that the next call brings to its end first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from dc43_core.errors import ConfigurationError, Dc43Error
from dc43_core.protocol import clock
from dc43_core.protocol.file_store import FileStatus, FileStore, canonical, join
from dc43_core.protocol.held import Held
from dc43_core.protocol.keys import ERASURE, KeyLog, KeyStep, key_rules
from dc43_core.protocol.record import decode, encode, require_known_format
from dc43_core.protocol.replays import Replays, settle_replay
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_check import OWN_FILE
from dc43_core.protocol.sink_log import FileSink
from dc43_core.upkeep import erasures
from dc43_core.upkeep.checkpoint import Facts
from dc43_core.upkeep.erasures import Erasure, Replacement
from dc43_core.upkeep.held_rows import without
from dc43_core.upkeep.interface import Key, RowEraser
from dc43_core.upkeep.sweep import begun_replays
from dc43_core.vocabulary import Lane

HELD, UNCAST, KEYS = "held", "uncast", "keys"
POINTS = (
    "found",
    "rewritten",
    "begun",
    "moved",
    "listed",
    "fenced",
    "held-replaced",
    "removed",
    "finished",
)
"""Where a test may crash an erasure, in order."""
KEY_POINTS = ("keys-written", "keys-replaced")
"""The same, before those, where keys are kept."""


class EraseRefusedError(Dc43Error, RuntimeError):
    """Rows cannot be erased from all that a stream keeps, so none are."""

    exit_code = 3

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        self.place, self.problem, self.remedy = place, problem, remedy
        super().__init__(f"{place}: {problem}, so nothing is erased; {remedy}")


@frozen(kw_only=True)
class Hit:
    """A file that holds rows of the key.

    Attributes:
        where: `main`, `rejects`, `held` or `uncast`.
        file: URI.
        rows: How many.
        batch_id: Of a held batch, which.
        group: Of a held batch, the engine's group of the file.
        incident: Of a held batch, the newest incident.
    """

    where: str
    file: str
    rows: int
    batch_id: int | None = None
    group: str | None = None
    incident: int | None = None


@define(kw_only=True)
class Eraser:
    """Erases from one stream.

    Attributes:
        store: Where checkpoint and sinks lie.
        sinks: Of the stream.
        facts: Reads what its files say, anew at each call.
        rows: Who reads and rewrites files.
        point: Called at each step, for tests.
    """

    store: FileStore
    sinks: Mapping[Lane, Sink]
    facts: Callable[[], Facts | None]
    rows: RowEraser
    point: Callable[[str], None] = lambda name: None
    _done: Counter[str] = field(factory=Counter, init=False)

    def resume(self) -> list[int]:
        """Bring erasures to their end that were begun; return their numbers."""
        numbers = erasures.unfinished(self.store, self._main.uri)
        for number in numbers:
            self._complete(erasures.read(self.store, self._main.uri, number))
        return numbers

    def find(self, key: Key) -> list[Hit]:
        """Return the files that hold rows of the key; changes nothing.

        Raises:
            EraseRefusedError: if not all that the stream keeps can be looked at.
            ConfigurationError: if there is no such column.
        """
        facts = self.facts()
        self._refuse(facts)
        hits: list[Hit] = []
        for lane, sink in self.sinks.items():
            assert isinstance(sink, FileSink)
            found = self.rows.find(sink.files(), key)
            hits += [Hit(where=lane.value, file=f, rows=n) for f, n in found.items()]
            strange = [f for f in found if not OWN_FILE.match(f.rsplit("/", 1)[-1])]
            if strange:
                raise EraseRefusedError(
                    strange[0], "dc43 did not write this file", "write its rows through dc43"
                )
        if facts is not None:
            hits += self._held(facts, key)
            hits += self._uncast(facts, key)
        if not hits:
            self._require_column(facts, key)
        return hits

    def erase(self, key: Key, *, by: str) -> Mapping[str, int]:
        """Erase all rows of the key; return how many rows by where they were.

        Raises:
            EraseRefusedError: before anything is changed.
        """
        self.resume()
        # What would be refused is, before anything goes. Keys go first: they are found by the rows.
        self.find(key)
        self._erase_keys(key)
        # Whoever else erases meanwhile may replace a file first; then it is looked at again.
        replaced: set[str] = set()
        while hits := self.find(key):
            self.point("found")
            if again := [hit.file for hit in hits if hit.file in replaced]:
                raise EraseRefusedError(
                    again[0],
                    "it is still there after it was replaced",
                    "see that this account may delete files there, and erase again",
                )
            if (begun := self._begin(key, hits, by)) is not None:
                self._complete(begun)
                replaced.update(hit.file for hit in hits)
        return dict(self._done)

    @property
    def _main(self) -> Sink:
        return self.sinks[Lane.MAIN]

    def _stream(self) -> str:
        facts = self.facts()
        assert facts is not None
        return facts.journal.folder.rsplit("/", 1)[-1]

    def _erase_keys(self, key: Key) -> None:
        """Let the keys of such rows be forgotten; a stream that runs judges its batch again."""
        facts = self.facts()
        if facts is None:
            return
        log = KeyLog(facts.journal)
        while log.newest():
            state = log.state(lambda found: settle_replay(self.store, found))
            number = state.number + 1
            folder = log.place(f"erasure-{number}")
            self.store.delete(folder)
            new = self.rows.keys_without(
                [log.uris([part]) for part in state.parts],
                key_rules(log, state),
                self._main.files(),
                key,
                folder,
            )
            changed = [(old, one) for old, one in zip(state.parts, new, strict=True) if one]
            if not changed:
                return
            self.store.sync(file for _, one in changed for file in one.files)
            self.point("keys-written")
            instead = {old: log.part(one, old.newest) for old, one in changed}
            parts = (instead.get(part, part) for part in state.parts)
            step = KeyStep(
                number=number,
                by=ERASURE,
                before=tuple(part for part in parts if part is not None),
                undecided=state.undecided,
                columns=state.columns,
            )
            if log.make(step):
                self.point("keys-replaced")
                for file in log.uris([old for old, _ in changed]):
                    self.store.delete(file)
                self._done[KEYS] += sum(old.count - one.count for old, one in changed)
                return

    # -- looking -------------------------------------------------------------------------------

    def _refuse(self, facts: Facts | None) -> None:
        for sink in self.sinks.values():
            if not isinstance(sink, FileSink):
                raise EraseRefusedError(
                    sink.uri,
                    "it is no folder of files with a log",
                    "delete the rows with the table's own means, in main and in rejects, and "
                    "release or skip blocked batches first",
                )
            if defects := sink.defects():
                raise EraseRefusedError(sink.uri, defects[0].what, defects[0].way_out)
        if Lane.REJECTS in self.sinks and begun_replays(
            self.store, self._main, self.sinks[Lane.REJECTS]
        ):
            raise EraseRefusedError(
                self.sinks[Lane.REJECTS].uri,
                "a replay of rejects is decided and not at its end",
                "run `dc43 rejects replay` once more, which completes it, and then erase",
            )
        if facts is None:
            return
        if facts.broken:
            raise EraseRefusedError(
                facts.journal.folder, "files of the stream cannot be read", "see `dc43 doctor`"
            )
        if facts.pending:
            raise EraseRefusedError(
                facts.journal.folder,
                f"batch {min(facts.pending)} is prepared and not published yet",
                "start the stream to complete it, or wait until it is, and then erase",
            )

    def _require_column(self, facts: Facts | None, key: Key) -> None:
        """Refuse a key that no row could have: its column is misspelt."""
        files = [file for sink in self.sinks.values() for file in sink.files()]
        held = [] if facts is None else [f for _, _, part in self._held_files(facts) for f in part]
        found = self.rows.columns(files), self.rows.columns(held, staged=True)
        if None in found:
            return
        known = {name for names in found for name in names or ()}
        if known and key.column not in known:
            shown = ", ".join(sorted(known))
            raise ConfigurationError(
                "--key", [f"there is no column {key.column!r}; columns: {shown}"]
            )

    def _held_files(self, facts: Facts) -> Iterator[tuple[Held, str, list[str]]]:
        """Yield each group of the files of blocked batches that are there."""
        for batch_id in facts.blocked:
            # An erasure makes an incident that has files in common with the one before.
            seen: set[str] = set()
            for held in reversed(facts.journal.incidents(batch_id)):
                for group, files in held.staged.files.items():
                    fresh = [f for f in files if f not in seen]
                    seen.update(fresh)
                    yield held, group, [f for f in fresh if self.store.status(f) is not None]

    def _held(self, facts: Facts, key: Key) -> Iterator[Hit]:
        for batch_id in facts.blocked:
            if facts.journal.resolution(batch_id) is not None:
                raise _released(batch_id)
        for held, group, files in self._held_files(facts):
            for file, rows in self.rows.find(files, key, staged=True).items():
                yield Hit(
                    where=HELD,
                    file=file,
                    rows=rows,
                    batch_id=held.record.batch_id,
                    group=group,
                    incident=held.incident,
                )

    def _uncast(self, facts: Facts, key: Key) -> Iterator[Hit]:
        for file in self.store.list(join(facts.journal.folder, UNCAST)):
            if not file.name.endswith(".json"):
                continue
            rows = sum(_is(row, key) for row in self._raw(file.path)["rows"])
            if rows:
                yield Hit(where=UNCAST, file=file.path, rows=rows)

    def _raw(self, path: str) -> dict[str, Any]:
        found = decode(self.store.read(path), path)
        require_known_format(found, path)
        return found

    # -- writing anew --------------------------------------------------------------------------

    def _begin(self, key: Key, hits: Sequence[Hit], by: str) -> Erasure | None:
        """Make durable what takes whose place; None if another erasure has replaced a file."""
        number = erasures.next_number(self.store, self._main.uri)
        while all(self.store.status(hit.file) is not None for hit in hits):
            self.store.delete(self._folder(number))
            replaced = [self._rewritten(key, hit, number, i) for i, hit in enumerate(hits)]
            self.store.sync([one.staged for one in replaced])
            self.point("rewritten")
            erasure = Erasure(
                number=number, column=key.column, by=by, at=clock.now(), replaced=replaced
            )
            if erasures.begin(self.store, self._main.uri, erasure):
                self.point("begun")
                return erasure
            number += 1
        return None

    def _folder(self, number: int) -> str:
        return join(self._main.staging(), f"erase-{number}")

    def _rewritten(self, key: Key, hit: Hit, number: int, index: int) -> Replacement:
        folder = self._folder(number)
        new = None
        if hit.where == UNCAST:
            staged = join(folder, f"{index}.json")
            kept = self._raw(hit.file)
            kept["rows"] = [row for row in kept["rows"] if not _is(row, key)]
            self.store.create_if_absent(staged, encode(kept))
            new = hit.file.removesuffix(".json") + f".erased-{number}.json"
        else:
            if hit.where == HELD:
                # Among the batch's attempts, which are swept when it is published at last.
                name = f"{hit.batch_id}-erased-{number}"
                folder = join(self._main.staging(), self._stream(), name)
            else:
                new = _renamed(hit.file, number)
            place = join(folder, str(index))
            self.store.delete(place)
            staged = self.rows.without(hit.file, key, place, staged=hit.where == HELD)
        return Replacement(
            where=hit.where,
            old=hit.file,
            staged=staged,
            new=new,
            rows=hit.rows,
            batch_id=hit.batch_id,
            group=hit.group,
            incident=hit.incident,
        )

    # -- putting in place ----------------------------------------------------------------------

    def _complete(self, erasure: Erasure) -> None:
        """Put the new files in place of the old ones; safe to repeat from any point."""
        moved = {one.old: self._moved(one) for one in erasure.replaced if one.new is not None}
        self.point("moved")
        for lane, sink in self.sinks.items():
            assert isinstance(sink, FileSink)
            new = {
                one.old: found
                for one in erasure.replaced
                if one.where == lane.value and (found := moved[one.old]) is not None
            }
            sink.log.replace(new)
        self.point("listed")
        if any(one.where == Lane.REJECTS.value for one in erasure.replaced):
            # Whoever is judging rejects has read the rows that are gone by now.
            rejects = self.sinks[Lane.REJECTS].uri
            Replays(self.store, rejects).fence(f"erasure {erasure.number}")
        self.point("fenced")
        self._replace_held(erasure)
        self.point("held-replaced")
        self._remove(erasure)
        self.point("removed")
        rows = Counter[str]()
        for one in erasure.replaced:
            rows[one.where] += one.rows
        facts = {"number": erasure.number, "at": clock.now(), "rows": dict(rows)}
        erasures.finish(self.store, self._main.uri, erasure.number, facts)
        self._done += rows
        self.point("finished")

    def _moved(self, one: Replacement) -> FileStatus | None:
        """Give a new file its name; None if it has been replaced itself since."""
        assert one.new is not None
        try:
            self.store.rename_no_replace(one.staged, one.new)
        except FileNotFoundError:
            # Moved by a call before this one.
            pass
        return self.store.status(one.new)

    def _remove(self, erasure: Erasure) -> None:
        listed = {
            canonical(file)
            for sink in self.sinks.values()
            if isinstance(sink, FileSink)
            for file in sink.files()
        }
        for one in erasure.replaced:
            if canonical(one.old) in listed:
                raise EraseRefusedError(
                    one.old,
                    f"what takes its place ({one.new}) is gone",
                    "restore the sink from a copy",
                )
            self.store.delete(one.old)
            # Another erasure has replaced the old file first: this copy has rows of that one.
            if one.new is not None and one.where != UNCAST and canonical(one.new) not in listed:
                self.store.delete(one.new)
        self.store.delete(self._folder(erasure.number))
        # Their folders are synced with them: what was deleted must not come back.
        kept = (one.new for one in erasure.replaced if one.new is not None)
        self.store.sync([path for path in kept if self.store.status(path) is not None])

    def _replace_held(self, erasure: Erasure) -> None:
        parts = [one for one in erasure.replaced if one.where == HELD]
        facts = self.facts() if parts else None
        if facts is None:
            return
        for batch_id in sorted({one.batch_id for one in parts if one.batch_id is not None}):
            held = facts.journal.held(batch_id)
            mine = [one for one in parts if one.batch_id == batch_id]
            # Of an older incident nothing can be released: its files only go.
            newest = [one for one in mine if held is not None and one.incident == held.incident]
            if held is None or batch_id not in facts.blocked or not newest:
                continue
            if facts.journal.resolution(batch_id) is not None:
                raise _released(batch_id)
            number = len(facts.journal.blocks(batch_id)) + 1
            facts.journal.block(without(held, newest, erasure, number, self.rows))


def _renamed(file: str, number: int) -> str:
    folder, _, name = file.rpartition("/")
    stem, dot, suffix = name.partition(".")
    return f"{folder}/{stem}-erased-{number}{dot}{suffix}"


def _is(row: Mapping[str, Any], key: Key) -> bool:
    """Whether kept raw text is of the key: by its column, or by the text in its place."""
    value = row.get(key.column)
    if value is not None and _text(value) == key.value:
        return True
    return any(
        isinstance(part, Mapping) and part.get(key.column) == key.value for part in row.values()
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _released(batch_id: int) -> EraseRefusedError:
    return EraseRefusedError(
        f"batch {batch_id}",
        "it is released, and its rows are about to be published",
        "start the stream to carry that out, and then erase",
    )
