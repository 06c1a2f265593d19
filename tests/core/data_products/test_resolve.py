"""From the name of a port to contract, object and place, and every way to miss it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.config import Config, ContractsConfig, DataProductsConfig
from dc43_core.contracts.versions import VersionSelector
from dc43_core.data_products.errors import (
    AmbiguousNameError,
    DataProductNotFoundError,
    PortBindingError,
    PortNotFoundError,
    ServerError,
)
from dc43_core.data_products.model import DataProduct, Port
from dc43_core.data_products.resolve import PortBinding, find_port
from dc43_core.errors import (
    ConfigurationError,
    ContractError,
    ContractNotFoundError,
    Dc43Error,
    StatusError,
)
from dc43_core.plugin_manager import load_plugins
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Direction

INPUT, OUTPUT = Direction.INPUT, Direction.OUTPUT


def port(name: str, version: str | None = "1.0.0", side: Direction = OUTPUT, **more: Any) -> Port:
    facts = {"contract_id": "flights", **more}
    return Port(direction=side, name=name, version=version, **facts)


def product(*ports: Port, **more: Any) -> DataProduct:
    facts = {"id": "departures", "version": "2.0.0", "status": "active", **more}
    return DataProduct(ports=ports, api_version="v1.0.0", digest="0", source="p.yaml", **facts)


# Ports


def test_a_port_is_found_by_its_name():
    daily = port("daily")
    assert find_port(product(port("hourly"), daily), "daily") is daily


@pytest.mark.parametrize(
    ("version", "found"),
    [("1.9.0", "1.9.0"), ("==2.0.0", "2.0.0"), (">=1,<2", "1.10.0"), ("latest", "2.0.0")],
)
def test_a_version_is_exact_or_the_highest_that_fits(version, found):
    ports = [port("daily", v) for v in ("1.9.0", "1.10.0", "2.0.0", "2.1.0-rc1")]
    assert find_port(product(*ports), "daily", version=version).version == found


def test_several_versions_and_none_named_are_ambiguous():
    several = product(port("daily", "1.0.0"), port("daily", "2.0.0"), port("hourly"))
    with pytest.raises(AmbiguousNameError) as refused:
        find_port(several, "daily")
    assert refused.value.choices == ["output daily 1.0.0", "output daily 2.0.0"]
    assert str(refused.value) == (
        "'daily' fits several ports of data product departures 2.0.0 (p.yaml): "
        "output daily 1.0.0, output daily 2.0.0; say which version is meant with version="
    )


def test_a_name_on_both_sides_needs_its_direction():
    both = product(port("daily", side=INPUT), port("daily", "2.0.0"))
    for version in (None, "latest", ">=1"):
        with pytest.raises(AmbiguousNameError, match="say which side is meant with direction="):
            find_port(both, "daily", version=version)
    assert find_port(both, "daily", direction="input").direction is INPUT
    assert find_port(both, "daily", version="2.0.0").direction is OUTPUT


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"name": "dialy"}, "no input or output port 'dialy'; its ports: input plan 1.0.0, output"),
        ({"name": "daily", "direction": INPUT}, "no input port 'daily'; its ports"),
        ({"name": "daily", "version": ">=2"}, "no input or output port 'daily' in version >=2"),
    ],
)
def test_a_port_that_is_not_there_names_those_that_are(wanted, problem):
    with pytest.raises(PortNotFoundError) as refused:
        find_port(product(port("plan", side=INPUT), port("daily")), **wanted)
    assert problem in str(refused.value)
    assert refused.value.known == ["input plan 1.0.0", "output daily 1.0.0"]
    assert (refused.value.product, refused.value.source) == ("departures 2.0.0", "p.yaml")


def test_a_product_without_ports_says_so():
    with pytest.raises(PortNotFoundError, match="its ports: none"):
        find_port(product(), "daily")


@pytest.mark.parametrize("wrong", [{"direction": "sideways"}, {"version": "~1"}])
def test_words_that_are_unknown_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        find_port(product(port("daily")), "daily", **wrong)


KEYS = st.tuples(
    st.sampled_from(Direction), st.sampled_from("ab"), st.sampled_from(["1", "1.5", "2"])
)


@given(
    st.lists(KEYS, unique=True),
    st.sampled_from("ab"),
    st.sampled_from([None, *Direction]),
    st.sampled_from([None, "1", ">=1,<2", "latest", "<1"]),
)
def test_a_port_is_what_was_asked_for_or_an_error_says_what_fits(keys, name, side, version):
    ports = [port(n, v, d) for d, n, v in keys]
    selector = VersionSelector.parse(version) if version else None
    fitting = [
        p
        for p in ports
        if p.name == name
        and side in (None, p.direction)
        and (selector is None or selector.matches(str(p.version)))
    ]
    try:
        found = find_port(product(*ports), name, direction=side, version=version)
    except PortNotFoundError:
        assert not fitting
    except AmbiguousNameError as error:
        assert error.choices == [str(p) for p in fitting]
        assert len({p.direction for p in fitting}) == 2 or version is None
    else:
        assert found in fitting
        assert len({p.direction for p in fitting}) == 1
        assert found.version == max(str(p.version) for p in fitting)


# The whole way


def contract(version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "flights",
        "version": version,
        "status": "active",
        "schema": [{"name": "flights", "properties": [{"name": "carrier"}]}],
        **more,
    }


PRODUCT: dict[str, Any] = {
    "apiVersion": "v1.0.0",
    "kind": "DataProduct",
    "id": "departures",
    "version": "2.0.0",
    "status": "active",
    "inputPorts": [{"name": "plan", "version": "1.0.0", "contractId": "timetable"}],
    "outputPorts": [
        {"name": "daily", "version": "1.0.0", "contractId": "flights"},
        {"name": "hourly", "version": "1.0.0"},
    ],
}
LOCAL = {"server": "here", "type": "local", "path": "out/flights", "format": "parquet"}
LAKE = {"server": "lake", "type": "s3", "environment": "prod", "location": "s3://b/flights"}
QUEUE = {"server": "queue", "type": "kafka", "host": "broker:9092", "port": 9092}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    put(tmp_path, "products/departures.json", PRODUCT)
    put(tmp_path, "contracts/flights.json", contract())
    return tmp_path


def put(place: Path, name: str, document: Mapping[str, Any]) -> None:
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def runtime(place: Path, **config: Any) -> Runtime:
    settings = Config(source=place / "dc43.toml", **config)
    return Runtime(config=settings, plugins=load_plugins(allowed=()))


def resolve(place: Path, name: str = "daily", **more: Any) -> PortBinding:
    return runtime(place).resolve_port(more.pop("product", "departures"), name, **more)


def with_servers(place: Path, *servers: Mapping[str, Any]) -> Path:
    put(place, "contracts/flights.json", contract(servers=list(servers)))
    return place


def test_a_port_resolves_to_contract_object_and_server(place):
    found = resolve(with_servers(place, LOCAL))
    assert (found.product.id, str(found.port)) == ("departures", "output daily 1.0.0")
    assert (found.contract.id, found.contract.version) == ("flights", "1.0.0")
    assert found.object.name == "flights"
    assert found.server is not None
    assert (found.server.name, found.server.format) == ("here", "parquet")
    assert found.location == "out/flights"
    assert found.warnings == ()


def test_a_record_can_name_the_port_in_plain_json(place):
    facts = resolve(place).payload()
    assert json.loads(json.dumps(facts)) == facts
    assert facts == {
        "product": "departures",
        "product_version": "2.0.0",
        "port": "daily",
        "port_version": "1.0.0",
        "direction": "output",
    }


def test_the_port_s_version_is_that_of_its_contract(place):
    put(place, "contracts/newer.json", contract("1.5.0"))
    assert resolve(place).contract.version == "1.0.0"


def test_a_port_without_a_version_takes_the_newest_contract(place):
    put(place, "contracts/newer.json", contract("1.5.0"))
    open_port = {"name": "daily", "contractId": "flights"}
    put(place, "products/departures.json", {**PRODUCT, "outputPorts": [open_port]})
    assert resolve(place).contract.version == "1.5.0"


def test_products_lie_beside_the_configuration(place):
    assert runtime(place).products().folder == place / "products"
    other = runtime(place, data_products=DataProductsConfig(path="offers"))
    with pytest.raises(DataProductNotFoundError, match="offers"):
        other.resolve_port("departures", "daily")


def test_a_version_of_the_product_can_be_named(place):
    put(place, "products/new.json", {**PRODUCT, "version": "3.0.0", "outputPorts": []})
    with pytest.raises(PortNotFoundError, match=r"departures 3\.0\.0"):
        resolve(place)
    assert resolve(place, product_version="<3").product.version == "2.0.0"


def test_a_product_may_come_from_a_service_or_be_at_hand(place):
    class Catalogue:
        def get(self, product: str, selector: str = "latest") -> DataProduct:
            assert (product, selector) == ("remote", "latest")
            return at_hand

    at_hand = product(port("daily"))
    assert resolve(place, product="remote", service=Catalogue()).product is at_hand
    assert resolve(place, product=at_hand).product is at_hand


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_a_product_of_another_status_is_refused_with_the_way_out(place, status):
    put(place, "products/departures.json", {**PRODUCT, "status": status})
    with pytest.raises(StatusError, match=r"data product departures 2\.0\.0 has status") as refused:
        resolve(place)
    assert (refused.value.status, refused.value.key) == (status, "data_products.accepted_status")
    assert str(refused.value).startswith(str(place / "products"))
    accepting = DataProductsConfig(accepted_status=("active", status))
    found = runtime(place, data_products=accepting).resolve_port("departures", "daily")
    assert found.product.status == status


def test_a_product_without_a_status_is_accepted(place):
    put(place, "products/departures.json", {k: v for k, v in PRODUCT.items() if k != "status"})
    assert resolve(place).product.status is None


def test_the_contract_s_status_counts_as_well(place):
    put(place, "contracts/flights.json", contract(status="draft"))
    with pytest.raises(StatusError, match=r"contract flights 1\.0\.0 has status 'draft'"):
        resolve(place)
    accepting = runtime(place, contracts=ContractsConfig(accepted_status=("draft",)))
    assert accepting.resolve_port("departures", "daily").contract.status == "draft"


def test_a_contract_that_is_not_there_is_named(place):
    with pytest.raises(ContractNotFoundError, match=r"'timetable' in version 1\.0\.0"):
        resolve(place, "plan")


def test_a_port_without_a_contract_needs_one_given(place):
    with pytest.raises(PortBindingError, match=r"hourly 1\.0\.0 .* names no contract; add"):
        resolve(place, "hourly")
    mine = runtime(place).contracts().get("flights")
    assert resolve(place, "hourly", contract=mine).contract is mine


@pytest.mark.parametrize("changes", [{"id": "trains"}, {"version": "1.0.1"}])
def test_a_contract_that_is_given_must_be_the_port_s(place, changes):
    put(place, "contracts/other.json", contract(**changes))
    other = runtime(place).contracts().read(place / "contracts/other.json")
    with pytest.raises(PortBindingError, match=r"is bound to flights 1\.0\.0, not to") as refused:
        resolve(place, contract=other)
    assert f"not to {other.id} {other.version}" in str(refused.value)


def test_a_contract_of_several_objects_needs_the_object_s_name(place):
    objects = [{"name": "flights"}, {"name": "delays"}]
    put(place, "contracts/flights.json", contract(schema=objects))
    with pytest.raises(ContractError, match="name one of: flights, delays"):
        resolve(place)
    assert resolve(place, object_name="delays").object.name == "delays"


# Servers


def test_a_contract_without_a_server_says_nothing_of_a_place(place):
    found = resolve(place)
    assert found.server is None
    with pytest.raises(ServerError, match="names no server for its data; say where it is"):
        _ = found.location


def test_several_servers_are_a_choice_only_where_the_place_is_asked_for(place):
    found = resolve(with_servers(place, LOCAL, LAKE))
    assert found.server is None
    with pytest.raises(AmbiguousNameError, match=r"here, lake \(prod\); name one with server="):
        _ = found.location


@pytest.mark.parametrize("server", ["lake", "prod"])
def test_a_server_is_named_or_its_environment_is(place, server):
    assert resolve(with_servers(place, LOCAL, LAKE), server=server).location == "s3://b/flights"


def test_a_server_that_is_not_there_names_those_that_are(place):
    with pytest.raises(ServerError, match=r"no server 'dev'; its servers: here, lake \(prod\)"):
        resolve(with_servers(place, LOCAL, LAKE), server="dev")
    with pytest.raises(ServerError, match="its servers: none"):
        resolve(with_servers(place), server="dev")


def test_an_environment_of_two_servers_is_ambiguous(place):
    with pytest.raises(AmbiguousNameError, match=r"lake \(prod\), sea \(prod\); name one by its"):
        resolve(with_servers(place, LAKE, {**LAKE, "server": "sea"}), server="prod")


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        (QUEUE, "gives its server queue neither path nor location"),
        ({**LAKE, "location": "s3://${BUCKET}/x"}, "a variable into the location .* [$]{BUCKET}"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused(place, server, problem):
    found = resolve(with_servers(place, server))
    with pytest.raises(ServerError, match=problem):
        _ = found.location


def test_what_else_a_contract_says_of_a_server_is_kept_as_text(place):
    server = resolve(with_servers(place, QUEUE)).server
    assert server is not None
    assert server.settings == {"host": "broker:9092", "port": "9092"}


# Warnings


@pytest.mark.parametrize(
    ("deprecated", "told"),
    [
        ({"deprecated": True}, ["data product departures 2.0.0"]),
        (
            {"outputPorts": [{**PRODUCT["outputPorts"][0], "deprecated": True}]},
            ["port output daily 1.0.0 of data product departures 2.0.0"],
        ),
    ],
)
def test_what_is_deprecated_resolves_with_a_warning(place, deprecated, told):
    put(place, "products/departures.json", {**PRODUCT, **deprecated})
    assert resolve(place).warnings == tuple(
        f"{what} is deprecated: nothing new should use it" for what in told
    )


def misses() -> Sequence[tuple[str, dict[str, Any]]]:
    return [
        ("daily", {"product": "arrivals"}),
        ("dialy", {}),
        ("daily", {"version": "9"}),
        ("daily", {"server": "nowhere"}),
        ("daily", {"object_name": "nothing"}),
        ("hourly", {}),
        ("plan", {}),
    ]


@pytest.mark.parametrize(("name", "wanted"), misses())
def test_every_miss_is_one_typed_error_that_names_its_file(place, name, wanted):
    with pytest.raises(Dc43Error) as refused:
        resolve(place, name, **wanted)
    assert str(place) in str(refused.value)
