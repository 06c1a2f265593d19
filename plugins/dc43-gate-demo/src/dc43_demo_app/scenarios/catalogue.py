"""What can be watched: the three scenarios."""

from __future__ import annotations

from attrs import frozen

from dc43_core.errors import UnknownNameError
from dc43_core.vocabulary import RunType
from dc43_demo_app.launch import Scenario
from dc43_demo_app.scenarios.feed import Loss

PACE = 0.5
"""Seconds from one day of the feed to the next, where nobody chooses."""


@frozen(kw_only=True)
class Plot:
    """What happens in a scenario.

    Attributes:
        scenario: How it is shown.
        contract: Its contract, a file of `dc43_demo_app/contracts`.
        strategies: Names of the strategies that decide.
        loss: The column that its feed loses.
    """

    scenario: Scenario
    contract: str
    strategies: tuple[str, ...] = ()
    loss: Loss | None = None

    @property
    def least(self) -> int:
        """Days that a first start feeds at least, so that what it is about is seen."""
        return 3 if self.loss is None else self.loss.since + 1


_YEAR = "One day of 2013 a batch, two a second at most; the year takes some minutes."

PLOTS = {
    plot.scenario.name: plot
    for plot in (
        Plot(
            scenario=Scenario(
                name="streaming-valid",
                sentence="A healthy stream: every flight keeps the contract of the schedule.",
                look_for="Each batch is judged, and becomes a version of the dataset "
                "flights-schedule.",
                run_type=RunType.OBSERVE,
                pace=_YEAR,
            ),
            contract="flights-schedule",
        ),
        Plot(
            scenario=Scenario(
                name="streaming-dq-rejects",
                sentence="Rows that break the analyst's contract go to the reject sink with their "
                "reasons; main keeps the others.",
                look_for="Some 7 % of each day are rejected. On 8 and 9 February, in a blizzard, "
                "it is more than 23 %.",
                run_type=RunType.OBSERVE,
                pace=_YEAR,
            ),
            contract="flights",
            strategies=("route-rejects",),
        ),
        Plot(
            scenario=Scenario(
                name="streaming-schema-break",
                sentence="On 4 January the feed loses a required column.",
                look_for="The batch is blocked before anything lands, and the page shows the way "
                "out. In observe, each row from then on is rejected instead.",
                run_type=RunType.ENFORCE,
                pace="One day of 2013 a batch; the fourth one blocks.",
            ),
            contract="flights-aircraft",
            loss=Loss(column="tailnum", since=3),
        ),
    )
}
"""Scenarios by name."""


def find_plot(name: str) -> Plot:
    """Return a scenario.

    Raises:
        UnknownNameError: if there is none of this name.
    """
    if name not in PLOTS:
        raise UnknownNameError("scenario", name, PLOTS)
    return PLOTS[name]
