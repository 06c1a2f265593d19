"""YAML and JSON from strangers: plain data with positions, in bounded time and memory.

Plain scalars follow the YAML 1.2 core schema, with these decisions:

- Only `true` and `false` are booleans; `yes`, `no`, `on` and `off` are text.
- Numbers are exact, `int` or `Decimal`. What starts with a superfluous zero (`0123`), is longer
  than 64 characters or has an exponent beyond 400 is text, and so are `.nan` and `.inf`: none of
  them can be a threshold, and as text they lose nothing.
- Dates and timestamps are text as written.
- Each scalar keeps its own text, so that a caller can ask for `1.10` where a version stands.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import yaml
from attrs import define, field, frozen

from dc43_core.errors import ContractError

# libyaml where PyYAML was built with it: 20 times as fast, the same events.
_PARSER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = ("!", f"{_TAG}str", f"{_TAG}timestamp")
_TYPED_TAGS: dict[str, type | tuple[type, ...]] = {
    f"{_TAG}null": type(None),
    f"{_TAG}bool": bool,
    f"{_TAG}int": int,
    f"{_TAG}float": (int, Decimal),
}
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMERIC_START = frozenset("+-.0123456789")
_SPECIAL_START = _NUMERIC_START | {word[0] for word in _WORDS if word}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE](?P<exponent>[-+]?[0-9]+))?")
_LONGEST_NUMBER, _LARGEST_EXPONENT = 64, 400

# Each %TAG line is compared with all before it: quadratic work for a feature that is refused.
_TAG_DIRECTIVE = re.compile(r"^%TAG", re.MULTILINE)
# JSON writes what lies beyond U+FFFF as two escapes, which YAML does not know.
_SURROGATES = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


@frozen(kw_only=True)
class YamlLimits:
    """How large a file may be before it is refused.

    Attributes:
        max_bytes: Length of the file.
        max_depth: Lists and mappings inside one another.
        max_nodes: Lists, mappings, keys and values together.
    """

    max_bytes: int = 1 << 20
    max_depth: int = 32
    max_nodes: int = 50_000


_DEFAULTS = YamlLimits()


@define(eq=False)
class Node:
    """A value of the document and where it stands.

    Attributes:
        line: 1-based; for a mapping's value, the line of its key.
        value: None, bool, int, Decimal or str, a list of nodes or a dict of nodes.
        raw: A scalar's text as written, without quotes and escapes; None for collections.
    """

    line: int
    value: Any
    raw: str | None = None

    def at(self, *steps: str | int) -> Node | None:
        """Follow keys and positions: `root.at("schema", 0, "name")`; None where there is none."""
        node = self
        for step in steps:
            children = node.value
            if isinstance(children, list):
                children = dict(enumerate(children))
            if not isinstance(children, dict) or step not in children:
                return None
            node = children[step]
        return node

    def plain(self, *, as_text: bool = False) -> Any:
        """Return plain Python data.

        Args:
            as_text: Give every scalar but null as its text.
        """
        if isinstance(self.value, dict):
            return {key: node.plain(as_text=as_text) for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain(as_text=as_text) for node in self.value]
        return self.raw if as_text and self.value is not None else self.value


def load(source: str, text: bytes, limits: YamlLimits = _DEFAULTS) -> Node:
    """Read the one document of a YAML or JSON file.

    Args:
        source: Where the text comes from, for messages.
        text: The file's bytes, UTF-8 with or without a byte order mark.
        limits: How large it may be.

    Raises:
        ContractError: if it is no such document, has a key twice, or uses what only hostile or
            careless files use: aliases, other tags than those of the core schema, other sizes
            than `limits` allows.
    """
    return _Reading(source=source, limits=limits).document(_decoded(source, text, limits))


def syntax_fault(source: str, text: bytes) -> ContractError | None:
    """Return what is wrong with the syntax of a file; None if it can be read, or is too large."""
    try:
        load(source, text)
    except ContractError as error:
        return error if error.column is not None else None
    return None


def shortened(text: object) -> str:
    """Quote a value in a message without letting a hostile one fill the screen."""
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:56]}...{shown[0]}"


def _decoded(source: str, text: bytes, limits: YamlLimits) -> str:
    if len(text) > limits.max_bytes:
        raise ContractError(source, f"is larger than the limit of {limits.max_bytes} bytes")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise ContractError(source, "is not UTF-8 text; save it as UTF-8", line=line) from error
    if found := _TAG_DIRECTIVE.search(decoded):
        line = decoded.count("\n", 0, found.start()) + 1
        raise ContractError(source, "%TAG directives are refused; write plain values", line=line)
    if ("\\ud" in decoded or "\\uD" in decoded) and decoded.lstrip().startswith("{"):
        decoded = _SURROGATES.sub(_joined, decoded)
    return decoded


def _joined(pair: re.Match[str]) -> str:
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


@define
class _Frame:
    """A list or mapping whose end has not been seen."""

    children: Any
    is_list: bool
    key: str = ""
    line: int = 0
    wants_key: bool = True


@define
class _Reading:
    """One pass over the parser's events; stops at the first fault."""

    source: str
    limits: YamlLimits
    root: Node | None = None
    open: list[_Frame] = field(factory=list)
    count: int = 0

    def document(self, text: str) -> Node:
        try:
            # The constructor reads already: a forbidden character at the start fails there.
            parser = _PARSER(text)
            while (event := parser.get_event()) is not None:
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = " ".join(filter(None, (error.problem, error.context)))
            raise ContractError(
                self.source,
                f"is no valid YAML: {problem}",
                line=mark.line + 1 if mark else None,
                column=mark.column + 1 if mark else None,
                path=self._path(),
            ) from error
        except yaml.reader.ReaderError as error:
            problem = f"character #x{error.character:04x} is not allowed"
            before = text[: max(text.find(chr(error.character)), 0)]
            raise ContractError(
                self.source,
                problem,
                line=before.count("\n") + 1,
                column=len(before) - before.rfind("\n"),
            ) from error
        if self.root is None:
            raise ContractError(self.source, "is empty")
        return self.root

    def _take(self, event: Any) -> None:
        # Types in the order of how often they come; this runs for each of 50 000 nodes.
        kind = type(event)
        if kind is yaml.ScalarEvent:
            raw: str = event.value
            if event.tag is not None:
                value = self._tagged(event, raw)
            elif event.implicit[0] and (raw == "" or raw[0] in _SPECIAL_START):
                value = resolved(raw)
            else:
                value = raw
            self._place(event, Node(event.start_mark.line + 1, value, raw))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.open.pop()
        elif kind is yaml.MappingStartEvent:
            self._start(event, {}, f"{_TAG}map")
        elif kind is yaml.SequenceStartEvent:
            self._start(event, [], f"{_TAG}seq")
        elif kind is yaml.AliasEvent:
            raise self._error(event, f"alias *{event.anchor} is refused; write it out")
        elif kind is yaml.DocumentStartEvent and self.root is not None:
            raise self._error(event, "holds more than one document; keep one per file")

    def _tagged(self, event: Any, raw: str) -> Any:
        if event.tag in _TEXT_TAGS:
            return raw
        wanted = _TYPED_TAGS.get(event.tag)
        if wanted is None:
            raise self._error(event, f"tag {shortened(event.tag)} is refused")
        value = resolved(raw)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise self._error(event, f"{shortened(raw)} does not fit its tag {event.tag}")
        return value

    def _start(self, event: Any, children: Any, tag: str) -> None:
        if event.tag not in (None, "!", tag):
            raise self._error(event, f"tag {shortened(event.tag)} is refused")
        if len(self.open) == self.limits.max_depth:
            raise self._error(event, f"is nested deeper than {self.limits.max_depth} levels")
        self._place(event, Node(event.start_mark.line + 1, children))
        self.open.append(_Frame(children, is_list=isinstance(children, list)))

    def _place(self, event: Any, node: Node) -> None:
        self.count += 1
        if self.count > self.limits.max_nodes:
            raise self._error(event, f"holds more than {self.limits.max_nodes} values")
        if not self.open:
            self.root = node
            return
        frame = self.open[-1]
        if frame.is_list:
            frame.children.append(node)
        elif frame.wants_key:
            self._key(event, frame, node)
        else:
            node.line = frame.line
            frame.children[frame.key] = node
            frame.wants_key = True

    def _key(self, event: Any, frame: _Frame, node: Node) -> None:
        if node.raw is None:
            raise self._error(event, "a list or mapping cannot be a key")
        frame.key, frame.line, frame.wants_key = node.raw, node.line, False
        if node.raw in frame.children:
            first = frame.children[node.raw].line
            raise self._error(event, f"key {shortened(node.raw)} stands in line {first} already")

    def _error(self, event: Any, problem: str) -> ContractError:
        line = event.start_mark.line + 1
        return ContractError(self.source, problem, line=line, path=self._path())

    def _path(self) -> str | None:
        """Say where the next value stands."""
        path = ""
        for depth, frame in enumerate(self.open, start=1):
            innermost = depth == len(self.open)
            if frame.is_list:
                path += f"[{len(frame.children) - (not innermost)}]"
            elif not (innermost and frame.wants_key):
                key = frame.key if len(frame.key) <= 60 else f"{frame.key[:57]}..."
                path += f".{key}" if path else key
        return path or None


def resolved(raw: str) -> Any:
    """Give a plain scalar its value by the core schema."""
    if raw in _WORDS:
        return _WORDS[raw]
    if raw[0] not in _NUMERIC_START or len(raw) > _LONGEST_NUMBER:
        return raw
    if _INTEGER.fullmatch(raw):
        return int(raw)
    if _BASED.fullmatch(raw):
        return int(raw, 0)
    found = _DECIMAL.fullmatch(raw)
    # An exponent of a billion would make a number of a gigabyte of whoever rounds it.
    if found and abs(int(found["exponent"] or 0)) <= _LARGEST_EXPONENT:
        return Decimal(raw)
    return raw
