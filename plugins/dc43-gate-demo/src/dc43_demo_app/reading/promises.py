"""Contracts and data products as pages show them: what is promised, and what is enforced."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen

from dc43_core.contracts.files import ContractFiles
from dc43_core.contracts.model import Contract
from dc43_core.data_products.model import DataProduct
from dc43_core.errors import ContractNotFoundError, Dc43Error
from dc43_core.expectations.derive import planned
from dc43_core.expectations.model import CheckPlan, Expectation, PlannedNode
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Scope, Severity

_MISSING_SECONDS = 5.0
"""How long a contract that cannot be had is not looked for again."""


@frozen(kw_only=True)
class Promise:
    """A contract, and for each of its objects what is asked.

    Attributes:
        contract: The contract.
        plans: One for each object that a plan can be made of.
        problems: Object name to why no plan can be made.
        text: The file as written.
    """

    contract: Contract
    plans: Sequence[CheckPlan]
    problems: Mapping[str, str]
    text: str

    def nodes(self, plan: CheckPlan) -> list[PlannedNode]:
        """Return the plan, node by node."""
        return planned(plan)

    @property
    def expectations(self) -> dict[str, Expectation]:
        """Check id to expectation, over all objects."""
        return {e.id: e for plan in self.plans for e in plan.expectations}

    @property
    def warning_checks(self) -> frozenset[str]:
        """The checks that only warn of a row."""
        return frozenset(
            e.id
            for e in self.expectations.values()
            if e.scope is Scope.ROW and e.severity is not Severity.ERROR
        )


@define(kw_only=True, eq=False)
class Promises:
    """Where contracts and products are looked for.

    Attributes:
        runtime: Whose configuration and plugins.
        folders: Where contracts lie besides the configured folder, such as those of pipelines.
    """

    runtime: Runtime
    folders: Sequence[Path] = ()
    _found: dict[tuple[str, str], Promise] = field(factory=dict, init=False)
    _missed: dict[tuple[str, str], float] = field(factory=dict, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def get(self, contract_id: str, version: str) -> Promise:
        """Return a contract with its plans.

        Raises:
            ContractNotFoundError: if no folder has it.
            ContractError: if its file cannot be read.
        """
        with self._lock:
            known = self._found.get((contract_id, version))
        # A published version does not change, but its file may go or be mended.
        if known is not None and _unchanged(known):
            return known
        contract = self._look(contract_id, version)
        promise = self._promise(contract)
        with self._lock:
            self._found[contract_id, version] = promise
        return promise

    def find(self, contract_id: str, version: str) -> Promise | None:
        """Return a contract with its plans, or None where it cannot be had.

        It is asked for with each change of a run; what is missing is looked for now and then.
        """
        now = time.monotonic()
        if now - self._missed.get((contract_id, version), float("-inf")) < _MISSING_SECONDS:
            return None
        try:
            return self.get(contract_id, version)
        # The page that asks shows records, which stand without their contract.
        except (Dc43Error, OSError):
            self._missed[contract_id, version] = now
            return None

    def contracts(self) -> tuple[list[Contract], list[Dc43Error]]:
        """Return every contract that can be read, and why others cannot."""
        found: dict[tuple[str, str], Contract] = {}
        broken: list[Dc43Error] = []
        for files in self._files():
            scan = files.scan()
            broken += [error for error, _ in scan.broken]
            for contract in scan.documents:
                found.setdefault((contract.id, contract.version), contract)
        return [found[key] for key in sorted(found)], broken

    def products(self) -> Sequence[DataProduct]:
        """Return every data product that can be read."""
        files = self.runtime.products()
        return files.all() if files.folder.is_dir() else []

    def _look(self, contract_id: str, version: str) -> Contract:
        *others, last = self._files()
        for files in others:
            try:
                return files.get(contract_id, version)
            except ContractNotFoundError:
                continue
        return last.get(contract_id, version)

    def _files(self) -> list[ContractFiles]:
        return [*map(self.runtime.contracts, self.folders), self.runtime.contracts()]

    def _promise(self, contract: Contract) -> Promise:
        plans, problems = [], {}
        for each in contract:
            try:
                plans.append(self.runtime.plan(contract, each.name, any_status=True))
            # The page shows the rest of the contract, and this beside it.
            except Dc43Error as error:
                problems[each.name] = str(error)
        text = Path(contract.source).read_text(encoding="utf-8", errors="replace")
        return Promise(contract=contract, plans=plans, problems=problems, text=text)


def _unchanged(promise: Promise) -> bool:
    try:
        text = Path(promise.contract.source).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return text == promise.text
