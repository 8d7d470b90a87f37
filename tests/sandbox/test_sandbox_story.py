"""The story: the same company for the same seed, and the awkward cases that it promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.sandbox import DEMO_NOW, write_files
from syncd.sandbox.github.code import Issue, Pull
from syncd.sandbox.story import build
from syncd.sandbox.story.when import OPENING

WORLD = build(7, DEMO_NOW)
ISSUES = [one for repo in WORLD.github.repos.values() for one in repo.items.values() if isinstance(one, Issue)]
PULLS = [one for repo in WORLD.github.repos.values() for one in repo.items.values() if isinstance(one, Pull)]
CLOSED_FOR = {one.state_reason for one in ISSUES if one.state == "closed"}
TICKETS = list(WORLD.jira.issues.values())


def test_one_seed_is_one_company() -> None:
    def told(seed: int) -> tuple[str, ...]:
        world = build(seed, DEMO_NOW)
        return repr(world.github.repos), repr(world.jira.issues), repr(world.jira_dc.issues), repr(world.metrics)

    assert told(3) == told(3)
    assert all(one != other for one, other in zip(told(3), told(4), strict=True))


def test_telling_it_leaves_the_clock_alone() -> None:
    assert WORLD.clock.now() == DEMO_NOW
    assert max(one.updated_at for one in ISSUES + PULLS) <= DEMO_NOW
    assert max(one.updated for one in TICKETS) <= DEMO_NOW


def test_there_is_enough_for_several_pages() -> None:
    assert len(WORLD.github.repo("acme/web").items) > 250
    assert len(WORLD.jira_dc.issues) > WORLD.jira_dc.page_cap
    assert len(TICKETS) > 100


@pytest.mark.parametrize(
    "case",
    [
        lambda: any(one.state == "open" and one.closed_at for one in ISSUES),
        lambda: {"completed", "not_planned", "duplicate", None} == CLOSED_FOR,
        lambda: any(one.merged_at == OPENING for one in PULLS),
        lambda: any(one.merged_at == OPENING - timedelta(seconds=1) for one in PULLS),
        lambda: any(one.state == "closed" and not one.merged_at for one in PULLS),
        lambda: any(one.draft for one in PULLS),
        lambda: {one.author.login for one in PULLS} > {"dependabot[bot]", "renovate[bot]"},
        lambda: {one.base for one in PULLS} == {"main", "release/1.x"},
        lambda: {datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)} <= {one.merged_at for one in PULLS},
        lambda: any(repo.transferred and repo.deleted for repo in WORLD.github.repos.values()),
        lambda: any(one.category == "Done" and one.resolution is None for one in TICKETS),
        lambda: any(one.category != "Done" and one.resolved for one in TICKETS),
        lambda: any(one.type == "Story" and "customfield_10016" not in one.custom for one in TICKETS),
        lambda: any(one.resolved == OPENING for one in TICKETS),
        lambda: len(WORLD.jira.keys) > len(WORLD.jira.issues),
        lambda: any(not one.amount for one in WORLD.costs),
        lambda: None in WORLD.metrics.uptime.values(),
    ],
)  # fmt: skip
def test_the_awkward_cases_are_there(case: Callable[[], bool]) -> None:
    assert case()


def test_the_quarter_begins_at_midnight_in_berlin() -> None:
    assert datetime(2026, 9, 30, 22, tzinfo=UTC) == OPENING


def test_costs_are_written_as_finance_would(tmp_path: Path) -> None:
    (file,) = write_files(tmp_path / "data")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "Woche;Betrag;Kommentar"
    assert "05.10.2026;1.315,80;" in lines
    assert any(";;" in line for line in lines)
