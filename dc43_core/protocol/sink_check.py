"""Looking at a file sink before it is written to: the log, the files it lists, and strangers.

What is looked at does not grow with the number of entries but with the number of files: one
listing of the log, one of each folder that holds listed files, and the entries that a reader
reads, which are the newest compaction and the up to nine after it. `deep` also reads every older
entry and compares sizes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import define, field

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.accepted import accepted_names
from dc43_core.protocol.defect import Defect, listed
from dc43_core.protocol.file_store import FileStatus, FileStore, canonical, join
from dc43_core.protocol.journal import LaneManifest

if TYPE_CHECKING:
    from dc43_core.protocol.sink_log import SinkLog

OWN_FILE = re.compile(r"batch-(?P<stream>[0-9a-f]{32})-(?P<batch>\d{10})-")
_DELTA_LOG = "_delta_log"
_PLACES = frozenset({"_spark_metadata", "_delta_log", "_dc43", "dc43", "offsets", "commits"})
"""What lies in sinks and checkpoints, and makes a folder a place of its own."""
_TOLD = 1_000
_RESTORE = "restore it from a copy; until then readers fail"


@define(kw_only=True)
class SinkCheck:
    """One look at a file sink.

    Attributes:
        store: Where it lies.
        uri: Its folder.
        log: Its log.
        ours: The folder inside for files of dc43 that readers do not see.
        published: What a stream said it published here, newest first; read as far as needed.
        deep: Whether to look at every entry and every size.
    """

    store: FileStore
    uri: str
    log: SinkLog
    ours: str
    published: Iterable[LaneManifest] = ()
    deep: bool = False
    _defects: list[Defect] = field(factory=list, init=False)

    def defects(self) -> Sequence[Defect]:
        """Return what is wrong, the gravest first."""
        entries = self.log.entries()
        everything = self.store.list(self.uri)
        if any(file.name == _DELTA_LOG for file in everything):
            self._add(
                "other-sink",
                "the folder is a Delta table, whose readers would not see what is added here",
                self.uri,
                "write to another folder, or with format='delta'",
            )
            return self._defects
        there = [file for file in everything if file.name[0] not in "._"]
        visible = self._read(entries)
        self._lost(entries, visible, there)
        accepted = accepted_names(self.store, self.ours)
        self._foreign(visible, accepted)
        self._files(entries, visible, there, accepted)
        return self._defects

    # -- the log -------------------------------------------------------------------------------

    def _read(self, entries: dict[int, FileStatus]) -> list[dict[str, Any]]:
        """Return the lines that readers see, oldest first, as far as they can be read."""
        newest = max(entries, default=-1)
        start = max((n for n in entries if entries[n].name.endswith(".compact")), default=0)
        lines: list[dict[str, Any]] = []
        for number in range(0 if self.deep else start, newest + 1):
            found, expected = entries.get(number), self.log.path(number)
            if found is None:
                self._add("missing-entry", "this entry of the sink's log is missing", expected)
            elif found.name != expected.rsplit("/", 1)[-1]:
                self._add(
                    "other-compaction",
                    "the log is not compacted at every tenth entry, as another setting of "
                    "spark.sql.streaming.fileSink.log.compactInterval leaves it",
                    found.path,
                    "write to another folder",
                )
            else:
                try:
                    read = self.log.read(number)
                except CorruptFileError as error:
                    self._add("corrupt-entry", error.problem, error.path)
                else:
                    lines += read if number >= start else []
        return lines

    def _lost(
        self,
        entries: dict[int, FileStatus],
        visible: Sequence[dict[str, Any]],
        there: Sequence[FileStatus],
    ) -> None:
        """Compare with what the stream knows that it published, the newest batch first."""
        tokens = {_token(line["path"]) for line in visible}
        published = iter(self.published)
        newest = next(published, None)
        if newest is not None and newest.token not in tokens and not self._logged(newest):
            rest = [m for m in islice(published, _TOLD) if m.token not in tokens]
            self._add_lost([newest, *rest], entries)
        elif not entries:
            batches = defaultdict(set)
            for file in there:
                if own := OWN_FILE.match(file.name):
                    batches[own["stream"]].add(own["batch"])
            # One batch of a stream may lie here unlisted: moved, and then the process died.
            if any(len(numbers) > 1 for numbers in batches.values()):
                self._add(
                    "lost-entries",
                    "several batches lie in this folder and no log lists them: it was deleted",
                    self.log.folder,
                    "restore the log from a copy; until then readers see all files, also "
                    "those of batches that were never published",
                )

    def _logged(self, manifest: LaneManifest) -> bool:
        """Look through the entries one by one, since removal rewrites what is visible."""
        try:
            return self.log.find(manifest.token, manifest.after) is not None
        except CorruptFileError:
            # An old entry is gone; one that readers need is a defect of its own.
            return False

    def _add_lost(self, gone: Sequence[LaneManifest], entries: dict[int, FileStatus]) -> None:
        numbers = [str(int(own["batch"])) for m in gone if (own := OWN_FILE.match(m.token))]
        now = f"its newest entry is {max(entries)}" if entries else "there is no log"
        self._add(
            "lost-entries",
            f"batches {listed(numbers)} were published here and stand in no entry ({now}): "
            "the folder was overwritten or its log deleted",
            self.log.folder,
            "restore the folder from a copy; or say adopt='fork' to go on from the next batch, "
            "without what is gone",
            adopt="fork",
        )

    def _foreign(self, visible: Sequence[dict[str, Any]], accepted: set[str]) -> None:
        """Find files that somebody else listed after we did.

        Before our first entry they are what a native stream wrote, and dc43 took over.
        """
        names = [_name(line["path"]) for line in visible]
        first = next((i for i, name in enumerate(names) if OWN_FILE.match(name)), len(names))
        strange = [n for n in names[first:] if not OWN_FILE.match(n) and n not in accepted]
        if strange:
            self._add(
                "foreign-entry",
                f"the log lists {len(strange):,} files that dc43 did not write ({listed(strange)})"
                ": a native Spark stream writes here; Spark skips without a word those of its "
                "batches whose number the log already has, so rows of it may be missing",
                self.log.folder,
                "stop that stream, and give it a folder of its own or dc43's write; then say "
                "adopt='continue' once to keep the files that are listed",
                adopt="continue",
                names=strange,
            )

    # -- the files -----------------------------------------------------------------------------

    def _files(
        self,
        entries: dict[int, FileStatus],
        visible: Sequence[dict[str, Any]],
        there: Sequence[FileStatus],
        accepted: set[str],
    ) -> None:
        wanted: dict[str, dict[str, int]] = defaultdict(dict)
        # A folder of a partition may have a name with % in it: only its URI finds it.
        uris: dict[str, str] = {}
        for line in visible:
            path = str(line["path"])
            folder, _, name = canonical(path).rpartition("/")
            wanted[folder][name] = int(line.get("size", -1))
            uris[folder] = path.rpartition("/")[0]
        here = canonical(self.uri)
        found = {here: list(there)}
        for folder in wanted.keys() - {here}:
            found[folder] = list(self.store.list(uris[folder]))
        self._missing(wanted, found)
        strangers = [file for folder, files in found.items() for file in files]
        self._strangers(entries, wanted, [f for f in strangers if f.name not in accepted])

    def _missing(
        self, wanted: dict[str, dict[str, int]], found: dict[str, list[FileStatus]]
    ) -> None:
        gone, changed = [], []
        for folder, names in wanted.items():
            sizes = {file.name: file.size for file in found[folder]}
            gone += [join(folder, name) for name in names if name not in sizes]
            changed += [
                join(folder, name)
                for name, size in names.items()
                if self.deep and sizes.get(name, size) != size
            ]
        here = canonical(self.uri)
        old = {folder for folder in wanted if folder != here and not found[folder]}
        if gone and old and all(path.rpartition("/")[0] in old for path in gone):
            lying = {file.name for file in found[here]}
            if all(path.rpartition("/")[2] in lying for path in gone):
                self._add(
                    "moved-folder",
                    f"the log lists its {len(gone):,} files below {listed(sorted(old))}: this "
                    "folder was moved or copied, and readers follow the log",
                    self.uri,
                    "move it back, or write to another folder",
                )
                return
        if gone:
            self._add(
                "missing-file",
                f"the log lists {len(gone):,} files that are not there ({listed(sorted(gone))})",
                self.uri,
                "restore them from a copy, until then readers fail; if there is none, `dc43 vacuum "
                "PIPELINE.toml --drop-lost-files` says which rows are lost and drops them from the "
                "log",
                names=sorted(gone),
            )
        if changed:
            self._add(
                "changed-file",
                f"{len(changed):,} files have another size than the log says "
                f"({listed(sorted(changed))})",
                self.uri,
                "restore them from a copy",
                names=sorted(changed),
            )

    def _strangers(
        self,
        entries: dict[int, FileStatus],
        wanted: dict[str, dict[str, int]],
        files: Sequence[FileStatus],
    ) -> None:
        known = {
            canonical(join(folder, name)) for folder, names in wanted.items() for name in names
        }
        strange = [
            file.name
            for file in files
            if file.name[0] not in "._"
            and not OWN_FILE.match(file.name)
            and canonical(file.path) not in known
            and not (file.is_folder and self._holds(canonical(file.path), wanted))
            and not (file.is_folder and self._is_apart(file.path))
        ]
        if strange and entries:
            self._add(
                "unlisted-file",
                f"{len(strange):,} files lie here that no entry lists ({listed(strange)}): readers "
                "do not see them, as after a native batch append",
                self.uri,
                "move them away and write them through dc43, or say adopt='continue' to leave "
                "them here unseen",
                adopt="continue",
                names=strange,
            )
        elif strange:
            self._add(
                "unlisted-file",
                f"holds files that no commit log lists ({listed(strange)}), which readers would "
                "no longer see after the first batch",
                self.uri,
                "write to an empty folder, or move these files away",
                names=strange,
            )

    def _holds(self, folder: str, wanted: Iterable[str]) -> bool:
        """Whether a folder holds listed files, as those of a partitioned native stream do."""
        return any(one == folder or one.startswith(folder + "/") for one in wanted)

    def _is_apart(self, folder: str) -> bool:
        """Whether a folder has nothing to do with this sink's rows.

        It is empty, or people have put the rejects or the checkpoint inside the sink.
        """
        files = self.store.list(folder)
        if not _PLACES.isdisjoint(file.name for file in files):
            return True
        # A file of ours that is not listed was moved there by an attempt that is completed yet.
        shown = [f for f in files if f.name[0] not in "._" and not OWN_FILE.match(f.name)]
        return all(file.is_folder and self._is_apart(file.path) for file in shown)

    def _add(
        self,
        kind: str,
        what: str,
        where: str,
        way_out: str = _RESTORE,
        *,
        adopt: str | None = None,
        names: Sequence[str] = (),
    ) -> None:
        self._defects.append(
            Defect(
                kind=kind, what=what, where=where, way_out=way_out, adopt=adopt, names=tuple(names)
            )
        )


def _name(path: object) -> str:
    return canonical(str(path)).rsplit("/", 1)[-1]


def _token(path: object) -> str:
    own = OWN_FILE.match(_name(path))
    return own[0] if own else ""
