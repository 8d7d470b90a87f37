"""A ledger as files in a folder, which any program and later versions of syncd can read.

Each table is a JSON Lines file with one object for each row, times in RFC 3339 (UTC), and numbers with all digits.
`ledger.json` says which syncd wrote the dump, when, and how many rows each table has. `ledger.json` is written last: a
dump without `ledger.json` is incomplete. The folder may also have the tables as CSV, which syncd never reads.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Table

from syncd.ledger.column_types import Moment
from syncd.ledger.failures import LedgerError
from syncd.ledger.transfer import Row, StoredRows, tables_of
from syncd.sdk.figures import spreadsheet_cell
from syncd.sdk.regular_files import open_regular, read_regular

MANIFEST = "ledger.json"
_JSON = orjson.OPT_UTC_Z


class DumpedRows:
    """The rows of a ledger in a folder. Raises LedgerError if a file is missing, cut off, or not from a dump."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The content of `ledger.json`."""
        path = self.folder / MANIFEST
        try:
            content = read_regular(path)
        except OSError as error:
            why = (error.strerror or "unusable").lower()
            raise LedgerError(f"{path}: {why}; `syncd export` writes it last, so this export is not whole") from None
        return read_manifest(content, path)

    @property
    def version(self) -> str:
        """The number of the migration that made the tables."""
        return str(self.manifest["tables"])

    def of(self, table: Table) -> Iterator[Row]:
        """The rows of a table."""
        expected = self.manifest["rows"].get(table.name, 0)
        times = [column.name for column in table.columns if isinstance(column.type, Moment)]
        path = self.folder / f"{table.name}.jsonl"
        line_number = 0
        try:
            with open_regular(path) as file:
                for line in file:
                    line_number += 1
                    row = orjson.loads(line)
                    for name in times:
                        row[name] = None if row[name] is None else datetime.fromisoformat(row[name])
                    yield row
        except OSError as error:
            raise LedgerError(f"{path}: {(error.strerror or 'unusable').lower()}") from None
        except (ValueError, KeyError, TypeError):
            raise LedgerError(f"{path}, line {line_number}, is not a row of `syncd export`") from None
        if line_number != expected:
            raise LedgerError(f"{path} has {line_number:,} rows; {MANIFEST} says {expected:,}")


def read_manifest(content: bytes, path: Path) -> Mapping[str, Any]:
    """Parses the content of a `ledger.json`. Raises LedgerError, with the file's path, if no dump has this content."""
    try:
        manifest: Mapping[str, Any] = orjson.loads(content)
        _ = {name: int(count) for name, count in manifest["rows"].items()}, manifest["tables"].strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LedgerError(f"{path} is not the ledger.json of `syncd export`") from None
    return manifest


def write_dump(connection: Connection, folder: Path) -> Mapping[str, int]:
    """Writes every row that the connection's transaction sees into an empty folder; returns the number of rows by
    table.
    """
    stored = StoredRows(connection)
    rows: dict[str, int] = {}
    for table in tables_of(connection):
        rows[str(table.name)] = 0
        with (folder / f"{table.name}.jsonl").open("wb") as file:
            for row in stored.of(table):
                file.write(orjson.dumps(row, option=_JSON | orjson.OPT_APPEND_NEWLINE))
                rows[str(table.name)] += 1
    manifest = {"syncd": version("syncd"), "tables": stored.version, "made_at": datetime.now(UTC), "rows": rows}
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest, option=_JSON | orjson.OPT_INDENT_2))
    return rows


def write_csv(connection: Connection, folder: Path) -> None:
    """Writes each table as CSV, for a spreadsheet. Texts are written so that no program reads a text as a formula."""
    stored = StoredRows(connection)
    for table in tables_of(connection):
        with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(table.columns.keys())
            lines.writerows(map(_csv_cell, row.values()) for row in stored.of(table))


def _csv_cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict | list):
        value = orjson.dumps(value).decode()
    return spreadsheet_cell(value)
