"""The YAML keys of measures that read a Google spreadsheet, and of check-ins that are written to one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from pydantic import Field, ValidationInfo, model_validator

from connectors.sheets.settings import SheetsSettings, SpreadsheetId
from syncd.sdk import ConnectionSettings, PublishKeys, Stated, not_allowed
from syncd.sdk.a1 import quote_sheet
from syncd.sdk.table_measure import TableKeys

LOGGED: tuple[Stated, ...] = ("updated", "period", "key_result", "value", "progress", "health", "quality", "note")
"""The columns of the log, starting at column A."""

_READS_ONLY = "goes through a connection with 'api_key', which cannot write"
Column = Annotated[str, Field(min_length=1)]


class SheetsMeasure(TableKeys):
    """The keys that a `sheets` connection adds to a measure."""

    asked = ("spreadsheet", "cell")
    spreadsheet: SpreadsheetId

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The refusal, if the connection does not allow the spreadsheet."""
        assert isinstance(settings, SheetsSettings)
        return not_allowed("spreadsheet", [self.spreadsheet], settings.allow)

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The stream, which is the spreadsheet."""
        return [self.spreadsheet]

    def page(self) -> str:
        """The address of the spreadsheet. A link to a cell would need the id of the cell's sheet, but a response with
        values does not have this id: https://developers.google.com/workspace/sheets/api/guides/concepts
        """
        return f"https://docs.google.com/spreadsheets/d/{self.spreadsheet}/edit"


class SheetsPublish(PublishKeys):
    """A sheet with a row for each key result. A column is named by its letter, or by its header in the first row."""

    spreadsheet: SpreadsheetId
    sheet: str = Field(min_length=1, description="The sheet's name.")
    key_column: Column = Field(
        description="The column with the ids of the key results, by its letter (`A`) or its header."
    )
    columns: Mapping[Stated, Column] = Field(
        min_length=1,
        description="The column for each value, by its letter or its header: `{value: D, health: Health}`.",
    )
    create: bool = Field(
        False, strict=True, description="Whether to add the sheet, and rows for key results, if they are missing."
    )
    log: str | None = Field(
        None,
        min_length=1,
        description="A sheet to which syncd adds a row for every check-in. syncd creates the sheet if it is missing.",
    )

    @model_validator(mode="after")
    def _can_write(self, info: ValidationInfo) -> SheetsPublish:
        settings = (info.context or {}).get("settings")
        if isinstance(settings, SheetsSettings) and settings.api_key is not None:
            raise ValueError(f"{_READS_ONLY}; give that connection 'credentials' or 'token' instead")
        return self

    @model_validator(mode="after")
    def _distinct(self) -> SheetsPublish:
        if self.log is not None and self.log.casefold() == self.sheet.casefold():
            raise ValueError(f"write another sheet's name in log: the rows of {self.sheet} hold one key result each")
        columns: list[tuple[str, str]] = [("key_column", self.key_column), *self.columns.items()]
        for column, times in Counter(column for _, column in columns).items():
            if times > 1:
                names = " and ".join(name for name, other in columns if other == column)
                raise ValueError(f"write another column for one of {names}: both are {column!r}")
        return self

    @property
    def by_header(self) -> bool:
        """Whether at least one column is named by its header. The first row is then a header."""
        return not all(is_letters(column) for column in (self.key_column, *self.columns.values()))

    def place(self, stated: Stated) -> str:
        """The name of the place for a value, such as `value in D`. A column that is configured later is a new place,
        whose content does not belong to syncd yet.
        """
        return f"{stated} in {self.columns[stated]}"

    def uses(self) -> Collection[str]:
        """The fields of a check-in that have a column in the sheet or in the log."""
        return {*self.columns, *(LOGGED if self.log else ())}

    def daily(self) -> Collection[str]:
        """`as_of`, if it has a column."""
        return {"as_of"} & self.columns.keys()

    def target(self, key_result: str) -> str:
        """A key result's row, such as `OKRs!calls in 1AbC`."""
        return f"{quote_sheet(self.sheet)}!{key_result} in {self.spreadsheet}"


def is_letters(column: str) -> bool:
    """Whether a column is named by its letters, `A` to `ZZZ`, rather than by its header."""
    return re.fullmatch(r"[A-Z]{1,3}", column) is not None
