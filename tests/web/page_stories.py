"""The states that pages can be in: small companies, each with its ledger and the reader that serves it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from csv_project import CsvProject
from standing_workspaces import StandingWorkspaces
from waiting import HANG

from syncd.config import load_config
from syncd.cycle.approve import approve
from syncd.cycle.check_in import check_in
from syncd.ledger import LedgerError
from syncd.okr.checkins import CheckIn
from syncd.service import LedgerReader

FIRST = datetime(2026, 11, 16, 10, tzinfo=UTC)
DAY = timedelta(days=1)

HELD = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers without calling us
    owner: support
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600 a week
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        plausible: {jump: 100}
        measure: {from: local, file: calls.csv, series: {dates: Week, values: Calls}}
      - id: articles
        title: 40 product articles
        kind: output
        target: 40
        drives: calls
        lag: 3w
        measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}
      - id: backlog
        title: The backlog shrinks to 20
        kind: outcome
        baseline: 90
        target: 20
        stale_after: 3d
        measure: {from: local, file: backlog.csv, series: {dates: Day, values: Open}}
      - id: errors
        title: Errors fall below 2 %
        kind: outcome
        unit: "%"
        keep: {at_most: 2}
        measure: {from: shares, file: errors.csv, cell: B2}
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9, unit: points, owner: dana}
"""
GERMAN = """\
period: 2026-Q4
objectives:
  - id: lieferung
    title: Rechtsschutzversicherungsgesellschaften bearbeiten Schadenersatzforderungen ohne Rückfragen der Kundschaft
    owner: Grundstücksverkehrsgenehmigungszuständigkeit
    key_results:
      - id: bearbeitungszeit-schadenersatzforderungen
        title: >-
          Durchschnittliche Bearbeitungszeit der Schadenersatzforderungen in der Haftpflichtversicherungsabteilung sinkt
          von vierzehn auf sieben Arbeitstage
        kind: outcome
        unit: Arbeitstage/Schadenersatzforderung
        baseline: 14
        target: 7
        measure: {from: local, file: zeit.csv, cell: B2}
"""
BROKEN_CELLS = """\
period: 2026-Q4
objectives:
  - id: growth
    title: More customers stay
    key_results:
      - id: renewals
        title: Renewals rise
        kind: outcome
        baseline: 0
        target: 100
        measure: {from: local, file: renewals.csv, cell: B2}
      - id: calls
        title: 20 calls to customers
        kind: output
        target: 20
        drives: renewals
        measure: {from: local, file: renewals.csv, cell: B3}
"""


class Reader(LedgerReader):
    """What `syncd serve` shows of a folder."""

    def __init__(self, folder: Path) -> None:
        path = folder / "syncd.yaml"
        super().__init__(path, load_config(path))


class FailingReader(Reader):
    """A process with an error that nobody foresaw."""

    def now(self) -> datetime:
        raise RuntimeError("an error that nobody foresaw")


class SilentReader(Reader):
    """A process whose ledger does not answer."""

    def now(self) -> datetime:
        raise LedgerError("the ledger has not answered for 20 s")


def clock(folder: Path, now: datetime) -> None:
    """Lets every command in the folder behave as if it were this time."""
    path = folder / "syncd.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("clock:")]
    path.write_text("\n".join([*lines, f"clock: {now.isoformat()}", ""]))


def demo(folder: Path) -> LedgerReader:
    """The example company, synced once at the time of the demo."""
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "demo", "--folder", str(folder / "demo")],
        capture_output=True,
        text=True,
        timeout=HANG,
    )
    assert done.returncode == 0, done.stderr
    return Reader(folder / "demo")


def first_start(folder: Path, reader: type[Reader] = Reader) -> LedgerReader:
    """Files, and no ledger yet."""
    (folder / "syncd.yaml").write_text("mappings: okrs.yaml\nconnections: {local: {type: files, root: .}}\n")
    (folder / "okrs.yaml").write_text(BROKEN_CELLS)
    clock(folder, FIRST)
    return reader(folder)


def with_login(folder: Path) -> LedgerReader:
    """Two people log in with tokens; one of them has no role."""
    os.environ.update(ANN_STORY_TOKEN="token-of-ann", EVE_STORY_TOKEN="token-of-eve")
    story = unknown(folder)
    with (folder / "syncd.yaml").open("a") as file:
        tokens = '{ann: "${ANN_STORY_TOKEN}", eve: "${EVE_STORY_TOKEN}"}'
        file.write(f"web: {{login: {{tokens: {tokens}}}, roles: {{operator: [ann]}}}}\n")
    return type(story)(folder)


def no_period(folder: Path) -> LedgerReader:
    """No mapping file has a period yet."""
    (folder / "okrs.yaml").write_text("measures: {calls: {from: local, file: calls.csv, cell: B2}}\n")
    (folder / "syncd.yaml").write_text("mappings: okrs.yaml\nconnections: {local: {type: files, root: .}}\n")
    return Reader(folder)


def synced(folder: Path, mapping: str, files: dict[str, str]) -> LedgerReader:
    """A folder of these files, synced once."""
    project = CsvProject(folder, mapping, FIRST)
    for name, text in files.items():
        project.write(name, *text.split("\n"))
    project.cycle()
    project.ledger.close()
    clock(folder, FIRST)
    return Reader(folder)


def unknown(folder: Path) -> LedgerReader:
    """Every number is unknown."""
    return synced(folder, BROKEN_CELLS, {"renewals.csv": "What,Number\nrenewals,#REF!\ncalls,n/a"})


def over(folder: Path) -> LedgerReader:
    """The latest period has ended, and no other began. A number still changed while the period settled."""
    project = CsvProject(folder, BROKEN_CELLS, FIRST)
    project.write("renewals.csv", "What,Number", "renewals,64", "calls,22")
    project.cycle()
    project.now = datetime(2027, 1, 6, 9, tzinfo=UTC)
    project.write("renewals.csv", "What,Number", "renewals,71", "calls,22")
    project.cycle()
    project.ledger.close()
    clock(folder, project.now)
    return Reader(folder)


def german(folder: Path) -> LedgerReader:
    """One key result, with the longest words."""
    return synced(folder, GERMAN, {"zeit.csv": "Was,Zahl\nZeit,11"})


def many(folder: Path) -> LedgerReader:
    """12 objectives with 300 key results."""
    lines = ["period: 2026-Q4", "objectives:"]
    for objective in range(12):
        lines += [f"  - id: o{objective}", f"    title: Objective {objective} of the company", "    key_results:"]
        for number in range(25):
            kind, row = ("output" if number % 5 == 4 else "outcome"), objective * 25 + number + 2
            lines += [
                f"      - id: o{objective}-kr{number}",
                f"        title: Number {number} of objective {objective} rises to 100",
                f"        kind: {kind}",
                "        baseline: 0",
                "        target: 100",
                f"        measure: {{from: local, file: numbers.csv, cell: B{row}}}",
                *([f"        drives: o{objective}-kr0"] if kind == "output" else []),
            ]
    rows = "\n".join(f"{number},{number * 37 % 101}" for number in range(300))
    return synced(folder, "\n".join(lines) + "\n", {"numbers.csv": f"Row,Number\n{rows}"})


def troubled(folder: Path) -> LedgerReader:
    """A number is held, one is stale, one is failing; a target was edited, a number approved and one checked in; a row
    of the past was restated; and the newest edit of the files is refused.
    """
    (folder / "shares").mkdir()
    connections = "  local: {type: files, root: .}\n  shares: {type: files, root: shares}\n"
    project = CsvProject(folder, HELD, FIRST, settings="held_until: approved\n", connections=connections)
    project.write("calls.csv", "Week,Calls", "2026-10-05,1190", "2026-11-02,1150")
    project.write("articles.csv", "Day,Articles", "2026-10-12,20", "2026-11-09,6")
    project.write("backlog.csv", "Day,Open", "2026-10-12,80", "2026-11-16,64")
    project.write("shares/errors.csv", "What,Share", "errors,1.4")
    project.cycle()
    project.now += DAY
    project.write("calls.csv", "Week,Calls", "2026-10-05,1190", "2026-11-02,1150", "2026-11-16,1000")
    project.cycle()
    config = project.config
    okrs, calls, trust = config.periods[0], project.key_result("calls"), project.key_result("trust")
    approve(config, okrs, calls, project.ledger, author="Dana", entered_by="ops@host", now=project.now, candidate=1000)
    note = CheckIn("dana", project.now, project.now + 30 * DAY, 7, note="The survey of *November*: better")
    check_in(config, okrs, trust, project.ledger, note)
    project.now += DAY
    project.edit("target: 40", "target: 30")
    project.write("articles.csv", "Day,Articles", "2026-10-12,18", "2026-11-09,6", "2026-11-17,2")
    project.cycle()
    project.now += 2 * DAY
    project.write("calls.csv", "Week,Calls", "2026-10-05,1190", "2026-11-02,1150", "2026-11-16,1000", "2026-11-19,200")
    (folder / "shares/errors.csv").unlink()
    project.cycle()
    project.ledger.close()
    clock(folder, project.now)
    reader = Reader(folder)
    project.edit("target: 600", "target: less")
    reader.configuration.reload()
    return reader


def teams(folder: Path) -> StandingWorkspaces:
    """A deployment in which each team has another trouble, or none; the name of one is long."""
    numbers = {
        "search": "2026-10-05,1190,4\n2026-11-02,1180,1",
        "support": "2026-10-05,1000,2\n2026-11-16,850,2",
        "platform": "2026-10-05,1100,1\n2026-11-16,950,0",
        "kundenzufriedenheit-und-produktdokumentation": "2026-10-05,1100,1\n2026-11-16,980,0",
        "mobile": "2026-10-05,1200,0",
    }
    company = StandingWorkspaces(folder, tuple(numbers))
    for name, rows in numbers.items():
        company.write(name, "Day,Calls,Articles", *rows.split("\n"))
        if name == "mobile":
            (folder / "teams" / name / f"{name}.csv").unlink()
        company.sync(name)
    (folder / "teams" / "platform" / "okrs.yaml").write_text("period: nonsense\n")
    (folder / "teams" / "Web_Shop").mkdir()
    (folder / "teams" / "Web_Shop" / "syncd.yaml").write_text("")
    company.reload()
    company.config_problem = "syncd.yaml:4: schedule is 'often'; write a duration such as 15m, or a cron line"
    return company


def new_teams(folder: Path) -> StandingWorkspaces:
    """A deployment before the first sync, of which a team is being opened."""
    company = StandingWorkspaces(folder)
    company.opening = {"bravo"}
    return company
