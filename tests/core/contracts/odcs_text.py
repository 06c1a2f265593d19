"""Small contracts as text, and what the ODCS loader makes of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from dc43_core.contracts.model import Contract, Property, QualityRule
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.errors import ContractError

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "odcs"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no example contracts in {CORPUS}")

HEAD = "apiVersion: {}\nkind: DataContract\nid: flights\nversion: 1.0.0\nstatus: active\n"


def parse(text: str | bytes) -> Contract:
    return OdcsLoader().parse("c.yaml", text.encode() if isinstance(text, str) else text)


def refusal(text: str) -> ContractError:
    with pytest.raises(ContractError) as caught:
        parse(text)
    return caught.value


def document(body: str, api_version: str = "v3.1.0") -> str:
    return HEAD.format(api_version) + dedent(body)


def with_property(body: str, api_version: str = "v3.1.0") -> str:
    """A contract of one object `t` with one property `p`, whose other keys are given."""
    inner = indent(dedent(body), "        ")
    return document("schema:\n  - name: t\n    properties:\n      - name: p\n", api_version) + inner


def with_rule(body: str, api_version: str = "v3.1.0") -> str:
    inner = indent(dedent(body).strip(), "    ").replace("    ", "  - ", 1)
    return with_property("quality:\n" + inner, api_version)


def prop(body: str, api_version: str = "v3.1.0") -> Property:
    return parse(with_property(body, api_version)).objects[0].properties[0]


def rule(body: str, api_version: str = "v3.1.0") -> QualityRule:
    contract = parse(with_rule(body, api_version))
    return contract.objects[0].properties[0].quality[0]


def notes(text: str) -> dict[str, str]:
    return {note.path: note.reason for note in parse(text).notes}
