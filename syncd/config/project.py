"""syncd.yaml: where the ledger is, when to sync, which systems there are. Owned by whoever runs the service."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from syncd.config.catalogue import RECONCILE, BrokenConnector, connection_model, connector, connector_types
from syncd.config.cron import next_by_cron
from syncd.config.document import Document, Place
from syncd.config.messages import nearest, problems
from syncd.config.notifying import NotifyKeys
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

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SHORTEST_SECRET = 6  # what is shorter could be any word of a message
_PASSWORD_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s:]*:([^/@\s]+)@", re.IGNORECASE)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"is {name!r}, which is no time zone; write one such as Europe/Berlin") from None
    return name


def _schedule(text: str) -> str:
    if len(text.split()) == 5:
        try:
            next_by_cron(text, ZoneInfo("UTC"), datetime.now(UTC))
        except ValueError as error:
            raise ValueError(f"is {text!r}, which is no cron line ({error})") from None
        return text
    if parse_duration(text) < timedelta(seconds=1):
        raise ValueError("must be at least 1s")
    return text


class HealthShares(BaseModel):
    """Which share of the expected score is on track, and which at risk."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    on_track: float = Field(0.9, gt=0, le=1, description="On track from this share of the expected score on.")
    at_risk: float = Field(0.7, ge=0, le=1, description="At risk from this share on; below it, off track.")


class Publish(BaseModel):
    """A place that check-ins are written to. Its further keys are those of the connection's publisher."""

    model_config = ConfigDict(extra="allow", frozen=True)

    to: str = Field(description="The connection to write through.")
    override: bool = Field(False, description="Write over what somebody else wrote there.")


class ProjectFile(BaseModel):
    """The keys of syncd.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mappings: str = Field("mappings/", description="A folder of mapping files, or a glob.")
    ledger: str = Field("sqlite:///syncd.db", description="SQLite file or PostgreSQL database, as a SQLAlchemy URL.")
    schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        "15m", description="How often `run` syncs: a duration such as 15m, or a cron line."
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="Days, weeks and periods are cut in it.")
    health: HealthShares = Field(HealthShares(), description="Where on track and at risk end.")
    settle: Duration = Field(timedelta(days=14), description="How long after its end a period still changes.")
    held_until: Literal["approved", "repeated"] = Field(
        "approved", description="What releases a number that is held; repeated: a second cycle with the same one, too."
    )
    clock: AwareDatetime | None = Field(
        None,
        description="For rehearsals: every command behaves as if it were this time, such as 2026-11-21T10:15+01:00.",
    )
    address: WebAddress | None = Field(
        None, description="Where people open the dashboard of `run`; check-ins link to it as their evidence."
    )
    connections: dict[str, dict[str, Any]] = Field({}, description="The systems to pull from, by a name of your own.")
    publish: list[Publish] = Field([], description="Where check-ins are written to.")
    notify: NotifyKeys | None = Field(None, description="Who is told of what changed.")

    @field_validator("connections", "publish", mode="before")
    @classmethod
    def _nothing_is_none(cls, value: Any, info: ValidationInfo) -> Any:
        """A key with all its entries commented out."""
        return ({} if info.field_name == "connections" else []) if value is None else value


@dataclass(frozen=True, slots=True)
class Connection:
    """Configured access to one system. Its references (`${NAME}`) stay unresolved until it is opened."""

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

    def resolved(self) -> ConnectionSettings:
        """The settings with every reference replaced by what it names. ConfigError lists all that are not set."""
        resolve = Resolver(self.document)
        data = resolve(self.document.data["connections"][self.name], self.place)
        if resolve.problems:
            raise ConfigError(problems=resolve.problems)
        try:
            return connection_model(self.kind, self.connector).model_validate(data, context={"resolved": True})
        except ValidationError as error:
            # What is wrong now came from outside the file, and may be a secret: the value is not repeated.
            places = {".".join(str(part) for part in item["loc"]) or "its keys": item["msg"] for item in error.errors()}
            said = "; ".join(f"{place}: {message}" for place, message in places.items())
            raise ConfigError(
                problems=[self.document.problem(self.place, f"does not fit once resolved: {said}")]
            ) from None

    def secrets(self) -> set[str]:
        """What its references resolve to, addresses apart: nothing of it may be shown."""
        resolve = Resolver(self.document)
        keys = self.document.data["connections"][self.name]
        resolve({key: value for key, value in keys.items() if key != "url"}, self.place)
        return {value for value in resolve.found if len(value) >= _SHORTEST_SECRET}

    def without_secrets(self, text: str) -> str:
        """A text in which a server may have repeated what it was sent, without it."""
        for secret in sorted(self.secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def open(self, context: Context) -> Source:
        """The source, with its references resolved. ConfigError says at which line what is missing."""
        assert can_pull(self.connector)  # a measure that names another is refused
        return self._opened(partial(self.connector.open, self.resolved(), context))

    def publisher(self, context: Context, keys: PublishKeys) -> Publisher:
        """The publisher of an entry of `publish:`, as `open` gives the source."""
        assert can_publish(self.connector)  # an entry that names another is refused
        return self._opened(partial(self.connector.publisher, self.resolved(), context, keys))

    def _opened(self, opening: Callable[[], T]) -> T:
        try:
            return opening()
        except ConfigError as error:
            if error.problems:
                raise
            raise ConfigError(problems=[self.document.problem(self.place, str(error))]) from None


class Resolver:
    """Replaces `${NAME}` by the environment's NAME, or by what the file that NAME_FILE names holds."""

    def __init__(
        self,
        document: Document,
        environment: Mapping[str, str] = os.environ,
        within: Callable[[str], str] = lambda text: text,
    ) -> None:
        """`within` quotes what stands for a part of a longer text, where that text needs it."""
        self.document = document
        self.environment = environment
        self.within = within
        self.problems: list[Problem] = []
        self.found: set[str] = set()

    def __call__(self, value: Any, place: Place) -> Any:
        """The value with all references in it resolved; what is not set is added to `problems`."""
        if isinstance(value, dict):
            return {key: self(inner, (*place, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self(inner, (*place, index)) for index, inner in enumerate(value)]
        if isinstance(value, str):
            if whole := _REFERENCE.fullmatch(value):
                return self._one(whole[1], place)
            return _REFERENCE.sub(lambda match: self.within(self._one(match[1], place)), value)
        return value

    def _one(self, name: str, place: Place) -> str:
        value = self._value(name, place)
        self.found.add(value)
        return value

    def _value(self, name: str, place: Place) -> str:
        if self.environment.get(name):
            return self.environment[name]
        if path := self.environment.get(f"{name}_FILE"):
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "is not text"
                self.problems.append(self.document.problem(place, f"{name}_FILE names {path}: {reason.lower()}"))
                return ""
        message = f"{name} is not set; set it in the environment, or name a file that holds it in {name}_FILE"
        self.problems.append(self.document.problem(place, message))
        return ""


def read_connections(document: Document, raw: Mapping[str, Any]) -> Iterator[Connection | Problem]:
    """Each connection of syncd.yaml, or what is wrong with it."""
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
        if kind not in connector_types():
            message = f"there is no connector {kind!r}{nearest(str(kind), connector_types())}"
            yield document.problem((*place, "type"), message)
            continue
        try:
            found_connector = connector(kind)
        except BrokenConnector as error:
            yield document.problem((*place, "type"), str(error))
            continue
        found = [
            document.problem(
                where, f"{where[-1]} holds a password written out; write ${{NAME}} there and set NAME outside"
            )
            for where, text in _texts(keys, place)
            if password_in_url(text)
        ]
        try:
            settings = connection_model(kind, found_connector).model_validate(keys)
        except ValidationError as error:
            found.extend(problems(error, connection_model(kind, found_connector), document, place))
        if found:
            yield from found
        else:
            yield Connection(name, kind, found_connector, settings, place, document)


def password_in_url(text: str) -> bool:
    """Whether a URL carries a password that is not a reference."""
    match = _PASSWORD_IN_URL.search(text)
    return bool(match) and not _REFERENCE.search(match[1] if match else "")


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*place, key))
    elif isinstance(value, str):
        yield place, value


def clock_of(settings: ProjectFile) -> Callable[[], datetime]:
    """The clock of a command: the real one, or that of a rehearsal, which stands still."""
    fixed = settings.clock
    return (lambda: datetime.now(UTC)) if fixed is None else (lambda: fixed)
