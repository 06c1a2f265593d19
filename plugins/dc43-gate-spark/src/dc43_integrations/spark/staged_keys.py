"""Key rules judged over what a batch staged: who loses a key leaves the good rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import reduce

from attrs import define, evolve
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.expectations.model import Expectation
from dc43_core.protocol.engine import KnownKeys, NewKeys, Staged
from dc43_core.protocol.file_store import canonical, join
from dc43_integrations.spark.classify import MAIN, UNCAST, VIOLATING, rejects
from dc43_integrations.spark.data_files import StagedFiles
from dc43_integrations.spark.keys import FILES, KeyJudge
from dc43_integrations.spark.known_keys import KeyFiles
from dc43_integrations.spark.parcel import Parcels

_DUPLICATES = "duplicates"


@define(kw_only=True, eq=False)
class StagedKeys:
    """Judges the key rules of one stream.

    Attributes:
        files: How staged files are read and written.
        rules: Expectations of form `key`.
        parcels: What rides in staged rows.
    """

    files: StagedFiles
    rules: Sequence[Expectation]
    parcels: Parcels

    def judge(self, staged: Staged, keys: KnownKeys | None) -> Staged:
        """Count who loses a key, and move losers out of main where their rule rejects.

        Args:
            staged: The batch, judged by every other row rule.
            keys: Those of earlier batches; None where none are kept.
        """
        if not self.rules:
            return staged
        judge = KeyJudge(self.rules, self.parcels.names)
        kept = {} if keys is None else keys.prefixes
        duplicates = judge.find(
            [rule for rule in self.rules if rule.id not in kept],
            lambda rule: self._judged_among(rule, staged),
        )
        staged = evolve(staged, broken={**staged.broken, **duplicates.rows})
        if keys is not None:
            return self._judge_kept(staged, judge, self._known(keys))
        return self._without_losers(
            staged, duplicates.files, lambda rows: judge.split(rows, rows.columns)
        )

    def write(self, staged: Staged, keys: KnownKeys) -> NewKeys:
        """Write the new keys of the good rows of a batch."""
        main = staged.files.get(str(MAIN))
        if not main:
            return NewKeys()
        return self._known(keys).write(self.files.read(main), staged.row_count, keys.folder)

    def lost_under(self, lane: str) -> list[Expectation]:
        """Return the rules under which the rows of a group of staged files lost their key."""
        if not lane.startswith(_DUPLICATES):
            return []
        bits = int(lane.rpartition("-")[2])
        return [rule for index, rule in enumerate(self.rules) if bits >> index & 1]

    def _judge_kept(self, staged: Staged, judge: KeyJudge, keys: KeyFiles) -> Staged:
        """Judge the rules whose keys are kept: the keys of earlier batches come first."""
        main, count = staged.files[str(MAIN)], staged.row_count
        if not main:
            return evolve(staged, keys=NewKeys())
        rows = self.files.read(main)
        lost, new = keys.find(rows, count)
        staged = evolve(staged, broken={**staged.broken, **lost}, keys=new)
        if not any(lost.values()):
            return staged
        late = keys.late(rows, count, join(staged.folder, "late"))
        file = F.col("_metadata.file_path").alias(FILES)
        files = keys.holding(rows.select("*", file), late, FILES)

        def split(shared: DataFrame) -> DataFrame:
            marked, known = keys.marked(shared, late)
            return judge.split(marked, shared.columns, known)

        staged = self._without_losers(staged, frozenset(map(canonical, files)), split)
        if keys.several:
            # Who won a key here may have lost another: then it holds neither.
            folder = f"{keys.known.folder}-won"
            self.files.store.delete(folder)
            new = keys.write(self.files.read(staged.files[str(MAIN)]), count, folder)
            self.files.store.delete(keys.known.folder)
        return evolve(staged, keys=new)

    def _without_losers(
        self,
        staged: Staged,
        holding: Collection[str],
        split: Callable[[DataFrame], DataFrame],
    ) -> Staged:
        """Write files that hold a row of a losing key again, losers by what they lost under."""
        main = staged.files[str(MAIN)]
        shared = [f for f in main if canonical(f) in holding]
        if not shared:
            return staged
        folder = join(staged.folder, _DUPLICATES)
        parts = self.files.write_lanes(split(self.files.read(shared)), folder)
        won = parts.pop(str(MAIN), [])
        losers = {f"{_DUPLICATES}-{bits}": files for bits, files in parts.items()}
        untouched = [f for f in main if f not in shared]
        return evolve(staged, files={**staged.files, str(MAIN): [*untouched, *won], **losers})

    def _known(self, keys: KnownKeys) -> KeyFiles:
        return KeyFiles(
            spark=self.files.spark,
            store=self.files.store,
            known=keys,
            rules=[rule for rule in self.rules if rule.id in keys.prefixes],
            target=self.parcels.convert.target,
        )

    def _judged_among(self, rule: Expectation, staged: Staged) -> DataFrame:
        """Return the rows that a key rule is judged among, and the file of each."""
        lanes = [str(MAIN)] if rejects(rule) else [str(MAIN), str(VIOLATING), str(UNCAST)]
        file = F.col("_metadata.file_path").alias(FILES)
        parts = []
        for lane in (lane for lane in lanes if staged.files[lane]):
            frame = self.files.read(staged.files[lane]).select(*self.parcels.columns, file)
            loaded = self.parcels.has_load(lane)
            parts.append(self.parcels.with_own_value(frame) if loaded else frame)
        return reduce(DataFrame.union, parts) if parts else self._nothing()

    def _nothing(self) -> DataFrame:
        columns = [*self.parcels.convert.target.fields, T.StructField(FILES, T.StringType())]
        return self.files.spark.createDataFrame([], T.StructType(columns))
