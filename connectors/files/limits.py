"""The limits for reading a file: on its unpacked size, the number of its cells, and the CPU time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import Field

from syncd.sdk import ConnectionSettings, Duration, SourceBroken
from syncd.sdk.sizes import Size

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
"""The largest numbers of rows and columns of a sheet in Excel and in LibreOffice."""

_SMALL = 1_000_000  # bytes; a smaller part may have any ratio


class FilesSettings(ConnectionSettings):
    """A folder of spreadsheet files."""

    root: str = Field(description="The folder of the files. syncd never reads or writes outside this folder.")
    allow: list[str] | None = Field(
        None,
        description="The files below `root` that mappings may read; `*` stands for any text. By default all files.",
    )
    max_cells: int = Field(5_000_000, strict=True, ge=1, description="The largest number of cells in a sheet.")
    max_unpacked: Size = Field(
        "256 MB", validate_default=True, gt=0, description="The largest size of a file after unpacking."
    )
    max_ratio: int = Field(
        200,
        strict=True,
        ge=1,
        description="The largest ratio of unpacked size to packed size, for each part of a file.",
    )
    max_cpu: Duration = Field(timedelta(seconds=10), description="The longest CPU time for reading a file.")


@dataclass(slots=True)
class Limits:
    """The limits of a connection for one file, and the CPU time since the file was opened. Methods raise SourceBroken
    beyond a limit.
    """

    file: str
    settings: FilesSettings
    _began: float = field(default_factory=time.thread_time)

    def check_time(self) -> None:
        """Checks the CPU time. Readers call this between two blocks of work."""
        most = self.settings.max_cpu.total_seconds()
        if time.thread_time() - self._began > most:
            self._refuse(f"takes more than {most:g} s to compute", "max_cpu")

    def check_size(self, unpacked: int) -> None:
        """Checks the unpacked size of a whole file."""
        if unpacked > self.settings.max_unpacked:
            self._refuse(f"has {unpacked / 1e6:,.0f} MB unpacked", "max_unpacked")

    def check_ratio(self, part: str, packed: int, unpacked: int) -> None:
        """Checks the ratio of the unpacked size of a part of a ZIP file to its packed size."""
        if unpacked > _SMALL and unpacked > packed * self.settings.max_ratio:
            self._refuse(
                f"holds {part}, {unpacked / max(1, packed):,.0f} times larger unpacked than packed", "max_ratio"
            )

    def check_cells(self, sheet: str, cells: int) -> None:
        """Checks the number of cells of a sheet."""
        if cells > self.settings.max_cells:
            self._refuse(f"has {cells:,} cells in its sheet {sheet!r}", "max_cells")

    def check_extent(self, sheet: str, rows: int, columns: int) -> None:
        """Checks the size of the rectangle around all cells of a sheet."""
        if rows > MOST_ROWS or columns > MOST_COLUMNS:
            raise SourceBroken(
                f"{self.file} has a cell in row {rows:,} or column {columns:,} of its sheet {sheet!r}, and a sheet has "
                f"{MOST_ROWS:,} rows and {MOST_COLUMNS:,} columns at most; save it again with a spreadsheet program"
            )

    def _refuse(self, what: str, key: str) -> None:
        value = getattr(self.settings, key)
        shown = (
            f"{value / 1e6:,.0f} MB"
            if key == "max_unpacked"
            else f"{value.total_seconds():g}s"
            if key == "max_cpu"
            else f"{value:,}"
        )
        raise SourceBroken(
            f"{self.file} {what}, and {key} of the connection is {shown}; make the file smaller, or raise {key}"
        )
