"""The last test of the folder: no kind of the core may have gone through it unbroken."""

from __future__ import annotations

from pathlib import Path

import pytest

from dc43_core.expectations.kinds import BUILT_IN

pytestmark = pytest.mark.spark


def test_every_kind_of_the_core_was_broken_on_a_real_stream(request, kinds_seen):
    here = {item.path for item in request.session.items}
    if not here >= set(Path(__file__).parent.glob("test_*.py")):
        pytest.skip("only some files of this folder run")
    assert {kind.name for kind in BUILT_IN} - kinds_seen == set()
