"""Checks the `Host` and `Origin` of every request, and sets the security headers of every response."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.web.errors import error_answer
from syncd.web.origins import netloc_of, parts_of

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
    "base-uri": "'none'",
}
_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Refuses requests under a foreign host name or from a page of another site (403), and sets the headers of every
    response.

    This prevents DNS rebinding: evil.example resolves its own name to 127.0.0.1, and the browser then treats this
    service as a part of evil.example.
    """

    def __init__(self, app: ASGIApp, listens_on: str, address: Callable[[], str | None]) -> None:
        """`listens_on` is the host of `--listen`; `address` returns `web.address` of the configuration in force."""
        self._app = app
        self._listens_on = listens_on
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        app = self._app if refusal is None else error_answer(scope, 403, refusal)
        await app(scope, receive, with_headers)

    def _refusal(self, headers: Headers) -> str | None:
        address = self._address()
        hosts = headers.getlist("host")
        for host in hosts:
            if not is_own_name(host, self._listens_on, address):
                return (
                    "syncd does not answer under this name; if people reach it so, write the address "
                    "into syncd.yaml as web: {address: https://…}"
                )
        for origin in headers.getlist("origin"):
            own = {host.lower() for host in hosts} | {netloc_of(address) if address is not None else None}
            if (netloc := netloc_of(origin)) is None or netloc not in own:
                return "a page of another site may not ask syncd"
        return None


def is_own_name(host: str, listens_on: str, address: str | None) -> bool:
    """Whether a `Host` header names this service: by `web.address`, by an IP address, or by a name that no foreign DNS
    server can resolve.

    If the service listens on loopback, only `web.address` and the names and addresses of loopback count.
    """
    name = _name(host)
    if name is None:
        return False
    if address is not None and name == _name(netloc_of(address) or ""):
        return True
    if name == "localhost" or name.endswith(".localhost"):
        return True
    ip = _ip(name)
    if is_loopback(listens_on):
        return ip is not None and ip.is_loopback
    return ip is not None or "." not in name or name in (listens_on.lower(), socket.gethostname().lower())


def _name(host: str) -> str | None:
    """The name in a `Host` header; None if the header contains more than a host and a port, such as
    `localhost/static/`.
    """
    parts = parts_of(f"//{host}")
    if parts is None or parts.netloc != host or "@" in host:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def _ip(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def is_loopback(listens_on: str) -> bool:
    """Whether a host of `--listen` can be reached from this machine only."""
    ip = _ip(listens_on)
    return listens_on == "localhost" if ip is None else ip.is_loopback
