"""JQL's fields: what each reads from an issue, which operators it takes, and what its literals mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from syncd.sandbox.jira.ticket import CATEGORIES, STATUSES, Ticket
from syncd.sandbox.jira.tickets import Tickets

Key = Callable[[Ticket], tuple[int, Any]]
"""For ORDER BY: (0, …) for a blank, (1, value) else."""


class JqlError(ValueError):
    """A query that Jira answers with 400 and this message."""


@dataclass(frozen=True)
class Context:
    """The site, the account that asks (its zone is the site's `zone` here) and the present."""

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
    """`values` of an issue is empty when the field is. `known` holds every value there is, where Jira checks that."""

    name: str
    kind: Literal["choice", "text", "date", "number", "key", "id"]
    values: Callable[[Ticket], list[Any]]
    context: Context
    known: frozenset[str] | None = None

    def allow(self, operator: str) -> None:
        """JqlError, in Jira's words, for an operator that the field does not take."""
        plain = {"!=": "=", "!~": "~"}.get(operator, operator)
        if plain not in _OPERATORS[self.kind]:
            raise JqlError(f"The operator '{operator}' is not supported by the '{self.name}' field.")

    def test(self, operator: str, literal: str) -> Callable[[object], bool]:
        """Whether one value of the field stands in `operator` to the literal."""
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
        if self.known is not None and literal.lower() not in self.known:
            raise JqlError(f"The value '{literal}' does not exist for the field '{self.name}'.")
        return literal.lower()

    def _id(self, literal: str) -> int:
        if not literal.isdecimal() or int(literal) not in self.context.site.issues:
            raise JqlError(f"A value with ID '{literal}' does not exist for the field '{self.name}'.")
        return int(literal)

    @property
    def key(self) -> Key | None:
        """What ORDER BY sorts by."""
        return lambda issue: (1, self.values(issue)[0]) if self.values(issue) else (0, 0)


def find_field(name: str, context: Context) -> Field:
    """By JQL name, custom field's name, `cf[10016]` or its id. Names ignore case."""
    site = context.site
    custom = {one.name.lower(): one.id for one in site.fields.values()}
    short = re.fullmatch(r"cf\[(\d+)\]", name.lower())
    field = f"customfield_{short[1]}" if short else custom.get(name.lower(), name.lower())
    if own := site.fields.get(field):
        kinds: dict[str, Literal["number", "text"]] = {"number": "number", "string": "text"}
        return Field(own.name, kinds.get(own.kind, "choice"), lambda issue: _listed(issue.custom.get(field)), context)
    # Statuses, types and projects stand under their ids too, but nobody here writes these.
    match name.lower():
        case "project":
            projects = _known(*site.projects, *(project.name for project in site.projects.values()))
            return Field(name, "choice", lambda i: [i.project, site.projects[i.project].name], context, projects)
        case "type" | "issuetype":
            return Field("issuetype", "choice", lambda i: [i.type], context, _known(*site.TYPES))
        case "status":
            return Field(name, "choice", lambda i: [i.status], context, _known(*STATUSES))
        case "statuscategory":
            keys = {key for _, key in CATEGORIES.values()}
            both = _known(*CATEGORIES, *keys)
            return Field("statusCategory", "choice", lambda i: [i.category, CATEGORIES[i.category][1]], context, both)
        case "resolution":
            known = _known(*site.RESOLUTIONS)
            return Field(name, "choice", lambda i: _listed(i.resolution), context, known)
        case "priority":
            return Field(name, "choice", lambda i: [i.priority], context, _known(*site.PRIORITIES))
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
    """A date literal in the account's zone: a day is its midnight there, `-7d` is that long before now."""
    zone = context.site.zone
    here = context.now.astimezone(zone)
    if literal.lower() == "now()\0":
        return context.now
    if found := _FUNCTION.fullmatch(literal):
        return _boundary(here, found[1].lower(), found[2].lower(), found[3] or "0")
    if found := _RELATIVE.fullmatch(literal):
        return (context.now + _span(int(found[1]), found[2])).astimezone(UTC)
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
    """`startOfMonth(-1)` counts in the function's own unit, `startOfMonth(-7d)` in the one that is said."""
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
    found = re.fullmatch(r"([A-Z][A-Z0-9_]*)-(\d+)", key.upper())
    if found is None:
        raise JqlError(f"The issue key '{key}' for field 'issuekey' is invalid.")
    return found[1], int(found[2])


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _known(*values: str) -> frozenset[str]:
    return frozenset(value.lower() for value in values)
