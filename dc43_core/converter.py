"""One cattrs converter for configurations and rule arguments, strict and exact."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from dc43_core.vocabulary import RunType, Severity

T = TypeVar("T")
OURS = "dc43.ours"
"""In the metadata of an attribute that no file sets."""


class Secret:
    """Text that never shows itself: its repr and str are `***`."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text; call it only where it is handed to whoever needs it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _exactly(kind: type) -> Any:
    def structure(value: Any, _: Any) -> Any:
        # bool is an int to Python; a contract that says `minimum: true` is wrong.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise TypeError(f"expected {kind.__name__}, found {value!r}")
        return value

    return structure


def _secret(value: Any, _: Any) -> Secret:
    if not isinstance(value, str):
        # Not shown: a password may be a number.
        raise TypeError(f"expected a secret as text, found a value of type {type(value).__name__}")
    return Secret(value)


def _number(value: Any, _: Any) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise TypeError(f"expected a number, found {value!r}")
    # TOML has binary floats only; their shortest text is what the author wrote.
    return Decimal(repr(value)) if isinstance(value, float) else value


def _is_tuple(cls: Any) -> bool:
    return get_origin(cls) is tuple


def _sequence(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise TypeError(f"expected a list, found {value!r}")
    return value


def _member(value: Any, cls: Any) -> Any:
    try:
        return cls(value)
    except ValueError:
        allowed = ", ".join(member.value for member in cls)
        raise ValueError(f"{value!r} is not one of {allowed}") from None


def make_converter(*, camel: bool) -> cattrs.Converter:
    """Return a converter that refuses unknown keys and implicit conversions.

    Args:
        camel: Whether attribute `exclusive_minimum` is written `exclusiveMinimum`.
    """
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    for member in (Severity, RunType):
        # Of its own, since the hook for `str` catches every StrEnum as well.
        converter.register_structure_hook(member, _member)
    converter.register_structure_hook(float, lambda value, _: float(_number(value, None)))
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(_number(value, None)))
    converter.register_structure_hook_func(lambda t: t == int | Decimal, _number)
    converter.register_structure_hook(Secret, _secret)
    converter.register_structure_hook(Path, lambda value, _: Path(_exactly(str)(value, _)))
    converter.register_structure_hook_func(
        _is_tuple,
        lambda value, t: tuple(
            converter.structure(part, get_args(t)[0]) for part in _sequence(value)
        ),
    )
    converter.register_unstructure_hook(Secret, repr)
    converter.register_unstructure_hook(Decimal, str)
    converter.register_unstructure_hook(Enum, lambda member: member.value)
    if camel:

        def structure_fn(cls: type) -> Any:
            renames: dict[str, Any] = {
                a.name: override(rename=_camel(a.name)) for a in attrs.fields(cls)
            }
            return make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True, **renames)

        def unstructure_fn(cls: type) -> Any:
            renames: dict[str, Any] = {
                a.name: override(rename=_camel(a.name)) for a in attrs.fields(cls)
            }
            return make_dict_unstructure_fn(cls, converter, **renames)

        converter.register_structure_hook_factory(attrs.has, structure_fn)
        converter.register_unstructure_hook_factory(attrs.has, unstructure_fn)
    return converter


CONFIGURATION = make_converter(camel=False)
ARGUMENTS = make_converter(camel=True)


def problems(error: Exception, *, camel: bool = False) -> list[str]:
    """Turn a structuring error into lines of the form `path: message`.

    Args:
        error: What a converter raised.
        camel: How that converter spells its keys.
    """

    def explain(one: BaseException, _: type | None) -> str:
        return _explain(one, camel)

    lines = []
    for line in cattrs.transform_error(error, path="", format_exception=explain):
        message, _, path = line.rpartition(" @ ")
        path = path.lstrip(".")
        lines.append(f"{path}: {message}" if path else message)
    return lines


def _explain(error: BaseException, camel: bool) -> str:
    if isinstance(error, KeyError):
        return f"required key {error.args[0]!r} is missing"
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        known = ", ".join(_camel(key) if camel else key for key in _keys(error.cl)) or "none"
        return f"unknown key {', '.join(sorted(error.extra_fields))}; known: {known}"
    return str(error)


def _keys(cls: type) -> list[str]:
    if not attrs.has(cls):
        return []
    return [a.name for a in attrs.fields(cls) if a.init and not a.metadata.get(OURS)]


def structure(converter: cattrs.Converter, cls: type[T], value: Mapping[str, Any]) -> T:
    """Make an instance of `cls`.

    Raises:
        ValueError: with every problem as `path: message`.
    """
    try:
        return converter.structure(value, cls)
    except (cattrs.BaseValidationError, cattrs.StructureHandlerNotFoundError) as error:
        raise ValueError("; ".join(problems(error, camel=converter is ARGUMENTS))) from error
