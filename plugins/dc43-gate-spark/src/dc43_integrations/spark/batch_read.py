"""Reading files under a contract, once."""

from __future__ import annotations

from typing import Literal, Unpack, overload

from pyspark.sql import DataFrame, SparkSession

from dc43_core.data_quality.model import ValidationResult
from dc43_integrations.spark.ports import Port
from dc43_integrations.spark.read import BatchSource
from dc43_integrations.spark.reading import ReadArguments, open_read
from dc43_integrations.spark.signatures import hands_on_to


@overload
def read_with_contract(
    spark: SparkSession,
    *,
    data_product_input: Port | None = None,
    return_status: Literal[True] = True,
    **options: Unpack[ReadArguments],
) -> tuple[DataFrame, ValidationResult]: ...


@overload
def read_with_contract(
    spark: SparkSession,
    *,
    data_product_input: Port | None = None,
    return_status: Literal[False],
    **options: Unpack[ReadArguments],
) -> DataFrame: ...


@hands_on_to(open_read)
def read_with_contract(
    spark: SparkSession,
    *,
    data_product_input: Port | None = None,
    return_status: bool = True,
    **options: Unpack[ReadArguments],
) -> tuple[DataFrame, ValidationResult] | DataFrame:
    """Read files under a contract; rows are read when the frame is used.

    Each file is looked at for drift now. Columns of another type than the contract's are cast,
    text formats all of theirs, so that a value that does not fit is carried along (column
    `_dc43_read`) instead of becoming NULL; the write turns it into a reject. Hand the returned
    result to the write as `reads=[result]`.

    Args:
        spark: A classic session.
        data_product_input: Instead of a contract: a port of a data product, as a `PortRef` or
            `{"product": ..., "port": ...}`; the port's contract is used.
        return_status: Whether to return the result beside the frame.
        options: As `ReadArguments` says: `contract` or `contract_id`, `path`, `format`, ...

    Returns:
        The frame with the contract's types, and the read's `ValidationResult`. Its version is the
        newest of the folder's commit log, where it has one.

    Raises:
        Dc43Error: contract or port not found, ambiguous, draft or broken; source missing.
    """
    frame, result = open_read(spark, BatchSource, data_product_input=data_product_input, **options)
    return (frame, result) if return_status else frame


@overload
def read_from_contract(
    spark: SparkSession, *, return_status: Literal[True] = True, **options: Unpack[ReadArguments]
) -> tuple[DataFrame, ValidationResult]: ...


@overload
def read_from_contract(
    spark: SparkSession, *, return_status: Literal[False], **options: Unpack[ReadArguments]
) -> DataFrame: ...


@hands_on_to(open_read)
def read_from_contract(
    spark: SparkSession, *, return_status: bool = True, **options: Unpack[ReadArguments]
) -> tuple[DataFrame, ValidationResult] | DataFrame:
    """Read where a contract says that its data is.

    Args:
        spark: A classic session.
        return_status: Whether to return the result beside the frame.
        options: As those of `read_with_contract`: `contract` or `contract_id`, and `server` where
            the contract has several; `path` and `format` come from the server.

    Returns:
        As `read_with_contract`.

    Raises:
        ServerError: if the contract leaves open where its data is.
        Dc43Error: as `read_with_contract`.
    """
    frame, result = open_read(spark, BatchSource, **options)
    return (frame, result) if return_status else frame


@overload
def read_from_data_product(
    spark: SparkSession,
    *,
    data_product_input: Port,
    return_status: Literal[True] = True,
    **options: Unpack[ReadArguments],
) -> tuple[DataFrame, ValidationResult]: ...


@overload
def read_from_data_product(
    spark: SparkSession,
    *,
    data_product_input: Port,
    return_status: Literal[False],
    **options: Unpack[ReadArguments],
) -> DataFrame: ...


@hands_on_to(open_read)
def read_from_data_product(
    spark: SparkSession,
    *,
    data_product_input: Port,
    return_status: bool = True,
    **options: Unpack[ReadArguments],
) -> tuple[DataFrame, ValidationResult] | DataFrame:
    """Read a port of a data product, under the port's contract.

    Args:
        spark: A classic session.
        data_product_input: The port, as a `PortRef` or `{"product": ..., "port": ...}`.
        return_status: Whether to return the result beside the frame.
        options: As those of `read_with_contract`.

    Returns:
        As `read_with_contract`; `details["data_product"]` names product and port.

    Raises:
        Dc43Error: if product or port are not there, ambiguous or not accepted.
    """
    frame, result = open_read(spark, BatchSource, data_product_input=data_product_input, **options)
    return (frame, result) if return_status else frame
