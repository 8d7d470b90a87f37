"""The next step after an answer of GitHub, where only its headers or its address tell it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from syncd.sdk import Answer, is_page

_SSO = re.compile(r"required;\s*url=(\S+)")


def advice(url: str, answer: Answer) -> str:
    """What to do after an answer of the API at `url`, or ""."""
    if match := _SSO.match(answer.headers.get("x-github-sso", "")):
        return f"let single sign-on accept the token: {match[1]}"
    parts = urlsplit(url)
    host = parts.hostname or ""
    in_place_of_json = answer.status < 400 or is_page(answer.text)
    if in_place_of_json and not parts.path.endswith("/api/v3") and not host.startswith("api."):
        return f"the API of GitHub Enterprise is at {parts.scheme}://{parts.netloc.rpartition('@')[2]}/api/v3"
    return ""
