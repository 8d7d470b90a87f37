"""Spreadsheet files below the root of a connection, and the files that check-ins are written to.

`source` reads CSV, XLSX and ODS (ODS through `open_document`); `publisher` writes JSON, CSV and Markdown. Both check
the names of files through `paths`.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from connectors.files.publisher import FilesPublish, FilesPublisher
from connectors.files.source import FilesMeasure, FilesSource
from syncd.sdk import ConnectionSettings, Context


class FilesSettings(ConnectionSettings):
    """A folder of spreadsheet files."""

    root: str = Field(description="The folder. Nothing outside it is ever read or written.")


class Files:
    """The connector."""

    summary: ClassVar[str] = "numbers in CSV, XLSX and ODS files; check-ins to JSON, CSV and Markdown"
    Settings = FilesSettings
    Measure = FilesMeasure
    Publish = FilesPublish

    @staticmethod
    def open(settings: FilesSettings, context: Context) -> FilesSource:
        """A source; reads nothing yet."""
        return FilesSource(_root(settings, context), context)

    @staticmethod
    def publisher(settings: FilesSettings, context: Context, keys: FilesPublish) -> FilesPublisher:
        """A publisher; writes nothing yet."""
        return FilesPublisher(_root(settings, context), keys)


def _root(settings: FilesSettings, context: Context) -> Path:
    return (Path(context.folder) / settings.root).resolve()
