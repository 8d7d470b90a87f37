"""Unescapes texts, and finds the position of an unescaped part in the original text.

A server may repeat a text with the escapes of JSON, addresses, forms or HTML, and with one kind of escape inside
another. All these forms become the same plain form. The plain form of a secret is then searched in the plain form of
the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from html.entities import html5

from syncd.sdk.inert import DROPPED

_HEX = "[0-9A-Fa-f]"
_SURROGATES = r"[\ud800-\udbff][\udc00-\udfff]"  # JSON writes a character beyond U+FFFF as two escapes
_DROPPED = re.escape("".join(DROPPED))
_ESCAPE = re.compile(
    rf"\\+u(?P<code>{_HEX}{{4}})|\\+U(?P<long>{_HEX}{{8}})|\\+u\{{(?P<braced>{_HEX}{{1,6}})\}}"
    rf"|(?P<octets>\\+x[C-Fc-f]{_HEX}(?:\\+x[89ABab]{_HEX}){{1,3}})|\\+x(?P<byte>{_HEX}{{2}})"
    rf"|(?P<bytes>%[0-7]{_HEX}|%[C-Fc-f]{_HEX}(?:%[89ABab]{_HEX}){{1,3}}|%[89A-Fa-f]{_HEX})"
    rf"|&(?:#(?P<decimal>\d{{1,7}})|#[xX](?P<hex>{_HEX}{{1,6}})|(?P<name>[A-Za-z][A-Za-z0-9]{{1,30}}));"
    rf"|(?P<pair>{_SURROGATES})|\\+|[{_DROPPED}]+"
)
_ACTIVE = re.compile(rf"[\\%&+{_DROPPED}]|{_SURROGATES}")
_MOST_LAYERS = 6  # JSON in an address in HTML has three; split characters and dropped characters add two
_ALIKE = str.maketrans("+\n\r\t", " nrt")  # forms write a space as +, JSON writes a line break as \n


def may_be_escaped(text: str) -> bool:
    """Checks quickly whether a text may differ from its plain form."""
    return _ACTIVE.search(text) is not None


class Unescaped:
    """A text and its plain form, `plain`. The plain form is unescaped, without backslashes and control characters.
    Characters that share an escape become one character, such as `+` and the space.
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
        """Finds the plain text `plain` in the original text: yields the start and the exclusive end of each place.

        With `before` and `after`, the place includes the backslashes before and after the text.
        """
        start = self.plain.find(plain)
        while start >= 0:
            first, end = start, start + len(plain)
            for layer in reversed(self._layers):
                first, end = layer.first(first, wide=before), layer.end(end, wide=after)
            yield first, end
            start = self.plain.find(plain, start + len(plain))


class _Layer:
    """A text without its outermost escapes. `escapes` has the original position of each escape."""

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
        """The position of a character in the text before unescaping. If `wide`, the position of the backslashes before
        it.
        """
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
        """The end, in the text before unescaping, of the character before a position. If `wide`, the end of the
        backslashes after it.
        """
        if wide:
            at = bisect_right(self._begins, position) - 1
            if at >= 0 and self._begins[at] == self._ends[at] == position:
                return self.escapes[at][1]
        at = bisect_right(self._begins, position - 1) - 1
        if at < 0:
            return position
        return self.escapes[at][1] if position <= self._ends[at] else self.escapes[at][1] + position - self._ends[at]


def _sign(match: re.Match[str]) -> str:
    """The character that an escape stands for; "" for backslashes and for characters that `inert` drops. If the escape
    stands for no character, returns the escape itself.
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
