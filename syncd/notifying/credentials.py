"""Finds the credentials in an address of apprise. Each service has its credentials in different parts of the address.

apprise itself masks the parts that its services call private. A service that only sends a request to an address, such
as `json://HOST/KEY`, does not call the key private. In such an address, every part that looks like a key counts as a
key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from syncd.sdk.credentials import keys_in_query, keys_of_user, looks_like_key

if TYPE_CHECKING:
    from apprise.plugins.base import NotifyBase

_BETWEEN_PARTS = re.compile(r"[^\w.~-]+")
_SHORTEST_KEY = 8  # characters of a part of a path


def all_parts(url: str) -> Iterator[str]:
    """Yields all parts of an address, because even a host, a topic or a room may be the secret. User and password are
    also given in the form that they have in a header.
    """
    if parts := _split(url):
        yield from keys_of_user(parts.username or "", parts.password or "")
        yield from keys_in_query(parts.query)
    yield from _BETWEEN_PARTS.split(unquote(url.partition("://")[2]))


def credentials(url: str, service: NotifyBase | None) -> Iterator[str]:
    """Yields the parts of an address that must not be in any log or output. Hosts, ports and names of people or rooms
    may be shown.
    """
    parts = _split(url)
    if parts is None or service is None:  # the meaning of the parts is not known
        yield url
        yield from (part for part in all_parts(url) if looks_like_key(part, _SHORTEST_KEY) and "." not in part)
        return
    yield from keys_in_query(parts.query)
    user, password = parts.username or "", parts.password or ""
    if password or _has_only_password(service):
        yield from keys_of_user(user, password)
    before_query = unquote(url.partition("://")[2].partition("?")[0])
    shown = set(_BETWEEN_PARTS.split(unquote(service.url(privacy=True))))
    yield from (part for part in _BETWEEN_PARTS.split(before_query) if part not in shown)
    if _has_only_password(service):
        yield from (part for part in unquote(parts.path).split("/") if looks_like_key(part, _SHORTEST_KEY))


def _has_only_password(service: NotifyBase) -> bool:
    tokens = service.template_tokens.items()
    return not any(token.get("private") for name, token in tokens if name != "password")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # half of an address in brackets
        return None
