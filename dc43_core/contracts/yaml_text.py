"""Writing a document that was read: what `safe_yaml` reads back is the same, scalar by scalar."""

from __future__ import annotations

from typing import Any

import yaml

from dc43_core.contracts.safe_yaml import Node, resolved

_BREAKS = frozenset("\x85\u2028\u2029")
_TEXT = "tag:yaml.org,2002:str"


class Written(str):
    """A number, a boolean or null of a document, as it was written: `1.10`, `true`."""

    __slots__ = ()


def editable(node: Node) -> Any:
    """Return a document as dicts, lists and text that can be changed and written again.

    Scalars that are no text are `Written`, so that `1.10` stays `1.10`.
    """
    if isinstance(node.value, dict):
        return {key: editable(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [editable(child) for child in node.value]
    if isinstance(node.value, str):
        return node.value
    return Written(node.raw or "null")


def dump(document: Any) -> bytes:
    """Write what `editable` returned, changed or not, as YAML in UTF-8.

    Keys keep their order. Comments are no part of a document that was read, so they are gone.

    Args:
        document: Of dicts, lists, text, `Written`, and of numbers, booleans and None of Python.
    """
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000
    )
    return text.encode()


class _Dumper(yaml.SafeDumper):
    """Writes text so that it is read as text, and the rest as it was."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write each value out: aliases are refused where the document is read."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, data: str) -> yaml.ScalarNode:
    style = None
    # YAML 1.1, which the dumper knows, takes `1e5` for text; and it knows more line breaks.
    if not isinstance(resolved(data) if data else None, str) or _BREAKS.intersection(data):
        style = '"'
    elif "\n" in data:
        style = "|"
    return dumper.represent_scalar(_TEXT, data, style=style)


def _written(dumper: _Dumper, data: Written) -> yaml.ScalarNode:
    # Whatever YAML 1.1 takes it for, so that it needs neither a tag nor quotes.
    tag: str = dumper.resolve(yaml.ScalarNode, str(data), (True, False))  # type: ignore[no-untyped-call]
    return dumper.represent_scalar(tag, data)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Written, _written)
