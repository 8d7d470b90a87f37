"""One write through httpx whose effect cannot be looked up: what an answer, or none, says of whether it arrived.

| what happens | sent by POST or PATCH | by PUT |
|---|---|---|
| no connection: refused, no such name, TLS, too slow | RetryLater: nothing was sent | RetryLater |
| sent, and no whole answer: too slow, reset, cut off | Unsure | RetryLater |
| 2xx, or a status that the caller accepts | it arrived | it arrived |
| 408, 425, 429, 503, a limit told by 403 | RetryLater: it was turned away | RetryLater |
| any other 5xx | Unsure | RetryLater |
| 3xx: redirects are not followed | Unsure: some follow a write that took effect | SourceBroken |
| any other 4xx | SourceBroken | SourceBroken |

A PUT may be repeated: sent twice it does what it does once (RFC 9110 9.2.2).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.sdk.answers import failure, single_line
from syncd.sdk.errors import RetryLater, SourceBroken, SourceError, Unsure

if TYPE_CHECKING:
    import httpx

_TURNED_AWAY = frozenset({408, 425, 429, 503})


def answered(
    send: Callable[[], httpx.Response],
    now: Callable[[], datetime],
    *,
    repeatable: bool = False,
    accepted: Collection[int] = (),
) -> httpx.Response:
    """The answer of a write that arrived; `accepted` are the statuses that say so, any 2xx without. SourceError else.

    No text of an error names the address: it may hold a key.
    """
    import httpx

    try:
        response = send()
    except (httpx.ConnectTimeout, httpx.PoolTimeout):
        raise RetryLater("it did not accept a connection in time") from None
    except httpx.ConnectError as error:
        if "CERTIFICATE" in str(error):
            raise SourceBroken("its certificate is not accepted") from None
        raise RetryLater("it cannot be reached") from None
    except httpx.ProxyError:
        raise RetryLater("the proxy before it cannot be used") from None
    except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise SourceBroken(f"the request could not be made: {type(error).__name__}") from None
    except httpx.TimeoutException:
        raise in_doubt("it did not answer in time", repeatable=repeatable) from None
    except httpx.HTTPError:
        raise in_doubt("the connection broke before it answered", repeatable=repeatable) from None
    status = response.status_code
    if status in accepted if accepted else response.is_success:
        return response
    if not repeatable and ((status >= 500 and status not in _TURNED_AWAY) or response.is_redirect):
        raise Unsure(f"it was sent, and answered by {_said(response)}")
    raise failure(status, response.headers, response.text, now())


def in_doubt(why: str, *, repeatable: bool) -> SourceError:
    """The error of a write that may have taken effect."""
    return RetryLater(why) if repeatable else Unsure(f"it was sent, and {why}")


def _said(response: httpx.Response) -> str:
    summary = single_line(response.text)
    return f"HTTP {response.status_code}" + (f": {summary}" if summary else "")
