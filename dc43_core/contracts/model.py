"""A data contract as dc43 understands it, whatever ODCS version the file was written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from dc43_core.contracts.window import Window
from dc43_core.vocabulary import Severity

Number = int | Decimal
"""Thresholds stay exact: never a binary float."""


@frozen(kw_only=True)
class QualityRule:
    """One entry of a `quality` list.

    Attributes:
        path: Where it stands, relative to the schema object: `carrier.quality[0]`.
        type: `library`, `text`, `sql` or `custom`.
        metric: The ODCS 3.1 metric of a library rule; 3.0's `rule` names are translated.
        arguments: The metric's arguments, as written.
        operators: Operator name to its value, as in `{"mustBe": 0}`.
        unit: `rows` or `percent`.
        engine: Who runs a custom rule.
        implementation: What a custom rule runs.
        window: Over which batches a threshold is judged; None for each batch by itself.
    """

    path: str
    id: str | None = None
    name: str | None = None
    description: str | None = None
    type: str = "library"
    metric: str | None = None
    arguments: Mapping[str, Any] = field(factory=dict)
    operators: Mapping[str, Any] = field(factory=dict)
    unit: str = "rows"
    severity: Severity = Severity.ERROR
    engine: str | None = None
    implementation: Any = None
    query: str | None = None
    window: Window | None = None

    @property
    def check_id(self) -> str:
        """What its findings are filed under: its own id, else its path."""
        return self.id or self.path


@frozen(kw_only=True)
class Property:
    """A column, or a part of one.

    Attributes:
        name: The name people use.
        physical_name: The name data is addressed by; `name` where the contract gives none.
        path: Names from the schema object down, dotted, `[]` for array items.
        options: `logicalTypeOptions`, normalised to ODCS 3.1 (exclusive bounds are values).
        enum: Allowed values (3.2 `enum`, 3.0 `validValues`), or None where all are allowed.
        semantic_type: `column`, `dimension` or `measure`; a measure is no physical column.
    """

    name: str
    physical_name: str
    path: str
    logical_type: str | None = None
    physical_type: str | None = None
    description: str | None = None
    required: bool = False
    unique: bool = False
    primary_key: bool = False
    primary_key_position: int = -1
    options: Mapping[str, Any] = field(factory=dict)
    enum: tuple[Any, ...] | None = None
    semantic_type: str = "column"
    properties: tuple[Property, ...] = ()
    items: Property | None = None
    quality: tuple[QualityRule, ...] = ()
    relationships: tuple[Mapping[str, Any], ...] = ()

    @property
    def label(self) -> str:
        """How messages call it: both names, where they differ."""
        if self.name == self.physical_name:
            return self.name
        return f"{self.name} ({self.physical_name})"


@frozen(kw_only=True)
class SchemaObject:
    """One table, topic or file of a contract."""

    name: str
    physical_name: str
    properties: tuple[Property, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    relationships: tuple[Mapping[str, Any], ...] = ()

    @property
    def columns(self) -> tuple[Property, ...]:
        """Top-level properties that are physical columns."""
        return tuple(p for p in self.properties if p.semantic_type != "measure")


@frozen(kw_only=True)
class Server:
    """Where the data of a contract is, as the contract says.

    Attributes:
        name: What it is called; the other texts are as written.
        type: `local`, `s3`, `kafka`, ...
        environment: `prod`, `dev`, ...
        format: Of the files or messages.
        location: A path or URI; None for a server that is reached in another way.
        settings: All that the contract says of it beside that.
    """

    name: str
    type: str | None = None
    environment: str | None = None
    format: str | None = None
    location: str | None = None
    settings: Mapping[str, Any] = field(factory=dict)


UNKNOWN_KEY = "unknown key"
"""Reason of what no loader understands: a misspelling, or an extension of somebody else's."""


@frozen(kw_only=True)
class ServiceLevel:
    """An entry of `slaProperties` that can be measured.

    Attributes:
        path: Where it stands: `slaProperties[0]`.
        property: `latency`, `freshness`, `frequency` or `retention`.
        value: How much is promised at most.
        unit: Of what, as written.
        unit_seconds: How long that is.
        element: The columns it is about, as written: `orders.placed_at`; None for the whole.
    """

    path: str
    property: str
    value: Number
    unit: str
    unit_seconds: int
    element: str | None = None


@frozen(kw_only=True)
class UnenforceableNode:
    """A part of the contract that dc43 understands but cannot enforce, and why."""

    path: str
    reason: str


@frozen(kw_only=True)
class Contract:
    """A versioned promise about one or more datasets.

    Attributes:
        id: The contract's id, always text.
        version: The contract's own version, always text (`1.10` stays `1.10`).
        api_version: The ODCS version of the file, such as `v3.1.0`.
        status: As written; None where the contract gives none.
        owner: Who answers for it: the team, else its members who own it; None where not said.
        objects: The schema objects.
        servers: Where the data is.
        service_levels: How old data may be, and how often it comes.
        digest: SHA-256 of the file's bytes, hex.
        source: Where it was read from.
        notes: Nodes that the loader met and nobody enforces.
    """

    id: str
    version: str
    api_version: str
    status: str | None = None
    name: str | None = None
    description: str | None = None
    owner: str | None = None
    objects: tuple[SchemaObject, ...] = ()
    servers: tuple[Server, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = ()
    digest: str
    source: str
    notes: tuple[UnenforceableNode, ...] = ()

    def __iter__(self) -> Iterator[SchemaObject]:
        return iter(self.objects)
