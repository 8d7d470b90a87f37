"""What a workbook says of itself: its sheets, and the ranges that have a name."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet of a workbook: its name, whether people see it, and the part of the ZIP file that holds its cells."""

    name: str
    is_visible: bool
    part: str


@dataclass(slots=True)
class Contents:
    """The sheets that have cells, in order, and named ranges: references by the sheet that sees the name (None for all)
    and by the name in lower case.

    `recalculates` says that a program which calculates nothing wrote the file, and asks the next one to calculate.
    """

    is_ods: bool
    sheets: list[SheetPart] = field(default_factory=list)
    ranges: dict[tuple[str | None, str], str] = field(default_factory=dict)
    recalculates: bool = False
