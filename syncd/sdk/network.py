"""Sentences for failures on the way to a server: no name, no connection, no TLS, no answer."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from syncd.sdk.errors import RetryLater, SourceBroken, SourceError

BAD_HEADER = "a secret or a header holds a line break, or what else no header may hold; set it again without"
_NO_ROUTE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)
_PORTS = {"http": 80, "https": 443}
_PASSING = ("408", "429", "502", "503", "504")  # from a proxy that is ill or overloaded: another try may help


class Proxy(NamedTuple):
    """A proxy's address, and the setting that names it: `proxy`, or a variable such as `HTTPS_PROXY`."""

    address: str
    setting: str


def unreachable(
    error: BaseException, url: str, timeout: float, proxy: Proxy | None, addresses: Mapping[str, str]
) -> SourceError:
    """The error for a request that was not sent, because no connection could be made.

    `addresses` has the numeric addresses of the host names that were resolved. The text names only the host, the port
    and the proxy, because a path or a query may hold keys.
    """
    reasons = list(_causes(error))
    tls = next((reason for reason in reasons if isinstance(reason, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        why = getattr(tls, "verify_message", "") or "it cannot be verified"
        return SourceBroken(f"the certificate of {host(url)} is not accepted: {why}")
    if tls is not None:
        if tls.reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            return SourceBroken(f"{host(url)} does not speak TLS: correct the port in url, or write http://")
        short = (tls.reason or "it broke off").lower().replace("_", " ")
        return RetryLater(f"{host(url)} and this machine do not agree on TLS: {short}")
    if proxy and (refusal := _refusal_of_proxy(reasons)):
        passing = refusal.startswith(_PASSING)
        text = f"the proxy {host(proxy.address)} does not let through to {host(url)}: {refusal}"
        return RetryLater(text) if passing else SourceBroken(text)
    subject = f"the proxy {host(proxy.address)}, which leads to {host(url)}," if proxy else host(url)
    name, _ = _host_and_port(proxy.address if proxy else url)
    where = f" at {address}" if (address := addresses.get(name)) and _is_named(name) else ""
    for reason in reasons:
        if isinstance(reason, socket.gaierror | UnicodeError):
            correct = proxy.setting if proxy else "url"
            return RetryLater(
                f"the name of {'the proxy ' if proxy else ''}{name} cannot be resolved; correct {correct}, or look at "
                "the name server of this machine"
            )
        if isinstance(reason, ConnectionRefusedError):
            return RetryLater(f"{subject} refuses the connection{where}: nothing listens there")
        if isinstance(reason, OSError) and reason.errno in _NO_ROUTE:
            return RetryLater(f"{subject} cannot be reached{where}: this machine has no route to it")
    if any(isinstance(reason, TimeoutError) or "Timeout" in type(reason).__name__ for reason in reasons):
        return RetryLater(f"{subject} did not accept a connection{where} within {timeout:g} s; a firewall may drop it")
    return RetryLater(f"{subject} cannot be reached{where}: the connection broke")


def too_slow(url: str, seconds: float, *, whole: bool = False) -> str:
    """The sentence for a server that got a request and did not answer in time. With `whole`, the server did not finish
    its answer.
    """
    return f"{host(url)} did not {'end its' if whole else ''} answer within {seconds:g} s".replace("  ", " ")


def host(url: str) -> str:
    """The host and port of an address. An error may name the host and port, but not the rest of the address."""
    name, port = _host_and_port(url)
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def origin(parts: SplitResult) -> str:
    """The scheme and the host of an address, without user and password."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def proxy_of(url: str, configured: str | None = None) -> Proxy | None:
    """The proxy for an address: the configured proxy, else the proxy in the environment (HTTPS_PROXY, HTTP_PROXY or
    ALL_PROXY; NO_PROXY lists exceptions).
    """
    if configured:
        return Proxy(configured, "proxy")
    from urllib.request import getproxies

    parts, proxies = urlsplit(url), getproxies()
    address = proxies.get(parts.scheme) or proxies.get("all")
    if not address:
        return None
    from requests.utils import should_bypass_proxies  # it also reads ranges of addresses in NO_PROXY

    if should_bypass_proxies(url, proxies.get("no")):
        return None
    return Proxy(address if "://" in address else f"http://{address}", f"{parts.scheme.upper()}_PROXY")


def server_of(parts: SplitResult) -> tuple[str, str | None, int]:
    """The scheme, host and port of an address. If any of them differs from the server's, no credentials are sent."""
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname, _PORTS.get(parts.scheme, 0) if port is None else port


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.hostname or "", port or _PORTS.get(parts.scheme, 0)


def _is_named(name: str) -> bool:
    return not name.replace(".", "").isdigit() and ":" not in name


def numeric(addresses: object) -> str:
    """The first two addresses in a result of getaddrinfo, such as `10.0.0.1:443 and 10.0.0.2:443`."""
    texts = []
    for *_, place in addresses if isinstance(addresses, list) else []:
        texts.append(f"[{place[0]}]:{place[1]}" if ":" in place[0] else f"{place[0]}:{place[1]}")
    return " and ".join(list(dict.fromkeys(texts))[:2])


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        reason = waiting.pop(0)
        if reason is None or id(reason) in seen:
            continue
        seen.add(id(reason))
        yield reason
        if isinstance(reason, BaseExceptionGroup):
            waiting.extend(reason.exceptions)
        waiting += [reason.__cause__ or reason.__context__]
        waiting += [inner for inner in reason.args if isinstance(inner, BaseException)]


def _refusal_of_proxy(reasons: list[BaseException]) -> str:
    """A proxy's answer to CONNECT, such as `407 Proxy Authentication Required`; "" if there is none."""
    answers = (str(reason) for reason in reasons if type(reason).__name__ == "ProxyError")
    return next((" ".join(text.split()) for text in answers if text[:3].isdigit()), "")
