"""The keys that say where in a spreadsheet check-ins are written to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import Field, ValidationInfo, model_validator

from connectors.sheets.log import LOGGED
from connectors.sheets.settings import SheetsSettings, SpreadsheetId
from syncd.sdk import PublishKeys, Stated
from syncd.sdk.a1 import quote_sheet

_READS_ONLY = "goes through a connection with 'api_key', which cannot write"
Column = Annotated[str, Field(min_length=1)]


class SheetsPublish(PublishKeys):
    """A sheet with a row for each key result. A column is named by its letter, or by its header in the first row."""

    spreadsheet: SpreadsheetId
    sheet: str = Field(min_length=1, description="The sheet's name.")
    key_column: Column = Field(description="The column that holds the key results' ids: `A`, or its header.")
    columns: Mapping[Stated, Column] = Field(
        min_length=1,
        description="What is written to which column, by its letter or header: `{value: D, health: Health}`.",
    )
    create: bool = Field(False, description="Whether the sheet, and rows that it lacks, are made.")
    log: str | None = Field(
        None, min_length=1, description="A sheet that gets a row for every check-in; it is made where there is none."
    )

    @model_validator(mode="after")
    def _can_write(self, info: ValidationInfo) -> SheetsPublish:
        settings = (info.context or {}).get("settings")
        if isinstance(settings, SheetsSettings) and settings.api_key is not None:
            raise ValueError(f"{_READS_ONLY}; give that 'credentials' or 'token' in its place")
        return self

    @model_validator(mode="after")
    def _each_its_own(self) -> SheetsPublish:
        if self.log is not None and self.log.casefold() == self.sheet.casefold():
            raise ValueError(f"write another sheet's name in log: the rows of {self.sheet} hold one key result each")
        named: list[tuple[str, str]] = [("key_column", self.key_column), *self.columns.items()]
        for column, times in Counter(one for _, one in named).items():
            if times > 1:
                said = " and ".join(name for name, one in named if one == column)
                raise ValueError(f"write another column for one of {said}: both are {column!r}")
        return self

    @property
    def by_header(self) -> bool:
        """Whether some column is named by its header, so that the first row is one."""
        return not all(is_letters(column) for column in (self.key_column, *self.columns.values()))

    def place(self, stated: Stated) -> str:
        """What the cell is called that says it, such as `value in D`: another column is another place, and not ours."""
        return f"{stated} in {self.columns[stated]}"

    def uses(self) -> Collection[str]:
        """What its columns show, and those of the log."""
        return {*self.columns, *(LOGGED if self.log else ())}

    def target(self, key_result: str) -> str:
        """A key result's row, such as `OKRs!calls in 1AbC`."""
        return f"{quote_sheet(self.sheet)}!{key_result} in {self.spreadsheet}"


def is_letters(column: str) -> bool:
    """Whether a column is named by its letters, `A` to `ZZZ`, and not by its header."""
    return re.fullmatch(r"[A-Z]{1,3}", column) is not None
