"""Conditional requests: what an answer says of its version is kept as the stream's cursor, and sent with the next pull.

A server that answers 304 has looked, so the pull is as good as one that read all rows again. What could make old rows
pass for new ones is kept out: only an answer that every part could read leaves a version; another request, other parts
or another time zone are asked for whole; and so is every answer once a day, because servers and proxies may be wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

import orjson

from syncd.sdk import Json

_LONGEST = timedelta(days=1)
_LONGEST_ETAG = 500  # characters
_SETTLED = timedelta(seconds=60)
"""How long before its answer a Last-Modified must lie: its seconds do not tell two changes apart (RFC 9110 8.8.2.2)."""

Cursor = Mapping[str, Json]


def request_digest(address: str, identity: Json, parts: Collection[str], zone: ZoneInfo) -> str:
    """What identifies a request, who asks, and how its answer is read: servers may answer two tenants at one address,
    and their versions may be equal. The address may hold a key, so only a digest is kept.
    """
    return blake2b(orjson.dumps([address, identity, sorted(parts), zone.key]), digest_size=16).hexdigest()


def conditions(cursor: Cursor | None, digest: str, now: datetime) -> Mapping[str, str]:
    """The headers that ask for changes only; none where the whole answer is due."""
    if not cursor or cursor.get("request") != digest:
        return {}
    read_at = datetime.fromisoformat(str(cursor["read_at"]))
    if not read_at <= now < read_at + _LONGEST:
        return {}
    return {str(cursor["header"]): str(cursor["version"])}


def version(headers: Mapping[str, str], digest: str, now: datetime) -> Cursor | None:
    """The cursor that an answer's headers (lower-case names) make; None if they name no version to rely on."""
    if (etag := headers.get("etag", "").strip()) and len(etag) <= _LONGEST_ETAG:
        header, value = "If-None-Match", etag
    elif modified := _settled(headers):
        header, value = "If-Modified-Since", modified
    else:
        return None
    return {"request": digest, "header": header, "version": value, "read_at": now.isoformat()}


def _settled(headers: Mapping[str, str]) -> str | None:
    modified = headers.get("last-modified", "").strip()
    try:
        old = parsedate_to_datetime(headers["date"]) - parsedate_to_datetime(modified) >= _SETTLED
    except (KeyError, ValueError, TypeError):
        return None
    return modified if old else None
