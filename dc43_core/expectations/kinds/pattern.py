"""`pattern`: a text matches a regular expression of ECMA-262."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from attrs import frozen

from dc43_core.expectations.kinds.base import RowKind
from dc43_core.expectations.kinds.regex import translate
from dc43_core.expectations.model import Expectation


@frozen(kw_only=True)
class PatternArguments:
    """The pattern as written; it binds the whole text only where it is anchored."""

    pattern: str

    def __attrs_post_init__(self) -> None:
        translate(self.pattern)


class PatternKind(RowKind):
    """ODCS `pattern`."""

    name = "pattern"
    arguments = PatternArguments

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        return f"must match the pattern {expectation.arguments.pattern}"

    def broken(self, arguments: PatternArguments, value: Any) -> bool:
        """A text in which the pattern is found nowhere breaks it."""
        return _compiled(arguments.pattern).search(value) is None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern, end=r"\Z"), re.ASCII)
