"""The keys of `retain:`: how long the ledger keeps what no number needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from syncd.sdk import Duration

_LONGEST = timedelta(days=36_500)  # there is no earlier time than the year 1


class RetainKeys(BaseModel):
    """The keys of `retain:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deliveries: Duration = Field(
        timedelta(days=90), description="Of older check-ins to a target, the last of each day stays, and the newest."
    )
    events: Duration = Field(
        timedelta(days=90), description="Of older notifications, the newest about each subject stays."
    )
    cycles: Duration = Field(
        timedelta(days=400), description="Of older cycles that changed nothing, the first and last of a day stay."
    )

    def before(self, now: datetime) -> Mapping[str, datetime]:
        """For each key, the time before which rows are old."""
        return {name: now - min(length, _LONGEST) for name, length in self}
