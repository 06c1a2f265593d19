"""Who a stream is: decided by files beside checkpoint and sink, never by a ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from attrs import frozen

from dc43_core.errors import FormatVersionError, StreamIdentityError
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.record import FORMAT_VERSION, decode, encode
from dc43_core.protocol.sink_log import OURS

ADOPT = ("continue", "fork")


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
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
) -> StreamIdentity:
    """Find out which stream this is, or found a new one.

    Args:
        store: Where the checkpoint lives.
        sink_store: Where the sink lives.
        adopt: What to do when checkpoint and sink do not fit: None refuses, `continue` keeps
            the stream, `fork` founds a new one.

    Raises:
        StreamIdentityError: naming what was found and the way out.
    """
    if adopt is not None and adopt not in ADOPT:
        raise StreamIdentityError(
            f"adopt={adopt!r} is not known", "use adopt='continue' or adopt='fork'"
        )
    place = join(store.uri(checkpoint), "dc43", "stream.json")
    wanted = StreamIdentity(
        stream_id="",
        namespace=namespace,
        checkpoint=store.uri(checkpoint),
        sink=sink_store.uri(sink),
        contract_id=contract_id,
        query_name=query_name,
    )
    found = _read(store, place)
    if found is None:
        _refuse_wiped(sink_store, wanted, adopt)
        return _found(store, sink_store, place, wanted, new_id())
    stream_id = str(found["stream_id"])
    problem, ways = _mismatch(store, found, wanted)
    if problem is None:
        return _found(store, sink_store, place, wanted, stream_id)
    if adopt not in ways:
        raise StreamIdentityError(
            problem, f"say {' or '.join(f'adopt={w!r}' for w in ways)} if meant"
        )
    # An explicit wish replaces the identity; everything else only ever adds files.
    store.delete(place)
    kept = stream_id if adopt == "continue" else new_id()
    return _found(store, sink_store, place, wanted, kept)


def _mismatch(
    store: FileStore, found: dict[str, Any], wanted: StreamIdentity
) -> tuple[str | None, tuple[str, ...]]:
    if found["checkpoint"] != wanted.checkpoint:
        old = join(str(found["checkpoint"]), "dc43", "stream.json")
        if _read(store, old) is None:
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
    for file in store.list(join(wanted.sink, OURS, "streams")):
        known = _read(store, file.path)
        if known is None:
            continue
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
    store: FileStore, sink_store: FileStore, place: str, wanted: StreamIdentity, stream_id: str
) -> StreamIdentity:
    values = {**wanted.payload(), "stream_id": stream_id}
    del values["format_version"]
    identity = StreamIdentity(**values)
    if not store.create_if_absent(place, encode(identity.payload())):
        # Two drivers found a stream at once; the first file counts for both.
        found = _read(store, place)
        assert found is not None
        identity = StreamIdentity(**{**values, "stream_id": str(found["stream_id"])})
    mark = join(wanted.sink, OURS, "streams", f"{identity.stream_id}.json")
    sink_store.create_if_absent(mark, encode(identity.payload()))
    return identity


def _read(store: FileStore, path: str) -> dict[str, Any] | None:
    try:
        found = decode(store.read(path), path)
    except FileNotFoundError:
        return None
    if found.get("format_version", 0) > FORMAT_VERSION:
        raise FormatVersionError(path, found["format_version"], FORMAT_VERSION)
    return found
