"""Documents in a folder, found by what they say and not by what they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from attrs import field, frozen

from dc43_core.contracts.safe_yaml import YamlLimits, syntax_fault
from dc43_core.contracts.versions import VersionSelector
from dc43_core.errors import DocumentError

_SUFFIXES = (".yaml", ".yml", ".json")
SHOWN = 5
"""How many things a message names before it counts the rest."""


class Document(Protocol):
    """A contract or a data product."""

    @property
    def id(self) -> str:
        """Its id, always text."""
        ...

    @property
    def version(self) -> str | None:
        """Its own version, where it has one."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of its file's bytes."""
        ...

    @property
    def source(self) -> str:
        """Where it was read from."""
        ...


D = TypeVar("D", bound=Document)


@frozen
class Scan(Generic[D]):
    """What a folder holds.

    Attributes:
        documents: The readable ones, by path.
        broken: What was accepted and could not be read, with the file's bytes.
    """

    documents: list[D] = field(factory=list)
    broken: list[tuple[DocumentError, bytes]] = field(factory=list)


@frozen(kw_only=True)
class Documents(Generic[D]):
    """The documents of one kind in a folder and its subfolders: *.yaml, *.yml and *.json.

    Ids are compared with what the files say and never become part of a path.

    Attributes:
        folder: Where to look; hidden files and folders are passed over.
        kind: What people call such a document.
        error: What a broken one raises.
        parse: Turns a file's bytes into a document, or None where they are of another kind.
        keys: What a document says of itself that it can be asked for by.
    """

    folder: Path
    kind: str
    error: type[DocumentError]
    parse: Callable[[str, bytes], D | None]
    keys: tuple[str, ...] = ("id",)

    def scan(self) -> Scan[D]:
        """Read every file."""
        scan: Scan[D] = Scan()
        for path in files(self.folder):
            text = b""
            try:
                text = read(path)
                document = self.parse(str(path), text)
            except DocumentError as error:
                scan.broken.append((error, text))
            except OSError as error:
                scan.broken.append((self.error(str(path), error.strerror or str(error)), text))
            else:
                if document is not None:
                    scan.documents.append(document)
                # One that breaks off before it says what it is may be what is looked for.
                elif (fault := syntax_fault(str(path), text)) is not None:
                    scan.broken.append((fault.become(self.error), text))
        return scan

    def choose(
        self, scan: Scan[D], found: Sequence[D], reference: str, selector: VersionSelector
    ) -> D | None:
        """Choose a version among the documents of one id; None if no version will do.

        Args:
            scan: What the folder holds.
            found: The documents of the id.
            reference: What was asked for; a broken file that mentions it may be one of them.
            selector: Which version.

        Raises:
            DocumentError: if two files give the version different contents, or if a file that
                cannot be read may hold the version that was asked for.
        """
        versions: dict[str, list[D]] = {}
        for document in found:
            versions.setdefault(document.version or "", []).append(document)
        version = selector.select(versions)
        if version is None or selector.exact is None:
            # The newest version may be the broken one; an older one in its place would be
            # used in silence.
            for error, text in scan.broken:
                if any(mentions(text, key, reference) for key in self.keys):
                    raise error
        if version is None:
            return None
        first, *others = versions[version]
        for other in others:
            if other.digest != first.digest:
                raise self.error(
                    first.source,
                    f"{self.kind} {first.id!r} {version} has another content in {other.source}; "
                    "a published version does not change: give one of them a new version",
                )
        return first

    def searched(self, scan: Scan[D]) -> str:
        """Say where was looked, and what could not be read there."""
        searched = str(self.folder)
        if not self.folder.is_dir():
            searched += " (no such folder)"
        if scan.broken:
            shown = [str(error) for error, _ in scan.broken[:SHOWN]]
            if len(scan.broken) > SHOWN:
                shown.append(f"{len(scan.broken) - SHOWN} more")
            searched += f" (could not be read there: {'; '.join(shown)})"
        return searched


def files(folder: Path) -> Iterator[Path]:
    """List files that may hold a document, sorted so that a folder always reads the same."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in _SUFFIXES and not hidden and path.is_file():
            yield path


def mentions(text: bytes, key: str, reference: str) -> bool:
    """Say whether a file that cannot be read has a line or entry `<key>: <reference>`."""
    quoted = (re.escape(key.encode()), re.escape(reference.encode()))
    entry = rb"(?m)(?:^|[{,])[ \t]*[\"']?%s[\"']?[ \t]*:[ \t]*[\"']?%s[\"']?[ \t]*(?:[#,}\r]|$)"
    return re.search(entry % quoted, text) is not None


def read(path: Path) -> bytes:
    """Read a file, but of a huge one no more than shows that it is too large."""
    with path.open("rb") as file:
        return file.read(YamlLimits().max_bytes + 1)
