"""Advises people what to do after an error response of Jira, if the text of the response does not say it."""

from __future__ import annotations

import re

from connectors.jira.settings import WITHOUT_EMAIL, JiraSettings
from syncd.sdk import Answer

_CAPTCHA = re.compile(r"CAPTCHA_CHALLENGE;\s*login-url=(\S+)")


def advice(settings: JiraSettings, answer: Answer) -> str:
    """What people should do after this response; "" if there is no advice."""
    if match := _CAPTCHA.match(answer.headers.get("x-authentication-denied-reason", "")):
        return f"Jira wants to see a person: log in as this account once in a browser, at {match[1]}"
    by_cloud = settings.is_cloud or "Connect Session Auth" in answer.text
    if answer.status in (401, 403) and settings.email is None and by_cloud:
        return WITHOUT_EMAIL
    return ""
