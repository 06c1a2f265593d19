"""What governance keeps beside the records of micro-batches."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class SchemaObservation:
    """A schema as a helper found it when it was called.

    Attributes:
        dataset_id: The dataset read or written.
        dataset_version: Its version then.
        direction: `read` or `write`.
        observed_at: UTC, RFC 3339.
        schema: Column name to type.
        contract_id: The contract it was held against.
        contract_version: That contract's version.
        problems: Differences found, as sentences.
        namespace: First part of every key.
    """

    dataset_id: str
    dataset_version: str
    direction: str
    observed_at: str
    schema: Mapping[str, str] = field(factory=dict)
    contract_id: str = ""
    contract_version: str = ""
    problems: tuple[str, ...] = ()
    namespace: str = "default"
