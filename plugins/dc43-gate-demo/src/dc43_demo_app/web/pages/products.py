"""`/products`: which ports are healthy, and bound to which contract."""

from __future__ import annotations

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dc43_core.data_products.model import Port
from dc43_core.protocol.record import GovernanceRecord
from dc43_demo_app.reading.batch import Batch, brief
from dc43_demo_app.web.render import page, paged, site_of
from dc43_demo_app.web.site import Site


@frozen(kw_only=True)
class ShownPort:
    """A port, its contract, and how the newest data under it did.

    Attributes:
        installed: Whether the contract that it names can be read.
    """

    port: Port
    installed: bool
    newest: Batch | None


def index(request: Request) -> Response:
    """List the data products."""
    found = site_of(request).promises.products()
    return page(request, "products.html", shown=paged(found, request))


def show(request: Request) -> Response:
    """Show one product with its ports."""
    site, wanted = site_of(request), request.path_params["product"]
    found = [one for one in site.promises.products() if one.id == wanted]
    if not found:
        raise HTTPException(404, f"No data product {wanted} is registered.")
    product = found[-1]
    newest = {
        (record.contract_id, record.contract_version): record
        for record in site.ledger.datasets().values()
        if record is not None
    }
    ports = [_shown(site, port, newest) for port in product.ports]
    return page(request, "product.html", product=product, ports=ports)


def _shown(site: Site, port: Port, newest: dict[tuple[str, str], GovernanceRecord]) -> ShownPort:
    key = (port.contract_id or "", port.version or "")
    record = newest.get(key)
    return ShownPort(
        port=port,
        installed=site.promises.find(*key) is not None,
        newest=None if record is None else brief(record, 1, ()),
    )
