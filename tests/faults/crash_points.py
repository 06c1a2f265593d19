"""Where a driver dies: the protocol's failpoints, and each change to a file around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field

from dc43_core.protocol.file_store import LocalFileStore

AT_START = -1
"""What is done before the first batch: identity, epoch, back-fill."""


class Died(BaseException):
    """The driver dies here; no handler of the product may take it for an answer."""


@define(eq=False)
class Points:
    """Counts the points that one start passes, batch by batch, and acts at a chosen one.

    Attributes:
        act: Called with batch and name at the chosen point.
        at: The chosen points: batch, and number or name of the point in it.
        passed: Names of the points passed, by batch.
    """

    act: Callable[[int, str], None]
    at: frozenset[tuple[int, int | str]] = frozenset()
    batch_id: int = AT_START
    passed: dict[int, list[str]] = field(factory=dict)
    reached: list[tuple[int, str]] = field(factory=list)

    def failpoint(self, name: str, batch_id: int) -> None:
        """Pass a failpoint of the protocol."""
        self.batch_id = batch_id
        self.passes(name)

    def passes(self, name: str) -> None:
        """Pass a point, such as the one before a change to a file."""
        names = self.passed.setdefault(self.batch_id, [])
        number = len(names)
        names.append(name)
        if {(self.batch_id, number), (self.batch_id, name)} & self.at:
            self.reached.append((self.batch_id, name))
            self.act(self.batch_id, name)


def die(batch_id: int, name: str) -> None:
    """Die as far as a thread can."""
    raise Died(f"batch {batch_id}, {name}")


class CountedStore(LocalFileStore):
    """Local files, with a point before and after each operation that changes something."""

    def __init__(self, points: Points) -> None:
        self._points = points

    def create_if_absent(self, path: str, data: bytes) -> bool:
        """Create a file."""
        self._points.passes(f"before create {_kind(path)}")
        created = super().create_if_absent(path, data)
        self._points.passes(f"after create {_kind(path)}")
        return created

    def rename_no_replace(self, source: str, target: str) -> bool:
        """Move a file."""
        self._points.passes("before rename")
        moved = super().rename_no_replace(source, target)
        self._points.passes("after rename")
        return moved

    def sync(self, paths: Iterable[str]) -> None:
        """Sync files."""
        self._points.passes("before sync")
        super().sync(paths)
        self._points.passes("after sync")

    def delete(self, path: str) -> None:
        """Delete a file or folder; what is in it passes here too."""
        self._points.passes("before delete")
        super().delete(path)
        self._points.passes("after delete")


def _kind(path: str) -> str:
    """Return the folder that says what is created, such as `prepared`."""
    return path.rsplit("/", 2)[-2]
