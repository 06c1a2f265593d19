"""From a record to a file that holds the draft: what is published is never touched."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from dc43_core import Contract, GovernanceRecord, Runtime
from dc43_core.contracts.files import pick_object
from dc43_core.contracts.folder import read
from dc43_core.errors import ContractError, ContractNotFoundError
from dc43_drift.draft import Draft, draft_successor
from dc43_drift.errors import DraftError


def draft_from_record(
    runtime: Runtime,
    record: GovernanceRecord,
    *,
    contract_file: Path | None = None,
    object_name: str | None = None,
    version: str | None = None,
) -> Draft:
    """Draft the successor of the contract that a batch was judged by, from the batch's drift.

    Args:
        runtime: Where contracts lie, and which formats there are.
        record: Of the batch, published or blocked.
        contract_file: The contract's file; by default it is looked for in the configured folder.
        object_name: The schema object, where the record's dataset does not tell.
        version: The successor's version, instead of the next one.

    Raises:
        DraftError: if there is nothing to draft, the file holds another contract than the batch
            was judged by, or the successor is there already.
        ContractNotFoundError: if the contract is not there.
    """
    contracts = runtime.contracts()
    contract = (
        contracts.get(record.contract_id, f"=={record.contract_version}")
        if contract_file is None
        else contracts.read(contract_file)
    )
    source = Path(contract.source)
    text = read(source)
    if hashlib.sha256(text).hexdigest() != record.contract_digest:
        raise DraftError(
            f"{record.contract_id} {record.contract_version}",
            f"{source} is not the contract that record {record.record_id} was judged by",
            "give the file as it was then, or a newer record",
        )
    draft = draft_successor(
        text,
        record.drift,
        object_name=object_name or _object_of(contract, record.dataset_id),
        version=version,
        source=str(source),
    )
    _require_new(runtime, draft)
    _require_sound(runtime, draft)
    return draft


def _object_of(contract: Contract, dataset_id: str) -> str:
    """Return the name of the object behind a dataset, as `CheckPlan.dataset_id` makes it."""
    for each in contract:
        if len(contract.objects) > 1 and dataset_id == f"{contract.id}.{each.name}":
            return each.name
    return pick_object(contract).name


def _require_new(runtime: Runtime, draft: Draft) -> None:
    try:
        published = runtime.contracts().get(draft.contract_id, f"=={draft.version}")
    except ContractNotFoundError:
        return
    raise DraftError(
        f"{draft.contract_id} {draft.follows}",
        f"version {draft.version} is in {published.source}",
        "start again under it, or say which version the successor has",
    )


def _require_sound(runtime: Runtime, draft: Draft) -> None:
    """Read the draft as it will be read once it is published."""
    name = f"{draft.contract_id} {draft.version}"
    try:
        made = runtime.contracts().parse(f"draft of {name}", draft.text)
        for each in made:
            runtime.plan(made, each.name, any_status=True)
    except ContractError as error:
        raise DraftError(
            f"{draft.contract_id} {draft.follows}",
            f"with the drift in it, it is no contract: {error}",
            "change the contract by hand",
        ) from error


def keep(draft: Draft, folder: Path, published: Path) -> Path:
    """Write a draft into a folder of drafts; one that is there with this text is left as it is.

    Args:
        draft: The draft.
        folder: Where; made if it is not there.
        published: Where contracts lie that may be used; nothing is written there.

    Returns:
        The file.

    Raises:
        DraftError: if the folder is where published contracts lie, or another draft of this
            version is there.
    """
    contract = f"{draft.contract_id} {draft.follows}"
    if folder.resolve().is_relative_to(published.resolve()):
        raise DraftError(
            contract,
            f"{folder} is where published contracts lie",
            "give another folder; who publishes the draft moves it there",
        )
    # An id is anything; what becomes of it in a name cannot leave the folder.
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{draft.contract_id}-{draft.version}").lstrip(".-")
    path = folder / f"{name}.odcs.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(draft.text)
    except FileExistsError:
        if path.read_bytes() != draft.text:
            raise DraftError(
                contract, f"{path} is another draft", "review that one, or move it away"
            ) from None
    return path
