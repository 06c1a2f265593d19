"""What goes wrong with a Delta table as a sink."""

from __future__ import annotations

from dc43_core.errors import Dc43Error, UnsoundPlaceError
from dc43_core.protocol.defect import Defect


class DeltaTableError(Dc43Error, ValueError):
    """A stream that cannot be written to a Delta table at all, whatever lies there.

    Attributes:
        uri: The table.
        problem: What is wrong.
        remedy: The way out.
    """

    def __init__(self, uri: str, problem: str, remedy: str) -> None:
        self.uri, self.problem, self.remedy = uri, problem, remedy
        super().__init__(f"Delta table {uri}: {problem}; {remedy}")


class OlderBatchError(UnsoundPlaceError):
    """The table already holds this batch, or a later one, from before it was prepared.

    Publishing it might land rows twice, skipping it might lose some: someone has to decide.

    Attributes:
        application: Id of the application transaction: stream and lane.
        batch: The batch that was to be published.
        held: The newest batch of this application in the table.
    """

    def __init__(self, uri: str, application: str, batch: int, held: int) -> None:
        self.application, self.batch, self.held = application, batch, held
        found = Defect(
            kind="older-batch",
            what=f"the table holds batch {held} of {application}, and the checkpoint brings batch "
            f"{batch} as a new one: it was emptied in part, or is an older copy",
            where=uri,
            way_out="restore the checkpoint as it was; or, if the source may be read again and "
            "rows may land twice, start with a new checkpoint and adopt='fork'",
        )
        super().__init__(uri, [found])


class DeltaCommitError(Dc43Error, RuntimeError):
    """delta-rs did not commit; the batch is prepared and not visible.

    Attributes:
        uri: The table.
        problem: What delta-rs said.
    """

    exit_code = 3

    def __init__(self, uri: str, problem: str) -> None:
        self.uri, self.problem = uri, problem
        super().__init__(
            f"Delta table {uri}: the commit failed: {problem}; nothing of the batch is visible, "
            "and the next start publishes it; remove the cause and start the stream again"
        )
