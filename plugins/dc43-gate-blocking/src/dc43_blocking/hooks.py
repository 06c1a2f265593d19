"""What this plugin offers to dc43."""

from __future__ import annotations

from collections.abc import Sequence

from dc43_blocking.block_after import BlockAfter, BlockAfterOptions
from dc43_blocking.reject_ratio import BlockOnRejectRatio, RejectRatioOptions
from dc43_blocking.strict import Strict, StrictOptions
from dc43_core import Extension, InterventionStrategy, hookimpl


@hookimpl
def dc43_intervention_strategies() -> Sequence[Extension[InterventionStrategy]]:
    """Blocking after bad batches in a row, on a share of broken rows, and on a single one."""
    return [
        Extension("block-after", BlockAfter, BlockAfterOptions),
        Extension("block-on-reject-ratio", BlockOnRejectRatio, RejectRatioOptions),
        Extension("strict", Strict, StrictOptions),
    ]
