"""The keys of syncd.yaml: the ledger, the schedule, the connections and more. The operator of the service owns this
file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from syncd.config.cron import next_by_cron
from syncd.config.keeping import BackupKeys, RetainKeys
from syncd.config.keys import Share
from syncd.config.notifying import NotifyKeys
from syncd.config.web_keys import WebKeys
from syncd.config.worker_keys import WorkerKeys
from syncd.sdk import Duration, parse_duration
from syncd.sdk.credentials import secret_in_url
from syncd.sdk.durations import no_bare_number
from syncd.sdk.references import REFERENCE


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
    if re.search(r"[\s*/@]", text.strip()):
        raise ValueError(
            f"is {text!r}, which is no duration and no cron line; write such as 15m, or five fields for minute, hour, "
            "day-of-month, month and day-of-week, such as */15 * * * *"
        )
    if parse_duration(text) < timedelta(seconds=1):
        raise ValueError("must be at least 1s")
    return text


def _heartbeat(address: str) -> str:
    if not (address.startswith(("http://", "https://")) or REFERENCE.match(address)):
        raise ValueError(f"is {address!r}; write it with https:// in front")
    if secret := secret_in_url(address):
        raise ValueError(f"has a {secret} written out; write ${{NAME}} there and set NAME outside")
    return address


class HealthShares(BaseModel):
    """The shares of the expected score from which a score is on track, or at risk."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    on_track: Share = Field(0.9, gt=0, le=1, description="On track from this share of the expected score.")
    at_risk: Share = Field(
        0.7, ge=0, le=1, description="At risk from this share of the expected score; below it, off track."
    )


class Publish(BaseModel):
    """A place that check-ins are written to. All other keys belong to the connection's publisher."""

    model_config = ConfigDict(extra="allow", frozen=True)

    to: str = Field(description="The connection to write through.")
    period: str | None = Field(
        None,
        description="The period whose check-ins are written; by default the current periods and the periods that "
        "still settle.",
    )
    override: bool = Field(
        False, strict=True, description="Whether syncd may overwrite content that somebody else wrote."
    )

    @field_validator("period", mode="before")
    @classmethod
    def _a_year_is_a_name(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class ProjectFile(BaseModel):
    """The keys of syncd.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workspaces: str | None = Field(
        None,
        description="A glob that matches the syncd.yaml of each team, such as teams/*/syncd.yaml. Each workspace has "
        "the name of its folder.",
    )
    runner: Literal["threads", "procrastinate"] = Field(
        "threads",
        description="What runs the cycles of the workspaces: threads of one `syncd run`, or any number of workers "
        "(`procrastinate`).",
    )
    worker: WorkerKeys = Field(WorkerKeys(), description="The settings of the workers, for `runner: procrastinate`.")
    mappings: str = Field("mappings/", description="A folder of mapping files, or a glob.")
    ledger: str = Field(
        "sqlite:///syncd.db", description="The SQLite file or PostgreSQL database of the ledger, as a SQLAlchemy URL."
    )
    schedule: Annotated[str, BeforeValidator(no_bare_number), AfterValidator(_schedule)] = Field(
        "15m", description="How often `run` syncs: a duration such as 15m, or a cron line."
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="The time zone of days, weeks and periods."
    )
    year_starts: Annotated[int, BeforeValidator(_month_number), Field(ge=1, le=12)] | None = Field(
        None, description="The month in which fiscal years begin, such as 02. With this key, `FY27-Q1` is a period."
    )
    health: HealthShares = Field(
        HealthShares(), description="The shares of the expected score from which a key result is on track or at risk."
    )
    settle: Duration = Field(
        timedelta(days=14), description="How long after the end of a period late data still changes its values."
    )
    held_until: Literal["approved", "repeated"] = Field(
        "approved",
        description="What releases a held number: only an approval (`approved`), or also a second cycle with the same"
        " number (`repeated`).",
    )
    retain: RetainKeys = Field(
        RetainKeys(), description="The age from which the ledger removes rows that no number needs."
    )
    backup: BackupKeys | None = Field(None, description="Where `run` writes backups of the ledger, and how often.")
    clock: AwareDatetime | None = Field(
        None,
        description="For rehearsals: every command behaves as if this were the current time, such as "
        "2026-11-21T10:15+01:00.",
    )
    web: WebKeys = Field(WebKeys(), description="The dashboard: its address, how people log in, and what they may do.")
    connections: dict[str, dict[str, Any]] = Field(
        {}, description="The external systems, each under a name of your choice."
    )
    publish: list[Publish] = Field([], description="The targets to which syncd writes check-ins.")
    export: list[str] = Field(
        [], description="The ids of the key results that other workspaces of the deployment may read."
    )
    notify: NotifyKeys | None = Field(None, description="Who is notified about changes.")

    heartbeat: Annotated[str, AfterValidator(_heartbeat)] | None = Field(
        None,
        description="An address that `run` calls after each good cycle. If the calls stop, the service behind the "
        "address can raise an alarm.",
    )

    @field_validator("connections", "publish", "export", mode="before")
    @classmethod
    def _empty_if_null(cls, value: Any, info: ValidationInfo) -> Any:
        """Replaces null by an empty value, because a key is null if all its entries are commented out."""
        return ({} if info.field_name == "connections" else []) if value is None else value


def clock_of(settings: ProjectFile) -> Callable[[], datetime]:
    """The clock of a command: the real clock, or the fixed time of a rehearsal."""
    fixed = settings.clock
    return (lambda: datetime.now(UTC)) if fixed is None else (lambda: fixed)
