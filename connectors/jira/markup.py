"""Converts plain text to and from Jira's wiki markup, which version 2 of the API accepts and returns.

Data Center stores the markup as it was sent. Cloud stores a document, and generates markup from it on each request. The
escapes, links and blank lines may then differ from the sent markup, so syncd compares the plain texts.
"""

from __future__ import annotations

import re

_ADDRESS = r"https?://[^\s{}\[\]|\\]+"
_TO_ESCAPE = re.compile(rf"({_ADDRESS})|(\\)|([{{}}\[\]*_+^~!|#]|(?<!\S)-)")
_ESCAPED = re.compile(r"&#92;|\\+([^\w\s\\]|_)")
_LINK = re.compile(rf"(?<!\\)\[({_ADDRESS})(?:\|[^\]]*)?\]")


def encoded(text: str) -> str:
    """The markup that shows a plain text unchanged. Web addresses stay links."""

    def escape(match: re.Match[str]) -> str:
        return match[1] or ("&#92;" if match[2] else f"\\{match[3]}")

    return _TO_ESCAPE.sub(escape, text)


def decoded(markup: str) -> str:
    """The text that markup shows, without blank lines and without blanks around lines. Other markup stays."""
    return "\n".join(filter(None, (line.strip() for line in unescaped(_LINK.sub(r"\1", markup)).splitlines())))


def unescaped(markup: str) -> str:
    """The markup without backslashes before punctuation."""
    return _ESCAPED.sub(lambda match: match[1] or "\\", markup)
