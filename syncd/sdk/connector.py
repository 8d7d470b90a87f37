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

    `now` returns the real time for comparisons with servers' headers, even if `clock:` sets another time. `writes` says
    whether check-ins are also written through the connection. If so, its credentials may have more rights than a
    connection that only reads needs. In a `rehearsal` (`plan`, a dry run, `doctor`), no request may be sent that could
    change something. A `pull` that needs such a request raises Withheld. `hide` masks the connection's secrets in a
    text from outside; call it before the text is cut.
    """

    retry: RetryPolicy
    zone: ZoneInfo
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    folder: str = "."
    writes: bool = False
    rehearsal: bool = False
    hide: Redactor = field(default_factory=Redactor)


class Source(Protocol):
    """An opened connection that syncd reads from. Only one thread at a time uses the source. Opening the source makes
    no request.
    """

    def verify(self, stream: Stream) -> None:
        """Raises UnusableField if the stream needs a field that the server does not have, or that is ambiguous.

        syncd calls `verify` before the first pull, and again without the field after an UnusableField. Only the
        measures that need the field fail.
        """
        ...

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The pages that update the ledger from `cursor` to now. If the iteration ends without an error, the pull is
        complete.
        """
        ...

    def census(self, stream: Stream) -> Iterator[Page]:
        """The pages of every record that exists now, for reconciliation. A page has the ids of its records in
        `present`, and may have the records themselves.

        syncd calls `census` before a pull continues from its cursor, and never for a stream of readings.
        """
        ...

    def check(self) -> Iterator[Check]:
        """The findings of `syncd doctor`: reachable, authenticated, scopes, clock, quota."""
        ...

    def close(self) -> None:
        """Releases the source's resources; called once."""
        ...


class Connector(Protocol):
    """A class that an entry point of the group `syncd.connectors` names. The class implements `Pulls`, `Publishes`, or
    both.
    """

    summary: ClassVar[str]
    Settings: ClassVar[type[ConnectionSettings]]


class Pulls(Connector, Protocol):
    """A connector that measures read from.

    If the connector pulls both records and readings, `Measure` has the keys for readings, and `Records` has the keys
    for records. A measure with a key that only `Records` has is a measure of records.
    """

    Measure: ClassVar[type[MeasureKeys]]

    @staticmethod
    def open(settings: Any, context: Context) -> Source:
        """Opens a source with these settings, whose references are resolved. Raises ConfigError if the settings cannot
        work.
        """
        ...


class Local(Pulls, Protocol):
    """A connector that pulls without a network. `syncd validate` can therefore check that everything that a measure
    names exists.
    """

    @staticmethod
    def missing(settings: Any, context: Context, keys: Any) -> str | None:
        """A sentence, without its full stop, if the measure names something that does not exist; None if everything
        exists.
        """
        ...


class Notifies(Connector, Protocol):
    """A connector whose system sends webhooks."""

    webhook: ClassVar[Webhook]


class Publishes(Connector, Protocol):
    """A connector through which check-ins can be written."""

    Publish: ClassVar[type[PublishKeys]]

    @staticmethod
    def publisher(settings: Any, context: Context, keys: Any) -> Publisher:
        """A publisher with these settings (references resolved) and keys. Raises ConfigError if the settings or the
        keys cannot work.
        """
        ...


def can_pull(connector: type[Connector]) -> TypeGuard[type[Pulls]]:
    """Whether measures can read through the connector."""
    return hasattr(connector, "Measure")


def all_measure_keys(connector: type[Pulls]) -> Sequence[type[MeasureKeys]]:
    """The models of keys for each kind of measure (records, readings) that reads through the connector."""
    records: type[RecordKeys] | None = getattr(connector, "Records", None)
    return [connector.Measure] if records is None else [connector.Measure, records]


def measure_keys(connector: type[Pulls], written: Collection[str]) -> type[MeasureKeys]:
    """The connector's `Records` if one of the `written` keys belongs only to `Records`; otherwise the connector's
    `Measure`.
    """
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
