"""The server: one process, one address, stopped by Ctrl-C."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterable

import uvicorn
from attrs import frozen

from dc43_core.errors import Dc43Error
from dc43_demo_app.web.app import create_app
from dc43_demo_app.web.site import Site

LOOPBACK = "127.0.0.1"
_PATIENCE = 1
"""Seconds that open event streams keep the server from ending."""


class PortTakenError(Dc43Error, OSError):
    """Nothing can be served at the address."""

    def __init__(self, host: str, port: int, problem: str) -> None:
        self.host, self.port, self.problem = host, port, problem
        super().__init__(
            f"cannot serve at {host}:{port}: {problem}; give another with --port, or --port 0 "
            "for any that is free"
        )


@frozen
class Address:
    """A bound socket, and what people open."""

    listener: socket.socket
    url: str


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_names(host: str, more: Iterable[str] = ()) -> frozenset[str]:
    """Return what a browser may call this server, in small letters.

    Args:
        host: The address that is listened at.
        more: Names that whoever starts it vouches for.
    """
    names = {name.lower() for name in more}
    if is_loopback(host):
        return frozenset(names | {"localhost", "127.0.0.1", "[::1]"})
    if host in ("0.0.0.0", "::"):
        return frozenset(names | {"localhost", "127.0.0.1", socket.gethostname().lower()})
    return frozenset(names | {f"[{host}]" if ":" in host else host.lower()})


def bind(host: str, port: int) -> Address:
    """Take an address.

    Raises:
        PortTakenError: if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Whoever opens the address as soon as it is printed waits, and is not refused.
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTakenError(host, port, error.strerror or str(error)) from error
    shown = f"[{host}]" if ":" in host else host
    return Address(listener, f"http://{shown}:{listener.getsockname()[1]}/")


def serve(site: Site, host: str, port: int, title: str) -> None:
    """Serve until someone stops it.

    Raises:
        PortTakenError: if the address cannot be had.
    """
    address = bind(host, port)
    sys.stderr.write(f"ledger {site.ledger.location}\n")
    if not is_loopback(host):
        sys.stderr.write("warning: whoever reaches this address sees the ledger\n")
    sys.stdout.write(f"{title} at {address.url}\n")
    sys.stdout.flush()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(site),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
    )
    with address.listener:
        server.run(sockets=[address.listener])
