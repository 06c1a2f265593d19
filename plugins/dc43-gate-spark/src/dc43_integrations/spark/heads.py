"""The beginning of a text file, and what its path says: all that is known before Spark reads it."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from dc43_core.protocol.file_store import FileStore, canonical

HEAD = 64 * 1024
"""Bytes of each file that are looked at."""
# bzip2 gives nothing before a whole block of up to 900 kB is there.
_PACKED_HEAD = 1024 * 1024
_UNPACK: dict[str, Callable[[], Any]] = {
    "gz": lambda: zlib.decompressobj(31),
    "deflate": zlib.decompressobj,
    "bz2": bz2.BZ2Decompressor,
}
_OPAQUE = ("zst", "lz4", "snappy")


def read_head(store: FileStore, path: str) -> bytes:
    """Return a file's first bytes, unpacked; none where Python cannot unpack them."""
    packing = path.rpartition(".")[2]
    if is_opaque(path):
        return b""
    try:
        if packing not in _UNPACK:
            return store.read(path, HEAD)
        head: bytes = _UNPACK[packing]().decompress(store.read(path, _PACKED_HEAD), HEAD)
    except FileNotFoundError:
        return b""
    except (OSError, zlib.error):
        # Not packed as its name says; Spark will fail the batch over it.
        return b""
    return head


def is_opaque(path: str) -> bool:
    """Say whether a file is packed as Spark may unpack it and Python cannot."""
    return path.rpartition(".")[2] in _OPAQUE


def partitions(path: str, root: str) -> set[str]:
    """Return the columns whose values stand in a file's path: `day=1/x.csv` has `day`."""
    below = canonical(path).removeprefix(canonical(root).rstrip("/") + "/")
    return {folder.partition("=")[0] for folder in below.split("/")[:-1] if "=" in folder}


def option(options: Mapping[str, str], name: str, default: str) -> str:
    """Return a reader's option; Spark does not tell upper from lower case in their names."""
    return next((value for key, value in options.items() if key.lower() == name), default)
