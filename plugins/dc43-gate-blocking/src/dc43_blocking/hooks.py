"""What this plugin offers to dc43."""

from __future__ import annotations

from collections.abc import Sequence

from dc43_blocking.block_after import BlockAfter, BlockAfterOptions
from dc43_blocking.reject_ratio import BlockOnRejectRatio, RejectRatioOptions
from dc43_core import Extension, InterventionStrategy, hookimpl


@hookimpl
def dc43_intervention_strategies() -> Sequence[Extension[InterventionStrategy]]:
    """Blocking after bad batches in a row, and on a share of broken rows."""
    return [
        Extension("block-after", BlockAfter, BlockAfterOptions),
        Extension("block-on-reject-ratio", BlockOnRejectRatio, RejectRatioOptions),
    ]
