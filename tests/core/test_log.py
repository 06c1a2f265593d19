"""Logging belongs to the program that embeds dc43."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import dc43_core
from dc43_core.log import get_logger

NOISY = """\
import structlog
import dc43_core
from dc43_core.log import get_logger
for level in ("debug", "info", "warning", "error"):
    getattr(get_logger("protocol"), level)("batch.blocked", batch_id=1)
assert not structlog.is_configured()
"""


def test_nothing_goes_to_standard_output_by_default():
    done = subprocess.run([sys.executable, "-c", NOISY], capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_by_default_warnings_and_errors_alone_are_shown():
    done = subprocess.run([sys.executable, "-c", NOISY], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["batch.blocked", "batch.blocked"]


def test_structlog_is_never_configured():
    sources = Path(dc43_core.__file__).parent.rglob("*.py")
    calling = [p.name for p in sources if "structlog.configure(" in p.read_text(encoding="utf-8")]
    assert calling == []


def test_events_reach_the_host_s_logging_with_their_fields(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger="dc43"):
        get_logger("protocol").info("batch.skipped", batch_id=7)
    (record,) = caplog.records
    assert (record.name, record.message) == ("dc43.protocol", "batch.skipped")
    assert vars(record)["batch_id"] == 7


def test_levels_are_the_host_s(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR, logger="dc43"):
        get_logger("protocol").warning("records.kept-back")
    assert caplog.records == []


def test_an_exception_is_logged_with_its_trace(caplog: pytest.LogCaptureFixture):
    try:
        raise OSError("gone")
    except OSError:
        get_logger("protocol").error("strategy.failed", exc_info=True)
    assert "OSError: gone" in caplog.text
