"""The keys of `notify:`: the recipients, the events, and the hours without messages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from syncd.sdk import Duration
from syncd.sdk.credentials import secret_in_url
from syncd.sdk.references import REFERENCE

About = Literal["health", "watermelon", "held", "failing"]
EVERYBODY = "to"
"""The recipient of `to:`. The other recipients have the names of owners."""

_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)\Z")


def _by_reference(value: Any) -> Any:
    for address in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
        if isinstance(address, str) and (not REFERENCE.search(address) or secret_in_url(address)):
            raise ValueError(
                'is an address written out, and such hold secrets; write "${OKR_CHANNEL}" and set OKR_CHANNEL outside'
            )
    return [value] if isinstance(value, str) else value


Addresses = Annotated[list[str], BeforeValidator(_by_reference), Field(min_length=1)]
"""Addresses in apprise's notation (github.com/caronc/apprise/wiki), as references, because addresses hold secrets."""


class NotifyKeys(BaseModel):
    """The keys of `notify:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Addresses = Field(
        description="Addresses in apprise's notation, such as a channel or a mailbox, each as ${NAME}."
    )
    owners: dict[str, Addresses] = Field(
        {},
        description="The addresses of each owner. syncd notifies them, instead of `to`, about everything that the "
        "owner is responsible for.",
    )
    about: list[About] = Field(
        ["health", "watermelon", "held", "failing"],
        description="Topics: a changed health, a new watermelon, a held value, a source that keeps failing.",
    )
    failing_after: Duration = Field(
        timedelta(hours=6), description="How long a source fails before syncd sends a message about it."
    )
    quiet: str | None = Field(
        None, description="Hours without messages, such as 19:00-07:30. syncd sends the messages afterwards."
    )
    at_most_every: Duration = Field(
        timedelta(hours=1), description="The shortest time between two messages to the same address."
    )

    @property
    def recipients(self) -> Mapping[str, Sequence[str]]:
        """The references to addresses, by recipient: each owner, and `to` for everybody else."""
        return {**self.owners, EVERYBODY: self.to}

    @property
    def references(self) -> Collection[str]:
        """Every reference to an address."""
        return {reference for references in self.recipients.values() for reference in references}

    @field_validator("quiet")
    @classmethod
    def _valid_hours(cls, value: str | None) -> str | None:
        if value is not None:
            _hours(value)
        return value

    def is_quiet(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether a time is within the hours without messages."""
        if self.quiet is None:
            return False
        first, last = _hours(self.quiet)
        local = now.astimezone(zone).time()
        return first <= local < last if first < last else local >= first or local < last


def _hours(text: str) -> tuple[time, time]:
    match = _HOURS.match(text.replace(" ", ""))
    if match is None:
        raise ValueError(f"is {text!r}; write two times of the day, such as 19:00-07:30")
    first, last = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    if first == last:
        raise ValueError(f"is {text!r}, which is all day or nothing; write two times that differ")
    return first, last
