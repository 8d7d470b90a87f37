"""Spreadsheet files below the root of a connection, and the files that check-ins are written to.

`source` reads them. `opening` opens a file as `csv_file.CsvFile` or as `workbook.Workbook`; `opened` describes their
common interface. `selection` reads the cells that measures need. `publisher` writes JSON, CSV and Markdown. `paths`
checks file names. A process that only reads mappings imports only `keys` and `limits`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from connectors.files.keys import FilesMeasure, FilesPublish
from connectors.files.limits import FilesSettings
from syncd.sdk import Context

if TYPE_CHECKING:
    from connectors.files.publisher import FilesPublisher
    from connectors.files.source import FilesSource


class Files:
    """The connector."""

    summary: ClassVar[str] = "numbers in CSV, XLSX and ODS files; check-ins to JSON, CSV and Markdown"
    Settings = FilesSettings
    Measure = FilesMeasure
    Publish = FilesPublish

    @staticmethod
    def open(settings: FilesSettings, context: Context) -> FilesSource:
        """Opens a source. Does not read any file yet."""
        from connectors.files.source import FilesSource

        return FilesSource(_root(settings, context), settings, context)

    @staticmethod
    def missing(settings: FilesSettings, context: Context, keys: FilesMeasure) -> str | None:
        """Names the file, sheet or column of a measure that does not exist; None if all exist."""
        from connectors.files.source import FilesSource

        return FilesSource(_root(settings, context), settings, context).missing(keys)

    @staticmethod
    def publisher(settings: FilesSettings, context: Context, keys: FilesPublish) -> FilesPublisher:
        """Opens a publisher. Does not write any file yet."""
        from connectors.files.publisher import FilesPublisher

        return FilesPublisher(_root(settings, context), keys)


def _root(settings: FilesSettings, context: Context) -> Path:
    return (Path(context.folder) / settings.root).resolve()
