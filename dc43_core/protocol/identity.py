"""Who a stream is: decided by files beside checkpoint and sink, never by a ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from dc43_core.errors import CorruptFileError, FormatVersionError, StreamIdentityError
from dc43_core.protocol import clock
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.record import FORMAT_VERSION, decode, encode
from dc43_core.protocol.sink_log import OURS

ADOPT = ("continue", "fork")
_REQUIRED = ("stream_id", "namespace", "checkpoint", "sink", "contract_id")
_NUMBERED = re.compile(r"(?P<name>.+?)(?:\.(?P<number>\d+))?\.json")


@frozen(kw_only=True)
class StreamIdentity:
    """One stream = namespace, checkpoint (by its uuid) and sink.

    Attributes:
        stream_id: uuid that lives in the checkpoint.
        namespace: First part of every key.
        checkpoint: Absolute URI.
        sink: Absolute URI of the main lane.
        contract_id: The contract it writes under.
        query_name: The query's name, if it has one.
    """

    stream_id: str
    namespace: str
    checkpoint: str
    sink: str
    contract_id: str
    query_name: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return what the two identity files hold."""
        return {
            "format_version": FORMAT_VERSION,
            "stream_id": self.stream_id,
            "namespace": self.namespace,
            "checkpoint": self.checkpoint,
            "sink": self.sink,
            "contract_id": self.contract_id,
            "query_name": self.query_name,
        }


def identify(
    store: FileStore,
    sink_store: FileStore,
    *,
    namespace: str,
    checkpoint: str,
    sink: str,
    contract_id: str,
    query_name: str | None,
    adopt: str | None = None,
    lost: bool = False,
    new_id: Callable[[], str] = clock.new_id,
) -> StreamIdentity:
    """Find out which stream this is, or found a new one.

    Args:
        store: Where the checkpoint lives.
        sink_store: Where the sink lives.
        adopt: What to do when checkpoint and sink do not fit: None refuses, `continue` keeps
            the stream, `fork` founds a new one.
        lost: Whether the sink has lost what this stream published; `fork` then founds a new
            one also where checkpoint and sink fit.

    Raises:
        StreamIdentityError: naming what was found and the way out.
    """
    if adopt is not None and adopt not in ADOPT:
        raise StreamIdentityError(
            f"adopt={adopt!r} is not known", "use adopt='continue' or adopt='fork'"
        )
    folder = join(store.uri(checkpoint), "dc43")
    wanted = StreamIdentity(
        stream_id="",
        namespace=namespace,
        checkpoint=store.uri(checkpoint),
        sink=sink_store.uri(sink),
        contract_id=contract_id,
        query_name=query_name,
    )
    number, found = _newest(store, folder).get("stream", (0, None))
    if found is None:
        _refuse_wiped(sink_store, wanted, adopt)
        return _found(store, sink_store, folder, 1, wanted, new_id())
    stream_id = str(found["stream_id"])
    problem, ways = _mismatch(store, found, wanted)
    if problem is None and lost and adopt == "fork":
        return _found(store, sink_store, folder, number + 1, wanted, new_id())
    if problem is None:
        return _found(store, sink_store, folder, number, wanted, stream_id)
    if adopt not in ways:
        raise StreamIdentityError(problem, _say(ways))
    # The newest file counts. None is ever deleted: a crash in between would look like a wiped
    # checkpoint.
    kept = stream_id if adopt == "continue" else new_id()
    return _found(store, sink_store, folder, number + 1, wanted, kept)


def stream_of(store: FileStore, checkpoint: str) -> dict[str, Any] | None:
    """Return what a checkpoint says of the stream it belongs to; None if nothing.

    Raises:
        FormatVersionError: if a newer dc43 wrote it.
        CorruptFileError: if it is not whole.
    """
    return _newest(store, join(checkpoint, "dc43")).get("stream", (0, None))[1]


def misfit(
    store: FileStore, sink_store: FileStore, wanted: StreamIdentity
) -> StreamIdentityError | None:
    """Return why a start without `adopt` would be refused; changes nothing.

    Args:
        store: Where the checkpoint lies.
        sink_store: Where the sink lies.
        wanted: Who the start says it is; its stream id is not looked at.
    """
    found = stream_of(store, wanted.checkpoint)
    if found is None:
        try:
            _refuse_wiped(sink_store, wanted, None)
        except StreamIdentityError as error:
            return error
        return None
    problem, ways = _mismatch(store, found, wanted)
    return None if problem is None else StreamIdentityError(problem, _say(ways))


def _say(ways: Sequence[str]) -> str:
    return f"say {' or '.join(f'adopt={w!r}' for w in ways)} if meant"


def streams_into(store: FileStore, sink: str) -> Sequence[dict[str, Any]]:
    """Return what a sink knows of each stream that writes, or wrote, into it.

    Raises:
        FormatVersionError: if a newer dc43 wrote it.
        CorruptFileError: if it is not whole.
    """
    return [payload for _, payload in _newest(store, join(sink, OURS, "streams")).values()]


def _mismatch(
    store: FileStore, found: dict[str, Any], wanted: StreamIdentity
) -> tuple[str | None, tuple[str, ...]]:
    if found["checkpoint"] != wanted.checkpoint:
        if stream_of(store, str(found["checkpoint"])) is None:
            return f"this checkpoint was moved here from {found['checkpoint']}", ("continue",)
        return (
            f"this checkpoint is a copy of {found['checkpoint']}, which is still there; its "
            "batches would be taken for done",
            ("fork",),
        )
    if found["sink"] != wanted.sink:
        return (
            f"checkpoint {wanted.checkpoint} belongs to sink {found['sink']}, not {wanted.sink}",
            ("continue", "fork"),
        )
    return None, ()


def _refuse_wiped(store: FileStore, wanted: StreamIdentity, adopt: str | None) -> None:
    if adopt == "fork":
        return
    for known in streams_into(store, wanted.sink):
        key = (known["namespace"], known["contract_id"], known["query_name"])
        if key == (wanted.namespace, wanted.contract_id, wanted.query_name):
            raise StreamIdentityError(
                f"stream {wanted.query_name or wanted.contract_id!r} already writes to "
                f"{wanted.sink} with checkpoint {known['checkpoint']}, and {wanted.checkpoint} "
                "is new: the source would be read again and its rows land twice",
                "restore that checkpoint, give this stream a query name of its own, or say "
                "adopt='fork' if meant",
            )


def _found(
    store: FileStore,
    sink_store: FileStore,
    folder: str,
    number: int,
    wanted: StreamIdentity,
    stream_id: str,
) -> StreamIdentity:
    values = {**wanted.payload(), "stream_id": stream_id}
    del values["format_version"]
    identity = StreamIdentity(**values)
    place = join(folder, _numbered("stream", number))
    if not store.create_if_absent(place, encode(identity.payload())):
        # Two drivers found a stream at once; the first file counts for both.
        identity = StreamIdentity(**{**values, "stream_id": str(_read(store, place)["stream_id"])})
    mark = join(wanted.sink, OURS, "streams", _numbered(identity.stream_id, number))
    sink_store.create_if_absent(mark, encode(identity.payload()))
    return identity


def _numbered(name: str, number: int) -> str:
    return f"{name}.json" if number == 1 else f"{name}.{number}.json"


def _newest(store: FileStore, folder: str) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return by name the number and content of the newest file of each name in a folder."""
    newest: dict[str, tuple[int, str]] = {}
    for file in store.list(folder):
        match = _NUMBERED.fullmatch(file.name)
        if match and not file.is_folder and file.name[0] not in "._":
            number = int(match["number"] or 1)
            newest[match["name"]] = max(newest.get(match["name"], (0, "")), (number, file.path))
    return {name: (number, _read(store, path)) for name, (number, path) in newest.items()}


def _read(store: FileStore, path: str) -> dict[str, Any]:
    found = decode(store.read(path), path)
    if found.get("format_version", 0) > FORMAT_VERSION:
        raise FormatVersionError(path, found["format_version"], FORMAT_VERSION)
    missing = [name for name in _REQUIRED if not isinstance(found.get(name), str)]
    if missing:
        raise CorruptFileError(path, f"not the identity of a stream: no {', '.join(missing)}")
    return found
