"""What a query that has ended holds on to: nothing, or each start costs its memory for good."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from dc43_core.errors import CallbackInterruptedError
from dc43_integrations.spark.write import _Callback


class Stream:
    """Notes whether it was ended, and fails in the callback where it is told to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.ended = error, 0

    def process(self, frame: Any, batch_id: int) -> None:
        if self.error is not None:
            raise self.error

    def is_stop(self, error: BaseException) -> bool:
        return False

    def end(self) -> None:
        self.ended += 1


def left(error: BaseException | None) -> tuple[object | None, BaseException | None]:
    """Run one batch and end the query; return the stream if it lives on, and what was raised."""
    stream: Any = Stream(error)
    callback, kept = _Callback(stream), None
    try:
        callback(None, 0)  # type: ignore[arg-type]
    # PySpark keeps what a callback raised for as long as it keeps the callback.
    except Exception as raised:  # noqa: BLE001
        kept = raised
    callback.end()
    assert stream.ended == 1
    there = weakref.ref(stream)
    del stream
    gc.collect()
    return there(), kept


def test_a_query_that_ended_well_keeps_no_stream():
    assert left(None) == (None, None)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_query_that_failed_keeps_no_stream_and_the_error_its_text(error):
    stream, raised = left(error)
    assert stream is None
    assert raised is error or (
        isinstance(raised, CallbackInterruptedError) and raised.__cause__ is error
    )
    assert raised.__traceback__ is not None


def test_the_end_is_told_once():
    stream: Any = Stream()
    callback = _Callback(stream)
    callback.end()
    callback.end()
    assert stream.ended == 1
