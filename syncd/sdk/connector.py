"""The contract between syncd and a connector.

A connector is a class that an entry point of the group `syncd.connectors` names. It declares two pydantic models (the
keys of a connection, and the keys that it adds to a measure), and opens sources. It imports its client library in
`open`, not earlier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeGuard
from zoneinfo import ZoneInfo

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo

from syncd.sdk.as_keys import As
from syncd.sdk.facts import Check, Json, Page, Stream
from syncd.sdk.key_rules import Rule
from syncd.sdk.publishing import Publisher, PublishKeys
from syncd.sdk.redactor import Redactor
from syncd.sdk.retry import RetryPolicy
from syncd.sdk.webhooks import Webhook


def _by_reference(value: Any, info: ValidationInfo) -> Any:
    """Refuses a secret written out. Once references are resolved (which `context` shows), any text is accepted."""
    resolved = bool(info.context and info.context.get("resolved"))
    if isinstance(value, str) and "${" not in value and not resolved:
        name = (info.field_name or "secret").upper()
        raise ValueError(f'is a secret written out; write "${{{name}}}" here and set {name}, or {name}_FILE, outside')
    if isinstance(value, str) and resolved and not re.fullmatch(r"[\x20-\x7e\xa0-\xff]*", value):
        raise ValueError("holds a line break or another character that no header can hold; set it again without")
    return value


Secret = Annotated[SecretStr, BeforeValidator(_by_reference)]
"""A secret: in YAML a reference (`${GITHUB_TOKEN}`), resolved when the connection is opened; never shown."""


def _web_address(value: str) -> str:
    if not re.match(r"https?://|\$\{", value):
        raise ValueError(f"is {value!r}; write it with https:// in front")
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""A server's address: http:// or https://, without a slash at the end; or a reference to an address."""


class ConnectionSettings(BaseModel):
    """The keys of a connection. Texts may hold `${NAME}`, which is resolved when the connection is opened.

    syncd adds `reconcile` to the connections of every connector that pulls records. A connector declares that key only
    to give it another default.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, allow_inf_nan=False)

    asked: ClassVar[Sequence[str]] = ()
    """The keys that `syncd init` asks for, in this order; those that are needed, unless given."""

    type: str = Field(description="Which connector speaks to it.")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """The type alone: an address or a header may hold a secret, once its references are resolved."""
        yield "type", self.type

    def warnings(self) -> Iterator[tuple[str, str]]:
        """What is valid, but probably wrong, for `validate`: a key, and a sentence. References are not resolved."""
        return iter(())

    def work_lists(self) -> Iterator[Mapping[str, Json]]:
        """The keys of a measure of each list that `work:` names: what was done there is work, whether or not a mapping
        measures it.
        """
        return iter(())

    def credential_name(self) -> str | None:
        """What identifies its credential without a secret, such as an App and its installation; None if only the secret
        does. References are resolved.
        """
        return None

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The key of each secret, and its value, once references are resolved."""
        for key in type(self).model_fields:
            value = getattr(self, key)
            if isinstance(value, SecretStr):
                yield key, value.get_secret_value()
            elif isinstance(value, Mapping):
                inner = ((f"{key}.{name}", part) for name, part in value.items())
                yield from ((name, part.get_secret_value()) for name, part in inner if isinstance(part, SecretStr))


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


@dataclass(frozen=True, slots=True)
class Context:
    """What syncd gives a connector: the retry policy, the time zone of days, the folder of syncd.yaml.

    `now` is the clock for comparisons with servers' headers: the real clock, even if `clock:` sets another. `writes`
    says whether check-ins are written through the connection too; its credentials may then have more than the right to
    read. In a `rehearsal` (`plan`, a dry run, `doctor`) no request may be sent that could change something: `pull`
    raises Withheld. `hide` masks the connection's secrets in a text from outside; call it before the text is cut.
    """

    retry: RetryPolicy
    zone: ZoneInfo
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    folder: str = "."
    writes: bool = False
    rehearsal: bool = False
    hide: Redactor = field(default_factory=Redactor)


class Source(Protocol):
    """An opened connection. One thread at a time uses the source; opening it makes no request."""

    def verify(self, stream: Stream) -> None:
        """UnusableField if the stream needs a field that the server does not have, or that is not clear.

        Called before the first pull, and again without that field: only what needs it fails.
        """
        ...

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The pages that update the ledger from `cursor` to now. If the iteration ends without an error, the pull is
        complete.
        """
        ...

    def census(self, stream: Stream) -> Iterator[Page]:
        """Every record that exists now, for reconciliation: its id in `present`, with or without the record itself.

        Called before a pull continues from its cursor, never for a stream of readings.
        """
        ...

    def check(self) -> Iterator[Check]:
        """The findings of `syncd doctor`: reachable, authenticated, scopes, clock, quota."""
        ...

    def close(self) -> None:
        """Releases the source's resources; called once."""
        ...


class Connector(Protocol):
    """The class that an entry point of the group `syncd.connectors` names. It `Pulls`, or `Publishes`, or both."""

    summary: ClassVar[str]
    Settings: ClassVar[type[ConnectionSettings]]


class Pulls(Connector, Protocol):
    """A connector that measures read from.

    If it gives records as well as readings, `Measure` has the keys of readings, and `Records` those of records: a
    measure with a key that only records have is one of records.
    """

    Measure: ClassVar[type[MeasureKeys]]

    @staticmethod
    def open(settings: Any, context: Context) -> Source:
        """A source with these settings, whose references are resolved. ConfigError where they cannot work."""
        ...


class Local(Pulls, Protocol):
    """A connector that pulls without a network, so that `validate` can look for what a measure names."""

    @staticmethod
    def missing(settings: Any, context: Context, keys: Any) -> str | None:
        """What a measure names that is not there, as a sentence without its full stop; None if all is there."""
        ...


class Notifies(Connector, Protocol):
    """A connector whose system sends webhooks."""

    webhook: ClassVar[Webhook]


class Publishes(Connector, Protocol):
    """A connector through which check-ins can be written."""

    Publish: ClassVar[type[PublishKeys]]

    @staticmethod
    def publisher(settings: Any, context: Context, keys: Any) -> Publisher:
        """A publisher with these settings (references resolved) and keys. ConfigError where they cannot work."""
        ...


def can_pull(connector: type[Connector]) -> TypeGuard[type[Pulls]]:
    """Whether measures can read from it."""
    return hasattr(connector, "Measure")


def all_measure_keys(connector: type[Pulls]) -> Sequence[type[MeasureKeys]]:
    """The keys of each kind of measure that reads from it."""
    records: type[RecordKeys] | None = getattr(connector, "Records", None)
    return [connector.Measure] if records is None else [connector.Measure, records]


def measure_keys(connector: type[Pulls], written: Collection[str]) -> type[MeasureKeys]:
    """The keys of the kind of measure that is meant by the keys `written` in a file."""
    keys, *records = all_measure_keys(connector)
    names = {name for model in records for name in model.model_fields} - keys.model_fields.keys()
    return records[0] if names & set(written) else keys


def not_allowed(key: str, names: Iterable[str], allow: Collection[str] | None) -> tuple[str, str] | None:
    """What a measure's `refusal` returns for the first name that no pattern of `allow:` matches; None if all are
    allowed. `*` stands for any text.
    """
    for name in names if allow is not None else ():
        if not any(fnmatchcase(name, pattern) for pattern in allow or ()):
            patterns = " or ".join(allow or ()) or "nothing"
            return (
                key,
                f"is {name!r}, and its connection allows {patterns}; whoever owns syncd.yaml may add it to 'allow'",
            )
    return None


def can_notify(connector: type[Connector]) -> TypeGuard[type[Notifies]]:
    """Whether its system sends webhooks."""
    return hasattr(connector, "webhook")


def is_local(connector: type[Connector]) -> TypeGuard[type[Local]]:
    """Whether it can look, without a network, for what a measure names."""
    return hasattr(connector, "missing")


def can_publish(connector: type[Connector]) -> TypeGuard[type[Publishes]]:
    """Whether check-ins can be written through the connector."""
    return hasattr(connector, "Publish")
