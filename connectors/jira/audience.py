"""Sets in syncd's requests who may see syncd's comment.

`visibility` restricts a comment to a role or a group. Jira Service Management stores in the property
`sd.public.comment` whether the customers of a service project see a comment. An edit without `visibility` would show
the comment to everybody. Each edit therefore repeats the present restriction.
"""

from __future__ import annotations

from typing import Any

from connectors.jira.answers import Comment, CommentVisibility
from connectors.jira.settings import JiraPublish

_PROPERTY = "sd.public.comment"


def audience(keys: JiraPublish, present: Comment | None) -> dict[str, Any]:
    """The part of a comment's JSON that restricts who sees the comment. `present` is the comment to edit."""
    visibility = _wanted(keys) or (present.visibility if present else None)
    parts: dict[str, Any] = {}
    if visibility is not None:
        parts["visibility"] = visibility.model_dump()
    if keys.internal:
        parts["properties"] = [{"key": _PROPERTY, "value": {"internal": True}}]
    return parts


def is_restricted(keys: JiraPublish, comment: Comment) -> bool:
    """Whether a comment is restricted as the keys require. If Jira does not report a restriction, the restriction
    counts as correct.
    """
    wanted = _wanted(keys)
    if wanted is not None and not wanted.is_same(comment.visibility):
        return False
    return not keys.internal or _is_internal(comment) is not False


def _wanted(keys: JiraPublish) -> CommentVisibility | None:
    if keys.visibility is None:
        return None
    if keys.visibility.role is not None:
        return CommentVisibility(type="role", value=keys.visibility.role)
    return CommentVisibility(type="group", value=keys.visibility.group)


def _is_internal(comment: Comment) -> bool | None:
    """Whether a comment is hidden from customers; None if Jira does not report this."""
    for kept in comment.properties:
        if kept.key == _PROPERTY and isinstance(kept.value, dict):
            return kept.value.get("internal") in (True, "true")
    return None if comment.jsd_public is None else not comment.jsd_public
