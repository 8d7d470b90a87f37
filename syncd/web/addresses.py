"""The network address that a request comes from, and the address or network for which login attempts are counted."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import Request

from syncd.config.web_keys import WebKeys

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_SITE_BITS = 64  # bits of an IPv6 address: whoever has one address has its whole network


def peer_of(request: Request) -> str:
    """The address at the other end of the connection; empty if it is unknown."""
    return request.client.host if request.client is not None else ""


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of the networks. An IPv4 address may be written as an IPv6 one."""
    ip = _ip(address)
    return ip is not None and any(ip in ip_network(network) for network in networks)


def counted_address(request: Request, web: WebKeys) -> str:
    """The address for which login attempts are counted. This address never decides who is let in.

    Behind a proxy every visitor has the proxy's address. If a request comes from this machine or from a proxy in `web:
    login: proxy: trusted:`, syncd uses the last entry of `X-Forwarded-For`, because the proxy itself appends that
    entry. An IPv6 address counts as its /64 network.
    """
    peer = peer_of(request)
    proxy = web.login.proxy if web.login is not None else None
    ip = _ip(peer)
    if is_within(peer, (*_LOOPBACK, *(proxy.trusted if proxy is not None else ()))):
        entries = ",".join(request.headers.getlist("x-forwarded-for"))
        ip = _ip(_without_port(entries.rpartition(",")[2].strip())) or ip
    if isinstance(ip, IPv6Address):
        return str(IPv6Network((int(ip), _SITE_BITS), strict=False))
    return peer if ip is None else str(ip)


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _without_port(text: str) -> str:
    """The address in `10.1.2.3:443`, `[2001:db8::1]:443` or `[2001:db8::1]`, as some proxies write it."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
