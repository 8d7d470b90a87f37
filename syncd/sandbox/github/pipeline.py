"""The data of delivery: deployments with their statuses, workflow runs, and tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

State = Literal["queued", "pending", "in_progress", "success", "failure", "error", "inactive"]


@dataclass(frozen=True)
class Status:
    """A state of a deployment, and the moment from which the deployment has it."""

    id: int
    state: State
    created_at: datetime


@dataclass
class Deployment:
    """A request to deploy a commit to an environment. `statuses` are in the order of their creation."""

    id: int
    sha: str
    ref: str
    environment: str
    creator: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    statuses: list[Status] = field(default_factory=list)


@dataclass
class Run:
    """A run of a workflow. A re-run keeps id, number and date of creation, and increases `attempt`."""

    id: int
    number: int
    name: str
    branch: str
    event: str
    actor: str
    title: str
    created_at: datetime
    updated_at: datetime
    status: Literal["queued", "in_progress", "completed"] = "queued"
    conclusion: str | None = None
    attempt: int = 1


@dataclass
class Tag:
    """A tag of the commit `sha`. An annotated tag has its own time, message and object."""

    name: str
    sha: str
    tagged_at: datetime | None = None
    message: str = ""
    serial: int = 0

    @property
    def annotated(self) -> bool:
        """Whether the tag is an object with its own date."""
        return self.tagged_at is not None
