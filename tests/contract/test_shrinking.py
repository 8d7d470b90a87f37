"""A list that loses most of its records at once: what is held, and what ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sandbox_project import SandboxProject

from syncd.cycle.approve import approve
from syncd.sandbox import DEMO_NOW, Sandbox

ARTICLES = "from: tickets, jql: project = KB"
Make = Callable[..., SandboxProject]


@pytest.fixture
def make(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """A project with a number of finished issues, synced once."""
    made: list[SandboxProject] = []

    def a_project(issues: int, tickets: str = "", settings: str = "") -> SandboxProject:
        project = SandboxProject(box, tmp_path, monkeypatch, tickets)
        made.append(project)
        path = tmp_path / "syncd.yaml"
        path.write_text(settings + path.read_text())
        add(box, issues)
        assert project.measure(ARTICLES) == [issues]
        return project

    yield a_project
    for project in made:
        project.ledger.close()


def add(box: Sandbox, issues: int) -> None:
    site = box.world.jira
    for _ in range(issues):
        key = site.create("KB", "Article", at=DEMO_NOW - timedelta(days=9)).key
        site.transition(key, "Published", at=DEMO_NOW - timedelta(days=8))


def lose(box: Sandbox, issues: int) -> None:
    """As a re-index does, or a permission that was narrowed."""
    keys = [issue.key for issue in box.world.jira.issues.values()]
    for key in keys[:issues]:
        box.world.jira.delete(key)


def test_a_list_that_loses_most_of_its_records_at_once_is_held(box: Sandbox, make: Make) -> None:
    project = make(40)
    lose(box, 28)
    value = project.sync(reconcile=True)
    assert (value.number, value.quality, value.candidate) == (40, "held", 12)
    assert value.reason == (
        "12 waits: tickets: project = KB went from 40 records to 12 at once; "
        "`syncd approve kr0` accepts it, and so do two reconciliations in a row that agree"
    )
    assert project.sync().quality == "held"  # without a census nobody looked again


def test_two_censuses_in_a_row_that_agree_end_it(box: Sandbox, make: Make) -> None:
    project = make(33)
    lose(box, 30)
    assert project.sync(reconcile=True).quality == "held"
    add(box, 2)  # new records are no disagreement
    value = project.sync(reconcile=True)
    assert (value.number, value.quality) == (5, "complete")
    lose(box, 1)
    assert project.sync(reconcile=True).number == 4


def test_a_census_that_lists_more_or_less_does_not_agree(box: Sandbox, make: Make) -> None:
    project = make(40)
    lose(box, 25)
    assert project.sync(reconcile=True).quality == "held"
    lose(box, 5)
    value = project.sync(reconcile=True)
    assert (value.quality, value.candidate) == ("held", 10)
    assert project.sync(reconcile=True).number == 10


def test_an_approval_ends_it(box: Sandbox, make: Make) -> None:
    project = make(40)
    lose(box, 28)
    project.sync(reconcile=True)
    okrs = project.config.periods[0]
    approve(
        project.config,
        okrs,
        okrs.key_results[0],
        project.ledger,
        author="Dana",
        entered_by="ops@build-3",
        now=project.now,
        candidate=12,
    )
    assert (project.value().number, project.value().quality) == (12, "complete")
    value = project.sync(reconcile=True)
    assert (value.number, value.quality) == (12, "complete")


def test_records_that_come_back_end_it(box: Sandbox, make: Make) -> None:
    project = make(40)
    issues, keys = dict(box.world.jira.issues), dict(box.world.jira.keys)
    lose(box, 28)
    assert project.sync(reconcile=True).quality == "held"
    box.world.jira.issues, box.world.jira.keys = issues, keys
    box.world.jira.version += 1
    value = project.sync(reconcile=True)
    assert (value.number, value.quality) == (40, "complete")


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("held", "lost", "tickets", "quality"),
    [
        (40, 20, "", "complete"),  # half is not more than half
        (40, 21, "", "held"),
        (12, 9, "", "complete"),  # fewer than ten
        (12, 10, "", "held"),
        (40, 10, "shrink: 20%", "held"),
        (40, 10, "shrink: 25 %", "complete"),
        (40, 30, "shrink: 100%", "complete"),
    ],
)
def test_a_loss_counts_from_ten_records_and_beyond_the_share(
    box: Sandbox, make: Make, held: int, lost: int, tickets: str, quality: str
) -> None:
    project = make(held, tickets)
    lose(box, lost)
    assert project.sync(reconcile=True).quality == quality


def test_a_fall_to_none_ends_by_an_approval_alone(box: Sandbox, make: Make) -> None:
    project = make(12)
    lose(box, 12)
    for _ in range(3):
        value = project.sync(reconcile=True)
        assert value.quality == "held"
    assert value.reason == (
        "0 waits: tickets: project = KB went from 12 records to none; `syncd approve kr0` accepts it"
    )


@pytest.mark.parametrize(("held", "instead"), [(20, 15), (12, 5)])
def test_a_list_that_was_replaced_by_another_has_lost_nothing(
    box: Sandbox, make: Make, held: int, instead: int
) -> None:
    """As the issues of an open sprint are."""
    project = make(held)
    lose(box, held)
    add(box, instead)
    value = project.sync(reconcile=True)
    assert (value.number, value.quality) == (instead, "complete")


def test_held_until_repeated_takes_the_same_number_in_the_next_cycle(box: Sandbox, make: Make) -> None:
    project = make(40, settings="held_until: repeated\n")
    lose(box, 28)
    assert project.sync(reconcile=True).quality == "held"
    assert project.sync().number == 12
