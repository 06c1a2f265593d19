"""`/contracts`: what is promised, and what is really enforced."""

from __future__ import annotations

from collections import Counter

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dc43_core.errors import ConfigurationError, ContractError, ContractNotFoundError
from dc43_demo_app.web.render import page, paged, site_of


def index(request: Request) -> Response:
    """List the contracts that can be read, and those that cannot."""
    found, broken = site_of(request).promises.contracts()
    return page(
        request, "contracts.html", shown=paged(found, request), broken=[str(e) for e in broken]
    )


def show(request: Request) -> Response:
    """Show one contract: its plan, its schema, its file, and who uses it."""
    site = site_of(request)
    contract_id, version = request.path_params["contract"], request.path_params["version"]
    try:
        promise = site.promises.get(contract_id, version)
    except (ContractNotFoundError, ConfigurationError) as error:
        raise HTTPException(
            404,
            f"Contract {contract_id} {version} is in no folder that this server looks into. "
            "The records that name it stand without it.",
        ) from error
    except ContractError as error:
        return page(
            request,
            "error.html",
            status=500,
            title="Cannot be read",
            sentence=str(error),
            remedy="The file has to be mended; nothing is enforced with it as it is.",
        )
    plans = [
        (plan, promise.nodes(plan), Counter(node.state for node in promise.nodes(plan)))
        for plan in promise.plans
    ]
    using = [
        dataset
        for dataset, record in site.ledger.datasets().items()
        if record is not None
        and (record.contract_id, record.contract_version) == (contract_id, version)
    ]
    return page(request, "contract.html", promise=promise, plans=plans, using=using)
