"""The fields of JQL: the values of each field in an issue, the field's operators, and the meaning of its literals."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from syncd.sandbox.jira.ticket import CATEGORIES, STATUSES, Ticket
from syncd.sandbox.jira.tickets import Tickets

Key = Callable[[Ticket], tuple[int, Any]]
"""The sort key of ORDER BY: (0, 0) for a blank, else (1, value)."""


class JqlError(ValueError):
    """A query that Jira refuses with 400 and this message."""


@dataclass(frozen=True)
class Context:
    """The site and the present time. The site's `zone` is the time zone of the requesting account."""

    site: Tickets
    now: datetime


_OPERATORS = {
    "choice": ("=", "in", "is"),
    "text": ("~", "is"),
    "date": ("=", "in", "is", "<", "<=", ">", ">="),
    "number": ("=", "in", "is", "<", "<=", ">", ">="),
    "key": ("=", "in", "is", "<", "<=", ">", ">="),
    "id": ("=", "in"),
}


@dataclass(frozen=True)
class Field:
    """A field. `values` returns the field's values in an issue; they are empty if the field is blank.

    If Jira accepts only existing values of the field in a query, `choices` has these values in lower case.
    """

    name: str
    kind: Literal["choice", "text", "date", "number", "key", "id"]
    values: Callable[[Ticket], list[Any]]
    context: Context
    choices: frozenset[str] | None = None

    def allow(self, operator: str) -> None:
        """Raises JqlError, in Jira's words, if the field does not support the operator."""
        plain = {"!=": "=", "!~": "~"}.get(operator, operator)
        if plain not in _OPERATORS[self.kind]:
            raise JqlError(f"The operator '{operator}' is not supported by the '{self.name}' field.")

    def test(self, operator: str, literal: str) -> Callable[[object], bool]:
        """A predicate on one value of the field: whether `VALUE operator literal` is true."""
        wanted: Any
        match self.kind:
            case "date":
                wanted = moment(literal, self.name, self.context)
            case "number":
                try:
                    wanted = float(literal)
                except ValueError:
                    raise JqlError(f"Value '{literal}' is not a number for the field '{self.name}'.") from None
            case "key":
                wanted = _key_order(literal)
            case "id":
                wanted = self._id(literal)
            case "text":
                words = literal.lower().replace("*", "").split()
                return lambda value: all(word in str(value).lower() for word in words)
            case _:
                wanted = self._choice(literal)
                return lambda value: str(value).lower() == wanted
        compare: dict[str, Callable[[Any], bool]] = {
            "=": lambda value: value == wanted,
            "<": lambda value: value < wanted,
            "<=": lambda value: value <= wanted,
            ">": lambda value: value > wanted,
            ">=": lambda value: value >= wanted,
        }
        return compare[operator]

    def _choice(self, literal: str) -> str:
        if literal.lower() == "currentuser()\0":
            return self.context.site.me.name.lower()
        if literal.endswith("\0"):
            raise JqlError(f"Unable to find JQL function '{literal[:-1]}'.")
        if self.choices is not None and literal.lower() not in self.choices:
            raise JqlError(f"The value '{literal}' does not exist for the field '{self.name}'.")
        return literal.lower()

    def _id(self, literal: str) -> int:
        if not literal.isdecimal() or int(literal) not in self.context.site.issues:
            raise JqlError(f"A value with ID '{literal}' does not exist for the field '{self.name}'.")
        return int(literal)

    def key(self, issue: Ticket) -> tuple[int, Any]:
        """The value by which ORDER BY sorts the issue: see `Key`."""
        return (1, self.values(issue)[0]) if self.values(issue) else (0, 0)


def find_field(name: str, context: Context) -> Field:
    """The field with this name, ignoring case. The name is one of JQL's names, or the name, the id or the `cf[10016]`
    of a custom field.
    """
    site = context.site
    custom = {own.name.lower(): own.id for own in site.fields.values()}
    short = re.fullmatch(r"cf\[(\d+)\]", name.lower())
    field = f"customfield_{short[1]}" if short else custom.get(name.lower(), name.lower())
    if own := site.fields.get(field):
        kinds: dict[str, Literal["number", "text"]] = {"number": "number", "string": "text"}
        return Field(own.name, kinds.get(own.kind, "choice"), lambda issue: _listed(issue.custom.get(field)), context)
    # Jira also accepts the ids of statuses, types and projects; the sandbox accepts only their names.
    match name.lower():
        case "project":
            projects = _lowered(*site.projects, *(project.name for project in site.projects.values()))
            return Field(name, "choice", lambda i: [i.project, site.projects[i.project].name], context, projects)
        case "type" | "issuetype":
            return Field("issuetype", "choice", lambda i: [i.type], context, _lowered(*site.TYPES))
        case "status":
            return Field(name, "choice", lambda i: [i.status], context, _lowered(*STATUSES))
        case "statuscategory":
            keys = {key for _, key in CATEGORIES.values()}
            both = _lowered(*CATEGORIES, *keys)
            return Field("statusCategory", "choice", lambda i: [i.category, CATEGORIES[i.category][1]], context, both)
        case "resolution":
            resolutions = _lowered(*site.RESOLUTIONS)
            return Field(name, "choice", lambda i: _listed(i.resolution), context, resolutions)
        case "priority":
            return Field(name, "choice", lambda i: [i.priority], context, _lowered(*site.PRIORITIES))
        case "resolved" | "resolutiondate":
            return Field(name, "date", lambda i: _listed(i.resolved), context)
        case "created" | "createddate":
            return Field(name, "date", lambda i: [i.created], context)
        case "updated" | "updateddate":
            return Field(name, "date", lambda i: [i.updated], context)
        case "statuscategorychangeddate" if site.cloud:
            return Field("statusCategoryChangedDate", "date", lambda i: _listed(i.category_changed_at), context)
        case "labels":
            return Field(name, "choice", lambda i: i.labels, context)
        case "component":
            return Field(name, "choice", lambda i: i.components, context)
        case "fixversion":
            return Field(name, "choice", lambda i: i.fix_versions, context)
        case "assignee":
            return Field(name, "choice", lambda i: [i.assignee.name] if i.assignee else [], context)
        case "reporter":
            return Field(name, "choice", lambda i: [i.reporter.name], context)
        case "summary" | "text":
            return Field(name, "text", lambda i: [i.summary], context)
        case "key" | "issuekey" | "issue":
            return Field("issuekey", "key", lambda i: [_key_order(i.key)], context)
        case "id":
            return Field("id", "id", lambda i: [i.id], context)
    raise JqlError(f"Field '{name}' does not exist or you do not have permission to view it.")


_RELATIVE = re.compile(r"([+-]?\d+)([yMwdhm])")
_FUNCTION = re.compile(r"(startof|endof)(day|week|month|year)\(\"?([+-]?\d+[yMwdhm]?)?\"?\)\0", re.IGNORECASE)
_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


def moment(literal: str, field: str, context: Context) -> datetime:
    """The instant of a date literal in the account's time zone. A day stands for its midnight, `-7d` for 7 days ago."""
    zone = context.site.zone
    here = context.now.astimezone(zone)
    if literal.lower() == "now()\0":
        return context.now
    if call := _FUNCTION.fullmatch(literal):
        return _boundary(here, call[1].lower(), call[2].lower(), call[3] or "0")
    if relative := _RELATIVE.fullmatch(literal):
        return (context.now + _span(int(relative[1]), relative[2])).astimezone(UTC)
    for pattern in _FORMATS:
        try:
            return datetime.strptime(literal, pattern).replace(tzinfo=zone).astimezone(UTC)
        except ValueError:
            continue
    raise JqlError(
        f"Date value '{literal.rstrip(chr(0))}' for field '{field}' is invalid. Valid formats include: "
        "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _boundary(here: datetime, end: str, unit: str, offset: str) -> datetime:
    """The instant of a function such as `startOfMonth`. `startOfMonth(-1)` goes back one month, `startOfMonth(-7d)`
    seven days.
    """
    day = here.replace(hour=0, minute=0, second=0, microsecond=0)
    amount, own = (int(offset), unit) if offset.lstrip("+-").isdigit() else (int(offset[:-1]), offset[-1])
    names = {"d": "day", "w": "week", "M": "month", "y": "year"}
    own = names.get(own, own)
    if own in ("h", "m"):
        raise JqlError(f"Unable to parse the offset '{offset}' of the function.")
    if own in ("month", "year"):
        day = _months_on(day, amount * (12 if own == "year" else 1))
    else:
        day += timedelta(days=amount * (7 if own == "week" else 1))
    # Weeks start on Monday: Jira's default for most locales.
    start = {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "year": day.replace(month=1, day=1),
    }[unit]
    if end == "startof":
        return start.astimezone(UTC)
    after = {
        "day": start + timedelta(days=1),
        "week": start + timedelta(days=7),
        "month": _months_on(start, 1),
        "year": _months_on(start, 12),
    }[unit]
    return after.astimezone(UTC) - timedelta(milliseconds=1)


def _months_on(day: datetime, months: int) -> datetime:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, 28) if months else day.day)


def _span(amount: int, unit: str) -> timedelta:
    hours = {"m": 1 / 60, "h": 1, "d": 24, "w": 168, "M": 24 * 30, "y": 24 * 365}
    return timedelta(hours=amount * hours[unit])


def _key_order(key: str) -> tuple[str, int]:
    parts = re.fullmatch(r"([A-Z][A-Z0-9_]*)-(\d+)", key.upper())
    if parts is None:
        raise JqlError(f"The issue key '{key}' for field 'issuekey' is invalid.")
    return parts[1], int(parts[2])


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _lowered(*values: str) -> frozenset[str]:
    return frozenset(value.lower() for value in values)
