"""Splits an address that a client or a server sent; its text may be anything."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def parts_of(address: str) -> SplitResult | None:
    """The parts of an address; None if the text is not an address, such as `http://[`."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def netloc_of(address: str) -> str | None:
    """The host and port of an address, in lower case; None if the text has no host, such as `null` or `http://[`."""
    parts = parts_of(address)
    return parts.netloc.lower() or None if parts is not None else None
