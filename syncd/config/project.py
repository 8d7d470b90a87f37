"""syncd.yaml: the ledger, the schedule, the connections. Its owner is whoever runs the service."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from syncd.config.catalogue import (
    RECONCILE,
    SHRINK,
    BrokenConnector,
    connection_model,
    connector,
    connector_types,
    is_connector_type,
)
from syncd.config.cron import next_by_cron
from syncd.config.document import Document, Place
from syncd.config.keeping import RetainKeys
from syncd.config.keys import Share
from syncd.config.messages import nearest, validation_problems
from syncd.config.notifying import NotifyKeys
from syncd.config.references import Resolver, password_in_url
from syncd.sdk import (
    ConfigError,
    ConnectionSettings,
    Connector,
    Context,
    Duration,
    Problem,
    Publisher,
    PublishKeys,
    Source,
    WebAddress,
    can_publish,
    can_pull,
    parse_duration,
)

T = TypeVar("T")

_SHORTEST_SECRET = 6  # a shorter text could be any word of a message


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"is {name!r}, which is no time zone; write one such as Europe/Berlin") from None
    return name


def _month_number(value: Any) -> Any:
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit() or not 1 <= int(value) <= 12:
        raise ValueError(f"is {value!r}; write the number of a month, such as 02")
    return int(value)


def _schedule(text: str) -> str:
    if len(text.split()) == 5:
        try:
            next_by_cron(text, ZoneInfo("UTC"), datetime.now(UTC))
        except ValueError as error:
            raise ValueError(f"is {text!r}, which is no cron line: {error}") from None
        return text
    if parse_duration(text) < timedelta(seconds=1):
        raise ValueError("must be at least 1s")
    return text


class HealthShares(BaseModel):
    """The shares of the expected score from which a score is on track, or at risk."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    on_track: Share = Field(0.9, gt=0, le=1, description="On track from this share of the expected score.")
    at_risk: Share = Field(0.7, ge=0, le=1, description="At risk from this share; below it, off track.")


class Publish(BaseModel):
    """A place that check-ins are written to. All other keys belong to the connection's publisher."""

    model_config = ConfigDict(extra="allow", frozen=True)

    to: str = Field(description="The connection to write through.")
    period: str | None = Field(
        None, description="The period that is written there; unless given, the present one and those that settle."
    )
    override: bool = Field(False, description="Overwrite what somebody else wrote there.")

    @field_validator("period", mode="before")
    @classmethod
    def _a_year_is_a_name(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class ProjectFile(BaseModel):
    """The keys of syncd.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mappings: str = Field("mappings/", description="A folder of mapping files, or a glob.")
    ledger: str = Field("sqlite:///syncd.db", description="SQLite file or PostgreSQL database, as a SQLAlchemy URL.")
    schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        "15m", description="How often `run` syncs: a duration such as 15m, or a cron line."
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="The time zone of days, weeks and periods."
    )
    year_starts: Annotated[int, BeforeValidator(_month_number), Field(ge=1, le=12)] | None = Field(
        None, description="The month in which fiscal years begin, such as 02: then `FY27-Q1` is a period."
    )
    health: HealthShares = Field(
        HealthShares(), description="The shares of the expected score that are on track or at risk."
    )
    settle: Duration = Field(timedelta(days=14), description="How long a period still changes after its end.")
    held_until: Literal["approved", "repeated"] = Field(
        "approved", description="What releases a held number; repeated: also a second cycle with the same number."
    )
    clock: AwareDatetime | None = Field(
        None,
        description="For rehearsals: every command behaves as if it were this time, such as 2026-11-21T10:15+01:00.",
    )
    retain: RetainKeys = Field(RetainKeys(), description="How long the ledger keeps what no number needs.")
    address: WebAddress | None = Field(
        None, description="Where people open the dashboard of `run`; check-ins link to it as their evidence."
    )
    connections: dict[str, dict[str, Any]] = Field(
        {}, description="The systems to pull from, each by a name of your choice."
    )
    publish: list[Publish] = Field([], description="Where check-ins are written to.")
    notify: NotifyKeys | None = Field(None, description="Who is notified about changes.")

    @field_validator("connections", "publish", mode="before")
    @classmethod
    def _empty_if_null(cls, value: Any, info: ValidationInfo) -> Any:
        """Null means empty: a key is null if all its entries are commented out."""
        return ({} if info.field_name == "connections" else []) if value is None else value


@dataclass(frozen=True, slots=True)
class Connection:
    """Configured access to an external system. References (`${NAME}`) are resolved when it is opened."""

    name: str
    kind: str
    connector: type[Connector]
    settings: ConnectionSettings
    place: Place
    document: Document

    @property
    def reconcile(self) -> timedelta:
        """How long after a census of its records the next is due."""
        return getattr(self.settings, "reconcile", RECONCILE)

    @property
    def shrink(self) -> float:
        """The largest share of a list's records that may leave at once, from 0 to 1."""
        share: str = getattr(self.settings, "shrink", SHRINK)
        return float(share.rstrip("% ")) / 100

    def resolved(self) -> ConnectionSettings:
        """The settings with all references resolved. Raises ConfigError with every reference that is not set."""
        resolve = Resolver(self.document)
        data = resolve(self.document.data["connections"][self.name], self.place)
        if resolve.problems:
            raise ConfigError(problems=resolve.problems)
        try:
            return connection_model(self.kind, self.connector).model_validate(data, context={"resolved": True})
        except ValidationError as error:
            # The value came from outside the file and may be a secret, so the message does not repeat it.
            places = {".".join(str(part) for part in item["loc"]) or "its keys": item["msg"] for item in error.errors()}
            reasons = "; ".join(
                f"{place}: {message.removeprefix('Value error, ')}" for place, message in places.items()
            )
            raise ConfigError(
                problems=[
                    self.document.problem(self.place, f"is not valid once its references are resolved: {reasons}")
                ]
            ) from None

    def secrets(self) -> set[str]:
        """The values of its references, except the address; messages may show none of them."""
        resolve = Resolver(self.document)
        keys = self.document.data["connections"][self.name]
        resolve({key: value for key, value in keys.items() if key != "url"}, self.place)
        return {value for value in resolve.values if len(value) >= _SHORTEST_SECRET}

    def without_secrets(self, text: str) -> str:
        """The text with every secret masked: a server may repeat what it was sent."""
        for secret in sorted(self.secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def open(self, context: Context) -> Source:
        """The source, with references resolved. Raises ConfigError with the line of each reference that is not set."""
        assert can_pull(self.connector)  # config refuses measures from other connections
        return self._opened(partial(self.connector.open, self.resolved(), self._hiding(context)))

    def publisher(self, context: Context, keys: PublishKeys) -> Publisher:
        """The publisher of an entry of `publish:`, opened like the source."""
        assert can_publish(self.connector)  # config refuses entries for other connections
        return self._opened(partial(self.connector.publisher, self.resolved(), self._hiding(context), keys))

    def _hiding(self, context: Context) -> Context:
        return replace(context, hide=self.without_secrets)

    def _opened(self, opening: Callable[[], T]) -> T:
        try:
            return opening()
        except ConfigError as error:
            if error.problems:
                raise
            raise ConfigError(problems=[self.document.problem(self.place, str(error))]) from None


def read_connections(document: Document, raw: Mapping[str, Any]) -> Iterator[Connection | Problem]:
    """Each connection of syncd.yaml, or its problems."""
    for name, keys in raw.items():
        place: Place = ("connections", name)
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            yield document.problem(place, f"connection {name!r}: write letters, digits, '-' and '_' only")
            continue
        kind = keys.get("type")
        if kind is None:
            yield document.problem(
                place, f"connection {name!r} has no type; known here: {', '.join(connector_types())}"
            )
            continue
        if not is_connector_type(kind):
            message = f"there is no connector {kind!r}{nearest(str(kind), connector_types())}"
            yield document.problem((*place, "type"), message)
            continue
        try:
            connector_class = connector(kind)
        except BrokenConnector as error:
            yield document.problem((*place, "type"), str(error))
            continue
        connection_problems = [
            document.problem(
                where, f"{where[-1]} holds a password written out; write ${{NAME}} there and set NAME outside"
            )
            for where, text in _texts(keys, place)
            if password_in_url(text)
        ]
        try:
            settings = connection_model(kind, connector_class).model_validate(keys)
        except ValidationError as error:
            model = connection_model(kind, connector_class)
            connection_problems.extend(validation_problems(error, model, document, place))
        if connection_problems:
            yield from connection_problems
        else:
            yield Connection(name, kind, connector_class, settings, place, document)


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*place, key))
    elif isinstance(value, str):
        yield place, value


def clock_of(settings: ProjectFile) -> Callable[[], datetime]:
    """The clock of a command: the real clock, or the fixed time of a rehearsal."""
    fixed = settings.clock
    return (lambda: datetime.now(UTC)) if fixed is None else (lambda: fixed)
