"""One row of the table that `python3 dev.py faults` prints."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Figure:
    """What one section measured.

    Attributes:
        section: The module that measured it.
        name: What was measured.
        value: The number, with its unit.
        ok: Whether it is what is claimed.
        detail: What else a reader needs; of a figure that fails, what was found.
    """

    section: str
    name: str
    value: str
    ok: bool
    detail: str = ""
