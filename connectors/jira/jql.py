"""JQL: the query as a measure writes it, and the bound on the time of an update that is put behind it.

Jira reads a time in JQL in the zone of the account that asks, to the minute. Where the zone is not told, a bound
reaches back as far as two zones are apart: too many issues are harmless, too few are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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


def never_done(jql: str) -> str | None:
    """The condition of a query that nothing done meets; None where there is none, as far as one sees.

    Looked at are conditions that must hold whatever else does: not those below an OR or a NOT. An empty resolution is
    none of them: there are workflows that end without one.
    """
    terms = _terms(unordered(jql))
    return next((term for term in terms if (found := _CATEGORY.fullmatch(term)) and _leaves_out_done(found)), None)


_DONE = frozenset({"done", "3"})
_OPEN = frozenset({"to do", "new", "2", "in progress", "indeterminate", "4"})
_CATEGORY = re.compile(
    r"""["']?statuscategory["']?\s*(!=|=|not\s+in\b|in\b)\s*(\(.*\)|"[^"]*"|'[^']*'|\w+)""", re.IGNORECASE | re.DOTALL
)
_TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()]|&&|\|\|?|[^\s()"'&|]+|\s+|.""", re.DOTALL)


def _leaves_out_done(condition: re.Match[str]) -> bool:
    operator, given = " ".join(condition[1].lower().split()), condition[2].lower()
    values = {value.strip().strip("\"'").strip() for value in given.strip("()").split(",")}
    if operator in ("=", "in"):
        return values <= _OPEN
    return bool(values & _DONE)


def _terms(jql: str) -> list[str]:
    """What a query joins by AND at its top; nothing where an OR joins anything there."""
    terms, depth = [""], 0
    for token in _TOKEN.findall(jql):
        depth += {"(": 1, ")": -1}.get(token, 0)
        word = token.lower()
        if depth == 0 and word in ("or", "|", "||"):
            return []
        if depth == 0 and word in ("and", "&", "&&"):
            terms.append("")
        else:
            terms[-1] += token
    return [term.strip() for term in terms]


def bounded(jql: str, literal: str, more: str = "") -> str:
    """What the query finds that was updated since a time in JQL and meets `more`, from the oldest update up."""
    return f'({jql}) AND updated >= "{literal}"{more} ORDER BY updated ASC, key ASC'


def leaving_out(ids: Iterable[str], literal: str) -> str:
    """The condition that leaves out some issues, by id, unless they were updated since a time in JQL."""
    return f' AND (updated >= "{literal}" OR id NOT IN ({", ".join(ids)}))'


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
