"""The YAML keys that a connector adds to measures. The methods of these keys describe the rows that a measure
requests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import ClassVar, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field

from syncd.sdk.as_keys import As
from syncd.sdk.connection_settings import ConnectionSettings
from syncd.sdk.key_rules import Rule

FieldType = Literal["days", "number", "text", "truth"]
"""What a field of a record holds: a number of days, another number, a text, which may be a day or a time, or true or
false.
"""


class MeasureKeys(BaseModel):
    """The keys that a connector adds to a measure, in addition to `from`, `take`, `of`, `where` and `window`."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, populate_by_name=True)

    kind: ClassVar[Literal["records", "readings"]]

    asked: ClassVar[Sequence[str]] = ()
    """The keys that `syncd init` asks for, in this order. If empty, `syncd init` asks for the required keys."""
    rules: ClassVar[Sequence[Rule]] = ()
    """Rules for the JSON Schema about which keys fit together, made by the functions of `syncd.sdk.key_rules`."""
    whole_rules: ClassVar[Sequence[Rule]] = ()
    """Rules for the JSON Schema about required keys, only for a measure that gets no key from a default, a named
    measure or a formula.
    """
    as_texts: ClassVar[Sequence[tuple[str, ...]]] = ()
    """The blocks whose numbers become texts, each by the keys that lead to it. A number without quotes that becomes
    another text than the file has, such as 007, is refused.
    """

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The key of each stream that this measure needs; `fields` are the fields named in its `where` and `of`."""
        raise NotImplementedError

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """A key that the connection's settings do not allow in this measure, and the reason; None if the settings allow
        all keys.
        """
        return None


class RecordKeys(MeasureKeys):
    """The keys of a measure of records."""

    kind = "records"

    field_types: ClassVar[Mapping[str, FieldType]] = {}
    """What each field holds. Only the server knows what a field holds that is not listed here."""

    def fields(self) -> Collection[str] | None:
        """The fields that `where` and `of` may name; None if only the server knows all fields."""
        raise NotImplementedError

    def ignores_case(self, field: str) -> bool:
        """Whether the service ignores upper and lower case in the values of a field, such as names of labels."""
        return False

    @property
    def asks_days(self) -> bool:
        """Whether the measure's requests contain days of the window. If so, its streams are pulled with `days`."""
        return False

    def objection(self, field: str, values: Collection[str | None]) -> str | None:
        """Why a condition on a field is not possible, and what to write instead; None if the condition is possible.

        `values` are the values of `FIELD:` or `not_FIELD:`, as texts; None means a field without a value.
        """
        return None

    def restriction(self, settings: ConnectionSettings) -> str | None:
        """What the connection's settings add to the request, as `syncd explain` shows it; None if the settings add
        nothing.
        """
        return None

    def record_kind(self) -> str | None:
        """The kind of record that is counted, if the measure's streams hold several kinds; None if all records are
        counted.
        """
        return None

    def is_work(self) -> bool:
        """Whether each counted record is a piece of work, such as an issue. A release is not, because it consists of
        other work.
        """
        return True

    def never(self, asked: Mapping[str, Collection[str | None]]) -> str | None:
        """Why no record can ever be counted, such as `asks for drafts, which are never merged`; None if a record can be
        counted.

        `asked` has the values in `where`, by field, as texts; None means a field without a value.
        """
        return None

    def idle(self, excluded: Mapping[str, Collection[str | None]]) -> str | None:
        """Why a filter cannot exclude any record, and what to write instead; None if each filter can exclude a record.

        `excluded` has the values that `where` excludes, by field, in the same form as `asked` of `never`.
        """
        return None


class ReadingKeys(MeasureKeys):
    """The keys of a measure of readings. These keys also identify the measure's part of the stream."""

    kind = "readings"

    as_: As = Field(As(), alias="as", description="How to read texts as numbers and dates.")

    @property
    def many(self) -> bool:
        """Whether the measure reads a series. The keys decide, not the present rows.

        The readings of a series have dates. A series without rows is an empty set of readings. An empty single cell is
        a missing number.
        """
        raise NotImplementedError

    @property
    def asks_days(self) -> bool:
        """Whether the measure's request names days of the window. If so, the measure's stream is pulled with `days`."""
        return False

    def in_unit(self, unit: str | None) -> Self:
        """The keys for a key result with this unit. Most sources do not know the units of their numbers, and return the
        keys unchanged.
        """
        return self

    def page(self) -> str | None:
        """The address at which a person sees the data of the measure, such as a spreadsheet; None if there is none."""
        return None

    def part(self) -> str:
        """The identity of this measure's part of its stream: its keys as canonical JSON."""
        keys = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def of_part(cls, part: str) -> Self:
        """Restores the keys from the text that `part` made of them."""
        return cls.model_validate_json(part)


def not_allowed(
    key: str, names: Iterable[str], allow: Collection[str] | None, *, any_case: bool = False
) -> tuple[str, str] | None:
    """The result of a measure's `refusal` for the first name that no pattern of `allow:` matches; None if all names are
    allowed. In patterns, `*` stands for any text. With `any_case`, upper and lower case are ignored.
    """
    form = str.lower if any_case else str
    for name in names if allow is not None else ():
        if not any(fnmatchcase(form(name), form(pattern)) for pattern in allow or ()):
            patterns = " or ".join(allow or ()) or "nothing"
            return (
                key,
                f"is {name!r}, and its connection allows {patterns}; whoever owns syncd.yaml may add it to 'allow'",
            )
    return None
