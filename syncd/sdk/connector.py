"""The contract between syncd and a connector.

A connector is a class that an entry point of the group `syncd.connectors` names. The class declares two pydantic
models: the keys of a connection, and the keys that the connector adds to a measure. Its method `open` opens sources. A
connector imports its client library in `open`, not earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol, TypeGuard
from zoneinfo import ZoneInfo

from syncd.sdk.connection_settings import ConnectionSettings
from syncd.sdk.facts import Check, Json, Page, Stream
from syncd.sdk.keys_of_measures import MeasureKeys, RecordKeys
from syncd.sdk.publishing import Publisher, PublishKeys
from syncd.sdk.redactor import Redactor
from syncd.sdk.retry import RetryPolicy
from syncd.sdk.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Context:
    """The settings that syncd passes to a connector: the retry policy, the time zone of days, the folder of syncd.yaml.

    `now` is the clock for comparisons with servers' headers: the real clock, even if `clock:` sets another. `writes`
    says whether check-ins are also written through the connection; then its credentials may have more rights than
    reading needs. In a `rehearsal` (`plan`, a dry run, `doctor`) no request may be sent that could change something:
    `pull` raises Withheld. `hide` masks the connection's secrets in a text from outside; call it before the text is
    cut.
    """

    retry: RetryPolicy
    zone: ZoneInfo
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    folder: str = "."
    writes: bool = False
    rehearsal: bool = False
    hide: Redactor = field(default_factory=Redactor)


class Source(Protocol):
    """An opened connection to read through. One thread at a time uses the source; opening it makes no request."""

    def verify(self, stream: Stream) -> None:
        """Raises UnusableField if the stream needs a field that the server does not have, or that is ambiguous.

        Called before the first pull. After an UnusableField it is called again without the field, so only the measures
        that need the field fail.
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
    """A class that an entry point of the group `syncd.connectors` names. It `Pulls`, or `Publishes`, or both."""

    summary: ClassVar[str]
    Settings: ClassVar[type[ConnectionSettings]]


class Pulls(Connector, Protocol):
    """A connector that measures read from.

    If it pulls both records and readings, `Measure` has the keys of readings, and `Records` the keys of records. A
    measure with a key that only `Records` has is a measure of records.
    """

    Measure: ClassVar[type[MeasureKeys]]

    @staticmethod
    def open(settings: Any, context: Context) -> Source:
        """A source with these settings (references resolved). Raises ConfigError if the settings cannot work."""
        ...


class Local(Pulls, Protocol):
    """A connector that pulls without a network, so `validate` can check that everything that a measure names exists."""

    @staticmethod
    def missing(settings: Any, context: Context, keys: Any) -> str | None:
        """A sentence, without its full stop, about a name in a measure that does not exist; None if all names exist."""
        ...


class Notifies(Connector, Protocol):
    """A connector whose system sends webhooks."""

    webhook: ClassVar[Webhook]


class Publishes(Connector, Protocol):
    """A connector through which check-ins can be written."""

    Publish: ClassVar[type[PublishKeys]]

    @staticmethod
    def publisher(settings: Any, context: Context, keys: Any) -> Publisher:
        """A publisher with these settings (references resolved) and keys. Raises ConfigError if these cannot work."""
        ...


def can_pull(connector: type[Connector]) -> TypeGuard[type[Pulls]]:
    """Whether measures can read through the connector."""
    return hasattr(connector, "Measure")


def all_measure_keys(connector: type[Pulls]) -> Sequence[type[MeasureKeys]]:
    """The keys of each kind of measure that reads through the connector."""
    records: type[RecordKeys] | None = getattr(connector, "Records", None)
    return [connector.Measure] if records is None else [connector.Measure, records]


def measure_keys(connector: type[Pulls], written: Collection[str]) -> type[MeasureKeys]:
    """The connector's `Records`, if a key that is `written` in a file belongs only to it; otherwise its `Measure`."""
    keys, *records = all_measure_keys(connector)
    names = {name for model in records for name in model.model_fields} - keys.model_fields.keys()
    return records[0] if names & set(written) else keys


def can_notify(connector: type[Connector]) -> TypeGuard[type[Notifies]]:
    """Whether the connector's system sends webhooks."""
    return hasattr(connector, "webhook")


def is_local(connector: type[Connector]) -> TypeGuard[type[Local]]:
    """Whether the connector can check, without a network, that everything that a measure names exists."""
    return hasattr(connector, "missing")


def can_publish(connector: type[Connector]) -> TypeGuard[type[Publishes]]:
    """Whether check-ins can be written through the connector."""
    return hasattr(connector, "Publish")
