"""Reads every cell of a file by the fastest library for its kind: `file_reader.py FILE`."""

from __future__ import annotations

import sys

path = sys.argv[1]
if path.endswith(".csv"):
    import csv

    with open(path, newline="", encoding="utf-8") as file:
        print(sum(1 for row in csv.reader(file, strict=True)))
else:
    from python_calamine import CalamineWorkbook

    print(len(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()))
