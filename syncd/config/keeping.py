"""The keys of `retain:` (how long the ledger keeps rows that no number needs) and of `backup:` (the ledger's
backups).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from syncd.sdk import Duration

_LONGEST = timedelta(days=36_500)  # datetime has no time before the year 1


def _a_second_or_more(length: timedelta) -> timedelta:
    if length < timedelta(seconds=1):
        raise ValueError("must be at least 1s")
    return length


class RetainKeys(BaseModel):
    """The keys of `retain:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deliveries: Duration = Field(
        timedelta(days=90),
        description="The age from which deliveries are old. Of old deliveries to a target, the last of each day and "
        "the newest stay.",
    )
    events: Duration = Field(
        timedelta(days=90),
        description="The age from which notifications are old. Of old ones, the newest about each subject stays.",
    )
    cycles: Duration = Field(
        timedelta(days=400),
        description="The age from which cycles are old. Of old ones that changed nothing, the first and the last of "
        "each day stay.",
    )

    def before(self, now: datetime) -> Mapping[str, datetime]:
        """The time before which rows count as old, by the key of `retain:`."""
        return {name: now - min(length, _LONGEST) for name, length in self}


class BackupKeys(BaseModel):
    """The keys of `backup:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str = Field(description="The folder of the backups. syncd creates it if it is missing.", min_length=1)
    every: Annotated[Duration, AfterValidator(_a_second_or_more)] = Field(
        timedelta(days=1), description="The time from one backup to the next."
    )
    keep: int = Field(14, ge=1, strict=True, description="How many backups to keep. syncd removes older ones.")
