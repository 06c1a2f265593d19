"""The version that comes after another."""

from __future__ import annotations

import re

from dc43_drift.errors import DraftError

# `1.2.0`, `v2`, `1.2.0-rc1`, `1.2.0+build`; a date such as 2026-01-15 has no major and no minor.
_NUMBERS = re.compile(r"(?P<v>[vV]?)(?P<numbers>\d{1,9}(?:\.\d{1,9})*)(?:[-._]?[a-zA-Z].*|\+.*)?")


def bumped(version: str, *, breaking: bool, contract: str) -> str:
    """Return the next version: the next major one for a breaking change, else the next minor one.

    Args:
        version: The present one; as many numbers as it has, the next one has, but at least two
            for a minor one.
        breaking: Whether what could be read before may not be read any more.
        contract: For the message.

    Raises:
        DraftError: if the version is not made of numbers.
    """
    found = _NUMBERS.fullmatch(version)
    if not found:
        raise DraftError(
            contract,
            f"its version {version!r} is not made of numbers with dots between them",
            "say which version the successor has",
        )
    major, *rest = (int(number) for number in found["numbers"].split("."))
    if breaking:
        numbers = [major + 1, *(0 for _ in rest)]
    else:
        minor, *rest = rest or [0]
        numbers = [major, minor + 1, *(0 for _ in rest)]
    return found["v"] + ".".join(map(str, numbers))
