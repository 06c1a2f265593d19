"""Names inside Spark: quoting, and the columns that belong to dc43."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from dc43_core.errors import ConfigurationError

PREFIX = "_dc43_"
READ = "_dc43_read"
"""Struct that a text read carries: null, or the file and raw text of what would not cast."""
RAW = "_dc43_raw"
LINE = "_dc43_raw_line"
FILE = "_dc43_raw_file"
FAILED = "_dc43_raw_failed"
EXTRA = "_dc43_extra"
"""Undeclared columns of a row that leaves the good ones, as one JSON object."""
MASK = "_dc43_mask"
LANE = "_dc43_lane"


def quoted(name: str) -> str:
    """Return a column name as Spark's parser takes it, whatever characters it has."""
    return "`" + name.replace("`", "``") + "`"


def column(*path: str) -> Column:
    """Return a column, or a field inside one, by its exact name."""
    return F.col(".".join(quoted(part) for part in path))


def refuse_reserved(names: Iterable[str], where: str) -> None:
    """Refuse columns whose names begin as ours do, but for the one that a read carries.

    Raises:
        ConfigurationError: naming the column.
    """
    for name in names:
        if name.lower().startswith(PREFIX) and name != READ:
            raise ConfigurationError(
                where, [f"column {name!r} begins with {PREFIX}, which dc43 reserves; rename it"]
            )


def refuse_alike(names: Iterable[str], where: str, *, folds: bool) -> None:
    """Refuse columns that Spark could not tell apart.

    Raises:
        ConfigurationError: naming both.
    """
    seen: dict[str, str] = {}
    for name in names:
        key = name.lower() if folds else name
        if key in seen:
            raise ConfigurationError(
                where,
                [
                    f"columns {seen[key]!r} and {name!r} are one name to this session; rename one, "
                    "or set spark.sql.caseSensitive to true if they differ in case"
                ],
            )
        seen[key] = name


def folds(spark: SparkSession) -> bool:
    """Say whether names that differ in case only are one name to this session."""
    return str(spark.conf.get("spark.sql.caseSensitive", "false")).lower() != "true"


def finder(names: Iterable[str], *, folds: bool) -> Mapping[str, str]:
    """Return a look-up from a contract's column name to the data's own spelling."""
    exact = {name: name for name in names}
    return _Folded(exact) if folds else exact


class _Folded(dict[str, str]):
    """Exact names first, then names that differ only in case, as Spark resolves them."""

    def __init__(self, exact: Mapping[str, str]) -> None:
        super().__init__(exact)
        self._folded = {name.lower(): name for name in exact}

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return super().get(key) or self._folded.get(key.lower(), default)
