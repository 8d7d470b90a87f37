"""Maps HTTP answers to errors. Every connector uses this table.

The status decides first: a 503 is an outage, even if it has rate-limit headers.

| status | meaning | error |
|---|---|---|
| 408, 425, 500, 502, 503, 504, any other 5xx | the server is ill | RetryLater, after Retry-After if given |
| 429 | too many requests | RetryLater, after Retry-After, else the quota's reset |
| 403 with Retry-After, an exhausted quota or a rate-limit message | too many requests (GitHub) | as 429 |
| 401, 403 | credentials or permissions | SourceBroken |
| 404, 410, any other 4xx | not found, or an invalid request | SourceBroken |
| 3xx not followed | moved to an address that syncd may not follow | SourceBroken |

Sources: docs.github.com "Rate limits for the REST API" (the order Retry-After, then x-ratelimit-reset when remaining is
0, then a minute); developer.atlassian.com "Rate limiting" (X-RateLimit-Reset as ISO 8601); docs.gitlab.com "User and IP
rate limits" (RateLimit-Reset in epoch seconds); draft-ietf-httpapi-ratelimit-headers-07 (in seconds from now); RFC 9110
10.2.3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.sdk.errors import RetryLater, SourceBroken, SourceError, Unsure
from syncd.sdk.facts import Check
from syncd.sdk.json_text import read_json
from syncd.sdk.sentences import LONGEST_SENTENCE, sentence

_TRANSIENT = {408, 425}
_LIMIT_MESSAGE = re.compile(r"\b(?:rate[ -]?limit(?:s|ed|ing|Exceeded)?|abuse detection)\b", re.IGNORECASE)
LONGEST_LINE = LONGEST_SENTENCE + 500
"""The maximal number of characters in a source's error: the problem, the server's text, and what to do."""
_SKEW = 120.0  # seconds: pulls by time overlap by as much
_DEFAULT_LIMIT_WAIT = 60.0  # GitHub's advice for a secondary limit without a time
_FIRST_EPOCH = 1e9  # the year 2001 in epoch seconds; a smaller number counts seconds from now


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer: its status, its headers by lower-case names, and its decompressed body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Parses the body as JSON. Raises the errors of `read_json`."""
        return read_json(self.body)


def failure(
    status: int, headers: Mapping[str, str], body: str, now: datetime, hide: Callable[[str], str] = str
) -> SourceError:
    """The error for an unsuccessful HTTP answer. A date in a header becomes a wait in seconds from `now`.

    `hide` masks secrets in the server's text.
    """
    error = _failure(status, {name.lower(): value for name, value in headers.items()}, body, now, hide)
    error.status = status
    return error


def _failure(
    status: int, headers: Mapping[str, str], body: str, now: datetime, hide: Callable[[str], str]
) -> SourceError:
    answer = describe(status, body, hide)
    if status >= 500 or status in _TRANSIENT:
        return RetryLater(answer, retry_after(headers, now))
    if status == 429 or (status == 403 and _is_limit(headers, body)):
        wait = retry_after(headers, now)
        if wait is None and rate_limit(headers, "remaining") in ("", "0"):
            wait = quota_reset(headers, now)
        return RetryLater(f"rate limit ({answer})", _DEFAULT_LIMIT_WAIT if wait is None else wait)
    if status == 401:
        return SourceBroken(f"the credentials were refused ({answer})")
    if status == 403:
        return SourceBroken(f"the credentials lack a permission ({answer})")
    if status in (404, 410):
        return SourceBroken(f"not found, or not visible to these credentials ({answer})")
    return SourceBroken(answer)


def in_doubt(why: str, *, repeatable: bool) -> SourceError:
    """The error for a request that may have taken effect. Sending a `repeatable` request twice has the same effect as
    sending it once.
    """
    return RetryLater(why) if repeatable else Unsure(f"it was sent, and {why}")


def describe(status: int, body: str, hide: Callable[[str], str] = str) -> str:
    """Describes an HTTP answer in one line by its status and text, such as `HTTP 401: Bad credentials`."""
    return f"HTTP {status}" + (f": {text}" if (text := sentence(body, hide)) else "")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait in seconds that the Retry-After header asks for, as a number or as a date; None without the header. The
    headers have lower-case names.
    """
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


def rate_limit(headers: Mapping[str, str], name: str) -> str:
    """The header `X-RateLimit-NAME`, or `RateLimit-NAME` as in GitLab and the IETF's draft; "" if both are missing.

    A header may list several policies, as in the draft (`10, 10;w=1, 50;w=60`). The first policy is in force.
    """
    value = headers.get(f"x-ratelimit-{name}") or headers.get(f"ratelimit-{name}") or ""
    return re.split("[,;]", value, maxsplit=1)[0].strip()


def quota_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds until the quota is renewed, from the rate-limit header `reset`; None without a usable header.

    The header holds epoch seconds, seconds from now, or an ISO 8601 time. One second is added, because clocks differ.
    """
    value = rate_limit(headers, "reset")
    if not value:
        return None
    try:
        number = float(value)
        if abs(number) < _FIRST_EPOCH:
            return max(0.0, number) + 1.0
        reset = datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        try:
            reset = datetime.fromisoformat(value)
        except ValueError:
            return None
        if reset.tzinfo is None:
            reset = reset.replace(tzinfo=UTC)
    return max(0.0, (reset - now).total_seconds()) + 1.0


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """The server's time, from the Date header (lower-case names); None without a usable header. It is compared with the
    quota's renewal time.
    """
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


def parse_link(header: str) -> dict[str, str]:
    """The addresses in a Link header by their relation, such as `next` and `last` (RFC 8288)."""
    links = re.findall(r'<([^>]*)>\s*;[^,]*?rel="?(\w+)"?', header)
    return {relation: address for address, relation in links}


def quota_and_clock(headers: Mapping[str, str], now: datetime) -> Iterator[Check]:
    """The findings of `syncd doctor` about the remaining quota and the server's clock, from an answer's headers
    (lower-case names).
    """
    remaining, limit = rate_limit(headers, "remaining"), rate_limit(headers, "limit")
    if remaining and limit:
        yield Check("quota", remaining != "0", f"{remaining} of {limit} requests are left")
    try:
        skew = abs((parsedate_to_datetime(headers["date"]) - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return
    yield Check("clock", skew < _SKEW, f"{skew:.0f} s apart" if skew >= 1 else "in step with ours")


def _is_limit(headers: Mapping[str, str], body: str) -> bool:
    exhausted = rate_limit(headers, "remaining") == "0"
    return exhausted or "retry-after" in headers or bool(_LIMIT_MESSAGE.search(body))
