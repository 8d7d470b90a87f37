"""Check-ins to a file: the document of `status --json`, a CSV table or a Markdown page, each in one atomic write."""

from __future__ import annotations

import csv
import errno
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field, field_validator

from connectors.files.paths import below, checked
from syncd.sdk import Content, Found, PublishKeys, RetryLater, SourceBroken, SourceError, Statement, Summary
from syncd.sdk.figures import number, percent

_COLUMNS = (
    "period", "objective", "objective_title", "owner", "key_result", "title", "kind", "unit", "baseline", "target",
    "value", "progress", "score", "expected", "health", "quality", "confidence", "note", "reason", "as_of", "updated",
    "evidence",
)  # fmt: skip
_TEXT = "text"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what spreadsheet programs take for one (owasp.org, "CSV Injection")


class FilesPublish(PublishKeys):
    """Where among files check-ins are written to."""

    states: ClassVar[Literal["key results", "period"]] = "period"

    file: str = Field(min_length=1, description="The file below the root: .json, .csv or .md; syncd writes all of it.")

    @field_validator("file")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        return checked(value, (".json", ".csv", ".md"), "a .json, .csv or .md file")

    def target(self, key_result: str) -> str:
        """The file, which holds the whole period; `./okrs.md` is `okrs.md`."""
        return Path(self.file).as_posix()


class FilesPublisher:
    """An opened folder to write to."""

    together = True
    appends = False

    def __init__(self, root: Path, keys: FilesPublish) -> None:
        self._root = root
        self._keys = keys

    def content(self, said: Statement | Summary) -> Content:
        """The whole text."""
        assert isinstance(said, Summary)
        kind = self._keys.file.lower().rpartition(".")[2]
        return {_TEXT: {"json": _json, "csv": _csv, "md": _markdown}[kind](said)}

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Found]:
        """What the file holds; nothing where there is none yet."""
        try:
            with below(self._root, self._keys.file).open(encoding="utf-8", errors="replace", newline="") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        except OSError as error:
            raise _failed(self._keys.file, "read", error) from None
        return {name: Found({_TEXT: text or None}, {_TEXT: self._keys.file}) for name in wanted}

    def write(self, contents: Mapping[str, Content]) -> None:
        """Beside it first, then in its place: who reads it sees the old text or the new, never a part."""
        path = below(self._root, self._keys.file)
        beside = path.with_name(f".{path.name}.syncd")
        for content in contents.values():
            try:
                if not self._root.is_dir():
                    raise SourceBroken(f"{self._root} is no folder; correct root in syncd.yaml")
                path.parent.mkdir(parents=True, exist_ok=True)
                beside.unlink(missing_ok=True)  # of a run that was killed, or a link that leads elsewhere
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
        """Nothing is held."""


def _failed(file: str, done: str, error: OSError) -> SourceError:
    why = f"{file} cannot be {done}: {(error.strerror or str(error)).lower()}"
    return RetryLater(why) if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else SourceBroken(why)


def _json(said: Summary) -> str:
    return orjson.dumps(said.document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _csv(said: Summary) -> str:
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for one in said.statements:
        content = one.content(_COLUMNS)
        rows.writerow([_inert(content.get(name)) for name in _COLUMNS])
    return file.getvalue()


def _inert(cell: object) -> object:
    """A cell as a spreadsheet program will show it: no text is calculated, no number has decimals for nothing."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _markdown(said: Summary) -> str:
    lines: list[str] = []
    for (objective, title), group in groupby(said.statements, key=lambda one: (one.objective, one.objective_title)):
        found = list(group)
        if not lines:
            lines += [f"# {found[0].period}", "", f"As of {found[0].updated:%Y-%m-%d %H:%M}.", ""]
        owner = f" ({_cell(found[0].owner)})" if found[0].owner else ""
        lines += [f"## {_cell(title)}{owner}", ""]
        lines += [part for why in _watermelons(said, objective) for part in (f"**Watermelon:** {_cell(why)}", "")]
        lines += ["| key result | value | target | progress | health | as of |"]
        lines += ["| --- | ---: | ---: | ---: | --- | --- |"]
        lines += [_row(one) for one in found]
        lines += [""]
    return "\n".join(lines)


def _watermelons(said: Summary, objective: str) -> Iterator[str]:
    """What the document says of an objective's links that are watermelons."""
    document: Any = said.document
    for one in document["objectives"]:
        if one["id"] == objective:
            yield from (link["why"] for link in one["alignment"] if link["verdict"] == "watermelon")


def _row(one: Statement) -> str:
    link = f"[{_cell(one.title)}]({one.evidence})" if one.evidence else _cell(one.title)
    unit = f" {_cell(one.unit)}" if one.unit else ""
    health = one.health.replace("_", " ") + (f" ({one.quality})" if one.quality not in ("complete", "unknown") else "")
    cells = [
        link,
        f"{number(one.value)}{unit}" if one.value is not None else number(None),
        number(one.target),
        percent(one.progress),
        health,
        one.as_of.strftime("%Y-%m-%d %H:%M") if one.as_of else "–",
    ]
    return f"| {' | '.join(cells)} |"


def _cell(text: str | None) -> str:
    """A text within a Markdown table: nothing in it is markup, or HTML."""
    for sign in "\\`*_[]<>|#":
        text = (text or "").replace(sign, f"\\{sign}")
    return " ".join((text or "").split())
