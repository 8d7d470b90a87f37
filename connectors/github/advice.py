"""Advises people what to do after an error response of GitHub, if the headers or the address show it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from syncd.sdk import Answer, is_page

_SSO = re.compile(r"required;\s*url=(\S+)")


def advice(url: str, answer: Answer) -> str:
    """What people should do after this response of the API at `url`; "" if there is no advice."""
    if match := _SSO.match(answer.headers.get("x-github-sso", "")):
        return f"let single sign-on accept the token: {match[1]}"
    needed = _permissions(answer.headers.get("x-accepted-github-permissions", ""))
    if answer.status == 403 and needed:
        return f"the request needs the permission {needed}"
    parts = urlsplit(url)
    host = parts.hostname or ""
    in_place_of_json = answer.status < 400 or is_page(answer.text)
    if in_place_of_json and not parts.path.endswith("/api/v3") and not host.startswith("api."):
        return f"the API of GitHub Enterprise is at {parts.scheme}://{parts.netloc.rpartition('@')[2]}/api/v3"
    return ""


def _permissions(needed: str) -> str:
    """The permissions of a header, by their names in GitHub's settings. In `issues=read; pull_requests=read`, the
    semicolon means "or".

    Source: docs.github.com "Permissions required for fine-grained personal access tokens".
    """
    lists = (filter(None, map(str.strip, part.split(","))) for part in needed.split(";"))
    return " or ".join(filter(None, (" and ".join(map(_permission, part)) for part in lists)))


def _permission(text: str) -> str:
    name, _, level = text.partition("=")
    return f"{name.replace('_', ' ').capitalize()}: {level or 'read'}"
