"""Makes conditional requests: syncd stores the version of an answer as the stream's cursor, and sends it with the next
pull.

If the server answers 304, nothing changed, and the pull counts as if it had read all rows again. Old rows must never
count as new ones, so a version is stored only if every part could read the answer. After a change of the request, a
part or the time zone, syncd requests the complete answer. syncd also requests the complete answer once a day, because
servers and proxies may be wrong.
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
"""The least time between a Last-Modified and the answer that has it, for the Last-Modified to be reliable. Two changes
in one second have the same Last-Modified (RFC 9110 8.8.2.2).
"""

Cursor = Mapping[str, Json]


def request_digest(address: str, identity: Json, parts: Collection[str], zone: ZoneInfo) -> str:
    """A digest of the request, of the sender's identity, and of how the answer is read. A server may serve two tenants
    at one address, and the versions of their answers may be equal. syncd stores only a digest, because the address may
    contain a key.
    """
    return blake2b(orjson.dumps([address, identity, sorted(parts), zone.key]), digest_size=16).hexdigest()


def conditions(cursor: Cursor | None, digest: str, now: datetime) -> Mapping[str, str]:
    """The headers of a conditional request; empty if syncd needs the complete answer."""
    if not cursor or cursor.get("request") != digest:
        return {}
    read_at = datetime.fromisoformat(str(cursor["read_at"]))
    if not read_at <= now < read_at + _LONGEST:
        return {}
    return {str(cursor["header"]): str(cursor["version"])}


def version(headers: Mapping[str, str], digest: str, now: datetime) -> Cursor | None:
    """The cursor from the headers of an answer (names in lower case); None if the headers name no reliable version."""
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
