"""Texts of people within Markdown: shown as they are written, and nothing else.

GitHub looks for mentions and references in what Markdown was turned into, so a backslash does not keep `@everyone` from
being told: a zero-width space behind the sign does, written as an entity, since invisible characters may be cleaned
away. Inert is what GitHub Flavored Markdown (github.github.com/gfm) takes for markup, by backslash; HTML, by entity.
"""

from __future__ import annotations

import html
import re

_ADDRESS = re.compile(r"(\bhttps?://[^\s<>]*[^\s<>.,;:!?'\")\]}*_~])", re.IGNORECASE)
_MARKUP = re.compile(r"([\\`*_\[\]~|$])")
_TELLS = re.compile(r"(@|#(?=\d))")
_STARTS = re.compile(r"^(?:(?=(?:#+|=+|[-+]+)(?:\s|$))|(?P<number>\d{1,9})(?=[.)](?:\s|$)))")


def inert(text: str) -> str:
    """A line of text as Markdown that shows it: no markup, no HTML, nobody told; web addresses are links."""
    parts = _ADDRESS.split(text)
    parts[::2] = map(_plain, parts[::2])
    parts[1::2] = (f"<{address}>" for address in parts[1::2])  # whatever else is in it, it is one address
    return _STARTS.sub(r"\g<number>\\", "".join(parts), count=1)


def _plain(text: str) -> str:
    text = _MARKUP.sub(r"\\\1", html.escape(text, quote=False))
    return _TELLS.sub(r"\1&#8203;", text)
