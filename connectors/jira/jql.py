"""JQL: the query as a measure writes it, and the bound on the time of an update that is put behind it.

Jira reads a time in JQL in the zone of the account that asks, to the minute. Where the zone is not told, a bound
reaches back as far as two zones are apart: too many issues are harmless, too few are not.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_ANY_ZONE = timedelta(hours=26)  # as far apart as two zones are

# A quoted text (kept, closed or not), or the ORDER BY that ends a query.
_QUOTED_OR_ORDER = re.compile(
    r"""("(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z))|\border\s+by\b.*\Z""", re.IGNORECASE | re.DOTALL
)


def unordered(jql: str) -> str:
    """The query without its ORDER BY."""
    return _QUOTED_OR_ORDER.sub(lambda match: match[1] or "", jql).strip()


def balanced(jql: str) -> bool:
    """Whether its brackets match. One that closes our bracket around it would slip out of the bound behind."""
    depth = 0
    for bracket in re.findall(r"[()]", _QUOTED_OR_ORDER.sub("", jql)):
        depth += 1 if bracket == "(" else -1
        if depth < 0:
            break
    return depth == 0


def bounded(jql: str, literal: str) -> str:
    """What the query finds that was updated since a time in JQL, from the oldest update up."""
    return f'({jql}) AND updated >= "{literal}" ORDER BY updated ASC, key ASC'


def jql_time(moment: datetime, zone: str | None) -> str:
    """A moment as JQL takes it: in the account's zone, to the minute, rounded down.

    Where the clocks repeat an hour nobody says which one Jira means; there it is an hour earlier.
    """
    if zone is None:
        local = moment.astimezone(UTC) - _ANY_ZONE
    else:
        local = moment.astimezone(ZoneInfo(zone))
        first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
        if first and second and first > second and not local.fold:
            local = (moment - (first - second)).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M}"
