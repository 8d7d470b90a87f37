"""The contents of a workbook: its sheets and its named ranges."""

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
    """The sheets that have cells, in order, and the named ranges. The value of a named range is a reference. The key of
    a named range is a pair: the sheet whose formulas can use the name (None for all sheets), and the name in lower
    case.

    `recalculates` is true if the program that wrote the file calculated no formulas.
    """

    is_ods: bool
    sheets: list[SheetPart] = field(default_factory=list)
    ranges: dict[tuple[str | None, str], str] = field(default_factory=dict)
    recalculates: bool = False
