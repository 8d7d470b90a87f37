"""The person whom a proxy names as logged in. syncd believes only requests from the proxy's own address."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from syncd.config.web_keys import ProxyKeys
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.addresses import is_within, peer_of

_TWICE = marked("the proxy sends %(header)s several times; let it replace what a visitor sends")


@dataclass(frozen=True, slots=True)
class Proxied:
    """A person as the proxy names them."""

    name: str
    groups: frozenset[str]


def proxied(request: Request, proxy: ProxyKeys) -> Proxied | str:
    """The person behind a request, or the sentence that refuses it.

    syncd checks the address of the connection. `X-Forwarded-For` is not used, because anybody can write it.
    """
    if not is_within(peer_of(request), proxy.trusted):
        return _("the pages are reached through the proxy that people log in at, and not at this address")
    names = [_text(name).strip() for name in request.headers.getlist(proxy.header)]
    if len(names) > 1:
        return _(_TWICE, header=proxy.header)
    if not names or not names[0]:
        return _("the proxy does not say who is logged in: it sends no %(header)s", header=proxy.header)
    groups = request.headers.getlist(proxy.groups) if proxy.groups is not None else []
    if len(groups) > 1:
        return _(_TWICE, header=proxy.groups)
    members = (group.strip() for group in _text("".join(groups)).split(","))
    return Proxied(names[0], frozenset(filter(None, members)))


def _text(header: str) -> str:
    """A header's value, which proxies write in UTF-8 and HTTP reads as Latin-1."""
    return header.encode("latin-1").decode("utf-8", "replace")
