"""Checks the JQL query of a measure, and adds conditions to it, such as a bound on the time of updates.

Jira interprets a time in JQL in the time zone of the requesting account, to the minute. If the zone is unknown, syncd
moves a bound back by the greatest difference between two zones. Extra issues do no harm, but missing issues do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
    """Whether the brackets of a query match. A stray closing bracket would end the brackets that syncd puts around the
    query, and the bound would not apply.
    """
    depth = 0
    for bracket in re.findall(r"[()]", _QUOTED_OR_ORDER.sub("", jql)):
        depth += 1 if bracket == "(" else -1
        if depth < 0:
            break
    return depth == 0


def never_done(jql: str) -> str | None:
    """The first condition of a query that excludes every done issue; None if no such condition is recognized.

    Conditions below an OR or a NOT are ignored, because they need not hold for every issue. Conditions on an empty
    resolution are ignored, because some workflows end without a resolution.
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
    """The conditions that AND joins at the top level of a query; empty if the top level has an OR."""
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


_PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]*")
_ISSUE_KEY = re.compile(r"([A-Z][A-Z0-9_]*)-\d+", re.IGNORECASE)
_OF_ISSUES = ("key", "issuekey", "issue", "id")
_PART = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(!=|!~|[<>]=|[=~<>!(),]|&&?|\|\|?|[^\s"'()=!~<>,&|]+)""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class NamedProject:
    """A project that a query requests. `is_key` is true if `name` can only be a project's key, and not its name or
    id.
    """

    name: str
    is_key: bool


def named_projects(jql: str) -> Iterator[NamedProject]:
    """The projects that a query requests, by a condition on the project or by the key of an issue: `project in (KB,
    "Web site")`, `key = KB-12`. Conditions below a NOT, and conditions that exclude a project, do not request a
    project.
    """
    parts = [_Part(match) for match in _PART.finditer(unordered(jql))]
    negated, next_negated, index = [False], False, 0
    while index < len(parts):
        part, index = parts[index], index + 1
        if part.word in ("not", "!"):
            next_negated = not next_negated
        elif part.word == "(":
            negated.append(negated[-1] != next_negated)
            next_negated = False
        elif part.word == ")":
            negated = negated[:-1] or [False]
        elif part.word not in ("and", "or", "&", "&&", "|", "||"):
            values, index = _asked_values(parts, index)
            if negated[-1] == next_negated:
                yield from _projects_in(part.text.lower(), values)
            next_negated = False


class _Part:
    """A part of a query: `text` without its quotes, and `word` in lower case, or "" if it was quoted."""

    def __init__(self, match: re.Match[str]) -> None:
        quoted, plain = match.groups()
        self.text = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted[1:-1])
        self.word = plain.lower() if plain is not None else ""


def _asked_values(parts: Sequence[_Part], index: int) -> tuple[Sequence[str], int]:
    """The values of the condition `= X` or `in (X, Y)` at `index`, without functions, and the index after the
    condition.
    """
    words = [part.word for part in parts[index : index + 2]]
    if words[:1] == ["="] and index + 1 < len(parts):
        is_function = index + 2 < len(parts) and parts[index + 2].word == "("
        return [] if is_function else [parts[index + 1].text], index + 2
    if words != ["in", "("]:
        return [], index
    values, depth, index = list[str](), 1, index + 2
    while index < len(parts) and depth:
        part, index = parts[index], index + 1
        depth += {"(": 1, ")": -1}.get(part.word, 0)
        is_function = index < len(parts) and parts[index].word == "("
        if depth == 1 and part.word not in ("(", ")", ",") and not is_function:
            values.append(part.text)
    return values, index


def _projects_in(field: str, values: Sequence[str]) -> Iterator[NamedProject]:
    for value in values:
        if field == "project":
            yield NamedProject(value, _PROJECT_KEY.fullmatch(value) is not None)
        elif field in _OF_ISSUES and (match := _ISSUE_KEY.fullmatch(value)):
            yield NamedProject(match[1].upper(), True)


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
    """A moment in JQL's form: in the account's time zone, rounded down to the minute.

    When clocks go back, an hour occurs twice, and Jira does not document which of the two hours a time means. For a
    moment in the first of these hours, the result is an hour earlier.
    """
    if zone is None:
        local = moment.astimezone(UTC) - _ANY_ZONE
    else:
        local = moment.astimezone(ZoneInfo(zone))
        first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
        if first and second and first > second and not local.fold:
            local = (moment - (first - second)).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M}"
