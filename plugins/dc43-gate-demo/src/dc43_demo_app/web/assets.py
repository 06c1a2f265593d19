"""The files a browser loads, all of them ours; their addresses change with their contents."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from attrs import field, frozen

import dc43_demo_app


def _package() -> Path:
    return Path(dc43_demo_app.__file__).parent


@frozen
class Assets:
    """Package data below `static` and `templates`."""

    folder: Path = field(factory=_package)

    @property
    def static(self) -> Path:
        """The folder that is served."""
        return self.folder / "static"

    @property
    def templates(self) -> Path:
        """The folder that pages are made of."""
        return self.folder / "templates"

    def url(self, name: str) -> str:
        """Return the address of a file, which may be kept for good."""
        return f"/static/{name}?v={_digest(self.static / name)}"


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
