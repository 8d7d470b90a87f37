"""The next step after an answer of Jira, where its sentence does not say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from syncd.sdk import Answer

if TYPE_CHECKING:
    from connectors.jira.settings import JiraSettings

_CAPTCHA = re.compile(r"CAPTCHA_CHALLENGE;\s*login-url=(\S+)")
WITHOUT_EMAIL = "an API token of Jira Cloud needs the account's address: write email beside token"


def is_cloud(url: str) -> bool:
    """Whether an address is that of a site of Jira Cloud."""
    return (urlsplit(url).hostname or "").endswith((".atlassian.net", ".jira.com", ".jira-dev.com"))


def advice(settings: JiraSettings, answer: Answer) -> str:
    """What to do after an answer, or ""."""
    if match := _CAPTCHA.match(answer.headers.get("x-authentication-denied-reason", "")):
        return f"Jira wants to see a person: log in as this account once in a browser, at {match[1]}"
    by_cloud = is_cloud(settings.url) or "Connect Session Auth" in answer.text
    if answer.status in (401, 403) and settings.email is None and by_cloud:
        return WITHOUT_EMAIL
    return ""
