"""The YAML keys of measures that read spreadsheet files, and of files that check-ins are written to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from connectors.files.limits import FilesSettings
from connectors.files.paths import checked
from syncd.sdk import ConnectionSettings, PublishKeys, not_allowed
from syncd.sdk.key_rules import both, has, matches, refuse, text
from syncd.sdk.table_measure import TableKeys

PACKED = (".xlsx", ".xlsm", ".ods")
TEXTS = (".csv", ".tsv", ".txt")
_FILE = text(
    r"^(?![/~])(?!(.*[/\\])?\.\.([/\\]|$)).*\.([cC][sS][vV]|[tT][sS][vV]|[tT][xX][tT]|[xX][lL][sS][xXmM]|[oO][dD][sS])$",
    "write a .csv, .xlsx or .ods file below the connection's root",
)
_DELIMITER = text(r'^[^0-9A-Za-z"\r\n]$', 'write one character, such as ";" or "\\t"')


class FilesMeasure(TableKeys):
    """The keys that a `files` connection adds to a measure."""

    asked = ("file", "cell")
    rules = (
        *TableKeys.rules,
        refuse(
            both(has("delimiter"), matches("file", r"\.([xX][lL][sS][xXmM]|[oO][dD][sS])$")),
            "has a delimiter, and its file is no CSV file; drop 'delimiter'",
        ),
    )

    file: Annotated[str, WithJsonSchema(_FILE)] = Field(
        min_length=1, description="The path of the file below `root`: .csv, .xlsx or .ods."
    )
    delimiter: Annotated[str, WithJsonSchema(_DELIMITER)] | None = Field(
        None,
        description="The character between the cells of a CSV file, such as `;`. By default syncd detects it, if the "
        "rows agree.",
    )

    @field_validator("file")
    @classmethod
    def _supported_kind(cls, value: str) -> str:
        return checked(value, PACKED + TEXTS, "a .csv, .xlsx or .ods file")

    @field_validator("delimiter")
    @classmethod
    def _single_character(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or value.isalnum() or value in '"\r\n'):
            raise ValueError(f'is {value!r}; write one character, such as ";" or "\\t"')
        return value

    @model_validator(mode="after")
    def _delimiter_of_text(self) -> FilesMeasure:
        if self.delimiter is not None and not self.file.lower().endswith(TEXTS):
            raise ValueError(f"has a delimiter, and {self.file} is no CSV file; drop 'delimiter'")
        return self

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The refusal, if the connection does not allow the file."""
        assert isinstance(settings, FilesSettings)
        return not_allowed("file", [Path(self.file).as_posix()], settings.allow)

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The stream, which is the file."""
        return [self.file]


class FilesPublish(PublishKeys):
    """The file that check-ins are written to."""

    states: ClassVar[Literal["key results", "period"]] = "period"

    file: str = Field(
        min_length=1,
        description="The path of the file below `root`: .json, .csv or .md. The whole file belongs to syncd.",
    )

    @field_validator("file")
    @classmethod
    def _supported_kind(cls, value: str) -> str:
        return checked(value, (".json", ".csv", ".md"), "a .json, .csv or .md file")

    def target(self, key_result: str) -> str:
        """The name of the file, which contains the complete period. `./okrs.md` and `okrs.md` are the same target."""
        return Path(self.file).as_posix()
