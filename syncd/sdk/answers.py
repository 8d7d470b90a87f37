"""What an HTTP answer means for the engine: one table for every connector.

Triage is by status first: a 503 may carry rate-limit headers, and is an outage all the same.

| status | meaning | what is raised |
|---|---|---|
| 408, 425, 500, 502, 503, 504, any other 5xx | the server is ill | RetryLater, after Retry-After where given |
| 429 | too many requests | RetryLater, after Retry-After, else the quota's reset |
| 403 with Retry-After, an exhausted quota or a rate-limit message | too many requests (GitHub) | as 429 |
| 401, 403 | credentials or permissions | SourceBroken |
| 404, 410, any other 4xx | not there, or a request that makes no sense | SourceBroken |
| 3xx not followed | moved where we may not follow | SourceBroken |

Sources: docs.github.com "Rate limits for the REST API" (the order Retry-After, then x-ratelimit-reset when remaining is
0, then a minute); developer.atlassian.com "Rate limiting" (X-RateLimit-Reset as ISO 8601); RFC 9110 10.2.3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from syncd.sdk.errors import RetryLater, SourceBroken, SourceError
from syncd.sdk.facts import Check

_TRANSIENT = {408, 425}
_LIMIT_MESSAGE = re.compile(r"rate limit|abuse detection", re.IGNORECASE)
_LONGEST_BODY = 160  # characters of what a server said that go into an error
LONGEST_LINE = 300
"""Characters of an error of a source: what went wrong, and as much of what the server said."""
_SKEW = 120.0  # seconds: the overlap of a walk by time
_UNSAID_LIMIT_WAIT = 60.0  # GitHub's advice for a secondary limit that names no time


def failure(status: int, headers: Mapping[str, str], body: str, now: datetime) -> SourceError:
    """The error that an answer of this status stands for; `now` turns dates in headers into seconds to wait."""
    lower = {name.lower(): value for name, value in headers.items()}
    said = f"HTTP {status}" + (f": {summary}" if (summary := single_line(body)) else "")
    if status >= 500 or status in _TRANSIENT:
        return RetryLater(said, retry_after(lower, now))
    if status == 429 or (status == 403 and _is_limit(lower, body)):
        wait = retry_after(lower, now)
        if wait is None and lower.get("x-ratelimit-remaining", "0").strip() == "0":
            wait = quota_reset(lower, now)
        return RetryLater(f"rate limit ({said})", _UNSAID_LIMIT_WAIT if wait is None else wait)
    if status == 401:
        return SourceBroken(f"the credentials were refused ({said})")
    if status == 403:
        return SourceBroken(f"the credentials lack a permission ({said})")
    if status in (404, 410):
        return SourceBroken(f"not found, or not visible to these credentials ({said})")
    return SourceBroken(said)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that a Retry-After header (lower-case names) asks for, as a number or as a date; None without one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def quota_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the quota named by X-RateLimit-Reset (epoch seconds or ISO 8601) is new; None where unsaid."""
    value = headers.get("x-ratelimit-reset", "").strip()
    if not value:
        return None
    try:
        reset = datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        try:
            reset = datetime.fromisoformat(value)
        except ValueError:
            return None
        if reset.tzinfo is None:
            reset = reset.replace(tzinfo=UTC)
    return max(0.0, (reset - now).total_seconds()) + 1.0


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """The server's own time, by its Date header (lower-case names): what its resets are to be compared with."""
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


def parse_link(header: str) -> dict[str, str]:
    """A Link header's addresses by their relation: `next`, `last` (RFC 8288)."""
    found = re.findall(r'<([^>]*)>\s*;[^,]*?rel="?(\w+)"?', header)
    return {relation: address for address, relation in found}


def quota_and_clock(headers: Mapping[str, str], now: datetime) -> Iterator[Check]:
    """What an answer's headers (lower-case names) say of the quota left and of the server's clock, for `doctor`."""
    remaining, limit = headers.get("x-ratelimit-remaining"), headers.get("x-ratelimit-limit")
    if remaining and limit:
        yield Check("quota", float(remaining) > 0, f"{remaining} of {limit} requests are left")
    try:
        skew = abs((parsedate_to_datetime(headers["date"]) - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return
    yield Check("clock", skew < _SKEW, f"{skew:.0f} s apart" if skew >= 1 else "in step with ours")


def single_line(body: str, length: int = _LONGEST_BODY) -> str:
    """A server's text as one short line, markup removed: enough for a log, too short for a page of HTML."""
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", body[:4000], flags=re.DOTALL | re.IGNORECASE)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def _is_limit(headers: Mapping[str, str], body: str) -> bool:
    exhausted = headers.get("x-ratelimit-remaining", "").strip() == "0"
    return exhausted or "retry-after" in headers or bool(_LIMIT_MESSAGE.search(body))
