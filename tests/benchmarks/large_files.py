"""Large files: a workbook of 100,000 × 5 cells as XLSX and as ODS, and a CSV file of a million rows."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
from measured_projects import CLOCK, Project
from runs import Run, run

_HERE = Path(__file__).parent
_LAST = date.fromisoformat(CLOCK[:10])
ROWS = {"xlsx": 100_000, "ods": 100_000, "csv": 1_000_000}
LIBRARY = {"xlsx": "python-calamine", "ods": "python-calamine", "csv": "csv.reader(strict=True)"}
SYNCD, EMPTY = "syncd sync", "syncd sync of one row"
_HEADER = ["Day", "Calls", "Team", "Share", "Note"]

Runs = dict[tuple[str, str], Run]
"""The run of each (kind of file, contender)."""


def measure_files(folder: Path, say: Callable[[str], None]) -> Runs:
    """Measures each kind of file: its library, a sync from nothing, and a sync from nothing of a file with one row."""
    folder.mkdir(parents=True, exist_ok=True)
    runs: Runs = {}
    for kind, rows in ROWS.items():
        say(f"writing {rows:,} rows as {kind}")
        for name, number in ((f"large.{kind}", rows), (f"one.{kind}", 1)):
            _write(folder / name, number)
            an_hour_ago = time.time() - 3600  # syncd waits for files that were just written
            os.utime(folder / name, (an_hour_ago, an_hour_ago))
        say(f"{kind}: {LIBRARY[kind]}")
        command = [sys.executable, str(_HERE / "contenders/file_reader.py"), str(folder / f"large.{kind}")]
        runs[kind, LIBRARY[kind]] = run(command, folder, {}, None, times=5)
        for contender, name in ((SYNCD, f"large.{kind}"), (EMPTY, f"one.{kind}")):
            say(f"{kind}: {contender}")
            project = _project(folder / f"{kind}-{contender}", folder / name)

            def reset(project: Project = project) -> None:
                for ledger in project.folder.glob("syncd.db*"):
                    ledger.unlink()

            runs[kind, contender] = run(project.sync, project.folder, project.secrets, None, times=5, before=reset)
    return runs


def _project(folder: Path, file: Path) -> Project:
    """One measure: the calls of the quarter. The file has ten years, and its window leaves 52 days."""
    folder.mkdir(parents=True, exist_ok=True)
    measure = {"from": "local", "file": file.name, "series": {"dates": "Day", "values": "Calls"}, "take": "sum"}
    key_result = {"id": "calls", "title": "Calls", "kind": "output", "target": 20_000, "measure": measure}
    objective = {"id": "bench", "title": "The benchmark", "key_results": [key_result]}
    mapping = json.dumps({"period": "2026-Q4", "objectives": [objective]})
    (folder / "okrs.yaml").write_text(mapping, encoding="utf-8")
    (folder / "syncd.yaml").write_text(
        f"mappings: okrs.yaml\nledger: sqlite:///syncd.db\nclock: {CLOCK}\nconnections:\n"
        f"  local: {{type: files, root: {file.parent}}}\n",
        encoding="utf-8",
    )
    return Project(folder, {"PYTHONPATH": os.environ.get("PYTHONPATH", str(_HERE.parents[1]))})


def _rows(number: int) -> Iterator[tuple[date, int, str, float, str]]:
    a_day = max(1, number // 3650)  # ten years, of which 52 days are in the quarter
    for index in range(number):
        day = _LAST - timedelta(days=(number - 1 - index) // a_day)
        yield day, index % 997, f"team {index % 7}", index % 100 / 100, f"note {index}"


def _write(path: Path, number: int) -> None:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8") as file:
            file.write(",".join(_HEADER) + "\n")
            file.writelines(",".join(map(str, cells)) + "\n" for cells in _rows(number))
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Data")
        sheet.append(_HEADER)
        for cells in _rows(number):
            sheet.append(cells)
        book.save(path)
    else:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("META-INF/manifest.xml", "<manifest/>")
            with archive.open("content.xml", "w") as content:
                for piece in _open_document(number):  # piece by piece: a process begins with its parent's peak
                    content.write(piece.encode())


def _open_document(number: int) -> Iterator[str]:
    """As LibreOffice writes it."""
    names = {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    }
    spaces = " ".join(f'xmlns:{name}="{space}"' for name, space in names.items())
    yield f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.3">'
    yield '<office:body><office:spreadsheet><table:table table:name="Data" table:style-name="ta1">'
    yield f"<table:table-row>{''.join(map(_text, _HEADER))}</table:table-row>"
    for day, calls, team, share, note in _rows(number):
        yield (
            f'<table:table-row table:style-name="ro1">{_value("date", "date-value", day)}'
            f"{_value('float', 'value', calls)}{_text(team)}{_value('percentage', 'value', share)}{_text(note)}"
            "</table:table-row>"
        )
    yield '<table:table-row table:number-rows-repeated="948575"><table:table-cell table:number-columns-repeated="5"/>'
    yield "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"


def _value(kind: str, attribute: str, content: object) -> str:
    return (
        f'<table:table-cell office:value-type="{kind}" office:{attribute}="{content}" calcext:value-type="{kind}">'
        f"<text:p>{content}</text:p></table:table-cell>"
    )


def _text(content: str) -> str:
    return (
        '<table:table-cell office:value-type="string" calcext:value-type="string">'
        f"<text:p>{content}</text:p></table:table-cell>"
    )
