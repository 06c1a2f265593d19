"""One configuration, the plugins it loads, and what is built from both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from dc43_core.config import Config, ContractsConfig, Instance
from dc43_core.contracts.model import Contract
from dc43_core.errors import (
    ConfigurationError,
    ContractError,
    DuplicateNameError,
    MissingEvaluatorError,
    StrategyError,
    UnknownNameError,
)
from dc43_core.expectations.model import Expectation
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.interventions.builtin import Continue, FailFast
from dc43_core.markers import hookimpl
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.registry import Extension
from dc43_core.runtime import Runtime, default_runtime, reset_default_runtime
from dc43_core.testing.contracts import ORDERS


@frozen(kw_only=True)
class Limit:
    n: int
    label: str = ""


class Patient:
    """A strategy with options."""

    def __init__(self, options: Limit) -> None:
        self.options = options

    def decide(self, context: object) -> None:
        """Continue."""


class Client(MemoryGovernance):
    """Counts how often it is opened and closed."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def open(self) -> None:
        self.calls.append("open")

    def close(self) -> None:
        self.calls.append("close")


class Pager:
    """An exporter."""

    def export(self, record: object) -> None:
        """Do nothing."""


def broken() -> Any:
    raise OSError("no route to host")


class Evaluator:
    """Stands for an engine's."""


class Plugin:
    """What a distribution of ours would offer."""

    @hookimpl
    def dc43_intervention_strategies(self) -> list[Extension[Any]]:
        return [
            Extension("patient", Patient, Limit),
            Extension("broken", broken),
            Extension("mute", Pager),
        ]

    @hookimpl
    def dc43_governance_clients(self) -> list[Extension[Any]]:
        return [Extension("counting", Client)]

    @hookimpl
    def dc43_record_exporters(self) -> list[Extension[Any]]:
        return [Extension("pager", Pager)]

    @hookimpl
    def dc43_expectation_evaluators(self) -> list[Extension[Any]]:
        row = {"engine": "lists", "kinds": ("required", "range")}
        other = {"engine": "tables", "kinds": ("required", "unique")}
        return [
            Extension("lists", Evaluator, capabilities=row),
            Extension("tables", Evaluator, capabilities=other),
        ]


@pytest.fixture
def plugins() -> Plugins:
    found = load_plugins(allowed=())
    found.manager.register(Plugin(), name="acme")
    return found


def runtime(plugins: Plugins, **config: Any) -> Runtime:
    return Runtime(config=Config(**config), plugins=plugins)


# Strategies


def test_a_strategy_is_named_by_its_extension(plugins: Plugins):
    found = runtime(plugins).strategy("fail-fast")
    assert (found.name, type(found.strategy), found.explicit) == ("fail-fast", FailFast, True)


def test_a_strategy_is_named_by_its_instance(plugins: Plugins):
    page_me = Instance(use="patient", options={"n": 3})
    found = runtime(plugins, strategies={"page-me": page_me}).strategy("page-me")
    assert found.name == "page-me"
    assert isinstance(found.strategy, Patient)
    assert found.strategy.options == Limit(n=3)


def test_an_instance_goes_before_an_extension_of_its_name(plugins: Plugins):
    strict = {"continue": Instance(use="fail-fast")}
    assert isinstance(runtime(plugins, strategies=strict).strategy("continue").strategy, FailFast)


def test_two_instances_of_one_extension_are_two_objects(plugins: Plugins):
    both = {name: Instance(use="patient", options={"n": 1}) for name in ("a", "b")}
    found = runtime(plugins, strategies=both)
    assert found.strategy("a").strategy is not found.strategy("b").strategy


def test_a_strategy_may_be_given_with_its_options(plugins: Plugins):
    found = runtime(plugins).strategy(Instance(use="patient", options={"n": 2}), explicit=False)
    assert (found.name, found.explicit) == ("patient", False)


def test_a_strategy_may_be_an_object(plugins: Plugins):
    strategy = Continue()
    found = runtime(plugins).strategy(strategy)
    assert (found.name, found.strategy) == ("Continue", strategy)


def test_an_object_may_name_itself(plugins: Plugins):
    strategy = Continue()
    strategy.name = "patient-one"  # type: ignore[attr-defined]
    assert runtime(plugins).strategy(strategy).name == "patient-one"


def test_an_object_that_decides_nothing_is_refused_with_its_owner(plugins: Plugins):
    with pytest.raises(
        StrategyError, match=r"a Limit of \S+, .* no method decide\(context\)"
    ) as no:
        runtime(plugins).strategy(Limit(n=1))  # type: ignore[arg-type]
    assert (no.value.strategy, no.value.owner) == (Limit(n=1), __name__)


class Async:
    async def decide(self, context: Any) -> None: ...


class Bare:
    def decide(self) -> None: ...


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (Continue, "is a class"),
        (Async(), "has an async decide"),
        (Bare(), "does not take the context alone"),
        (type("Word", (), {"decide": "block"})(), "has no method decide"),
    ],
    ids=["class", "async", "bare", "word"],
)
def test_an_object_that_could_not_answer_a_batch_is_refused(
    plugins: Plugins, wanted: Any, problem: str
):
    with pytest.raises(StrategyError, match=f"{problem}.*; give an object with a method decide"):
        runtime(plugins).strategy(wanted)


def test_a_plugin_s_strategy_that_decides_nothing_is_refused_with_the_plugin(plugins: Plugins):
    mute = {"mute": Instance(use="mute")}
    with pytest.raises(StrategyError, match=r"of plugin acme.*no method decide") as no:
        runtime(plugins, strategies=mute).strategy("mute")
    assert no.value.owner == "plugin acme"


def test_an_unknown_strategy_lists_extensions_and_instances(plugins: Plugins):
    configured = {"page-me": Instance(use="patient", options={"n": 3})}
    with pytest.raises(UnknownNameError) as caught:
        runtime(plugins, strategies=configured).strategy("pageme")
    assert caught.value.name == "pageme"
    assert caught.value.known == [*("broken", "continue", "fail-fast", "mute", "patient", "warn")]
    assert caught.value.configured == ["page-me"]
    assert "did you mean page-me?" in str(caught.value)


def test_a_strategy_may_come_with_its_options(plugins: Plugins):
    found = runtime(plugins).strategy({"use": "patient", "n": 3})
    assert (found.name, found.strategy.options.n) == ("patient", 3)  # type: ignore[attr-defined]
    for given, problem in (
        ({"use": "patient", "n": 3, "m": 3}, r"\(patient\): unknown key m; known: n"),
        ({"n": 3}, 'strategy: needs use = "<extension>"'),
    ):
        with pytest.raises(ConfigurationError, match=problem):
            runtime(plugins).strategy(given)


def test_an_instance_of_what_nobody_offers_is_not_offered_as_the_way_out(plugins: Plugins):
    configured = {"page-me": Instance(use="patiant"), "calm": Instance(use="patient")}
    with pytest.raises(UnknownNameError) as caught:
        runtime(plugins, strategies=configured).strategy("page-me")
    assert (caught.value.name, caught.value.configured) == ("patiant", ["calm"])
    assert "strategies.page-me uses it; did you mean patient?" in str(caught.value)


@pytest.mark.parametrize("name", ["route-after", "quarantine"])
def test_a_strategy_that_is_not_installed_says_who_brings_it(plugins: Plugins, name: str):
    configured = {"quarantine": Instance(use="route-after", options={"n": 2})}
    with pytest.raises(UnknownNameError) as caught:
        runtime(plugins, strategies=configured).strategy(name)
    assert caught.value.name == "route-after"
    assert caught.value.distribution == "dc43-gate-rejects"
    assert caught.value.user == ("strategies.quarantine" if name == "quarantine" else None)
    # Nothing that sounds alike is what brings it.
    assert str(caught.value).endswith("it comes with dc43-gate-rejects")


@pytest.mark.parametrize(
    ("instance", "problem"),
    [
        (Instance(use="patient"), "n: required key 'n' is missing"),
        (Instance(use="patient", options={"n": "3"}), "n: expected int, found '3'"),
        (Instance(use="patient", options={"n": 3, "m": 4}), "unknown key m"),
        (Instance(use="continue", options={"n": 3}), "takes no options, found n"),
    ],
)
def test_options_that_do_not_fit_are_told_by_their_place(
    plugins: Plugins, instance: Instance, problem: str
):
    with pytest.raises(ConfigurationError) as caught:
        runtime(plugins, strategies={"page-me": instance}).strategy("page-me")
    assert f"strategies.page-me ({instance.use}): {problem}" in str(caught.value)


def test_an_error_of_a_plugin_s_own_is_noted_with_the_plugin(plugins: Plugins):
    with pytest.raises(OSError, match="no route") as caught:
        runtime(plugins).strategy("broken")
    assert caught.value.__notes__ == ["raised while building strategy 'broken' of acme"]


# Governance, data quality, exporters


def test_a_client_is_opened_once_and_closed_with_the_runtime(plugins: Plugins):
    made = runtime(plugins, governance={"ledger": Instance(use="counting")})
    client = made.governance
    assert isinstance(client, Client)
    assert made.governance is client
    made.close()
    assert client.calls == ["open", "close"]


def test_a_runtime_that_opened_nothing_closes_nothing(plugins: Plugins):
    runtime(plugins, governance={"ledger": Instance(use="no-such-client")}).close()


def test_without_a_ledger_plugin_records_are_kept_in_memory(plugins: Plugins):
    assert isinstance(runtime(plugins).governance, MemoryGovernance)


def test_a_known_client_that_is_not_installed_says_who_brings_it(plugins: Plugins):
    with pytest.raises(UnknownNameError, match="it comes with dc43-gate-governance-sql"):
        _ = runtime(plugins, governance={"ledger": Instance(use="sql")}).governance


def test_two_clients_are_one_too_many(plugins: Plugins):
    two = {name: Instance(use="counting") for name in ("a", "b")}
    with pytest.raises(ConfigurationError, match="one client is supported, found a, b"):
        _ = runtime(plugins, governance=two).governance


def test_what_judges_is_built_once(plugins: Plugins):
    made = runtime(plugins)
    assert made.data_quality is made.data_quality


def test_an_unknown_judge_is_refused(plugins: Plugins):
    with pytest.raises(UnknownNameError, match="no data-quality client named 'remote'"):
        _ = runtime(plugins, data_quality=Instance(use="remote")).data_quality


def test_exporters_are_built_by_their_names(plugins: Plugins):
    ((name, exporter),) = runtime(plugins, exporters={"night": Instance(use="pager")}).exporters()
    assert (name, type(exporter)) == ("night", Pager)


def test_an_object_that_was_given_goes_before_the_configuration(plugins: Plugins):
    mine = MemoryGovernance()
    made = Runtime(
        config=Config(governance={"ledger": Instance(use="counting")}),
        plugins=plugins,
        governance=mine,
    )
    assert made.governance is mine


# Contracts


def contract(status: str | None = "active") -> Contract:
    line = f"status: {status}\n" if status else ""
    text = ORDERS.replace("status: active\n", line)
    return (
        Runtime(config=Config(), plugins=load_plugins(allowed=()))
        .contracts()
        .parse("orders.yaml", text.encode())
    )


def test_contracts_lie_beside_the_configuration(plugins: Plugins, tmp_path: Path):
    made = runtime(plugins, source=tmp_path / "dc43.toml", contracts=ContractsConfig(path="agreed"))
    assert made.contracts().folder == tmp_path / "agreed"


@pytest.mark.parametrize("status", ["active", None])
def test_a_contract_that_is_active_or_says_nothing_is_planned(plugins: Plugins, status: str | None):
    assert runtime(plugins).plan(contract(status)).dataset_id == "orders"


def test_a_contract_of_another_status_is_refused_with_the_way_out(plugins: Plugins):
    with pytest.raises(ConfigurationError, match=r"status 'draft'; accepted: active; .*") as caught:
        runtime(plugins).plan(contract("draft"))
    assert "contracts.accepted_status" in str(caught.value)


def test_other_statuses_can_be_accepted(plugins: Plugins):
    made = runtime(plugins, contracts=ContractsConfig(accepted_status=("draft",)))
    assert made.plan(contract("draft")).dataset_id == "orders"


def test_a_contract_of_any_status_can_be_looked_at(plugins: Plugins):
    assert runtime(plugins).plan(contract("retired"), any_status=True).expectations


def test_an_object_that_is_not_there_is_refused(plugins: Plugins):
    with pytest.raises(ContractError, match="orders"):
        runtime(plugins).plan(contract(), "lines")


# Evaluators


def rules(*kinds: str) -> list[Expectation]:
    return [Expectation(id=f"c.{kind}", kind=kind) for kind in kinds]


def test_each_kind_in_use_has_its_evaluator(plugins: Plugins):
    found = runtime(plugins).evaluators("lists", rules("required", "range", "required"))
    assert set(found) == {"required", "range"}


def test_a_kind_that_nobody_evaluates_is_named_with_its_rule(plugins: Plugins):
    with pytest.raises(MissingEvaluatorError) as caught:
        runtime(plugins).evaluators("lists", rules("required", "unique"))
    assert (caught.value.check_id, caught.value.kind, caught.value.engine) == (
        "c.unique",
        "unique",
        "lists",
    )


def test_two_evaluators_of_one_kind_are_named(plugins: Plugins):
    class Second:
        @hookimpl
        def dc43_expectation_evaluators(self) -> list[Extension[Any]]:
            about = {"engine": "lists", "kinds": ("range",)}
            return [Extension("lists-2", Evaluator, capabilities=about)]

    plugins.manager.register(Second(), name="second")
    made = runtime(plugins)
    assert set(made.evaluators("lists", rules("required"))) == {"required"}
    with pytest.raises(DuplicateNameError, match="'range' is offered by acme and by second"):
        made.evaluators("lists", rules("range"))


# The runtime of the process


@pytest.fixture
def no_default(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DC43_CONFIG", "")
    reset_default_runtime()
    yield
    reset_default_runtime()


@pytest.mark.usefixtures("no_default")
def test_a_process_has_one_runtime():
    assert default_runtime() is default_runtime()


@pytest.mark.usefixtures("no_default")
def test_after_a_reset_the_configuration_is_read_anew(monkeypatch: pytest.MonkeyPatch):
    first = default_runtime()
    monkeypatch.setenv("DC43_NAMESPACE", "night")
    reset_default_runtime()
    assert (first.config.namespace, default_runtime().config.namespace) == ("default", "night")


@pytest.mark.usefixtures("no_default")
def test_plugins_are_loaded_when_they_are_first_asked_for(monkeypatch: pytest.MonkeyPatch):
    loaded: list[dict[str, Any]] = []
    monkeypatch.setattr("dc43_core.runtime.load_plugins", lambda **about: loaded.append(about))
    made = default_runtime()
    assert loaded == []
    _ = made.plugins
    assert loaded == [{"blocked": (), "allowed": None}]
