"""Every error of dc43: it names the thing, the owner and the way out.

Each class derives from `Dc43Error` and from the built-in exception that a caller would
expect, and keeps its facts as attributes. `exit_code` is what the `dc43` command returns:
1 the data was blocked, 2 wrong use or configuration, 3 a fault.
"""

from __future__ import annotations

from dc43_core.errors.base import Dc43Error, described, meant, said_by
from dc43_core.errors.batches import (
    BatchBlockedError,
    ClosedError,
    NotBlockedError,
    ReleaseRefusedError,
    ReplayRefusedError,
)
from dc43_core.errors.configuration import (
    ConfigurationError,
    DuplicateNameError,
    PluginLoadError,
    StatusError,
    StrategyError,
    UnknownNameError,
)
from dc43_core.errors.documents import ContractError, ContractNotFoundError, DocumentError
from dc43_core.errors.governance import (
    ApprovalRefusedError,
    GovernanceDownError,
    ServiceClosedError,
    UnknownDatasetError,
    UnknownMeasurementError,
    UnknownVersionError,
)
from dc43_core.errors.places import (
    CorruptFileError,
    FileAccessError,
    FormatVersionError,
    SourceNotFoundError,
    StaleStagingError,
    TableNotFoundError,
    TargetExistsError,
    UnsoundPlaceError,
    UnsupportedStoreError,
)
from dc43_core.errors.rules import (
    ArgumentsError,
    EvaluatorError,
    MissingEvaluatorError,
    UnenforceableError,
)
from dc43_core.errors.streams import (
    CallbackInterruptedError,
    EngineError,
    SingleUseError,
    StopRequestedError,
    StreamIdentityError,
    SupersededError,
    UnsupportedOutputModeError,
    UnsupportedSessionError,
)

__all__ = [
    "ApprovalRefusedError",
    "ArgumentsError",
    "BatchBlockedError",
    "CallbackInterruptedError",
    "ClosedError",
    "ConfigurationError",
    "ContractError",
    "ContractNotFoundError",
    "CorruptFileError",
    "Dc43Error",
    "DocumentError",
    "DuplicateNameError",
    "EngineError",
    "EvaluatorError",
    "FileAccessError",
    "FormatVersionError",
    "GovernanceDownError",
    "MissingEvaluatorError",
    "NotBlockedError",
    "PluginLoadError",
    "ReleaseRefusedError",
    "ReplayRefusedError",
    "ServiceClosedError",
    "SingleUseError",
    "SourceNotFoundError",
    "StaleStagingError",
    "StatusError",
    "StopRequestedError",
    "StrategyError",
    "StreamIdentityError",
    "SupersededError",
    "TableNotFoundError",
    "TargetExistsError",
    "UnenforceableError",
    "UnknownDatasetError",
    "UnknownMeasurementError",
    "UnknownNameError",
    "UnknownVersionError",
    "UnsoundPlaceError",
    "UnsupportedOutputModeError",
    "UnsupportedSessionError",
    "UnsupportedStoreError",
    "described",
    "meant",
    "said_by",
]
