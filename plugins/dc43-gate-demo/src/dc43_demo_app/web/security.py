"""Who may ask: the hosts this server answers for, and forms that it made itself."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE, FIELD = "dc43_form", "form_token"
CSP = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_LONGEST_FORM = 65_536


class RefusedError(Exception):
    """A request that this server does not act on, with the sentence that says why."""


class Guard:
    """Refuses foreign hosts, and puts what browsers must obey on every response.

    A page elsewhere that resolves its own name to this machine would otherwise read the ledger.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if host_name(host) not in self.hosts:
            refusal = PlainTextResponse(
                f"This server does not answer for the host {host[:100]!r}. "
                "Open it by the address that it printed at its start.\n",
                status_code=400,
            )
            await refusal(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)


def host_name(host: str) -> str:
    """Return a host without its port, in small letters."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def form_token(request: Request) -> str:
    """Return what the forms of a page carry: the browser's own token, else a new one."""
    known = request.cookies.get(COOKIE, "")
    token: str = getattr(request.state, "form_token", "")
    if not token:
        token = known if len(known) == 43 else secrets.token_urlsafe(32)
        request.state.form_token = token
    return token


async def read_form(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form that a page of this server made.

    Raises:
        RefusedError: if it is someone else's.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise RefusedError(f"This form was sent from {origin}, and nothing was done.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_FORM:
            raise RefusedError("This form is too long, and nothing was done.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        raise RefusedError("This form cannot be read, and nothing was done.") from None
    given, own = fields.pop(FIELD, [""])[0], request.cookies.get(COOKIE, "")
    if not own or not hmac.compare_digest(given.encode(), own.encode()):
        raise RefusedError(
            "This form does not carry the token of your browser, and nothing was done. "
            "Open the page again and repeat it."
        )
    return fields
