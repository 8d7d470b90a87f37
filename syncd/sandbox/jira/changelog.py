"""Jira's JSON for what was changed of an issue, in the two ways that it is served, and for the statuses that it names.

Cloud's search shows the newest changes first, and only so many (JRACLOUD-96459); an issue's own pages begin with the
oldest. Data Center shows all of them with the issue, the oldest first, and has no such pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from syncd.sandbox.jira.rows import id_of, status, time_text, user
from syncd.sandbox.jira.ticket import STATUSES, Change, Edit, Ticket
from syncd.sandbox.jira.tickets import Tickets

SHOWN = 40
"""How many changes Cloud shows with an issue."""
PAGE = 100
"""The most changes on one of an issue's own pages."""

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": tuple(STATUSES),
    "resolution": Tickets.RESOLUTIONS,
    "priority": Tickets.PRIORITIES,
    "type": Tickets.TYPES,
}
"""The fields whose values have ids."""
_NAMES: Mapping[str, str] = {"type": "issuetype", "components": "Component"}


def expanded(site: Tickets, ticket: Ticket, base: str) -> bytes:
    """`changelog`, as `expand=changelog` puts it beside an issue's fields."""
    changes = _ordered(ticket)
    shown = changes[::-1][:SHOWN] if site.cloud else changes
    histories = [_history(site, change, base) for change in shown]
    return json.dumps(
        {"startAt": 0, "maxResults": len(shown), "total": len(changes), "histories": histories}, ensure_ascii=False
    ).encode()


def page(site: Tickets, ticket: Ticket, base: str, start: int, size: int) -> dict[str, Any]:
    """A page of Cloud's `/issue/KEY/changelog`."""
    changes = _ordered(ticket)
    here = f"{base}/rest/api/2/issue/{ticket.id}/changelog?maxResults={size}"
    last = start + size >= len(changes)
    return {
        "self": f"{here}&startAt={start}",
        **({} if last else {"nextPage": f"{here}&startAt={start + size}"}),
        "maxResults": size,
        "startAt": start,
        "total": len(changes),
        "isLast": last,
        "values": [_history(site, change, base) for change in changes[start : start + size]],
    }


def statuses(base: str) -> list[dict[str, Any]]:
    """What `/status` lists."""
    api = f"{base}/rest/api/2"
    return [
        {"self": f"{api}/status/{id_of(tuple(STATUSES), name)}", "description": "", **status(name, api)}
        for name in STATUSES
    ]


def _ordered(ticket: Ticket) -> Sequence[Change]:
    return sorted(ticket.changes, key=lambda change: (change.at, change.id))


def _history(site: Tickets, change: Change, base: str) -> dict[str, Any]:
    return {
        "id": str(change.id),
        "author": user(site, change.author, base),
        "created": time_text(site, change.at),
        "items": [_item(site, edit) for edit in change.edits],
    }


def _item(site: Tickets, edit: Edit) -> dict[str, Any]:
    """Data Center does not tell a field's id."""
    custom, names = site.fields.get(edit.field), _CHOICES.get(edit.field, ())

    def id_of_value(value: str | None) -> str | None:
        if value and custom and custom.kind == "option":
            return custom.option_id(value)
        return id_of(names, value) if names and value else None

    return {
        "field": custom.name if custom else _NAMES.get(edit.field, edit.field),
        "fieldtype": "custom" if custom else "jira",
        **({"fieldId": edit.field} if site.cloud else {}),
        "from": id_of_value(edit.before),
        "fromString": edit.before,
        "to": id_of_value(edit.after),
        "toString": edit.after,
    }
