"""The public helpers: Spark reads and writes under a contract. The only re-exports.

Services default to the process's runtime, so that contract, frame and path are enough. Every
helper checks all it can before a query is started, and raises one typed error that says what is
wrong and the way out. Batch and stream are helpers of their own; what both read or write with
stands in `ReadArguments` and `WriteArguments`.
"""

from dc43_integrations.spark.batch_read import (
    read_from_contract,
    read_from_data_product,
    read_with_contract,
)
from dc43_integrations.spark.batch_write import write_to_data_product, write_with_contract
from dc43_integrations.spark.checker import ContractChecker
from dc43_integrations.spark.observation import StreamingObservationWriter
from dc43_integrations.spark.ports import PortRef
from dc43_integrations.spark.reading import ReadArguments
from dc43_integrations.spark.stream_read import (
    read_stream_from_contract,
    read_stream_from_data_product,
    read_stream_with_contract,
)
from dc43_integrations.spark.stream_write import (
    write_stream_to_data_product,
    write_stream_with_contract,
)
from dc43_integrations.spark.writing import WriteArguments

__all__ = [
    "ContractChecker",
    "PortRef",
    "ReadArguments",
    "StreamingObservationWriter",
    "WriteArguments",
    "read_from_contract",
    "read_from_data_product",
    "read_stream_from_contract",
    "read_stream_from_data_product",
    "read_stream_with_contract",
    "read_with_contract",
    "write_stream_to_data_product",
    "write_stream_with_contract",
    "write_to_data_product",
    "write_with_contract",
]
