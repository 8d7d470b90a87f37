"""The keys of `worker:`: the times by which the workers of a deployment notice that a worker is gone, and the number of
jobs that each worker runs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from syncd.sdk import Duration


def _some_time(length: timedelta) -> timedelta:
    if length < timedelta(milliseconds=100):
        raise ValueError("must be at least 0.1s")
    return length


_Time = Annotated[Duration, AfterValidator(_some_time)]


class WorkerKeys(BaseModel):
    """The keys of `worker:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heartbeat: _Time = Field(timedelta(seconds=10), description="How often a worker reports that it is alive.")
    reclaim: _Time = Field(
        timedelta(seconds=25),
        description="How long after the last heartbeat of a worker its jobs are given to other workers.",
    )
    deadline: _Time = Field(
        timedelta(hours=1), description="How long a job may run before it is given to another worker."
    )
    concurrency: int = Field(4, ge=1, le=64, strict=True, description="How many jobs a worker runs at a time.")

    @model_validator(mode="after")
    def _misses_a_heartbeat(self) -> WorkerKeys:
        """Refuses a `reclaim` so short that a worker would lose its jobs after a single late heartbeat."""
        if self.reclaim < 2 * self.heartbeat:
            raise ValueError("reclaim must be at least twice heartbeat; write heartbeat: 10s and reclaim: 25s")
        return self
