"""Makes texts of sources and people inert in messages: an inert text mentions nobody, and contains no links and no
markup.

Each service reads messages by its own rules, such as Markdown, Slack's `<!channel>` or HTML. Nothing is escaped,
because a service with other rules would show the escape characters. Instead, an invisible zero-width space separates
characters that together begin a link or a mention. A single character that is markup is replaced by a character that
looks the same.
"""

from __future__ import annotations

import re

from syncd.sdk.inert import inert as on_a_line

_BREAK = "\N{ZERO WIDTH SPACE}"
_JOINED = re.compile(
    r"@|<|\](?=[(\[:])"  # mentions; tags and Slack's commands; links of Markdown
    r"|:(?=//)|\bwww(?=\.)"  # addresses that services make links
    r"|`(?=`)|\|(?=\|)",  # code fences; spoilers
    re.IGNORECASE,
)
_LIKE = str.maketrans("*~", "\N{ASTERISK OPERATOR}\N{TILDE OPERATOR}")
_EDGE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # within a word, as in names of fields, an underscore is no markup
_STARTS = re.compile(r"(?=[#>+=-]|\d+[.)])")


def inert(text: str) -> str:
    """The text on a single line, without markup, mentions or links; it looks as it was written."""
    line = " ".join(on_a_line(text).split())
    line = _EDGE.sub("\N{MODIFIER LETTER LOW MACRON}", line.translate(_LIKE))
    line = _JOINED.sub(lambda match: match[0] + _BREAK, line)
    return _BREAK + line if _STARTS.match(line) else line
