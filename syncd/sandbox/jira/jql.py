"""A tokeniser and a recursive-descent parser for a part of JQL. The parser refuses the other parts of the language.

query := [or] ["ORDER BY" field ["ASC" | "DESC"] {"," …}] or := and {"OR" and} and := not {"AND" not} not := ["NOT" |
"!"] (clause | "(" or ")") clause := field ("=" | "!=" | "~" | "!~" | "<" | "<=" | ">" | ">=") value
         | field ["NOT"] "IN" "(" value {"," value} ")" | field "IS" ["NOT"] ("EMPTY" | "NULL")
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from syncd.sandbox.jira.jql_fields import Context, Field, JqlError, Key, find_field, moment
from syncd.sandbox.jira.ticket import Ticket
from syncd.sandbox.jira.tickets import Tickets

Predicate = Callable[[Ticket], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<op><=|>=|!=|!~|[=~<>!(),])|(?P<word>[^\s"'=~<>!(),]+))"""
)
_RESERVED = {"and", "or", "not", "in", "is", "empty", "null", "order", "by", "asc", "desc"}
_ORDERS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Query:
    """A parsed query. `bounded` says whether the query restricts the issues; Cloud refuses an unrestricted query.

    `by_update` says whether the first sort key is `updated`, ascending. Issues that were last updated before `floor` do
    not match.
    """

    matches: Predicate
    order: tuple[tuple[Key, bool], ...]
    bounded: bool
    by_update: bool = False
    floor: datetime | None = None

    def find(self, site: Tickets) -> Iterator[Ticket]:
        """The matching issues, in order. If they are ordered by update, the function is lazy: it reads only the issues
        that the caller takes.
        """
        if not self.by_update:
            yield from self.sort([issue for issue in site.issues.values() if self.matches(issue)])
            return
        issues = site.by_update()
        first = bisect_left(issues, self.floor, key=lambda issue: issue.updated) if self.floor else 0
        matches = (issue for issue in islice(issues, first, None) if self.matches(issue))
        for _, same in groupby(matches, key=lambda issue: issue.updated):
            yield from self.sort(list(same))

    def sort(self, issues: list[Ticket]) -> list[Ticket]:
        """The issues in the order of ORDER BY, with blanks last. Without ORDER BY, the newest issues come first, as in
        Jira.
        """
        ordered = sorted(issues, key=lambda issue: -issue.id)
        for key, down in reversed(self.order):
            ordered.sort(key=key, reverse=down)
            ordered.sort(key=lambda issue, key=key: key(issue)[0] == 0)  # type: ignore[misc]
        return ordered


@dataclass(frozen=True)
class _Token:
    text: str
    at: int
    quoted: bool = False

    def is_word(self, *words: str) -> bool:
        """Whether the token is one of `words`, not in quotes. Case is ignored."""
        return not self.quoted and self.text.lower() in words


def parse(text: str, context: Context) -> Query:
    """The query in `text`. Raises JqlError, with Jira's message, if the sandbox cannot parse it."""
    return _Parser(text, context).query()


class _Parser:
    def __init__(self, text: str, context: Context) -> None:
        self._context = context
        self._tokens = list(_tokens(text))
        self._next = 0
        self._floors: dict[Predicate, datetime] = {}

    def query(self) -> Query:
        bounded = self._peek() is not None and not self._sees("order")
        matches = self._or() if bounded else _everything
        order: list[tuple[Key, bool]] = []
        names = []
        if self._take("order"):
            self._expect("by")
            while True:
                field = self._field()
                names.append(field.name.lower())
                descending = self._take("desc")
                if not descending:
                    self._take("asc")
                order.append((field.key, descending))
                if not self._take(","):
                    break
        if len(order) > 7:
            raise JqlError("The maximum number of fields in the ORDER BY clause is 7.")
        if (token := self._peek()) is not None:
            raise self._unexpected(token, "'OR' or 'AND'")
        by_update = names[:1] in (["updated"], ["updateddate"]) and not order[0][1]
        return Query(matches, tuple(order), bounded, by_update, self._floors.get(matches))

    def _or(self) -> Predicate:
        parts = [self._and()]
        while self._take("or", "||", "|"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else lambda issue: any(part(issue) for part in parts)

    def _and(self) -> Predicate:
        parts = [self._not()]
        while self._take("and", "&&", "&"):
            parts.append(self._not())
        if len(parts) == 1:
            return parts[0]

        def all_of(issue: Ticket) -> bool:
            return all(part(issue) for part in parts)

        if floors := [self._floors[part] for part in parts if part in self._floors]:
            self._floors[all_of] = max(floors)
        return all_of

    def _not(self) -> Predicate:
        if self._take("not", "!"):
            inner = self._not()
            return lambda issue: not inner(issue)
        if self._take("("):
            inner = self._or()
            self._expect(")")
            return inner
        return self._clause()

    def _clause(self) -> Predicate:
        field = self._field()
        if self._take("is"):
            negated = self._take("not")
            self._expect("empty", "null")
            field.allow("is")
            return lambda issue: (not field.values(issue)) != negated
        if self._take("not"):
            self._expect("in")
            return self._member(field, negated=True)
        if self._take("in"):
            return self._member(field, negated=False)
        token = self._peek()
        if token is None or token.quoted or token.text not in ("=", "!=", "~", "!~", *_ORDERS):
            raise self._unexpected(token, "either 'OR' or 'AND'" if token else "an operator")
        self._next += 1
        operator = token.text
        if operator in ("=", "!=") and self._takes_empty(field):
            field.allow("is")
            return lambda issue: (not field.values(issue)) != (operator == "!=")
        field.allow(operator)
        value = self._value()
        test = field.test("=" if operator == "!=" else "~" if operator == "!~" else operator, value)
        if operator in ("!=", "!~"):
            # Jira's negations do not match issues with an empty field.
            return lambda issue: bool(field.values(issue)) and not any(map(test, field.values(issue)))

        def some(issue: Ticket) -> bool:
            return any(map(test, field.values(issue)))

        if operator in (">", ">=") and field.name.lower() in ("updated", "updateddate"):
            self._floors[some] = moment(value, field.name, self._context)
        return some

    def _member(self, field: Field, *, negated: bool) -> Predicate:
        field.allow("in")
        self._expect("(")
        tests: list[Callable[[object], bool]] = []
        empty = False
        while True:
            if self._takes_empty(field):
                empty = True
            else:
                tests.append(field.test("=", self._value()))
            if not self._take(","):
                break
        self._expect(")")

        def within(issue: Ticket) -> bool:
            values = field.values(issue)
            return any(test(value) for test in tests for value in values) or (empty and not values)

        if negated:
            return lambda issue: (empty or bool(field.values(issue))) and not within(issue)
        return within

    def _field(self) -> Field:
        return find_field(self._literal("a field name").text, self._context)

    def _takes_empty(self, field: Field) -> bool:
        """Moves past EMPTY or NULL, and returns whether one of them was there. For a resolution, `Unresolved`, with or
        without quotes, means the same.
        """
        if self._take("empty", "null"):
            return True
        token = self._peek()
        if token is None or field.name != "resolution" or token.text.lower() != "unresolved":
            return False
        self._next += 1
        return True

    def _value(self) -> str:
        """A word, a quoted text, or a function call with its parentheses and a NUL at its end: `now()\\0`."""
        token = self._literal("either a value, list or function")
        if token.quoted or not self._take("("):
            return token.text
        inner = ""
        while (part := self._peek()) is not None and not part.is_word(")"):
            inner += part.text
            self._next += 1
        self._expect(")")
        return f"{token.text}({inner})\0"

    # -- tokens

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _sees(self, *words: str) -> bool:
        token = self._peek()
        return token is not None and token.is_word(*words)

    def _take(self, *words: str) -> bool:
        if not self._sees(*words):
            return False
        self._next += 1
        return True

    def _literal(self, expected: str) -> _Token:
        token = self._peek()
        if token is None or (not token.quoted and (token.text.lower() in _RESERVED or token.text in "=~<>!(),")):
            raise self._unexpected(token, expected)
        self._next += 1
        return token

    def _expect(self, *words: str) -> None:
        if not self._take(*words):
            raise self._unexpected(self._peek(), " or ".join(f"'{word}'" for word in words))

    def _unexpected(self, token: _Token | None, expected: str) -> JqlError:
        if token is None:
            return JqlError(f"Error in the JQL Query: Expecting {expected} before the end of the query.")
        where = f"(line 1, character {token.at + 1})"
        return JqlError(f"Error in the JQL Query: Expecting {expected} but got '{token.text}'. {where}")


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise JqlError(
                f"Error in the JQL Query: The quoted string has not been completed. (line 1, character {at + 1})"
            )
        if match["quoted"] is not None:
            tokens.append(_Token(re.sub(r"\\(.)", r"\1", match["quoted"][1:-1]), match.start("quoted"), quoted=True))
        else:
            kind = "op" if match["op"] is not None else "word"
            tokens.append(_Token(match[kind], match.start(kind)))
        at = match.end()
    return tokens


def _everything(_: Ticket) -> bool:
    return True
