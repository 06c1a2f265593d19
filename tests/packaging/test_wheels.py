"""The wheels work in an environment that has neither this repository nor an index."""

import email
import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
FOLDERS = [ROOT, *sorted(f for member in WORKSPACE["members"] for f in ROOT.glob(member))]
PROJECTS: dict[str, dict[str, Any]] = {
    project["name"]: project
    for folder in FOLDERS
    for project in [tomllib.loads((folder / "pyproject.toml").read_text())["project"]]
}
PRODUCTS = """\
apiVersion: v3.1.0
kind: DataContract
id: products
version: 1.0.0
status: active
schema:
  - name: products
    properties:
      - {name: id, logicalType: integer, required: true}
"""
every_distribution = pytest.mark.parametrize("name", PROJECTS)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel for each distribution's name, built without an index."""
    folder = tmp_path_factory.mktemp("wheels")
    options = ["--all-packages", "--wheel", "--no-build-isolation", "--out-dir", str(folder)]
    uv("build", *options, "--python", sys.executable)
    return {wheel.name.split("-")[0].replace("_", "-"): wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="session")
def empty_environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with our wheels and what they depend on."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    uv("venv", "--python", sys.executable, str(folder))
    python = folder / "bin" / "python"
    [packages] = folder.glob("lib/python*/site-packages")
    # Nothing can be downloaded here, so other people's packages are links to those
    # that the tests run with. Ours are left out, and so are the .pth files, which
    # would put this repository on the path.
    ours = tuple(name.replace("-", "_") + "-" for name in PROJECTS)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.suffix != ".pth" and not entry.name.startswith(
            ("__pycache__", "_virtualenv", *ours)
        ):
            (packages / entry.name).symlink_to(entry)
    uv(
        "pip",
        "install",
        "--no-index",
        "--no-deps",
        "--python",
        str(python),
        *map(str, wheels.values()),
    )
    return python


def uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments, "--offline", "--no-progress"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def ask(python: Path, code: str) -> Any:
    """Run code that prints JSON, in isolated mode and outside the repository."""
    command = [str(python), "-I", "-c", code]
    done = subprocess.run(command, cwd=python.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def dc43(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of the environment, outside the repository and unconfigured."""
    command = [str(python), "-I", "-m", "dc43_core.cli", *arguments]
    environment = {**os.environ, "DC43_CONFIG": "", "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=python.parent, env=environment, capture_output=True, text=True
    )


def offers(python: Path) -> dict[str, set[tuple[str, str]]]:
    """For each distribution what it offers, as kind and name."""
    done = dc43(python, "plugins", "--json")
    assert done.returncode == 0, done.stderr
    return {
        plugin["distribution"]: {
            (kind, name) for kind, names in plugin["offers"].items() for name in names
        }
        for plugin in json.loads(done.stdout)["plugins"]
    }


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def requirements(wheel: Path) -> set[str]:
    """What the wheel requires when no extra is asked for."""
    found = metadata(wheel).get_all("Requires-Dist", [])
    return {requirement for requirement in found if "extra ==" not in requirement}


def test_there_is_a_wheel_for_each_distribution(wheels: dict[str, Path]) -> None:
    assert wheels.keys() == PROJECTS.keys()


@every_distribution
def test_a_wheel_holds_one_typed_package_and_no_tests(wheels: dict[str, Path], name: str) -> None:
    with zipfile.ZipFile(wheels[name]) as archive:
        files = [Path(file) for file in archive.namelist()]
    packages = {file.parts[0] for file in files if not file.parts[0].endswith(".dist-info")}

    assert len(packages) == 1
    assert Path(*packages, "py.typed") in files
    assert not [file for file in files if "tests" in file.parts or file.name == "conftest.py"]


def test_the_pages_lie_in_their_wheel(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["dc43-gate-demo"]) as archive:
        inside = set(archive.namelist())
    source = ROOT / "plugins" / "dc43-gate-demo" / "src"
    pages = [
        str(file.relative_to(source))
        for folder in ("templates", "static", "contracts")
        for file in (source / "dc43_demo_app" / folder).rglob("*.*")
    ]

    assert len(pages) > 20
    assert inside.issuperset(pages)


@every_distribution
def test_the_metadata_of_a_wheel(wheels: dict[str, Path], name: str) -> None:
    found = metadata(wheels[name])

    assert found["License-Expression"] == "Apache-2.0"
    assert found["Requires-Python"] == ">=3.11"
    assert found["Version"] == PROJECTS["dc43-gate"]["version"]


@every_distribution
def test_a_plugin_requires_the_core_of_its_own_version(wheels: dict[str, Path], name: str) -> None:
    version = PROJECTS["dc43-gate"]["version"]

    assert (f"dc43-gate=={version}" in requirements(wheels[name])) is (name != "dc43-gate")


def test_the_core_requires_a_few_small_libraries(wheels: dict[str, Path]) -> None:
    names = {requirement.split(">")[0].lower() for requirement in requirements(wheels["dc43-gate"])}

    assert names == {"attrs", "cattrs", "importlib-metadata", "pluggy", "pyyaml", "structlog"}


def test_no_wheel_requires_pyspark_by_itself(wheels: dict[str, Path]) -> None:
    required = set().union(*map(requirements, wheels.values()))

    assert not [requirement for requirement in required if requirement.startswith("pyspark")]


def test_the_environment_does_not_see_the_repository(empty_environment: Path) -> None:
    path = [
        Path(entry)
        for entry in ask(empty_environment, "import json, sys; print(json.dumps(sys.path))")
    ]
    sources = {ROOT, *(folder / "src" for folder in FOLDERS), Path(sysconfig.get_path("purelib"))}

    assert not sources.intersection(path)


def test_the_core_is_imported_from_its_wheel(empty_environment: Path) -> None:
    file = ask(empty_environment, "import dc43_core, json; print(json.dumps(dc43_core.__file__))")

    assert Path(file).is_relative_to(empty_environment.parents[1])


def test_each_plugin_is_found_by_its_entry_point(empty_environment: Path) -> None:
    found = ask(
        empty_environment,
        "import importlib.metadata, json\n"
        "points = importlib.metadata.entry_points(group='dc43')\n"
        "print(json.dumps([[point.dist.name, point.name, point.value] for point in points]))",
    )
    expected = [
        [name, point, module]
        for name, project in PROJECTS.items()
        for point, module in project.get("entry-points", {}).get("dc43", {}).items()
    ]

    assert sorted(found) == sorted(expected)
    assert {name for name, _, _ in expected} == PROJECTS.keys() - {"dc43-gate"}


def test_a_plugin_is_loaded_without_its_engine(empty_environment: Path) -> None:
    loaded = ask(
        empty_environment,
        "import importlib.metadata, json, sys\n"
        "for point in importlib.metadata.entry_points(group='dc43'):\n"
        "    point.load()\n"
        "print(json.dumps(sorted(sys.modules)))",
    )

    assert "dc43_integrations.hooks" in loaded
    assert not {"pyspark", "sqlalchemy"}.intersection(loaded)


def run_flow(python: Path, folder: Path, *streams: str) -> Any:
    script = Path(__file__).with_name("third_party_flow.py")
    command = [str(python), "-I", str(script), str(folder), *streams]
    # The ledger of a run without a configuration lies below the working directory.
    environment = {**os.environ, "DC43_CONFIG": "", "PYSPARK_PYTHON": str(python)}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def done(empty_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("flow")
    return run_flow(empty_environment, folder, "built-in", "third-party")


@pytest.mark.spark
def test_the_built_in_rules_pass_every_row(done: Any) -> None:
    assert done["built-in"]["main"] == 6
    assert done["built-in"]["violations"] == 0


@pytest.mark.spark
def test_its_kind_rejects_a_row_that_the_built_ins_pass(done: Any) -> None:
    good, bad = done["third-party"]["batches"][:2]

    assert (good["main_count"], good["reject_count"]) == (2, 0)
    assert (bad["outcome"], bad["main_count"], bad["reject_count"]) == ("committed", 1, 1)


@pytest.mark.spark
def test_its_strategy_blocks_a_later_batch(done: Any) -> None:
    blocked = done["third-party"]["batches"][2]

    assert blocked["outcome"] == "blocked"
    assert "twice" in blocked["intervention"]
    assert done["third-party"]["main"] == 3


@pytest.mark.spark
def test_the_ledger_of_the_environment_is_the_sql_plugin(done: Any) -> None:
    assert done["third-party"]["ledger"].endswith("ledger.db")


@pytest.fixture
def without(empty_environment: Path, wheels: dict[str, Path]) -> Iterator[Callable[..., None]]:
    """Uninstall distributions until the test ends."""
    gone: list[str] = []

    def uninstall(*names: str) -> None:
        uv("pip", "uninstall", "--python", str(empty_environment), *names)
        gone.extend(names)

    yield uninstall
    back = [str(wheels[name]) for name in gone]
    uv("pip", "install", "--no-index", "--no-deps", "--python", str(empty_environment), *back)


@pytest.mark.parametrize("name", [name for name in PROJECTS if name != "dc43-gate"])
def test_a_plugin_can_be_uninstalled(
    empty_environment: Path, without: Callable[..., None], tmp_path: Path, name: str
) -> None:
    before = offers(empty_environment)
    contract = tmp_path / "products.odcs.yaml"
    contract.write_text(PRODUCTS)

    without(name)

    assert offers(empty_environment) == {n: o for n, o in before.items() if n != name}
    plan = dc43(empty_environment, "plan", str(contract))
    assert plan.returncode == 0, plan.stderr
    for strategy in [named for kind, named in before[name] if kind == "strategy"]:
        code = (
            "import json\n"
            "from dc43_core import Config, Instance, Runtime\n"
            "from dc43_core.errors import UnknownNameError\n"
            f"runtime = Runtime(config=Config(strategies={{'mine': Instance(use='{strategy}')}}))\n"
            "try:\n"
            "    runtime.strategy('mine')\n"
            "except UnknownNameError as error:\n"
            "    print(json.dumps(str(error)))\n"
        )
        told = ask(empty_environment, code)
        assert f"no strategy named '{strategy}'" in told
        assert told.endswith(f"it comes with {name}") or name.startswith("acme")


@pytest.mark.spark
def test_a_stream_needs_the_core_and_one_plugin(
    empty_environment: Path, without: Callable[..., None], tmp_path: Path
) -> None:
    without(*(PROJECTS.keys() - {"dc43-gate", "dc43-gate-spark"}))

    done = run_flow(empty_environment, tmp_path, "built-in")

    assert done["built-in"]["main"] == 6
    assert done["built-in"]["ledger"].startswith("memory")
