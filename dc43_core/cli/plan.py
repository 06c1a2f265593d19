"""`dc43 plan`: what a contract asks, node by node, and what of it is enforced."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from dc43_core.cli.options import Json
from dc43_core.cli.state import state_of
from dc43_core.cli.text import clean, console, count, print_table, write_json
from dc43_core.expectations.derive import planned
from dc43_core.expectations.model import CheckPlan

STATES = ("enforced", "observed", "not enforceable")


def plan(
    context: typer.Context,
    contract_file: Annotated[Path, typer.Argument(metavar="CONTRACT_FILE", help="The contract.")],
    object_name: Annotated[
        str | None, typer.Option("--object", help="Which schema object, if there are several.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a contract asks, and what of it is enforced.

    A contract of any status can be looked at. `enforced` has severity error, `observed` is
    counted and never rejects a row, `not enforceable` says why nothing checks it.
    """
    runtime = state_of(context).runtime
    contract = runtime.contracts().read(contract_file)
    facts = _facts(runtime.plan(contract, object_name, any_status=True))
    if as_json:
        write_json(facts)
        return
    out = console()
    out.print(
        f"{clean(contract.id)} {clean(contract.version)}, object {clean(facts['object'])}, "
        f"status {clean(facts['status'] or 'not given')}"
    )
    out.print()
    columns = (("state", "left"), ("path", "left"), ("what", "left"))
    rows = [(node["state"], node["path"], node["what"]) for node in facts["nodes"]]
    print_table(out, columns, rows)
    out.print()
    counts = facts["counts"]
    told = ", ".join(f"{counts[state.replace(' ', '_')]:,} {state}" for state in STATES)
    out.print(f"{count(len(rows), 'node')}: {told}.")


def _facts(plan: CheckPlan) -> dict[str, Any]:
    nodes = planned(plan)
    found = Counter(node.state for node in nodes)
    contract = plan.contract
    return {
        "contract_id": contract.id,
        "contract_version": contract.version,
        "status": contract.status,
        "source": contract.source,
        "object": plan.schema.name,
        "dataset_id": plan.dataset_id,
        "nodes": [{"state": n.state, "path": n.path, "what": n.what} for n in nodes],
        "counts": {state.replace(" ", "_"): found[state] for state in STATES},
    }
