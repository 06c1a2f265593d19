"""A cursor over an ODCS document: each getter checks a type and ticks a key off.

What is left at the end is an unknown key, so nothing can be forgotten in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Self

from attrs import define, field

from dc43_core.contracts.model import UNKNOWN_KEY, Number, UnenforceableNode
from dc43_core.contracts.safe_yaml import Node, shortened
from dc43_core.errors import ContractError

# ODCS 3.2: any text may hold `${NAME}` or `${NAME:-default}`.
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}$]*)?\}")
# Here they change nothing (descriptions) or are placeholders of the rule itself (queries).
_MAY_HOLD_VARIABLES = ("description", "query")


@define(eq=False, kw_only=True)
class Reader:
    """A mapping inside the document.

    Attributes:
        source: The file.
        node: The mapping.
        path: Where it stands in the document, for errors: `schema[0].properties[3]`.
        scope: The schema object that it belongs to; empty outside of one.
        place: Where it stands below that, by names, for notes: `address.street`.
        notes: Where notes are gathered; shared by all readers of a document.
    """

    source: str
    node: Node
    path: str = ""
    scope: str = ""
    place: str = ""
    notes: list[UnenforceableNode]
    _met: set[str] = field(factory=set, init=False)

    def error(self, problem: str, key: str | None = None) -> ContractError:
        """Build an error that names the line and path of this mapping, or of one of its keys."""
        node = (self.get(key) if key else None) or self.node
        path = _dotted(self.path, key or "") or None
        return ContractError(self.source, problem, line=node.line, path=path)

    def note(self, reason: str, key: str = "") -> None:
        """Record a node that nobody enforces."""
        path = _dotted(self.scope, self.place, key)
        self.notes.append(UnenforceableNode(path=path, reason=reason))

    def get(self, key: str) -> Node | None:
        """Return a key's node, or None where it is absent or null; ticks it off."""
        self._met.add(key)
        node: Node | None = self.node.value.get(key)
        return None if node is None or node.value is None else node

    def text(self, key: str) -> str | None:
        """Return a scalar's text as written: `1.10` stays `1.10`."""
        node = self.get(key)
        if node is None:
            return None
        if node.raw is None:
            raise self.error(f"must be text, not a {_kind(node)}", key)
        if key not in _MAY_HOLD_VARIABLES:
            self._note_variables(key, node.raw)
        return node.raw

    def required_text(self, key: str, hint: str = "") -> str:
        """Return text that must be there and not empty."""
        text = self.text(key)
        if not text:
            raise self.error(f"`{key}` is missing or empty" + (f"; {hint}" if hint else ""), key)
        return text

    def flag(self, key: str) -> bool | None:
        """Return a boolean."""
        node = self.get(key)
        if node is None or isinstance(node.value, bool):
            return node.value if node else None
        raise self.error(f"must be true or false, not {_shown(node)}", key)

    def whole(self, key: str) -> int | None:
        """Return an integer."""
        node = self.get(key)
        if node is None or (isinstance(node.value, int) and not isinstance(node.value, bool)):
            return node.value if node else None
        raise self.error(f"must be a whole number, not {_shown(node)}", key)

    def count(self, key: str) -> int | None:
        """Return an integer that is not negative."""
        number = self.whole(key)
        if number is not None and number < 0:
            raise self.error(f"must not be negative, is {number}", key)
        return number

    def number(self, key: str) -> Number | None:
        """Return an exact number."""
        node = self.get(key)
        if node is None:
            return None
        if not is_number(node.value):
            raise self.error(f"must be a number, not {_shown(node)}", key)
        found: Number = node.value
        return found

    def scalar(self, key: str) -> Any:
        """Return a number, a boolean or text."""
        node = self.get(key)
        if node is None:
            return None
        if node.raw is None:
            raise self.error(f"must be a single value, not a {_kind(node)}", key)
        self._note_variables(key, node.value)
        return node.value

    def items(self, key: str) -> list[Node] | None:
        """Return the nodes of a list."""
        node = self.get(key)
        if node is None or isinstance(node.value, list):
            return node.value if node else None
        raise self.error(f"must be a list, not {_shown(node)}", key)

    def values(self, key: str, *, as_text: bool = False) -> list[Any] | None:
        """Return a list as plain data, its scalars as written if `as_text`."""
        nodes = self.items(key)
        found = None if nodes is None else [node.plain(as_text=as_text) for node in nodes]
        self._note_variables(key, found)
        return found

    def texts(self, key: str) -> list[str] | None:
        """Return a list of texts."""
        found = self.values(key, as_text=True)
        if found is not None and not all(isinstance(text, str) for text in found):
            raise self.error("must be a list of texts", key)
        return found

    def data(self, key: str) -> Any:
        """Return whatever stands there as plain data."""
        node = self.get(key)
        found = node.plain() if node else None
        self._note_variables(key, found)
        return found

    def child(self, key: str) -> Self | None:
        """Step into a mapping."""
        node = self.get(key)
        if node is None:
            return None
        return self._inside(node, _dotted(self.path, key), _dotted(self.place, key))

    def children(self, key: str) -> list[Self]:
        """Step into each mapping of a list."""
        return [self.element(key, i) for i in range(len(self.items(key) or ()))]

    def element(self, key: str, index: int) -> Self:
        """Step into one mapping of a list that is known to be one."""
        step = f"{key}[{index}]"
        node = self.node.value[key].value[index]
        return self._inside(node, _dotted(self.path, step), _dotted(self.place, step))

    def _inside(self, node: Node, path: str, place: str) -> Self:
        if not isinstance(node.value, dict):
            problem = f"must be a mapping, not {_shown(node)}"
            raise ContractError(self.source, problem, line=node.line, path=path)
        return type(self)(
            source=self.source,
            node=node,
            path=path,
            scope=self.scope,
            place=place,
            notes=self.notes,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.node.value)

    def leave(self, descriptive: Iterable[str]) -> None:
        """Note every key that was not asked for and is not known to be descriptive."""
        known = self._met.union(descriptive)
        for key in self:
            if key not in known:
                self.note(UNKNOWN_KEY, key if len(key) <= 60 else f"{key[:57]}...")

    def _note_variables(self, key: str, value: Any) -> None:
        found = variable(value)
        if found:
            self.note(f"runtime variable {shortened(found)} is kept as text", key)


def is_number(value: Any) -> bool:
    """Tell an exact number from everything else, booleans included."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def variable(value: Any) -> str | None:
    """Return the first runtime variable in text or data, as written; None if there is none."""
    if isinstance(value, str):
        found = _VARIABLE.search(value)
        return found[0] if found else None
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return next(filter(None, map(variable, value)), None)
    return None


def _dotted(*parts: str) -> str:
    return ".".join(filter(None, parts))


def _kind(node: Node) -> str:
    return "list" if isinstance(node.value, list) else "mapping"


def _shown(node: Node) -> str:
    return f"a {_kind(node)}" if node.raw is None else shortened(node.raw)
