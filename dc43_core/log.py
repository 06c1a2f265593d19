"""Logging: structlog over the standard library, configured by the host alone."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a structured logger below `dc43` in the standard library's hierarchy.

    `structlog.configure` is never called: an unconfigured structlog prints every DEBUG line to
    standard output, and the configuration belongs to the program that embeds dc43.
    """
    return cast("FilteringBoundLogger", _Logger(f"dc43.{name}"))


class _Logger:
    """Becomes structlog's own when first used: importing that costs more than all of the core."""

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _bound(self) -> Any:
        import structlog

        return structlog.wrap_logger(
            logging.getLogger(self._name),
            wrapper_class=structlog.stdlib.BoundLogger,
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.stdlib.render_to_log_kwargs,
            ],
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bound, name)
