"""An issue's edit screen: the fields that may be set, what each takes, and how that compares with what stands there."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field

from connectors.jira.answers import Answer, ListedField
from connectors.jira.fields import Id, ids_of
from connectors.jira.markup import unescaped
from syncd.sdk import Json, Scalar, SourceBroken, one_line

Kind = Literal["number", "string", "option"]
_NAMED = 5  # fields or options that an error names


class _Schema(Answer):
    type: str


class Editable(Answer):
    """A field on the screen; `allowed_values` are the choices of a select field, with more about each."""

    name: str
    schema_: _Schema = Field(alias="schema")
    allowed_values: Sequence[Any] = ()


class Screen(Answer):
    """The fields that the account may set, by id; none where it may set nothing (`editmeta` of an issue)."""

    fields: Mapping[str, Editable] = {}


class Opened(Id):
    """An issue as its key led to it: its id stays when it is moved, its key then is another."""

    key: str
    editmeta: Screen = Screen()

    def named(self, asked: str) -> str:
        """For people who asked for it by a key: that key, with the one it has now where it was moved."""
        return asked if asked == self.key else f"{asked} (now {self.key})"


class Standing(Id):
    """What stands in an issue's fields, by id."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """A field of an issue that something is written to; `options` are its choices, where it is a select field."""

    issue: str
    name: str
    id: str
    kind: Kind
    options: Collection[str]

    def check(self, value: Scalar | None) -> None:
        """SourceBroken where the field does not take this value."""
        if self.kind == "number" and isinstance(value, str):
            raise SourceBroken(f"{self.issue}'s field {self.name!r} takes numbers, and not {value!r}")
        if self.kind == "option" and value is not None and (text := _text(value)) not in self.options:
            near = _few(text, self.options)
            raise SourceBroken(f"{self.issue}'s field {self.name!r} has no option {text!r}; it has: {near}")

    def written(self, value: Scalar | None) -> Json:
        """A value as the field takes it."""
        if value is None or self.kind == "number":
            return value
        return {"value": _text(value)} if self.kind == "option" else _text(value)

    def stands(self, raw: Any, *, number: bool) -> Scalar | None:
        """What an answer has of the field; of a text the number, where `number` says that one is written there."""
        match raw:
            case bool() | None | "":
                return None
            case int() | float():
                return float(raw)
            case {"value": str(text)} | str(text):
                found = _number(text) if number else None
                return unescaped(text) if found is None else found
        return str(raw)


def slot(issue: str, screen: Screen, name: str) -> Slot:
    """The field that a name means on an issue's screen. SourceBroken says what is there where it means none."""
    fields = screen.fields
    if not fields:
        raise SourceBroken(f"{issue} has no field that this account may edit; grant it Edit Issues")
    found = ids_of(name, [ListedField(id=key, name=field.name) for key, field in fields.items()])
    if not found:
        near = _few(name, {field.name for field in fields.values()})
        raise SourceBroken(f"{issue} has no field {name!r}; its edit screen has: {near}")
    if len(found) > 1:
        raise SourceBroken(f"{issue} has {len(found)} fields named {name!r}; write one's id: {', '.join(found)}")
    field = fields[found[0]]
    options = [str(one["value"]) for one in field.allowed_values if isinstance(one, Mapping) and "value" in one]
    match field.schema_.type:
        case "number" | "string" | "option" as kind:
            return Slot(issue, name, found[0], kind, options)
        case kind:
            held = f"{issue}'s field {name!r} holds {kind!r}"
            raise SourceBroken(f"{held}; name a field for numbers or texts, or one of which an option is selected")


def _few(name: str, known: Collection[str]) -> str:
    """Of many names the nearest."""
    lower = {one.casefold(): one for one in sorted(known)}
    near = get_close_matches(name.casefold(), lower, n=_NAMED, cutoff=0.3)
    shown = [lower[one] for one in near] if near and len(known) > _NAMED else sorted(known)[:_NAMED]
    more = f" and {len(known) - len(shown)} more" if len(known) > len(shown) else ""
    return f"{one_line(', '.join(shown)) or 'none'}{more}"


def _text(value: Scalar) -> str:
    """A number as `1092` or `0.18`: plain, so that it can be read again."""
    return f"{value:.15g}" if isinstance(value, int | float) else value


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
