"""The way out of a blocked batch: one attributed resolution, which the next start carries out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from dc43_core.errors import (
    CorruptFileError,
    NotBlockedError,
    ReleaseRefusedError,
)
from dc43_core.protocol import clock
from dc43_core.protocol.held import Held
from dc43_core.protocol.record import FORMAT_VERSION, GovernanceRecord, require_known_format
from dc43_core.vocabulary import Decision, Outcome, Release, Verdict

if TYPE_CHECKING:
    from dc43_core.protocol.engine import Stager
    from dc43_core.protocol.journal import Journal


@frozen(kw_only=True)
class Resolution:
    """What someone decided about a blocked batch.

    Attributes:
        batch_id: The batch.
        release: Where its rows go.
        reason: Why, in that person's words.
        by: Who.
        at: When; UTC, RFC 3339.
        record_id: The record of the block.
    """

    batch_id: int
    release: Release
    reason: str
    by: str
    at: str
    record_id: str

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "format_version": FORMAT_VERSION,
            "batch_id": self.batch_id,
            "as": self.release.value,
            "reason": self.reason,
            "by": self.by,
            "at": self.at,
            "record_id": self.record_id,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Resolution:
        """Read a resolution back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a resolution.
        """
        require_known_format(payload, source, unmarked=None)
        try:
            return cls(
                batch_id=payload["batch_id"],
                release=Release(payload["as"]),
                reason=payload["reason"],
                by=payload["by"],
                at=payload["at"],
                record_id=payload["record_id"],
            )
        except (KeyError, ValueError) as error:
            raise CorruptFileError(source, f"not a resolution: {error!r}") from error


def release(
    journal: Journal,
    batch_id: int,
    *,
    as_: Release,
    reason: str,
    by: str,
    now: Callable[[], str] = clock.now,
) -> Resolution:
    """Decide where a blocked batch goes; the next start of its stream carries it out.

    Said twice in the same way, it is said once.

    Args:
        journal: Of the stream.
        batch_id: The batch.
        as_: `main`: every row; `rejects`: the rows that break a rule go to the rejects and the
            others to main, and if drift blocked the batch every row goes to the rejects;
            `skip`: no row lands anywhere.
        reason: Why; it stands in the record for good.
        by: Who.

    Raises:
        NotBlockedError: if the batch is not blocked, or no longer.
        ReleaseRefusedError: if its rows cannot go there, or it was released in another way.
    """
    held = journal.held(batch_id)
    if held is None:
        blocked = sorted(journal.waiting())
        raise NotBlockedError(batch_id, "was not blocked", blocked)
    if journal.committed(batch_id) is not None or journal.prepared(batch_id) is not None:
        raise NotBlockedError(batch_id, "has been published since", sorted(journal.waiting()))
    if not reason.strip():
        raise ReleaseRefusedError(batch_id, as_, "it needs a reason", "give one in a few words")
    refuse(held, as_)
    wanted = Resolution(
        batch_id=batch_id,
        release=as_,
        reason=reason.strip(),
        by=by,
        at=now(),
        record_id=held.record.record_id,
    )
    found = journal.resolve(wanted)
    if found.release is not as_:
        raise ReleaseRefusedError(
            batch_id,
            as_,
            f"{found.by} released it as {found.release} on {found.at}",
            "start the stream to carry that out",
        )
    # A start may have published it since it was looked for; then that counts, not this.
    manifest = journal.prepared(batch_id)
    if manifest is not None and "resolution" not in manifest.record.details:
        raise NotBlockedError(batch_id, "has been published since", sorted(journal.waiting()))
    return found


def resolved(journal: Journal, resolution: Resolution) -> Held:
    """Return the blocked batch that someone decided about.

    Raises:
        CorruptFileError: if it is gone.
    """
    for held in journal.incidents(resolution.batch_id):
        if held.record.record_id == resolution.record_id:
            return held
    raise CorruptFileError(
        journal.folder,
        f"batch {resolution.batch_id} is released, and record {resolution.record_id} of its "
        "block is gone",
    )


def released_record(held: Held, resolution: Resolution, **facts: Any) -> GovernanceRecord:
    """Return the record of a released batch, as the counts of its block say.

    Args:
        held: The blocked batch.
        resolution: What was decided.
        facts: Further attributes to replace, such as `run_id`.
    """
    blocked, staged = held.record, held.staged
    main = {
        Release.MAIN: staged.row_count,
        Release.REJECTS: staged.row_count - staged.violating,
        Release.SKIP: 0,
    }[resolution.release]
    rejected = staged.violating if resolution.release is Release.REJECTS else 0
    lands = resolution.release is Release.MAIN
    return evolve(
        blocked,
        record_id=f"{blocked.stream_id}-{blocked.batch_id}",
        main_count=main,
        reject_count=rejected,
        verdict=Verdict.WARN if blocked.verdict is Verdict.BLOCK else blocked.verdict,
        outcome=Outcome.SKIPPED if resolution.release is Release.SKIP else Outcome.COMMITTED,
        decision=Decision.ROUTE if rejected else Decision.WARN,
        intervention=f"released as {resolution.release} by {resolution.by}: {resolution.reason}",
        errors=blocked.errors if lands else (),
        warnings=blocked.warnings if lands else (*blocked.errors, *blocked.warnings),
        details={**blocked.details, "resolution": resolution.payload()},
        **facts,
    )


def refuse(held: Held, as_: Release) -> None:
    """Refuse what no start could carry out.

    Raises:
        ReleaseRefusedError: saying why, and what can be done instead.
    """
    batch_id = held.record.batch_id
    if as_ is Release.SKIP:
        return
    if held.staged.unread:
        raise ReleaseRefusedError(
            batch_id,
            as_,
            "its files cannot be read as they are, so that none of its rows is staged",
            "mend the files under their names and start again, or release it as skip",
        )
    if not held.kept:
        raise ReleaseRefusedError(
            batch_id,
            as_,
            "its rows are not kept",
            "raise limits.held_bytes and start the stream, which keeps them; or release it as skip",
        )
    if as_ is Release.REJECTS and not held.staged.violating:
        raise ReleaseRefusedError(
            batch_id, as_, "none of its rows breaks a rule", "release it as main or skip"
        )
    if as_ is not Release.MAIN:
        return
    for drift in held.facts.drift:
        if drift.incompatible and drift.kind in ("missing", "reordered", "renamed"):
            raise ReleaseRefusedError(
                batch_id,
                as_,
                f"column {drift.column}: {drift.detail}",
                "release it as rejects or skip, or start with a contract that fits",
            )


def require_releasable(
    held: Held,
    to: Release,
    *,
    stager: Stager[Any],
    contract_digest: str,
    has_rejects: bool,
    is_there: Callable[[str], bool],
    again: str,
) -> None:
    """Refuse what this start cannot carry out: it has other columns, no reject sink, no rows.

    Args:
        held: The block.
        to: `main` or `rejects`.
        stager: Of this start.
        contract_digest: Of this start's contract.
        has_rejects: Whether this start has a reject sink.
        is_there: Says whether a file exists.
        again: How to have the batch judged again, for the message.

    Raises:
        ReleaseRefusedError: saying why, and how to start instead.
    """
    facts = held.facts

    def refused(why: str, remedy: str) -> ReleaseRefusedError:
        return ReleaseRefusedError(facts.batch_id, to, why, remedy)

    old = f"start once with contract {facts.contract_id} {facts.contract_version}"
    if dict(held.schema) != dict(stager.schema()):
        raise refused("it was staged with other columns than the contract of this start has", old)
    if to is Release.REJECTS and not has_rejects:
        raise refused("this start has no reject sink", "start the stream with rejects=")
    if to is Release.REJECTS and not (
        held.staged.sealed or facts.contract_digest == contract_digest
    ):
        # Reasons are spelled out under the contract that found them.
        raise refused("its rows have no reasons yet, and this start has another contract", old)
    for path in held.files:
        if not is_there(path):
            raise refused(f"staged file {path} is gone", f"restore it; or {again}")
