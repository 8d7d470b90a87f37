"""The YAML keys that a connector adds to measures, and what they say of the rows that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import ClassVar, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field

from syncd.sdk.as_keys import As
from syncd.sdk.connection_settings import ConnectionSettings
from syncd.sdk.key_rules import Rule


class MeasureKeys(BaseModel):
    """The keys that a connector adds to a measure, beside `from`, `take`, `of`, `where` and `window`."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, populate_by_name=True)

    kind: ClassVar[Literal["records", "readings"]]

    asked: ClassVar[Sequence[str]] = ()
    """The keys that `syncd init` asks for, in this order; those that are needed, unless given."""
    rules: ClassVar[Sequence[Rule]] = ()
    """What is refused between its keys, for the JSON Schema, by the functions of `syncd.sdk.key_rules`."""
    whole_rules: ClassVar[Sequence[Rule]] = ()
    """The same of measures to which no default, named measure or formula lends a key: which of its keys are needed."""

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The key of each stream that this measure needs; `fields` are the fields named in its `where` and `of`."""
        raise NotImplementedError

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The key that a connection with these settings does not let measures have, and why; None if there is none."""
        return None


class RecordKeys(MeasureKeys):
    """The keys of a measure of records."""

    kind = "records"

    def fields(self) -> Collection[str] | None:
        """The fields that `where` and `of` may name; None if only the server knows them all."""
        raise NotImplementedError

    def ignores_case(self, field: str) -> bool:
        """Whether the service treats the values of a field alike whatever their case, as names of labels."""
        return False

    @property
    def asks_days(self) -> bool:
        """Whether its request names days of the window. Its streams are then pulled with `days`."""
        return False

    def objection(self, field: str, values: Collection[str | None]) -> str | None:
        """Why a condition on a field cannot be asked for, and what to write instead; None if it can.

        `values` are those of `FIELD:` or `not_FIELD:`, as texts; None means a field without a value.
        """
        return None

    def record_kind(self) -> str | None:
        """The kind of record that counts, if its streams hold several kinds; None if all records count."""
        return None

    def is_work(self) -> bool:
        """Whether each record that counts is a piece of work, such as an issue; a release is made of others."""
        return True

    def never(self, asked: Mapping[str, Collection[str | None]]) -> str | None:
        """Why no record can ever count, such as `asks for drafts, which are never merged`; None if a record can.

        `asked` are the values in `where`, by field, as texts; None means a field without a value.
        """
        return None

    def idle(self, excluded: Mapping[str, Collection[str | None]]) -> str | None:
        """Why a filter can exclude no record, and what to write instead; None if each can.

        `excluded` are the values in `where` that a record must not have, by field, like those of `never`.
        """
        return None


class ReadingKeys(MeasureKeys):
    """The keys of a measure of readings. They also identify its part of the stream."""

    kind = "readings"

    as_: As = Field(As(), alias="as", description="How to read texts as numbers and dates.")

    @property
    def many(self) -> bool:
        """Whether the measure reads a series, by its shape and not by the rows that happen to be there.

        The readings of a series have dates. A series without rows is an empty set, while an empty cell is no number.
        """
        raise NotImplementedError

    @property
    def asks_days(self) -> bool:
        """Whether its request names days of the window. Its stream is then pulled with `days`."""
        return False

    def in_unit(self, unit: str | None) -> Self:
        """The keys for a key result with this unit, if the source knows the units of its numbers; most do not."""
        return self

    def page(self) -> str | None:
        """The address at which a person sees what it reads, such as that of a spreadsheet; None if there is none."""
        return None

    def part(self) -> str:
        """The identity of this measure's part of its stream: its keys as canonical JSON."""
        keys = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def of_part(cls, part: str) -> Self:
        """The keys that a part was made from."""
        return cls.model_validate_json(part)


def not_allowed(
    key: str, names: Iterable[str], allow: Collection[str] | None, *, any_case: bool = False
) -> tuple[str, str] | None:
    """What a measure's `refusal` returns for the first name that no pattern of `allow:` matches; None if all are
    allowed. `*` stands for any text. `any_case`: names that differ only in case are the same.
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
