"""Writes check-ins to a file, atomically: the document of `status --json`, a CSV table or a Markdown page."""

from __future__ import annotations

import csv
import errno
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from connectors.files.keys import FilesPublish
from connectors.files.paths import below
from syncd.sdk import Content, RetryLater, SourceBroken, SourceError, Statement, Summary, Written
from syncd.sdk.figures import full_number, number, percent, spreadsheet_cell
from syncd.sdk.inert import inert
from syncd.sdk.regular_files import read_regular

_COLUMNS = (
    "period", "objective", "objective_title", "owner", "key_result", "title", "kind", "unit", "baseline", "target",
    "value", "progress", "score", "expected", "health", "quality", "confidence", "note", "reason", "as_of", "updated",
    "evidence",
)  # fmt: skip
_TEXT = "text"


class FilesPublisher:
    """Writes one file below an opened folder."""

    together = True
    appends = False

    def __init__(self, root: Path, keys: FilesPublish) -> None:
        self._root = root
        self._keys = keys

    def content(self, summary: Statement | Summary) -> Content:
        """The whole text of the file."""
        assert isinstance(summary, Summary)
        kind = self._keys.file.lower().rpartition(".")[2]
        return {_TEXT: {"json": _json, "csv": _csv, "md": _markdown}[kind](summary)}

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """The text of the file; empty if there is no file. Raises SourceBroken if its folder cannot be written to."""
        folder = below(self._root, self._keys.file).parent
        while not folder.exists() and folder != self._root:
            folder = folder.parent
        if folder.is_dir() and not os.access(folder, os.W_OK):
            raise SourceBroken(f"{self._keys.file} cannot be written: this user may not write to the folder {folder}")
        try:
            text = read_regular(below(self._root, self._keys.file)).decode("utf-8", "replace")
        except FileNotFoundError:
            text = ""
        except OSError as error:
            raise _failed(self._keys.file, "read", error) from None
        return {name: Written({_TEXT: text or None}, {_TEXT: self._keys.file}) for name in wanted}

    def write(self, contents: Mapping[str, Content]) -> None:
        """Writes a new file and moves it into place. A reader sees either the complete old text or the complete new
        text.
        """
        path = below(self._root, self._keys.file)
        beside = path.with_name(f".{path.name}.syncd")
        for content in contents.values():
            try:
                if not self._root.is_dir():
                    raise SourceBroken(f"{self._root} is not a folder; correct root in syncd.yaml")
                path.parent.mkdir(parents=True, exist_ok=True)
                beside.unlink(missing_ok=True)  # a killed run left it, or it is a link to another place
                with beside.open("x", encoding="utf-8", newline="") as file:
                    file.write(str(content[_TEXT]))
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileNotFoundError):
                    beside.chmod(path.stat().st_mode & 0o777)
                beside.replace(path)
            except OSError as error:
                with suppress(OSError):
                    beside.unlink(missing_ok=True)
                raise _failed(self._keys.file, "written", error) from None

    def close(self) -> None:
        """Does nothing, because no file stays open."""


def _failed(file: str, action: str, error: OSError) -> SourceError:
    why = f"{file} cannot be {action}: {(error.strerror or str(error)).lower()}"
    return RetryLater(why) if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else SourceBroken(why)


def _json(summary: Summary) -> str:
    return orjson.dumps(summary.document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _csv(summary: Summary) -> str:
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for statement in summary.statements:
        content = statement.content(_COLUMNS)
        rows.writerow([spreadsheet_cell(content.get(name)) for name in _COLUMNS])
    return file.getvalue()


def _markdown(summary: Summary) -> str:
    lines: list[str] = []
    for (objective, title), group in groupby(
        summary.statements, key=lambda statement: (statement.objective, statement.objective_title)
    ):
        statements = list(group)
        if not lines:
            lines += [f"# {statements[0].period}", "", f"As of {statements[0].updated:%Y-%m-%d %H:%M}.", ""]
        owner = _owner(summary, objective)
        lines += [f"## {_cell(title)}{f' ({_cell(owner)})' if owner else ''}", ""]
        lines += [part for why in _watermelons(summary, objective) for part in (f"**Watermelon:** {_cell(why)}", "")]
        lines += ["| key result | value | target | progress | health | as of |"]
        lines += ["| --- | ---: | ---: | ---: | --- | --- |"]
        lines += [_row(statement, owner) for statement in statements]
        lines += [""]
    return "\n".join(lines)


def _watermelons(summary: Summary, objective_id: str) -> Iterator[str]:
    """The reasons for each verdict `watermelon` on an output of an objective, in the words of the document."""
    document: Any = summary.document
    for objective in document["objectives"]:
        if objective["id"] == objective_id:
            yield from (link["why"] for link in objective["alignment"] if link["verdict"] == "watermelon")


def _owner(summary: Summary, objective_id: str) -> str | None:
    document: Any = summary.document
    owners = {objective["id"]: objective.get("owner") for objective in document["objectives"]}
    owner: str | None = owners.get(objective_id)
    return owner


def _row(statement: Statement, owner: str | None) -> str:
    link = f"[{_cell(statement.title)}]({statement.evidence})" if statement.evidence else _cell(statement.title)
    link += f" ({_cell(statement.owner)})" if statement.owner != owner else ""
    unit = f" {_cell(statement.unit)}" if statement.unit else ""
    health = statement.health.replace("_", " ") + (
        f" ({statement.quality})" if statement.quality not in ("complete", "unknown") else ""
    )
    cells = [
        link,
        f"{number(statement.value, bounds=statement.value_bounds)}{unit}"
        if statement.value is not None
        else full_number(None),
        full_number(statement.target),
        percent(statement.progress, statement.progress_bounds),
        health,
        statement.as_of.strftime("%Y-%m-%d %H:%M") if statement.as_of else "–",
    ]
    return f"| {' | '.join(cells)} |"


def _cell(text: str | None) -> str:
    """A text for a cell of a Markdown table, with markup and HTML escaped."""
    line = " ".join(inert(text or "").split())
    for sign in "\\`*_[]<>|#":
        line = line.replace(sign, f"\\{sign}")
    return line
