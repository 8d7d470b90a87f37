"""JQL: a measure's query, and the bound on the time of updates that syncd adds to it.

Jira reads a time in JQL in the zone of the requesting account, to the minute. If the zone is unknown, a bound reaches
back by the greatest difference between two zones. Extra issues do no harm, but missing issues do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_ANY_ZONE = timedelta(hours=26)  # the greatest difference between two zones

# A quoted text, which stays, even without a closing quote; or the ORDER BY that ends a query.
_QUOTED_OR_ORDER = re.compile(
    r"""("(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z))|\border\s+by\b.*\Z""", re.IGNORECASE | re.DOTALL
)


def unordered(jql: str) -> str:
    """The query without its ORDER BY."""
    return _QUOTED_OR_ORDER.sub(lambda match: match[1] or "", jql).strip()


def balanced(jql: str) -> bool:
    """Whether the brackets match. A stray closing bracket would end syncd's bracket around the query and escape the
    bound.
    """
    depth = 0
    for bracket in re.findall(r"[()]", _QUOTED_OR_ORDER.sub("", jql)):
        depth += 1 if bracket == "(" else -1
        if depth < 0:
            break
    return depth == 0


def never_done(jql: str) -> str | None:
    """The first condition of a query that excludes every done issue; None if no such condition is recognized.

    Only conditions that must always hold are considered: none below an OR or a NOT. Conditions on an empty resolution
    are ignored, because some workflows end without a resolution.
    """
    terms = _terms(unordered(jql))
    return next((term for term in terms if (match := _CATEGORY.fullmatch(term)) and _excludes_done(match)), None)


_DONE = frozenset({"done", "3"})
_OPEN = frozenset({"to do", "new", "2", "in progress", "indeterminate", "4"})
_CATEGORY = re.compile(
    r"""["']?statuscategory["']?\s*(!=|=|not\s+in\b|in\b)\s*(\(.*\)|"[^"]*"|'[^']*'|\w+)""", re.IGNORECASE | re.DOTALL
)
_TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()]|&&|\|\|?|[^\s()"'&|]+|\s+|.""", re.DOTALL)


def _excludes_done(condition: re.Match[str]) -> bool:
    operator, given = " ".join(condition[1].lower().split()), condition[2].lower()
    values = {value.strip().strip("\"'").strip() for value in given.strip("()").split(",")}
    if operator in ("=", "in"):
        return values <= _OPEN
    return bool(values & _DONE)


def _terms(jql: str) -> list[str]:
    """The terms that AND joins at the top level of a query; empty if that level has an OR."""
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


def within(jql: str, projects: Iterable[str] | None) -> str:
    """The query, limited to issues of these projects; None allows all projects."""
    return jql if projects is None else f"project in ({', '.join(map(_quoted, projects))}) AND ({jql})"


def _quoted(text: str) -> str:
    return f'"{text}"'


def bounded(jql: str, literal: str, more: str = "") -> str:
    """The query, limited to issues that were updated since a JQL time and meet the conditions `more`. The oldest update
    comes first.
    """
    return f'({jql}) AND updated >= "{literal}"{more} ORDER BY updated ASC, key ASC'


def leaving_out(ids: Iterable[str], literal: str) -> str:
    """The condition that excludes issues by id, unless they were updated since a JQL time."""
    return f' AND (updated >= "{literal}" OR id NOT IN ({", ".join(ids)}))'


def jql_time(moment: datetime, zone: str | None) -> str:
    """A moment in JQL's form: in the account's zone, to the minute, rounded down.

    When clocks go back, an hour occurs twice. Jira does not say which of the two it means, so the result is then an
    hour earlier.
    """
    if zone is None:
        local = moment.astimezone(UTC) - _ANY_ZONE
    else:
        local = moment.astimezone(ZoneInfo(zone))
        first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
        if first and second and first > second and not local.fold:
            local = (moment - (first - second)).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M}"
