"""`moved: {from: OLD}` carries the whole history of a key result over to its new id, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from check_in_api import CheckInApi, check_in_api
from csv_project import CsvProject
from sqlalchemy import select

from syncd.cli.plan import document as plan_document
from syncd.cli.plan_view import render
from syncd.cycle.approve import approve
from syncd.cycle.check_in import check_in
from syncd.cycle.model import LooksRenamed, Result
from syncd.cycle.plan import plan_sync
from syncd.cycle.plan_changes import Planned
from syncd.explain.edits import edits
from syncd.explain.evidence import Evidence, evidence
from syncd.explain.history import Series, history
from syncd.ledger.schema import metadata
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import guard_id
from syncd.okr.spans import midnight
from syncd.publishing.statements import as_json, of_json
from syncd.sdk import ConfigError
from syncd.sdk.testing import statement
from syncd.status.document import document
from syncd.status.report import report_of

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {at_most: 1500}
        measure: {from: local, file: calls.csv, cell: B2}
      - id: visits
        title: Visits rise
        kind: output
        target: 100
        drives: calls
        measure: {from: local, file: visits.csv, series: {dates: Day, values: Visits}, take: sum}
        guard:
          title: Few errors
          keep: {at_most: 5}
          measure: {from: local, file: errors.csv, cell: B2}
      - id: mood
        title: The mood rises
        kind: outcome
        baseline: 0
        target: 10
"""
TABLES = [table for table in metadata.sorted_tables if table.name not in ("cycles", "streams", "readings", "records")]


class Project(CsvProject):
    """Four syncs, with a held number that was approved, a restated row, and check-ins."""

    def __init__(self, folder: Path, ledger: str | None = None) -> None:
        super().__init__(folder, MAPPING, START, ledger=ledger)
        self.write("errors.csv", "What,Number", "errors,2")
        self.visits("2026-10-05,30", "2026-10-12,20")
        self.calls(1000)
        self.check_in("mood", 4)
        self.sync()
        self.calls(1600)
        self.sync()
        self.approve("calls")
        self.visits("2026-10-05,35", "2026-10-12,20")
        self.sync()
        self.check_in("calls", 900)
        self.calls(950)
        self.sync()

    def calls(self, number: object) -> None:
        self.write("calls.csv", "What,Number", f"calls,{number}")

    def visits(self, *rows: str) -> None:
        self.write("visits.csv", "Day,Visits", *rows)

    def sync(self, **options: Any) -> Result:
        result = self.cycle(**options)
        self.now += timedelta(days=1)
        return result

    def check_in(self, name: str, value: float) -> None:
        config = self.config
        checkin = CheckIn("Dana", self.now, self.now + timedelta(days=60), value)
        check_in(config, config.periods[0], self.key_result(name), self.ledger, checkin)
        self.now += timedelta(hours=1)

    def approve(self, name: str) -> None:
        config = self.config
        approve(
            config,
            config.periods[0],
            self.key_result(name),
            self.ledger,
            author="Ada",
            entered_by="ops@build-3",
            now=self.now,
            candidate=self.ledger.values.last("2026-Q4")[name].candidate,
        )

    def rename(self, old: str, new: str, *, moved: bool = True) -> None:
        """Renames a key result in the file, with the links to it."""
        line = f"      - id: {new}\n" + f"        moved: {{from: {old}}}\n" * moved
        self.edit(f"      - id: {old}\n", line)
        text = (self.folder / "okrs.yaml").read_text()
        (self.folder / "okrs.yaml").write_text(text.replace(f"drives: {old}\n", f"drives: {new}\n"))

    def rename_all(self) -> None:
        for old in ("calls", "visits", "mood"):
            self.rename(old, f"new-{old}")

    def evidence(self, name: str) -> Evidence:
        return evidence(self.snapshots().now(self.now), self.ledger, self.key_result(name))

    def history(self, name: str) -> Series:
        snapshots = self.snapshots()
        return history(snapshots, snapshots.now(self.now), self.key_result(name))

    def plan(self) -> Planned:
        return plan_sync(self.request())

    def rows(self) -> dict[str, list[Any]]:
        with self.ledger.engine.connect() as connection:
            return {table.name: sorted(map(str, connection.execute(select(table)).all())) for table in TABLES}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A project on SQLite and on PostgreSQL."""
    made = Project(tmp_path, request.getfixturevalue("new_postgres")() if request.param == "postgresql" else None)
    yield made
    made.ledger.close()


@pytest.mark.sampled(1)
def test_the_whole_history_goes_on_under_the_new_id(either: Project) -> None:
    before = {name: (either.evidence(name), either.history(name)) for name in ("calls", "visits", "mood")}
    links = either.ledger.alignments.last("2026-Q4")
    either.rename_all()
    result = either.cycle()
    assert [(moved.move.old, moved.move.new) for moved in result.carried_over.moved] == [
        (name, f"new-{name}") for name in before
    ]
    assert result.changes == []
    for name, (was, series) in before.items():
        now, goes_on = either.evidence(f"new-{name}"), either.history(f"new-{name}")
        assert goes_on.points[:-1] == series.points[:-1]  # the last was measured again
        assert now.value is not None
        assert was.value is not None
        assert replace(now.value, confirmed=0) == replace(was.value, confirmed=0)
        assert (now.approvals, now.checkins, now.restatements) == (was.approvals, was.checkins, was.restatements)
        assert [str(edit) for edit in now.definition_changes] == [f"id: {name} → new-{name}"]
        assert list(goes_on.events) == [*series.events, *now.definition_changes]
    assert either.evidence("new-visits").guard is not None
    assert guard_id("visits") not in either.ledger.values.last("2026-Q4")
    ((name, link),) = either.ledger.alignments.last("2026-Q4").items()
    assert name == ("new-visits", "new-calls")
    assert (link.verdict, link.verdict_since) == (
        links["visits", "calls"].verdict,
        links["visits", "calls"].verdict_since,
    )
    gone = [table for table, rows in either.rows().items() if "'visits'" in "".join(rows) and table != "moves"]
    assert gone == []


def test_a_past_day_is_the_same_as_before(project: Project) -> None:
    def on(day: date) -> dict[str, Any]:
        report = report_of(project.snapshots().at_end(midnight(day + timedelta(days=1), project.config.zone)))
        (objective,) = document(report)["objectives"]
        return objective | {"alignment": [link["verdict"] for link in objective["alignment"]]}

    days = [START.date() + timedelta(days=number) for number in range(4)]
    before = [str(on(day)).replace("'calls'", "'new-calls'") for day in days]
    project.rename("calls", "new-calls")
    project.cycle()
    assert [str(on(day)) for day in days] == before


def test_a_move_is_made_once_and_stays_harmless(project: Project) -> None:
    project.rename_all()
    assert len(project.sync().carried_over.moved) == 3
    rows = project.rows()
    assert project.cycle().carried_over.moved == ()
    for table in ("moves", "definitions", "outlines", "checkins", "approvals", "alignments"):
        assert len(project.rows()[table]) == len(rows[table])


def test_a_ledger_that_never_had_the_old_id_ignores_it(tmp_path: Path) -> None:
    project = CsvProject(tmp_path, MAPPING.replace("- id: mood", "- id: mood\n        moved: {from: spirits}"), START)
    for file in ("calls", "errors"):
        project.write(f"{file}.csv", "What,Number", f"{file},3")
    project.write("visits.csv", "Day,Visits", "2026-10-05,30")
    result = project.cycle()
    assert (result.carried_over.moved, result.carried_over.refused) == ((), [])
    project.ledger.close()


@pytest.mark.nightly
def test_a_move_that_is_written_after_the_renaming_joins_both_parts(project: Project) -> None:
    before = project.history("calls").points
    project.rename("calls", "rings", moved=False)
    renamed_on, result = project.now.date(), project.sync()
    assert list(result.renames) == [LooksRenamed("2026-Q4", "calls", "rings")]
    project.calls(900)
    project.sync()
    measured = [point for point in project.history("rings").points if point.value is not None]
    assert (measured[0].day, measured[0].change) == (renamed_on, None)
    project.edit("- id: rings\n", "- id: rings\n        moved: {from: calls}\n")
    project.cycle()
    joined = {point.day: point for point in project.history("rings").points}
    assert [joined[point.day] for point in before[:-1]] == list(before[:-1])
    assert (joined[renamed_on].value, joined[renamed_on + timedelta(days=1)].value) == (950, 900)


@pytest.mark.nightly
def test_two_key_results_of_one_time_are_not_joined(project: Project) -> None:
    text = (project.folder / "okrs.yaml").read_text()
    twin = text[text.index("      - id: calls") : text.index("      - id: visits")].replace("id: calls", "id: rings")
    (project.folder / "okrs.yaml").write_text(text + twin)
    project.sync()
    project.sync()
    text = (project.folder / "okrs.yaml").read_text().replace("drives: calls", "drives: rings")
    text = text.replace(text[text.index("      - id: calls") : text.index("      - id: visits")], "")
    (project.folder / "okrs.yaml").write_text(text.replace("id: rings\n", "id: rings\n        moved: {from: calls}\n"))
    rows = project.rows()
    result = project.sync()
    (sentence,) = result.carried_over.refused
    assert sentence == (
        "rings is moved from calls, but the ledger has both at the same time in 2026-Q4: each keeps its own history; "
        "drop 'moved' from rings"
    )
    assert [row for row in rows["approvals"] if row in project.rows()["approvals"]] == rows["approvals"]


# -- publishing

APPENDING = """
  desk: {type: http, url: "URL"}
publish:
  - {to: desk, path: "/rows", body: {id: "{{ key_result }}", period: "{{ period }}", value: "{{ value }}"}}
"""


def test_a_new_id_alone_publishes_nothing(project: Project) -> None:
    with check_in_api() as api:
        settings = project.folder / "syncd.yaml"
        settings.write_text(settings.read_text() + APPENDING.replace("URL", api.url))
        project.sync()
        published = len(api.added)
        assert published == 3
        project.rename_all()
        project.sync()
        project.edit("period: 2026-Q4", "period: {start: 2026-10-01, end: 2026-12-31, id: autumn}")
        assert project.sync().carried_over.moved
        assert len(api.added) == published
        project.calls(940)
        project.sync()
        assert [added.json() for added in api.added[published:]] == [
            {"id": "new-calls", "period": "autumn", "value": 940}
        ]
        assert {delivery.key_result for delivery in project.ledger.outbox.newest().values()} == {
            "new-calls", "new-visits", "new-mood"
        }  # fmt: skip


def _former(project: Project) -> dict[str, list[str]]:
    """The former ids in the newest statement of each key result."""
    newest = project.ledger.outbox.newest().values()
    return {delivery.key_result: list(delivery.statement["former"]) for delivery in newest}


def _writes_to(api: CheckInApi, project: Project) -> None:
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text() + APPENDING.replace("URL", api.url))
    project.sync()


def test_a_statement_names_every_former_id_of_its_key_result_newest_first(project: Project) -> None:
    """A publisher looks for its content under each of them, because it writes only when something else changes too."""
    with check_in_api() as api:
        _writes_to(api, project)
        project.rename("calls", "rings")
        project.sync()
        project.edit("      - id: rings\n        moved: {from: calls}\n", "      - id: rings\n")
        project.rename("rings", "bells")
        project.sync()
        project.calls(940)
        project.sync()
        assert _former(project) == {"bells": ["rings", "calls"], "visits": [], "mood": []}
        project.edit("        moved: {from: rings}\n", "")
        project.calls(930)
        project.sync()
        assert _former(project)["bells"] == ["rings", "calls"]
        project.rename("mood", "calls", moved=False)  # the id belongs to another key result now
        project.rename("bells", "rings")
        project.calls(920)
        project.check_in("calls", 5)
        project.sync()
        assert _former(project) == {"rings": ["bells"], "visits": [], "calls": [], "mood": []}


def test_a_statement_that_waits_while_its_key_result_is_renamed_names_the_former_id(project: Project) -> None:
    with check_in_api() as api:
        _writes_to(api, project)
        api.answers = lambda taken: (429, "")
        project.calls(940)
        project.sync()
        project.rename("calls", "rings")
        project.sync()
        assert _former(project)["rings"] == ["calls"]


@pytest.mark.parametrize(("kept", "read"), [(None, ()), ("calls", ("calls",)), (["b", "a"], ("b", "a"))])
def test_a_statement_of_an_older_version_is_read(kept: Any, read: tuple[str, ...]) -> None:
    restored = of_json({**as_json(statement("rings")), "former": kept})
    assert restored == replace(statement("rings"), former=read)


# -- plan


@pytest.mark.sampled(1)
def test_a_plan_shows_what_would_be_carried_over_and_moves_nothing(either: Project) -> None:
    either.rename_all()
    either.calls(940)
    before = either.rows()
    planned = either.plan()
    assert either.rows() == before
    lines = "\n".join(render(planned, either.config.zone))
    assert "new-calls: the history of calls goes on here (4 values, 1 check-in, 1 approval)" in " ".join(lines.split())
    assert "removed" not in lines
    assert "~ new-calls  950 → 940" in lines
    shown = plan_document(planned, either.config.zone)
    assert shown["moved"][0] == {
        "period": "2026-Q4",
        "key_result": "new-calls",
        "from": "calls",
        "to": "new-calls",
        "carried_over": {"values": 4, "checkins": 1, "approvals": 1},
    }
    (period,) = shown["periods"]
    assert [change["id"] for change in period["key_results"]] == ["new-calls"]
    dry = either.cycle(dry_run=True)
    assert [(change.key_result, change.old and change.old.number) for change in dry.changes] == [("new-calls", 950)]
    assert either.rows() == before


def test_a_plan_offers_the_move_of_a_key_result_that_looks_renamed(project: Project) -> None:
    project.rename("calls", "rings", moved=False)
    project.rename("mood", "spirits", moved=False)
    planned = project.plan()
    assert planned.result.renames == [
        LooksRenamed("2026-Q4", "calls", "rings"), LooksRenamed("2026-Q4", "mood", "spirits")
    ]  # fmt: skip
    text = " ".join("\n".join(render(planned, project.config.zone)).split())
    assert (
        "? rings looks like calls renamed: write `moved: {from: calls}` on rings, and its history goes on; without it, "
        "rings starts anew"
    ) in text
    assert plan_document(planned, project.config.zone)["look_renamed"][0]["from"] == "calls"


def test_two_new_key_results_of_one_measure_are_not_offered(project: Project) -> None:
    project.rename("calls", "rings", moved=False)
    text = (project.folder / "okrs.yaml").read_text()
    twin = text[text.index("      - id: rings") : text.index("      - id: visits")].replace("id: rings", "id: bells")
    (project.folder / "okrs.yaml").write_text(text + twin)
    assert project.plan().result.renames == []


# -- validate


@pytest.mark.parametrize(
    ("edits_of_file", "message"),
    [
        (
            {"- id: mood": "- id: mood\n        moved: {from: calls}"},
            "mood is moved from 'calls', which is still defined in 2026-Q4; drop 'moved', or remove 'calls'",
        ),
        (
            {"- id: mood": "- id: mood\n        moved: {from: mood}"},
            "mood is moved from itself; write the id that it had before, or drop 'moved'",
        ),
        (
            {
                "- id: mood": "- id: mood\n        moved: {from: calls}",
                "- id: calls": "- id: calls\n        moved: {from: mood}",
            },
            "calls is moved from 'mood', which is itself moved from 'calls'; give each a new id that no key result had",
        ),
        (
            {
                "- id: mood": "- id: mood\n        moved: {from: old}",
                "- id: calls": "- id: calls\n        moved: {from: old}",
            },
            "mood is moved from 'old', and so is calls; one history belongs to one key result: drop one 'moved'",
        ),
        ({"- id: mood": "- id: mood\n        moved: {from: service}"}, "'service', which is still defined in 2026-Q4"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(tmp_path: Path, edits_of_file: dict[str, str], message: str) -> None:
    text = MAPPING
    for old, new in edits_of_file.items():
        text = text.replace(old, new)
    project = CsvProject(tmp_path, text, START)
    with pytest.raises(ConfigError) as refused:
        _ = project.config
    assert any(message in problem.message for problem in refused.value.problems)
    project.ledger.close()


def test_a_move_is_in_one_transaction(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed move is made again, whole."""
    project.rename_all()
    before = project.rows()
    with monkeypatch.context() as patch:
        patch.setattr("syncd.ledger.moves._rename_within", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            project.cycle()
    assert project.rows() == before
    assert len(project.cycle().carried_over.moved) == 3
    assert edits(project.ledger, "2026-Q4", "new-mood")
