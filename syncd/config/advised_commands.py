"""Adds the workspace of a deployment to the commands that a sentence advises."""

from __future__ import annotations

import re
from typing import Any

_OF_A_WORKSPACE = "approve checkin doctor explain history plan prune publish restore review status sync test try"
_ADVISED = re.compile(rf"(?<=`)syncd (?:{_OF_A_WORKSPACE.replace(' ', '|')}|validate)(?![\w-])[^`]{{0,80}}(?<!\\)(?=`)")
_SENTENCES = frozenset(
    {"advice", "approve", "configuration", "detail", "error", "message", "not_sent", "notes"}
    | {"problem", "problems", "reason", "remark", "text", "why"}
)
"""The keys of JSON documents whose texts syncd writes."""
_OF_PEOPLE = frozenset({"after", "asked", "before", "new", "old", "value"})
"""The keys with copies of what people wrote, whose content may have any keys."""


def for_workspace(text: str, workspace: str | None) -> str:
    """A sentence of syncd, with `--workspace NAME` added to each command between backticks that names no workspace.

    The code that writes a sentence does not know whether the project is a workspace. The code that shows the sentence
    therefore calls this function. Titles, notes and other texts of people are not for this function.
    """
    if workspace is None or "syncd " not in text:
        return text
    return _ADVISED.sub(lambda match: _naming(match[0], workspace), text)


def document_for_workspace(document: Any, workspace: str | None, key: str = "") -> Any:
    """A JSON document whose sentences are written `for_workspace`. All texts of people in the document stay as they
    are: only the keys of syncd's own sentences count.
    """
    if workspace is None or key in _OF_PEOPLE:
        return document
    if isinstance(document, str):
        return for_workspace(document, workspace) if key in _SENTENCES else document
    if isinstance(document, dict):
        return {name: document_for_workspace(part, workspace, name) for name, part in document.items()}
    if isinstance(document, list):
        return [document_for_workspace(part, workspace, key) for part in document]
    return document


def _naming(command: str, workspace: str) -> str:
    names = "--workspace " in command or "--all" in command
    return command if names else f"{command} --workspace {workspace}"
