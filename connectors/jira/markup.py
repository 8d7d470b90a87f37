"""Plain text as Jira's wiki markup, which version 2 of the API takes and gives.

Data Center keeps the markup as it was sent. Cloud keeps a document and writes markup from it each time that it is
asked: escapes, links and blank lines need not be those that were sent. What is compared is the plain text.
"""

from __future__ import annotations

import re

_ADDRESS = r"https?://[^\s{}\[\]|\\]+"
_TO_ESCAPE = re.compile(rf"({_ADDRESS})|(\\)|([{{}}\[\]*_+^~!|#]|(?<!\S)-)")
_ESCAPED = re.compile(r"&#92;|\\+([^\w\s\\]|_)")
_LINK = re.compile(rf"(?<!\\)\[({_ADDRESS})(?:\|[^\]]*)?\]")


def encoded(text: str) -> str:
    """The markup that shows a text as it is; addresses stay links."""

    def escape(found: re.Match[str]) -> str:
        return found[1] or ("&#92;" if found[2] else f"\\{found[3]}")

    return _TO_ESCAPE.sub(escape, text)


def decoded(markup: str) -> str:
    """The text that a markup shows, without blank lines and blanks around lines. Other markup is left in it."""
    return "\n".join(filter(None, (line.strip() for line in unescaped(_LINK.sub(r"\1", markup)).splitlines())))


def unescaped(markup: str) -> str:
    """Without backslashes before signs."""
    return _ESCAPED.sub(lambda found: found[1] or "\\", markup)
