"""Options, and what is never shown of them."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from dc43_core.config import Config, Instance, load_config
from dc43_core.converter import Secret
from dc43_core.errors import ConfigurationError
from dc43_core.plugin_manager import load_plugins
from dc43_core.runtime import Runtime
from dc43_governance_sql.errors import LedgerError
from dc43_governance_sql.ledger import SqlGovernance
from dc43_governance_sql.options import SqlOptions

README = Path(__file__).parents[1] / "README.md"
SECRET = "hunter2"


def runtime() -> Runtime:
    return Runtime(config=Config(), plugins=load_plugins(allowed=["dc43-gate-governance-sql"]))


def build(**options: str) -> SqlGovernance:
    return runtime().build(
        "governance client", Instance(use="sql", options=options), "governance.x"
    )


def everything(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


LAZY = """
import sys
from dc43_governance_sql.hooks import dc43_governance_clients
assert "sqlalchemy" not in sys.modules, "the hooks import SQLAlchemy"
(extension,) = dc43_governance_clients()
client = extension.build(extension.options(path=sys.argv[1]))
for _ in range(2):
    client.open()
    client.close()
assert "alembic" not in sys.modules, "opening a ledger imports Alembic without need"
"""


def test_what_takes_long_to_import_is_imported_when_it_is_needed(tmp_path):
    subprocess.run([sys.executable, "-c", LAZY, tmp_path / "ledger.db"], check=True)


def test_the_extension_is_found_by_name(tmp_path):
    offer = runtime().plugins.registry("governance client").get("sql")
    assert offer.owner == "governance-sql"
    assert offer.extension.capabilities == {"roles": ("ledger", "catalogue")}
    assert build(path=str(tmp_path / "x.db")).location() == str(tmp_path / "x.db")


def test_the_readme_shows_configurations_that_work(tmp_path):
    example = README.read_text().split("```toml\n")[1].split("```")[0]
    file = tmp_path / "dc43.toml"
    for text, scheme in [
        (example, "/var/lib/dc43/"),
        (example.replace("path =", "#").replace("# url", "url"), "postgresql+psycopg://dc43@host/"),
    ]:
        file.write_text(text)
        options = load_config(file).governance["ledger"].options
        assert build(**options).location().startswith(scheme)


@pytest.mark.parametrize("options", [{}, {"path": "a", "url": "sqlite:///b"}, {"path": ""}])
def test_exactly_one_place_is_given(options):
    with pytest.raises(ConfigurationError, match="SQLite file"):
        build(**options)


def test_a_misspelt_option_is_refused():
    with pytest.raises(ConfigurationError, match="unknown key file"):
        build(path="a", file="b")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", 'use = "memory"'),
        ("sqlite:///:memory:", 'use = "memory"'),
        ("mysql://me:hunter2@host/db", "not in mysql"),
        ("me:hunter2", "not a SQLAlchemy URL"),
        ("postgresql://me:hunter2@host:port/db", "not a SQLAlchemy URL"),
        ("postgresql://me:p@hunter2@host/db", "user and password, write @ as %40"),
        ("postgresql://me:a@b/hunter2@host/db", "user and password, write @ as %40"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_quoting_it(url, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        build(url=url)
    assert SECRET not in everything(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:hunter2@127.0.0.1:1/ledger?sslpassword=hunter2",
        "postgresql+pg8000://me:hunter2@127.0.0.1:1/ledger?password=hunter2",
    ],
)
def test_a_password_is_never_shown(url):
    options = SqlOptions(url=Secret(url))
    client = SqlGovernance(options)
    assert client.location().endswith("//me@127.0.0.1:1/ledger")
    # Either there is no driver here, or no server there.
    with pytest.raises(LedgerError) as caught:
        client.open()
    shown = [everything(caught.value), str(client.health()), repr(client), str(options)]
    assert SECRET not in "".join(shown)
    assert "127.0.0.1" in str(caught.value)


def test_a_password_that_the_database_quotes_is_struck_out():
    from sqlalchemy.exc import OperationalError

    client = SqlGovernance(SqlOptions(url=Secret("postgresql://me:hunter%402@host/db")))
    said = OperationalError("SELECT 1", None, Exception("no entry for me, password\nhunter@2"))
    explained = client._database.explain(said)
    assert explained.args == (
        "ledger postgresql://me@host/db: no entry for me, password ***; "
        "it is tried again with the next batch and at the next start",
    )
