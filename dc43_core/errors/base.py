"""What every error of dc43 is, and how one of foreign code is told."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class Dc43Error(Exception):
    """Base of every error raised by dc43.

    Attributes:
        exit_code: What the `dc43` command returns.
        retryable: Whether the same call may succeed later although nobody changes anything: a
            database that is away for a moment. A governance client's own errors may say so too.
    """

    exit_code = 2
    retryable: bool = False


def said_by(error: BaseException) -> str:
    """Return the message of an error of foreign code, whose `str` may be empty or fail."""
    try:
        text = str(error)
    # A boundary to foreign code: an error without a message is told all the same.
    except Exception:  # noqa: BLE001
        text = ""
    return text.strip() or type(error).__name__


def described(error: BaseException) -> str:
    """Return the class and the message of an error of foreign code."""
    name, text = type(error).__name__, said_by(error)
    return name if text == name else f"{name}: {text}"


def meant(name: object, known: Iterable[str]) -> str:
    """Return `; did you mean x?` where a name is nearly one that is known, else nothing."""
    near = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
