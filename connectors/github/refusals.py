"""Recognizes temporary refusals of GitHub, and lists that GitHub shortens without an error.

Sources: docs.github.com "Authorizing a personal access token for use with single sign-on" (X-GitHub-SSO), "Rate limits
for the REST API" (limits on how fast content is created).
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
"""The seconds to wait after a limit for which GitHub names no time. GitHub advises at least a minute."""


def is_too_quick(status: int, message: str) -> bool:
    """Whether GitHub refuses a write (422) because of too many recent writes. Any other refusal with 422 is final."""
    return status in (403, 422) and _TOO_QUICKLY.search(message) is not None


def withheld(headers: Mapping[str, str]) -> bool:
    """Whether a list leaves out rows of organizations for which the token lacks single sign-on."""
    return headers.get("x-github-sso", "").partition(";")[0].strip() == "partial-results"
