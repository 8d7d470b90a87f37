"""What GitHub's refusals mean beyond their status: a limit that passes, a missing permission, single sign-on.

Sources: docs.github.com "Permissions required for fine-grained personal access tokens" (X-Accepted-GitHub-Permissions:
alternatives between semicolons, each a list with commas), "Authorizing a personal access token for use with single
sign-on" (X-GitHub-SSO), "Rate limits for the REST API" (limits on how fast content is made).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOO_QUICKLY = re.compile(r"\bwas submitted too quickly\b", re.IGNORECASE)
WITHHELD = (
    "GitHub leaves out what belongs to organizations with single sign-on; authorize the token for them, in GitHub's "
    "settings of personal access tokens"
)
CONTENT_WAIT = 120.0
"""Seconds: GitHub advises to wait at least a minute after a limit that names no time."""


def is_too_quick(status: int, message: str) -> bool:
    """Whether GitHub refuses a write because too much was written lately. It says so with 422, which is final else."""
    return status in (403, 422) and _TOO_QUICKLY.search(message) is not None


def advice(status: int, headers: Mapping[str, str]) -> str:
    """What the headers (lower-case names) of a refusal say about its remedy, to append to its reason; else empty."""
    needed = headers.get("x-accepted-github-permissions", "")
    sets = [", ".join(map(_permission, filter(None, part.split(",")))) for part in needed.split(";") if part.strip()]
    if status == 403 and sets:
        return f"; the request needs the permission {' or '.join(sets)}"
    state, _, url = headers.get("x-github-sso", "").partition(";")
    if status == 403 and state.strip() == "required":
        place = url.strip().removeprefix("url=")
        return f"; authorize the token for single sign-on{f': {place}' if place else ''}"
    return ""


def withheld(headers: Mapping[str, str]) -> bool:
    """Whether a list leaves out what belongs to organizations for which the token lacks single sign-on."""
    return headers.get("x-github-sso", "").partition(";")[0].strip() == "partial-results"


def _permission(text: str) -> str:
    """A permission as GitHub's settings name it: `pull_requests=read` is `Pull requests: read`."""
    name, _, level = text.strip().partition("=")
    return f"{name.replace('_', ' ').capitalize()}: {level or 'read'}"
