"""An issue's comments in Jira: their pages, and what somebody may write who may edit only what is theirs."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.http import Asked
from syncd.sandbox.jira import rows
from syncd.sandbox.jira.edits import NotEdited
from syncd.sandbox.jira.ticket import Comment, Ticket
from syncd.sandbox.jira.tickets import Tickets

CLOUD_PAGE = 100
"""The most comments on a page of Cloud's; Data Center gives all of them."""


def page(site: Tickets, ticket: Ticket, asked: Asked, version: int) -> dict[str, Any]:
    """`startAt`, `maxResults` and `total`; the oldest first unless `orderBy` says `-created`."""
    start = int(asked.param("startAt") or 0)
    size = int(asked.param("maxResults") or (CLOUD_PAGE if site.cloud else 1_048_576))
    size = min(size, CLOUD_PAGE) if site.cloud else size
    ordered = ticket.comments[::-1] if asked.param("orderBy") == "-created" else ticket.comments
    found = [rows.comment(site, ticket, one, asked.base, version) for one in ordered[start : start + size]]
    return {"startAt": start, "maxResults": size, "total": len(ordered), "comments": found}


def find(ticket: Ticket, id: str) -> Comment | None:
    """By its id."""
    return next((one for one in ticket.comments if str(one.id) == id), None)


def add(site: Tickets, ticket: Ticket, asked: Asked) -> dict[str, Any]:
    """By the account that asks."""
    if site.projects[ticket.project].read_only:
        raise NotEdited({}, f"{site.me.name}, you do not have the permission to comment on this issue.")
    comment = site.add_comment(ticket.key, _body(asked), author=site.me.name)
    return rows.comment(site, ticket, comment, asked.base, 2)


def edit(site: Tickets, ticket: Ticket, comment: Comment, asked: Asked) -> dict[str, Any]:
    """Only what the account that asks has written itself."""
    if site.projects[ticket.project].read_only or comment.author != site.me:
        raise NotEdited({}, f"{site.me.name}, you do not have the permission to edit this comment.")
    site.edit_comment(ticket.key, comment.id, _body(asked))
    return rows.comment(site, ticket, comment, asked.base, 2)


def _body(asked: Asked) -> str:
    """Plain text, as version 2 of the API has it."""
    body = asked.json().get("body")
    if not isinstance(body, str) or not body.strip():
        raise NotEdited({"comment": "Comment body can not be empty!"})
    return body
