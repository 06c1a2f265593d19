"""Two drivers of one stream: the later one goes on, and each batch lands once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dc43_core.errors import SupersededError
from dc43_core.plugin_manager import Plugins
from dc43_core.testing.fake_engine import Row
from tests.core.protocol.conftest import BAD, GOOD, REJECTS, Drivers, order


def test_a_superseded_driver_stops(drivers: Drivers):
    old = drivers.start()
    drivers.start()
    with pytest.raises(SupersededError, match="start 1, the newest is 2"):
        old.process(GOOD, 0)
    assert drivers.ids() == []


def test_a_driver_superseded_while_it_stages_publishes_nothing(drivers: Drivers):
    def start_another(name: str, batch_id: int) -> None:
        if name == "synced":
            drivers.start()

    with pytest.raises(SupersededError):
        drivers.start(at_point=start_another).process(GOOD, 0)
    assert drivers.ids() == []


def race(plugins: Plugins, second: Sequence[Row], at: int) -> Drivers | None:
    """Let a second driver take the batch at one file operation of the first; None past the last."""
    drivers, passed = Drivers(plugins), 0

    def at_operation(operation: str, path: str) -> None:
        nonlocal passed
        passed += 1
        if passed == at + 1:
            drivers.store.before = lambda operation, path: None
            drivers.start().process(second, 0)

    first = drivers.start()
    drivers.store.before = at_operation
    try:
        first.process(GOOD + BAD, 0)
    except (SupersededError, FileNotFoundError, KeyError):
        # It saw the other, or missed the staged files that the other swept.
        pass
    return drivers if passed > at else None


def test_two_drivers_that_race_on_one_batch_land_it_once(core_plugins: Plugins):
    races = 0
    while (drivers := race(core_plugins, GOOD + BAD, races)) is not None:
        assert (sorted(drivers.ids()), drivers.ids(REJECTS)) == ([1, 2, 3], [4]), races
        races += 1
    assert races > 10


def test_the_driver_that_prepares_first_decides_what_lands(core_plugins: Plugins):
    races, outcomes = 0, set()
    while (drivers := race(core_plugins, [order(9)], races)) is not None:
        outcomes.add((tuple(sorted(drivers.ids())), tuple(drivers.ids(REJECTS))))
        races += 1
    assert outcomes == {((1, 2, 3), (4,)), ((9,), ())}
