"""Made-up stories of a project: days on which people edit files, sources fail, numbers move and commands run.

A story is data, a list of days, each a list of steps: Hypothesis can shorten it, and a test can repeat it. Commands run
in this process, against a `files` connection and by a clock that the story sets.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import typer

from syncd.cli.app import app
from syncd.cli.errors import exit_code, sentences

BEGINS = datetime(2026, 10, 20, tzinfo=UTC)
"""Each story begins on the day before its period. On the 25th the clocks of Berlin change."""

FIRST_STEP = timedelta(hours=6)
STEP = timedelta(hours=3)
"""The steps of a day are at 6:00, 9:00, 12:00, 15:00 UTC and so on; the fourth is at midnight in Tokyo."""

COMMANDS = typer.main.get_command(app)


def measure(file: str, **keys: Any) -> dict[str, Any]:
    """The measure of a file of the project's data."""
    return {"from": "local", "file": file, **keys}


def series(take: str = "latest") -> dict[str, Any]:
    """A measure of the dated rows."""
    return measure("calls.csv", series={"dates": "Day", "values": "Calls"}, take=take)


def guard(at_most: int) -> dict[str, Any]:
    """A guard that holds while its cell is at most that."""
    return {"keep": {"at_most": at_most}, "measure": measure("cells.csv", cell="B1")}


KEY_RESULTS: dict[str, dict[str, Any]] = {
    "calls": {"title": "10 calls a day answered", "kind": "outcome", "baseline": 0, "target": 10, "measure": series()},
    "uptime": {
        "title": "Uptime stays above 3",
        "kind": "outcome",
        "keep": {"at_least": 3},
        "measure": measure("cells.csv", cell="C1"),
    },
    "mood": {"title": "The mood rises to 10", "kind": "outcome", "baseline": 0, "target": 10, "stale_after": "2d"},
    "shipped": {
        "title": "10 changes shipped",
        "kind": "output",
        "target": 10,
        "drives": "calls",
        "lag": "1d",
        "measure": measure("cells.csv", cell="A1"),
        "guard": guard(5),
    },
}
SETTINGS: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "settle": "2d",
    "health": {"on_track": 0.9, "at_risk": 0.7},
    "connections": {"local": {"type": "files", "root": "data/"}},
}
PERIOD = {"start": "2026-10-21", "end": "2026-10-27", "id": "sprint"}


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def syncd(folder: Path, *arguments: str) -> Printed:
    """`syncd ARGUMENTS` for the project of a folder, in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    config = patch.dict("os.environ", {"SYNCD_CONFIG": str(folder / "syncd.yaml")})
    with redirect_stdout(out), redirect_stderr(err), config:
        try:
            with COMMANDS.make_context("syncd", list(arguments)) as context:
                COMMANDS.invoke(context)
        except typer.Exit as ending:
            code = ending.exit_code
        except Exception as error:
            if (lines := sentences(error)) is None:
                raise
            print(*lines, sep="\n", file=sys.stderr)
            code = exit_code(error)
    return Printed(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Midnight:
    """The end of a day: what `status` printed then, and for which files; `ids` has the key results by their ids."""

    zone: ZoneInfo
    key_results: list[str]
    ids: dict[str, str]
    status: dict[str, Any]


@dataclass
class Project:
    """A project's files at a moment of its story, and the midnights that it has seen.

    `in_force` is whether a sync has met the files as they are: only then `status` and the ledger judge by the same.
    """

    folder: Path
    now: datetime = BEGINS
    settings: dict[str, Any] = field(default_factory=lambda: deepcopy(SETTINGS))
    period: dict[str, Any] = field(default_factory=lambda: deepcopy(PERIOD))
    objective: dict[str, Any] = field(default_factory=dict)
    key_results: dict[str, dict[str, Any]] = field(default_factory=lambda: deepcopy(KEY_RESULTS))
    rows: list[tuple[date, str]] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=lambda: {"shipped": "1", "guard": "1", "uptime": "4"})
    missing: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    in_force: bool = False
    midnights: dict[date, Midnight] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that days are cut in."""
        return ZoneInfo(self.settings["timezone"])

    @property
    def today(self) -> date:
        """The local day."""
        return self.now.astimezone(self.zone).date()

    def id(self, name: str) -> str:
        """The present id of a key result, which a story always calls by its first one."""
        return self.ids.get(name, name)

    def run(self, *arguments: str) -> Printed:
        """`syncd ARGUMENTS` for the files as they are, at this moment."""
        self._write_files()
        return syncd(self.folder, *arguments)

    def document(self, *arguments: str) -> dict[str, Any]:
        """The JSON document that a command prints."""
        printed = self.run(*arguments, "--json")
        assert printed.code == 0, printed
        document: dict[str, Any] = json.loads(printed.out)
        return document

    def go_on(self, moment: datetime) -> None:
        """Sets the clock; at each midnight on the way `status` is kept."""
        while (midnight := self._next_midnight()) <= moment:
            day, self.now = self.today, midnight
            if self.in_force:
                self.midnights[day] = Midnight(
                    self.zone,
                    list(self.key_results),
                    {self.id(name): name for name in self.key_results},
                    self.document("status"),
                )
        self.now = moment

    def _next_midnight(self) -> datetime:
        return datetime.combine(self.today + timedelta(days=1), time(), self.zone).astimezone(UTC)

    def _write_files(self) -> None:
        for folder in ("data", "mappings"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        key_results = [{"id": self.id(name), **keys} for name, keys in self.key_results.items()]
        for keys in key_results:
            if "drives" in keys:
                keys["drives"] = self.id(keys["drives"])
        title = "Customers are served well"
        objective = {"id": "service", "title": title, **self.objective, "key_results": key_results}
        files = {
            "syncd.yaml": json.dumps(self.settings | {"clock": self.now.isoformat()}),
            "mappings/service.yaml": json.dumps({"period": self.period, "objectives": [objective]}, indent=1),
            "data/calls.csv": "Day,Calls\n" + "".join(f"{day},{calls}\n" for day, calls in self.rows),
            "data/cells.csv": ",".join(self.cells.values()) + "\n",
        }
        for name, text in files.items():
            path = self.folder / name
            if path.name in self.missing:
                path.unlink(missing_ok=True)
            else:
                path.write_text(text, encoding="utf-8")


class Step:
    """Something that happens in a story."""

    def happen(self, project: Project) -> None:
        """Does it, at the project's moment."""
        raise NotImplementedError


@dataclass(frozen=True)
class Edit(Step):
    """A key gets another value, or leaves the file where that is None: of a key result, `period`, `objective` or
    `settings`.
    """

    of: str
    key: str
    to: Any

    def happen(self, project: Project) -> None:
        others = {"settings": project.settings, "period": project.period, "objective": project.objective}
        keys = {**others, **project.key_results}.get(self.of)
        if keys is None or keys.get(self.key) == self.to:
            return
        project.in_force = False
        keys[self.key] = deepcopy(self.to)
        if self.to is None:
            del keys[self.key]


@dataclass(frozen=True)
class Leave(Step):
    """A key result leaves the files."""

    key_result: str

    def happen(self, project: Project) -> None:
        if project.key_results.pop(self.key_result, None) is not None:
            _drive_what_is_there(project)


@dataclass(frozen=True)
class Come(Step):
    """A key result comes into the files, or is there again as at first."""

    key_result: str

    def happen(self, project: Project) -> None:
        project.key_results[self.key_result] = deepcopy(KEY_RESULTS[self.key_result])
        _drive_what_is_there(project)


def _drive_what_is_there(project: Project) -> None:
    project.in_force = False
    if "shipped" in project.key_results and "calls" not in project.key_results:
        project.key_results["shipped"]["drives"] = "uptime"


@dataclass(frozen=True)
class Rename(Step):
    """A key result, or `period`, gets a new id, and a sync carries its history over."""

    of: str

    def happen(self, project: Project) -> None:
        if not project.in_force or self.of not in ("period", *project.key_results):
            return
        if self.of == "period":
            project.period["id"] += "-again"
        else:
            old = project.id(self.of)
            project.ids[self.of] = f"{old}-again"
            project.key_results[self.of]["moved"] = {"from": old}
        Sync().happen(project)


@dataclass(frozen=True)
class Row(Step):
    """A row is added to the series: a number of calls, or what stands in its place, of so many days ago."""

    calls: str
    days_ago: int = 0

    def happen(self, project: Project) -> None:
        project.rows.append((project.today - timedelta(days=self.days_ago), self.calls))


@dataclass(frozen=True)
class Cell(Step):
    """A cell has another content."""

    name: str
    content: str

    def happen(self, project: Project) -> None:
        project.cells[self.name] = self.content


@dataclass(frozen=True)
class Fail(Step):
    """A file is missing from now on."""

    file: str

    def happen(self, project: Project) -> None:
        project.missing.add(self.file)


@dataclass(frozen=True)
class Mend(Step):
    """No file is missing any more."""

    def happen(self, project: Project) -> None:
        project.missing.clear()


@dataclass(frozen=True)
class Sync(Step):
    """`syncd sync` of everything, or of one key result where the files have it."""

    only: str | None = None

    def happen(self, project: Project) -> None:
        if self.only is not None and self.only not in project.key_results:
            return
        printed = project.run("sync", *(["--only", project.id(self.only)] if self.only else []))
        assert printed.code in (0, 1), printed
        if self.only is None:
            project.in_force = "no key result is measured now" not in printed.out


@dataclass(frozen=True)
class PeriodOkrs(Step):
    """`syncd plan`, which keeps pulled rows and no value."""

    def happen(self, project: Project) -> None:
        printed = project.run("plan")
        assert printed.code in (0, 1), printed


@dataclass(frozen=True)
class CheckIn(Step):
    """`syncd checkin`; a note where there is no value. It is refused once the period has settled.

    It may be of a past day. A key result that is not there takes none.
    """

    key_result: str
    value: int | None = None
    expires: str | None = None
    days_ago: int = 0

    def happen(self, project: Project) -> None:
        given = ["--note", "So it is"] if self.value is None else ["--value", str(self.value), "--force"]
        expires = ["--expires", self.expires] if self.expires else []
        day = (project.today - timedelta(days=self.days_ago)).isoformat()
        of_day = ["--date", day] if self.days_ago else []
        project.run("checkin", project.id(self.key_result), *given, *expires, *of_day, "--author", "Ada")


@dataclass(frozen=True)
class Withdraw(Step):
    """`syncd checkin --withdraw`, which is refused where there is no check-in."""

    key_result: str

    def happen(self, project: Project) -> None:
        project.run("checkin", project.id(self.key_result), "--withdraw", "--author", "Bo")


@dataclass(frozen=True)
class Approve(Step):
    """`syncd approve`, which is refused where no number is held."""

    key_result: str

    def happen(self, project: Project) -> None:
        project.run("approve", project.id(self.key_result), "--author", "Ada")


Story = Sequence[Sequence[Step]]


def play(story: Story, folder: Path) -> Project:
    """The project at the end of a story: at noon (UTC) of the day after its last."""
    project = Project(folder)
    for day, steps in enumerate(story):
        for number, step in enumerate(steps):
            project.go_on(BEGINS + timedelta(days=day) + FIRST_STEP + number * STEP)
            step.happen(project)
    project.go_on(BEGINS + timedelta(days=len(story), hours=12))
    return project
