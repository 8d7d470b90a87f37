"""Failures on the way to a server, in plain sentences: no name, no connection, no TLS, no answer.

They work on exceptions of requests and of httpx alike: both keep the operating system's error as their cause.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from urllib.parse import SplitResult, urlsplit

from syncd.sdk.errors import RetryLater, SourceBroken, SourceError

BAD_HEADER = "a secret or a header holds a line break, or what else no header may hold; set it again without"
_NO_ROUTE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)
_PORTS = {"http": 80, "https": 443}
_BEFORE_SENDING = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "SSLError")  # of urllib3


def network_failure(error: Exception, url: str, timeout: float | None = None) -> SourceError:
    """The error for an exception of requests, on the way to the server of `url`; `timeout` is in seconds.

    Its text names the host, the port and the proxy, and no more of an address: a path or a query may hold keys.
    """
    import requests

    if isinstance(error, requests.exceptions.TooManyRedirects):
        return SourceBroken(f"{origin(urlsplit(url))} redirects in a circle")
    if isinstance(error, requests.exceptions.InvalidHeader):
        return SourceBroken(BAD_HEADER)
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return RetryLater(f"the answer of {host(url)} was cut off")
    if isinstance(error, requests.exceptions.ReadTimeout) or _any_named(error, "ReadTimeoutError"):
        return RetryLater(too_slow(url, timeout))
    if isinstance(error, requests.exceptions.ProxyError) or _any_named(error, *_BEFORE_SENDING):
        return unreachable(error, url, timeout, _resolved)
    if isinstance(error, requests.exceptions.ConnectionError):
        return RetryLater(f"the connection to {host(url)} broke before it answered")
    return SourceBroken(f"the request to {host(url)} could not be made: {type(error).__name__}")


def unreachable(
    error: BaseException, url: str, timeout: float | None, addresses: Callable[[str, int], str]
) -> SourceError:
    """The error for a connection that was not made, so that nothing was sent.

    `addresses` tells the numeric address that a host name stands for, or "".
    """
    reasons = list(_causes(error))
    proxy = proxy_of(url)
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
        return SourceBroken(f"the proxy {host(proxy)} does not let through to {host(url)}: {refusal}")
    subject = f"the proxy {host(proxy)}, which leads to {host(url)}," if proxy else host(url)
    name, port = _host_and_port(proxy or url)
    where = f" at {address}" if (address := _is_named(name) and addresses(name, port)) else ""
    for reason in reasons:
        if isinstance(reason, socket.gaierror | UnicodeError):
            correct = f"{urlsplit(url).scheme.upper()}_PROXY" if proxy else "url"
            return RetryLater(
                f"the name of {'the proxy ' if proxy else ''}{name} cannot be resolved; correct {correct}, or look at "
                "the name server of this machine"
            )
        if isinstance(reason, ConnectionRefusedError):
            return RetryLater(f"{subject} refuses the connection{where}: nothing listens there")
        if isinstance(reason, OSError) and reason.errno in _NO_ROUTE:
            return RetryLater(f"{subject} cannot be reached{where}: this machine has no route to it")
    if any(isinstance(reason, TimeoutError) or "Timeout" in type(reason).__name__ for reason in reasons):
        within = f" within {timeout:g} s" if timeout is not None else " in time"
        return RetryLater(f"{subject} did not accept a connection{where}{within}; a firewall may drop it")
    return RetryLater(f"{subject} cannot be reached{where}: the connection broke")


def too_slow(url: str, timeout: float | None) -> str:
    """A server that was sent a request, and did not answer."""
    return f"{host(url)} did not answer" + (" in time" if timeout is None else f" within {timeout:g} s")


def host(url: str) -> str:
    """The host of an address with its port: what an error may name of an address."""
    name, port = _host_and_port(url)
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def origin(parts: SplitResult) -> str:
    """The scheme and the host of an address, without user and password."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for an address: HTTPS_PROXY, HTTP_PROXY or ALL_PROXY without NO_PROXY."""
    from urllib.request import getproxies, proxy_bypass  # slow to import, and of use only where a connection fails

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.hostname or "", port or _PORTS.get(parts.scheme, 0)


def _is_named(name: str) -> bool:
    return not name.replace(".", "").isdigit() and ":" not in name


def _resolved(name: str, port: int) -> str:
    """The addresses behind a name, for an error of a library that has just resolved it."""
    try:
        return numeric(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return ""


def numeric(addresses: object) -> str:
    """The first addresses of a result of getaddrinfo, as `10.0.0.1:443 and 10.0.0.2:443`."""
    texts = []
    for *_, place in addresses if isinstance(addresses, list) else []:
        texts.append(f"[{place[0]}]:{place[1]}" if ":" in place[0] else f"{place[0]}:{place[1]}")
    return " and ".join(list(dict.fromkeys(texts))[:2])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came from."""
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


def _any_named(error: BaseException, *names: str) -> bool:
    return any(type(reason).__name__ in names for reason in _causes(error))


def _refusal_of_proxy(reasons: list[BaseException]) -> str:
    """What a proxy answered to CONNECT, as `407 Proxy Authentication Required`; "" if it did not."""
    for reason in reasons:
        text = str(reason).partition("Tunnel connection failed: ")[2] or (
            str(reason) if type(reason).__name__ == "ProxyError" and str(reason)[:3].isdigit() else ""
        )
        if text:
            return " ".join(text.split())[:100].strip("()'\"")
    return ""
