"""The edit screen of an issue: the fields that may be set, the values that each field accepts, and the JSON form of a
value.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field

from connectors.jira.answers import Answer, ListedField
from connectors.jira.fields import Id, ids_of
from connectors.jira.markup import decoded, encoded, unescaped
from syncd.sdk import Json, RetryLater, Scalar, SourceBroken, single_line

Kind = Literal["number", "string", "option"]
_NAMED = 5  # how many fields or options an error names


class _Schema(Answer):
    """The type of a field's values. `system` is the name of a field that Jira defines. `custom` is the kind of any
    other field.
    """

    type: str
    system: str | None = None
    custom: str | None = None

    @property
    def is_markup(self) -> bool:
        """Whether Jira shows the texts of the field as wiki markup. Jira does so only in fields of several lines."""
        return self.system in ("description", "environment") or (self.custom or "").endswith(":textarea")


class Editable(Answer):
    """A field on the edit screen. `allowed_values` are the options of a select field as JSON objects; None if Jira does
    not list them.
    """

    name: str
    schema_: _Schema = Field(alias="schema")
    allowed_values: Sequence[Any] | None = None


class Screen(Answer):
    """The fields that the account may set, by id (`editmeta` of an issue). Empty if the account may set no field."""

    fields: Mapping[str, Editable]


class _Project(Answer):
    project_type_key: str | None = None


class _OpenedFields(Answer):
    project: _Project = _Project()


class Opened(Id):
    """An issue that was requested by its key. If an issue is moved, its key changes, but its id does not.

    `editmeta` is None if it was not requested, or if a server or proxy left it out.
    """

    key: str
    editmeta: Screen | None = None
    fields: _OpenedFields = _OpenedFields()

    @property
    def has_customers(self) -> bool | None:
        """Whether the issue's project is a service project, whose customers see comments; None if Jira does not report
        this.
        """
        kind = self.fields.project.project_type_key
        return None if kind is None else kind == "service_desk"

    def named(self, configured: str) -> str:
        """The issue's name for people: the key in the configuration, and its current key if it was moved."""
        return configured if configured == self.key else f"{configured} (now {self.key})"


class FieldValues(Id):
    """The current values of an issue's fields, by id; null in a field that is blank."""

    fields: Mapping[str, Any]

    def value(self, id: str) -> Any:
        """The value of a requested field. Raises RetryLater if the response left out the field, because the field may
        contain a person's text.
        """
        if id not in self.fields:
            raise RetryLater(f"its answer leaves out the field {id}, which was asked for")
        return self.fields[id]


@dataclass(frozen=True, slots=True)
class Slot:
    """A field of an issue that syncd writes. `options` are the choices of a select field; None if Jira lists none."""

    issue: str
    name: str
    id: str
    kind: Kind
    options: Collection[str] | None
    is_markup: bool = False

    def check(self, value: Scalar | None) -> None:
        """Raises SourceBroken if the field does not accept this value."""
        if self.kind == "number" and isinstance(value, str):
            raise SourceBroken(f"{self.issue}'s field {self.name!r} takes numbers, and not {value!r}")
        if self.options is None or self.kind != "option" or value is None:
            return
        if (text := _text(value)) not in self.options:
            near = _nearest(text, self.options)
            raise SourceBroken(f"{self.issue}'s field {self.name!r} has no option {text!r}; it has: {near}")

    def to_json(self, value: Scalar | None) -> Json:
        """A value in the JSON form that Jira accepts for the field."""
        if value is None or self.kind == "number":
            return value
        text = _text(value)
        return {"value": text} if self.kind == "option" else encoded(text) if self.is_markup else text

    def from_json(self, raw: Any, *, number: bool) -> Scalar | None:
        """The value of the field from a response. With `number`, a text that is a number becomes that number."""
        match raw:
            case bool() | None | "":
                return None
            case int() | float():
                return float(raw)
            case {"value": str(text)} | str(text):
                text = " ".join(decoded(text).split()) if self.is_markup else text
                parsed = _number(text) if number else None
                return unescaped(text) if parsed is None else parsed
        return str(raw)


def find_slot(issue: str, screen: Screen, name: str) -> Slot:
    """The field with a name, on an issue's screen. Raises SourceBroken if no field or several fields have the name."""
    fields = screen.fields
    if not fields:
        raise SourceBroken(f"{issue} has no field that this account may edit; grant it Edit Issues")
    ids = ids_of(name, [ListedField(id=key, name=field.name) for key, field in fields.items()])
    if not ids:
        near = _nearest(name, {field.name for field in fields.values()})
        raise SourceBroken(f"{issue} has no field {name!r}; its edit screen has: {near}")
    if len(ids) > 1:
        raise SourceBroken(f"{issue} has {len(ids)} fields named {name!r}; write an id instead: {', '.join(ids)}")
    field = fields[ids[0]]
    allowed = field.allowed_values
    options = (
        None
        if allowed is None
        else [str(item["value"]) for item in allowed if isinstance(item, Mapping) and "value" in item]
    )
    match field.schema_.type:
        case "number" | "string" | "option" as kind:
            return Slot(issue, name, ids[0], kind, options, field.schema_.is_markup)
        case kind:
            problem = f"{issue}'s field {name!r} holds {kind!r}"
            raise SourceBroken(f"{problem}; name a number, text or single-select field")


def _nearest(name: str, choices: Collection[str]) -> str:
    """A few choices for an error message. If there are many, these are the choices most similar to the name."""
    folded = {choice.casefold(): choice for choice in sorted(choices)}
    near = get_close_matches(name.casefold(), folded, n=_NAMED, cutoff=0.3)
    shown = [folded[match] for match in near] if near and len(choices) > _NAMED else sorted(choices)[:_NAMED]
    more = f" and {len(choices) - len(shown)} more" if len(choices) > len(shown) else ""
    return f"{single_line(', '.join(shown)) or 'none'}{more}"


def _text(value: Scalar) -> str:
    """A number as `1092` or `0.18`, a form that can be read back."""
    return f"{value:.15g}" if isinstance(value, int | float) else value


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
