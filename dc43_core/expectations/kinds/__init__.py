"""The kinds of rule that the core knows, one a file."""

from __future__ import annotations

from dc43_core.expectations.interface import ExpectationKind
from dc43_core.expectations.kinds.enumeration import EnumKind
from dc43_core.expectations.kinds.keys import PrimaryKeyKind, UniqueKind
from dc43_core.expectations.kinds.length import LengthKind
from dc43_core.expectations.kinds.missing import MissingKind
from dc43_core.expectations.kinds.pattern import PatternKind
from dc43_core.expectations.kinds.range import RangeKind
from dc43_core.expectations.kinds.required import RequiredKind
from dc43_core.expectations.kinds.row_count import RowCountKind
from dc43_core.expectations.kinds.type import TypeKind

BUILT_IN: tuple[type[ExpectationKind], ...] = (
    TypeKind,
    RequiredKind,
    MissingKind,
    EnumKind,
    RangeKind,
    LengthKind,
    PatternKind,
    UniqueKind,
    PrimaryKeyKind,
    RowCountKind,
)
"""In the order in which a property's rules are derived."""
