"""An issue's comments in Jira: pages of them, adding a comment, editing one's own."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.http import Request
from syncd.sandbox.jira import rows
from syncd.sandbox.jira.edits import EditRefused
from syncd.sandbox.jira.ticket import Comment, Ticket
from syncd.sandbox.jira.tickets import Tickets

CLOUD_PAGE = 100
"""The most comments on a page in Cloud; Data Center has no such limit."""


def page(site: Tickets, ticket: Ticket, request: Request, version: int) -> dict[str, Any]:
    """A page, with `startAt`, `maxResults` and `total`. The oldest come first, unless `orderBy` is `-created`."""
    start = int(request.param("startAt") or 0)
    size = int(request.param("maxResults") or (CLOUD_PAGE if site.cloud else 1_048_576))
    size = min(size, CLOUD_PAGE) if site.cloud else size
    ordered = ticket.comments[::-1] if request.param("orderBy") == "-created" else ticket.comments
    part = [rows.comment(site, ticket, comment, request.base, version) for comment in ordered[start : start + size]]
    return {"startAt": start, "maxResults": size, "total": len(ordered), "comments": part}


def find(ticket: Ticket, id: str) -> Comment | None:
    """The issue's comment of that id."""
    return next((comment for comment in ticket.comments if str(comment.id) == id), None)


def add(site: Tickets, ticket: Ticket, request: Request) -> dict[str, Any]:
    """Adds a comment by the requesting account."""
    if site.projects[ticket.project].read_only:
        raise EditRefused({}, f"{site.me.name}, you do not have the permission to comment on this issue.")
    comment = site.add_comment(ticket.key, _body(request), author=site.me.name)
    return rows.comment(site, ticket, comment, request.base, 2)


def edit(site: Tickets, ticket: Ticket, comment: Comment, request: Request) -> dict[str, Any]:
    """Edits a comment, if the requesting account wrote it."""
    if site.projects[ticket.project].read_only or comment.author != site.me:
        raise EditRefused({}, f"{site.me.name}, you do not have the permission to edit this comment.")
    site.edit_comment(ticket.key, comment.id, _body(request))
    return rows.comment(site, ticket, comment, request.base, 2)


def _body(request: Request) -> str:
    """The comment's text, which version 2 of the API takes as plain text."""
    body = request.json().get("body")
    if not isinstance(body, str) or not body.strip():
        raise EditRefused({"comment": "Comment body can not be empty!"})
    return body
