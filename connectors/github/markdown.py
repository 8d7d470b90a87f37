"""Makes people's texts inert within Markdown: GitHub shows such a text as it was written, and the text has no other
effect.

Backslashes escape the markup of GitHub Flavored Markdown (github.github.com/gfm); entities escape HTML. GitHub looks
for mentions and references in the rendered text, so a backslash does not stop `@everyone` from notifying people. A
zero-width space after the sign (such as `@`) prevents the notification. The space is written as an entity, because
invisible characters may be stripped. `GH-12` and the address of an issue also refer to an issue, and the word `fixes`
before such a reference would close the issue.
"""

from __future__ import annotations

import html
import re

_ADDRESS = re.compile(r"(\bhttps?://[^\s<>]*[^\s<>.,;:!?'\")\]}*_~])", re.IGNORECASE)
_MARKUP = re.compile(r"([\\`*_\[\]~|$])")
_REFERENCE = re.compile(r"(@|#(?=\d)|(?<![A-Za-z0-9])GH-(?=\d))", re.IGNORECASE)
_OF_AN_ISSUE = re.compile(r"/(?:issues|pull|discussions)/\d|/commit/[0-9a-f]{7}", re.IGNORECASE)
_SPACE = "&#8203;"
_STARTS = re.compile(r"^(?:(?=(?:#+|=+|[-+]+)(?:\s|$))|(?P<number>\d{1,9})(?=[.)](?:\s|$)))")


def inert(text: str) -> str:
    """Markdown that shows a line of text: no markup, no HTML, no notifications. Web addresses become links, except the
    addresses of issues, because the issue would show the text as a reference.
    """
    parts = _ADDRESS.split(text)
    parts[::2] = map(_plain, parts[::2])
    parts[1::2] = map(_address, parts[1::2])
    return _STARTS.sub(r"\g<number>\\", "".join(parts), count=1)


def _address(address: str) -> str:
    if _OF_AN_ISSUE.search(address):
        return _plain(address).replace("://", f":{_SPACE}//", 1)
    return f"<{address}>"  # the angle brackets keep the whole address together


def _plain(text: str) -> str:
    text = _MARKUP.sub(r"\\\1", html.escape(text, quote=False))
    return _REFERENCE.sub(rf"\1{_SPACE}", text)
