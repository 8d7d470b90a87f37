"""Makes texts from outside (titles, cells, notes, servers' answers) harmless to print.

Control characters can command a terminal. Bidirectional overrides change the order in which a text is shown. After a
line break, a text can imitate a line of syncd.
"""

from __future__ import annotations

import re
import unicodedata

_OVERRIDES = range(0x202A, 0x202F), range(0x2066, 0x206A)
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
_INERT: dict[int, str | None] = {
    **{code: None for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc"},
    **{code: None for codes in _OVERRIDES for code in codes},
    **dict.fromkeys(map(ord, _BREAKS), " "),
}
DROPPED = frozenset(chr(code) for code, sign in _INERT.items() if sign is None)
"""The characters that are removed when a text is made inert."""

_ACTIVE = re.compile(f"[{re.escape(''.join(map(chr, _INERT)))}]")
_LINE = re.compile(r"(?:[^\r\n]|\r(?!\n))+")


def inert(text: str) -> str:
    """The text on a single line. Line breaks become spaces; other control characters and bidirectional overrides are
    dropped.
    """
    return text if text.isprintable() else text.translate(_INERT)


def inert_lines(text: str) -> str:
    """A text of many lines, each made inert; a line ends with `\\n` or `\\r\\n`."""
    return _LINE.sub(lambda line: inert(line[0]), text)


def inert_json(document: str) -> str:
    """The same JSON document with control characters and overrides written as escapes, so that the document is safe to
    print.
    """
    if document.isascii():  # JSON escapes every ASCII control character except DEL
        return document.replace("\x7f", "\\u007f")
    return "\n".join(
        _ACTIVE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", line) if not line.isprintable() else line
        for line in document.split("\n")
    )
