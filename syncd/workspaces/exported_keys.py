"""The keys with which a workspace names a key result of another workspace, and the settings of the connection that
reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from syncd.sdk import ConnectionSettings, ReadingKeys
from syncd.sdk.as_keys import As


class DeploymentSettings(ConnectionSettings):
    """The deployment's syncd.yaml, and the workspace that reads, with the clock of its rehearsal."""

    deployment: str = Field(description="The path of the deployment's syncd.yaml.")
    reader: str = Field(description="The name of the workspace that reads.")
    clock: AwareDatetime | None = Field(None, description="The time of a rehearsal.")

    def now(self) -> datetime:
        """The present time, or the time of the rehearsal."""
        return self.clock or datetime.now(UTC)


class ExportedKeys(ReadingKeys):
    """The keys of a measure of another workspace's key result."""

    name: str = Field(min_length=1, description="The other workspace, in the same deployment.")
    key_result: str = Field(min_length=1, description="The id of a key result that the other workspace exports.")
    unit: str | None = Field(
        None, description="The unit that the exported key result must have; by default the unit of your key result."
    )

    @model_validator(mode="after")
    def _is_a_number_already(self) -> Self:
        if self.as_ != As():
            raise ValueError("has 'as', which is for texts, and the value of a key result is a number; drop it")
        return self

    @property
    def many(self) -> bool:
        """Always true, because a key result has a value for each day."""
        return True

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The stream of the other workspace. All its key results are in one stream, so that its ledger is opened only
        once.
        """
        return [self.name]

    def in_unit(self, unit: str | None) -> Self:
        """The keys, with this unit if they name no unit themselves."""
        return self if unit is None or self.unit is not None else self.model_copy(update={"unit": unit})

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The key and the problem if a workspace would read its own key result; else None."""
        assert isinstance(settings, DeploymentSettings)
        if self.name != settings.reader:
            return None
        return "name", f"is {self.name!r}, which is this workspace itself; name another one"
