"""Jira's JSON for an issue's changes in Cloud and in Data Center, and for the statuses in the changes.

Cloud's search shows only the newest `SHOWN` changes of an issue, newest first (JRACLOUD-96459). The pages of the
issue's changelog show all changes, oldest first. Data Center shows every change with the issue, oldest first, and has
no pages of a changelog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.sandbox.http import compact_json
from syncd.sandbox.jira.rows import id_of, status, time_text, user
from syncd.sandbox.jira.ticket import STATUSES, Change, Edit, Ticket
from syncd.sandbox.jira.tickets import Tickets

SHOWN = 40
"""The most changes that Cloud shows with an issue."""
PAGE = 100
"""The most changes on a page of an issue's changelog."""

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": tuple(STATUSES),
    "resolution": Tickets.RESOLUTIONS,
    "priority": Tickets.PRIORITIES,
    "type": Tickets.TYPES,
}
"""The values of each field whose values have ids, in the order of the ids."""
_NAMES: Mapping[str, str] = {"type": "issuetype", "components": "Component"}


def expanded(site: Tickets, ticket: Ticket, base: str) -> bytes:
    """The JSON of the key `changelog` of an issue, which `expand=changelog` requests."""
    changes = _ordered(ticket)
    shown = changes[::-1][:SHOWN] if site.cloud else changes
    histories = [_history(site, change, base) for change in shown]
    return compact_json({"startAt": 0, "maxResults": len(shown), "total": len(changes), "histories": histories})


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
    """The statuses for `/status`."""
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
