"""The story: the same company for the same seed, and the awkward cases that it promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.sandbox import DEMO_NOW, write_files
from syncd.sandbox.github.code import Issue, Pull
from syncd.sandbox.story import build
from syncd.sandbox.story.when import OPENING

WORLD = build(7, DEMO_NOW)
ISSUES = [item for repo in WORLD.github.repos.values() for item in repo.items.values() if isinstance(item, Issue)]
PULLS = [item for repo in WORLD.github.repos.values() for item in repo.items.values() if isinstance(item, Pull)]
CLOSED_FOR = {issue.state_reason for issue in ISSUES if issue.state == "closed"}
TICKETS = list(WORLD.jira.issues.values())


def test_seed_decides_the_company() -> None:
    def company(seed: int) -> tuple[str, ...]:
        world = build(seed, DEMO_NOW)
        return repr(world.github.repos), repr(world.jira.issues), repr(world.jira_dc.issues), repr(world.metrics)

    assert company(3) == company(3)
    assert all(first != second for first, second in zip(company(3), company(4), strict=True))


def test_story_leaves_the_clock_alone() -> None:
    assert WORLD.clock.now() == DEMO_NOW
    assert max(item.updated_at for item in ISSUES + PULLS) <= DEMO_NOW
    assert max(ticket.updated for ticket in TICKETS) <= DEMO_NOW


def test_story_fills_several_pages() -> None:
    assert len(WORLD.github.repo("acme/web").items) > 250
    assert len(WORLD.jira_dc.issues) > WORLD.jira_dc.page_cap
    assert len(TICKETS) > 100


@pytest.mark.parametrize(
    "case",
    [
        lambda: any(issue.state == "open" and issue.closed_at for issue in ISSUES),
        lambda: {"completed", "not_planned", "duplicate", None} == CLOSED_FOR,
        lambda: any(pull.merged_at == OPENING for pull in PULLS),
        lambda: any(pull.merged_at == OPENING - timedelta(seconds=1) for pull in PULLS),
        lambda: any(pull.state == "closed" and not pull.merged_at for pull in PULLS),
        lambda: any(pull.draft for pull in PULLS),
        lambda: {pull.author.login for pull in PULLS} > {"dependabot[bot]", "renovate[bot]"},
        lambda: {pull.base for pull in PULLS} == {"main", "release/1.x"},
        lambda: {datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)} <= {pull.merged_at for pull in PULLS},
        lambda: any(repo.transferred and repo.deleted for repo in WORLD.github.repos.values()),
        lambda: any(ticket.category == "Done" and ticket.resolution is None for ticket in TICKETS),
        lambda: any(ticket.category != "Done" and ticket.resolved for ticket in TICKETS),
        lambda: any(ticket.type == "Story" and "customfield_10016" not in ticket.custom for ticket in TICKETS),
        lambda: any(ticket.resolved == OPENING for ticket in TICKETS),
        lambda: len(WORLD.jira.keys) > len(WORLD.jira.issues),
        lambda: any(not row.amount for row in WORLD.costs),
        lambda: None in WORLD.metrics.uptime.values(),
    ],
)  # fmt: skip
def test_story_has_the_awkward_case(case: Callable[[], bool]) -> None:
    assert case()


def test_quarter_begins_at_midnight_in_berlin() -> None:
    assert datetime(2026, 9, 30, 22, tzinfo=UTC) == OPENING


def test_costs_are_written_as_finance_would(tmp_path: Path) -> None:
    costs, _ = write_files(tmp_path / "data")
    lines = costs.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "Woche;Betrag;Kommentar"
    assert "05.10.2026;1.315,80;" in lines
    assert any(";;" in line for line in lines)


def test_searches_are_in_a_database_in_local_time(tmp_path: Path) -> None:
    _, file = write_files(tmp_path / "data")
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT searched_at, opened FROM searches ORDER BY id").fetchall()
    times = [time for time, _ in rows]
    assert times == sorted(times)
    assert (times[0], rows[0][1] is None or rows[0][1].startswith("KB-")) == ("2026-09-14 00:00:00", True)
    assert {"2026-11-15 23:59:59", "2026-11-16 00:00:00"} <= set(times), (
        "the last second of a week and the next one's first"
    )


def test_seed_decides_the_files(tmp_path: Path) -> None:
    def contents(folder: str, seed: int) -> list[bytes]:
        return [file.read_bytes() for file in write_files(tmp_path / folder, seed)]

    assert contents("a", 3) == contents("b", 3) == contents("a", 3), "a second time over the first"
    assert contents("a", 3)[1] != contents("b", 4)[1]
