"""Where the ledger is."""

from __future__ import annotations

from attrs import frozen

from dc43_core.converter import Secret


@frozen(kw_only=True)
class SqlOptions:
    """Options of the governance client `sql`: exactly one of the two.

    Attributes:
        path: A SQLite file, made when it is not there; relative to the working directory.
        url: A SQLAlchemy URL, as in `postgresql+psycopg://user:password@host/database`; its
            password is never shown.
    """

    path: str | None = None
    url: Secret | None = None

    def __attrs_post_init__(self) -> None:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either path, a SQLite file, or url, a SQLAlchemy URL")
        if self.path == "":
            raise ValueError("path is empty; give the name of a SQLite file")
