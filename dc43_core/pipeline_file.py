"""A pipeline as a file: source, contract, sink, rejects, strategies, trigger, engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import Attribute, evolve, field, frozen, validators

from dc43_core.config import Instance, instance_table, is_retention, read_toml
from dc43_core.converter import CONFIGURATION, structure
from dc43_core.errors import ConfigurationError
from dc43_core.protocol.identity import ADOPT
from dc43_core.vocabulary import RunType


def _one_of(*allowed: str) -> Callable[[Any, Attribute[Any], Any], None]:
    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if value is not None and value not in allowed:
            raise ValueError(f"{attribute.name}: {value!r} is not one of {', '.join(allowed)}")

    return check


@frozen(kw_only=True)
class Source:
    """What is read.

    Attributes:
        format: As the engine calls it: `csv`, `json`, `parquet`.
        path: Folder, relative to the pipeline file.
        options: The engine's reader options.
        files_per_trigger: How many files one micro-batch takes at most.
    """

    format: str
    path: str
    options: Mapping[str, Any] = field(factory=dict)
    files_per_trigger: int | None = None


@frozen(kw_only=True)
class ContractRef:
    """Which contract: a file, or an id and a version in the configured folder."""

    path: str | None = None
    id: str | None = None
    version: str = "latest"
    object: str | None = None


@frozen(kw_only=True)
class Target:
    """Where rows land.

    Attributes:
        path: Folder, relative to the pipeline file.
        format: Name of a sink.
        options: The engine's writer options.
        partition_by: Columns whose values stand in the path of main's files.
    """

    path: str
    format: str = "parquet"
    options: Mapping[str, Any] = field(factory=dict)
    partition_by: tuple[str, ...] = ()


@frozen(kw_only=True)
class Rejects:
    """Where broken rows land."""

    path: str


@frozen(kw_only=True)
class Run:
    """How the stream runs.

    Attributes:
        type: `enforce` (default) or `observe`.
        checkpoint: Folder; by default below `.dc43/checkpoints` beside the pipeline file.
        query_name: Name of the query; by default the pipeline's.
        trigger: `available-now`, or an interval such as `10 seconds`.
        strategies: Names of strategies, or tables with `use` and options.
        on_incompatible: `block` or `reject`, when a required column is gone.
        on_evaluation_error: `block`, `reject` or `warn`.
        adopt: `continue` or `fork`; see the identity of streams.
        retain_keys: How long keys count: `batch`, `forever`, or a time such as `7 days`; by default
            as configured.
    """

    type: RunType = RunType.ENFORCE
    checkpoint: str | None = None
    query_name: str | None = None
    trigger: str = "available-now"
    strategies: tuple[Any, ...] = ()
    on_incompatible: str | None = field(default=None, validator=_one_of("block", "reject"))
    on_evaluation_error: str = field(default="block", validator=_one_of("block", "reject", "warn"))
    adopt: str | None = field(default=None, validator=_one_of(*ADOPT))
    retain_keys: str | None = field(default=None, validator=validators.optional(is_retention))


@frozen(kw_only=True)
class PipelineFile:
    """The whole file.

    Attributes:
        name: Of the pipeline and, unless given, of its query.
        engine: Which installed engine runs it.
        engine_options: Passed to the engine as it is, such as Spark settings.
        namespace: First part of every key; None takes the configuration's.
        file: Where it was read from.
    """

    name: str
    engine: str = "spark"
    engine_options: Mapping[str, Any] = field(factory=dict)
    namespace: str | None = None
    source: Source
    contract: ContractRef
    sink: Target
    rejects: Rejects | None = None
    run: Run = field(factory=Run)
    file: Path = Path("pipeline.toml")

    def resolve(self, path: str) -> str:
        """Return a path of the file as absolute; one with a scheme stays as it is."""
        return (
            path
            if "://" in path or path.startswith("file:")
            else str((self.file.parent / path).absolute())
        )

    @property
    def checkpoint(self) -> str:
        """Where the stream keeps its progress."""
        return self.resolve(self.run.checkpoint or f".dc43/checkpoints/{self.name}")

    @property
    def strategies(self) -> list[str | Instance]:
        """The strategies as the runtime takes them."""
        return [
            s
            if isinstance(s, str)
            else structure(CONFIGURATION, Instance, instance_table(self.file, "run.strategies", s))
            for s in self.run.strategies
        ]


def load_pipeline(path: Path) -> PipelineFile:
    """Read a pipeline file.

    Raises:
        ConfigurationError: with every problem as `path: message`.
    """
    table = read_toml(path)
    try:
        pipeline = structure(CONFIGURATION, PipelineFile, {"name": path.stem, **table})
    except ValueError as error:
        raise ConfigurationError(str(path), [str(error)]) from error
    if (pipeline.contract.path is None) == (pipeline.contract.id is None):
        raise ConfigurationError(str(path), ["contract: needs either path or id"])
    return evolve(pipeline, file=path.absolute())
