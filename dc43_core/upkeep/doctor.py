"""Everything that `dc43 doctor` looks at, in order; nothing is ever changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from dc43_core.config import Instance
from dc43_core.contracts.model import Contract
from dc43_core.errors import Dc43Error
from dc43_core.pipeline_file import PipelineFile, load_pipeline
from dc43_core.protocol.identity import StreamIdentity, misfit, stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.runtime import Runtime
from dc43_core.upkeep.checkpoint import Facts, check_checkpoint, check_place, read_facts
from dc43_core.upkeep.diagnosis import Diagnosis, fine, wrong
from dc43_core.upkeep.environment import check_environment
from dc43_core.upkeep.interface import Upkeep
from dc43_core.upkeep.keys import check_keys
from dc43_core.upkeep.ledger import (
    check_approvals,
    check_ledger,
    check_reach,
    check_runs,
    look_at_ledger,
)
from dc43_core.upkeep.sinks import check_leftovers, check_sink
from dc43_core.vocabulary import Lane


class NotTendedError(Dc43Error, LookupError):
    """A pipeline's engine cannot be asked about its places."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        super().__init__(
            f"engine {engine!r} does not offer its places to be looked after (`upkeep`); look "
            "after checkpoint and sinks with its own tools"
        )


def examine(
    make_runtime: Callable[[], Runtime], pipeline: Path | None, *, given: bool = False
) -> Iterator[Diagnosis]:
    """Yield what is found, of this machine and of one pipeline.

    Args:
        make_runtime: Makes the runtime; may raise what is wrong with it.
        pipeline: The pipeline file; None looks at the machine alone.
        given: Whether the runtime comes with services of its own.
    """
    yield from check_environment(make_runtime)
    try:
        runtime = make_runtime()
        _ = runtime.plugins
    except Dc43Error:
        return
    ledger = look_at_ledger(runtime, given=given)
    yield from ledger.found
    if pipeline is None:
        return
    try:
        file = load_pipeline(pipeline)
        yield fine("pipeline", f"{file.file}, engine {file.engine}, {file.run.type}")
        contract = contract_of(runtime, file)
        rules = runtime.plan(contract, file.contract.object).expectations
        yield fine("contract", f"{contract.id} {contract.version}: {len(rules):,} rules to enforce")
        for one in file.strategies:
            runtime.strategy(one)
        tended = upkeep_of(runtime, file)
        store, sinks = tended.store(), tended.sinks()
    except (Dc43Error, OSError) as error:
        yield wrong("pipeline", error)
        return
    wanted = identity_of(runtime, file, tended)
    yield from check_reach(runtime, wanted.checkpoint)
    yield from check_place(wanted.checkpoint)
    found, facts = check_checkpoint(store, wanted)
    yield from found
    yield from tended.checkpoint()
    for lane, sink in sinks.items():
        yield from check_place(sink.uri, lane.value)
        yield from check_sink(store, lane, sink, facts)
    if facts is None:
        return
    yield from check_leftovers(store, sinks, facts)
    if not facts.broken:
        yield from check_keys(facts)
    # What cannot be read cannot be compared, and is told already.
    if ledger.client is not None and not facts.broken:
        yield from check_ledger(ledger.client, facts, wanted.namespace)
        yield from check_approvals(ledger.client, store, wanted.sink)
        yield from check_runs(ledger.client, facts, wanted.namespace)


def upkeep_of(runtime: Runtime, file: PipelineFile) -> Upkeep:
    """Return the places of a pipeline through its engine.

    Raises:
        NotTendedError: if the engine does not offer them.
        UnknownNameError: if no installed plugin brings the engine.
    """
    runner = runtime.build("pipeline runner", Instance(use=file.engine), "engine")
    offered = getattr(runner, "upkeep", None)
    if offered is None:
        raise NotTendedError(file.engine)
    tended: Upkeep = offered(file, runtime)
    return tended


def places_of(runtime: Runtime, file: PipelineFile) -> tuple[Upkeep, Facts | None]:
    """Return a pipeline's places, and what its stream's files say; None before its first start.

    Raises:
        Dc43Error: if the pipeline cannot be used or does not fit its checkpoint.
    """
    tended = upkeep_of(runtime, file)
    store = tended.store()
    wanted = identity_of(runtime, file, tended)
    if (problem := misfit(store, store, wanted)) is not None:
        raise problem
    known = stream_of(store, wanted.checkpoint)
    if known is None:
        return tended, None
    return tended, read_facts(Journal(store, wanted.checkpoint, str(known["stream_id"])))


def contract_of(runtime: Runtime, file: PipelineFile) -> Contract:
    """Return the contract of a pipeline."""
    wanted = file.contract
    if wanted.path is not None:
        return runtime.contracts().read(Path(file.resolve(wanted.path)))
    return runtime.contracts().get(str(wanted.id), wanted.version)


def identity_of(runtime: Runtime, file: PipelineFile, tended: Upkeep) -> StreamIdentity:
    """Return who a start of the pipeline would say it is."""
    return StreamIdentity(
        stream_id="",
        namespace=file.namespace or runtime.config.namespace,
        checkpoint=tended.store().uri(file.checkpoint),
        sink=tended.sinks()[Lane.MAIN].uri,
        contract_id=contract_of(runtime, file).id,
        query_name=file.run.query_name or file.name,
    )
