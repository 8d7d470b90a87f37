"""Texts with their escapes undone, and where each part stands in the text as it came.

A server may repeat what it was sent as JSON, an address, a form or HTML writes it, and each of them within another. All
of these become one plain form, so that a secret is found by comparing its own plain form.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from html.entities import html5

from syncd.sdk.inert import DROPPED

_HEX = "[0-9A-Fa-f]"
_SURROGATES = r"[\ud800-\udbff][\udc00-\udfff]"  # JSON writes a character beyond U+FFFF as two
_DROPPED = re.escape("".join(DROPPED))
_ESCAPE = re.compile(
    rf"\\+u(?P<code>{_HEX}{{4}})|\\+U(?P<long>{_HEX}{{8}})|\\+u\{{(?P<braced>{_HEX}{{1,6}})\}}"
    rf"|(?P<octets>\\+x[C-Fc-f]{_HEX}(?:\\+x[89ABab]{_HEX}){{1,3}})|\\+x(?P<byte>{_HEX}{{2}})"
    rf"|(?P<bytes>%[0-7]{_HEX}|%[C-Fc-f]{_HEX}(?:%[89ABab]{_HEX}){{1,3}}|%[89A-Fa-f]{_HEX})"
    rf"|&(?:#(?P<decimal>\d{{1,7}})|#[xX](?P<hex>{_HEX}{{1,6}})|(?P<name>[A-Za-z][A-Za-z0-9]{{1,30}}));"
    rf"|(?P<pair>{_SURROGATES})|\\+|[{_DROPPED}]+"
)
_ACTIVE = re.compile(rf"[\\%&+{_DROPPED}]|{_SURROGATES}")
_MOST_LAYERS = 6  # JSON within an address within HTML is three; two halves of a character and what is dropped, two more
_ALIKE = str.maketrans("+\n\r\t", " nrt")  # a form writes a space as +, and JSON a line break as \n


def may_be_escaped(text: str) -> bool:
    """Whether a text differs from its plain form, as far as a quick look can show."""
    return _ACTIVE.search(text) is not None


class Unescaped:
    """A text as `plain`: escapes undone, backslashes and control characters left out, and with one sign for those that
    are written alike.
    """

    def __init__(self, text: str) -> None:
        self._layers: list[_Layer] = []
        for _ in range(_MOST_LAYERS):
            layer = _Layer(text)
            if not layer.escapes:
                break
            self._layers.append(layer)
            text = layer.plain
        self.plain = text.translate(_ALIKE)

    def places(self, plain: str, *, before: bool, after: bool) -> Iterator[tuple[int, int]]:
        """Where the original text holds what is `plain` here: the first character, and the one after the last.

        With `before` and `after`, the backslashes there are a part of it.
        """
        start = self.plain.find(plain)
        while start >= 0:
            first, end = start, start + len(plain)
            for layer in reversed(self._layers):
                first, end = layer.first(first, wide=before), layer.end(end, wide=after)
            yield first, end
            start = self.plain.find(plain, start + len(plain))


class _Layer:
    """A text with its outermost escapes undone. `escapes` says where each stood, and where it stands now."""

    def __init__(self, text: str) -> None:
        pieces: list[str] = []
        self.escapes: list[tuple[int, int]] = []
        self._begins: list[int] = []
        self._ends: list[int] = []
        last = length = 0
        for match in _ESCAPE.finditer(text):
            sign = _sign(match)
            pieces += (text[last : match.start()], sign)
            length += match.start() - last
            self._begins.append(length)
            length += len(sign)
            self._ends.append(length)
            self.escapes.append(match.span())
            last = match.end()
        self.plain = "".join([*pieces, text[last:]])

    def first(self, position: int, *, wide: bool) -> int:
        """Where the character at a position stood; if `wide`, where the backslashes before it did."""
        if wide:
            at = bisect_left(self._ends, position)
            if at < len(self._ends) and self._begins[at] == self._ends[at] == position:
                return self.escapes[at][0]
        at = bisect_right(self._begins, position) - 1
        if at < 0:
            return position
        begin, end = self.escapes[at]
        return begin if position < self._ends[at] else end + position - self._ends[at]

    def end(self, position: int, *, wide: bool) -> int:
        """Where the character before a position ended; if `wide`, where the backslashes after it did."""
        if wide:
            at = bisect_right(self._begins, position) - 1
            if at >= 0 and self._begins[at] == self._ends[at] == position:
                return self.escapes[at][1]
        at = bisect_right(self._begins, position - 1) - 1
        if at < 0:
            return position
        return self.escapes[at][1] if position <= self._ends[at] else self.escapes[at][1] + position - self._ends[at]


def _sign(match: re.Match[str]) -> str:
    """What an escape stands for; "" for backslashes and for what is dropped when a text is made inert, and the escape
    itself if it stands for nothing.
    """
    number = match["code"] or match["long"] or match["braced"] or match["byte"] or match["hex"]
    if number or match["decimal"]:
        code = int(number, 16) if number else int(match["decimal"])
        return chr(code) if code < 0x110000 else match[0]
    if pair := match["pair"]:
        return pair.encode("utf-16", "surrogatepass").decode("utf-16")
    if escaped := match["bytes"] or match["octets"]:
        octets = bytes.fromhex(re.sub(r"[%\\x]", "", escaped))
        try:
            return octets.decode()
        except UnicodeDecodeError:
            return octets.decode("latin-1")
    return html5.get(f"{match['name']};", match[0]) if match["name"] else ""
