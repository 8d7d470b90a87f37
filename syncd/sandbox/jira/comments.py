"""An issue's comments in Jira: lists comments in pages, adds a comment, and edits the account's own comment."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.http import Request
from syncd.sandbox.jira import rows
from syncd.sandbox.jira.edits import EditRefused
from syncd.sandbox.jira.ticket import Comment, Ticket
from syncd.sandbox.jira.tickets import Tickets

GROUPS = ("jira-users",)
"""The groups of the requesting account."""

CLOUD_PAGE = 100
"""The most comments on a page in Cloud; Data Center has no such limit."""


def page(site: Tickets, ticket: Ticket, request: Request, version: int) -> dict[str, Any]:
    """A page of comments, with `startAt`, `maxResults` and `total`. The oldest comments come first, or the newest if
    `orderBy` is `-created`.
    """
    start = int(request.param("startAt") or 0)
    size = int(request.param("maxResults") or (CLOUD_PAGE if site.cloud else 1_048_576))
    size = min(size, CLOUD_PAGE) if site.cloud else size
    ordered = ticket.comments[::-1] if request.param("orderBy") == "-created" else ticket.comments
    shown = ordered[start : start + size]
    part = [rows.comment(site, ticket, comment, request.base, version, request.param("expand")) for comment in shown]
    return {"startAt": start, "maxResults": size, "total": len(ordered), "comments": part}


def find(ticket: Ticket, id: str) -> Comment | None:
    """The issue's comment with this id; None if there is none."""
    return next((comment for comment in ticket.comments if str(comment.id) == id), None)


def add(site: Tickets, ticket: Ticket, request: Request) -> dict[str, Any]:
    """Adds a comment by the requesting account."""
    if site.projects[ticket.project].read_only:
        raise EditRefused({}, f"{site.me.name}, you do not have the permission to comment on this issue.")
    body, visibility = _body(request), _visibility(site, ticket, request)
    comment = site.add_comment(ticket.key, body, author=site.me.name)
    comment.visibility, comment.internal = visibility, bool(_internal(request))
    return rows.comment(site, ticket, comment, request.base, 2)


def edit(site: Tickets, ticket: Ticket, comment: Comment, request: Request) -> dict[str, Any]:
    """Edits a comment that the requesting account wrote. If the request has no `visibility`, everybody sees the comment
    afterwards.
    """
    if site.projects[ticket.project].read_only or comment.author != site.me:
        raise EditRefused({}, f"{site.me.name}, you do not have the permission to edit this comment.")
    visibility, internal = _visibility(site, ticket, request), _internal(request)
    site.edit_comment(ticket.key, comment.id, _body(request))
    comment.visibility = visibility
    comment.internal = comment.internal if internal is None else internal
    return rows.comment(site, ticket, comment, request.base, 2)


def _visibility(site: Tickets, ticket: Ticket, request: Request) -> tuple[str, str] | None:
    """The type and name of the role or group to which a request restricts a comment. The account must be a member of
    that role or group.
    """
    match request.json().get("visibility"):
        case None:
            return None
        case {"type": "role", "value": str(name)} if name in site.projects[ticket.project].roles:
            return "role", name
        case {"type": "role", "value": str(name)}:
            raise EditRefused({"commentLevel": f"You are currently not a member of the project role: {name}."})
        case {"type": "group", "value": str(name)} if name in GROUPS:
            return "group", name
        case {"type": "group", "value": str(name)}:
            raise EditRefused({"commentLevel": f"You are currently not a member of the group: {name}."})
    raise EditRefused({}, "Invalid request payload. Refer to the REST API documentation and try again.")


def _internal(request: Request) -> bool | None:
    """The value of the property that hides a comment from customers; None if the request does not set it."""
    for kept in request.json().get("properties") or []:
        if kept.get("key") == "sd.public.comment":
            return bool((kept.get("value") or {}).get("internal"))
    return None


def _body(request: Request) -> str:
    body = request.json().get("body")
    if not isinstance(body, str) or not body.strip():
        raise EditRefused({"comment": "Comment body can not be empty!"})
    return body
