"""What may happen to the sandbox's company while nobody looks: each change picks whom it befalls by a number.

All of it is within what `Sandbox.truth` counts, so that the truth is known after each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from syncd.sandbox.github.code import Issue, Pull
from syncd.sandbox.jira.tickets import Tickets
from syncd.sandbox.story.numbers import CUSTOMER_BOOK, OKR_BOOK
from syncd.sandbox.world import World

T = TypeVar("T")
_CODE = ("acme/search", "acme/checkout", "acme/web", "acme/mobile")
_BUGS = ("acme/checkout", "acme/web")


def merge_a_pull(world: World, pick: int) -> None:
    repo = _one(_CODE, pick)
    pull = _one(_pulls(world, repo, lambda pull: pull.state == "open"), pick)
    world.github.merge_pull(repo, pull.number if pull else world.github.add_pull(repo, author="hana").number)


def open_a_pull(world: World, pick: int) -> None:
    world.github.add_pull(_one(_CODE, pick), base=_one(("main", "main", "release/1.x"), pick), author="ivo")


def close_a_pull(world: World, pick: int) -> None:
    repo = _one(_CODE, pick)
    if pull := _one(_pulls(world, repo, lambda pull: pull.state == "open"), pick):
        world.github.close_pull(repo, pull.number)


def reopen_a_pull(world: World, pick: int) -> None:
    repo = _one(_CODE, pick)
    if pull := _one(_pulls(world, repo, lambda pull: pull.state == "closed" and pull.merged_at is None), pick):
        world.github.reopen_pull(repo, pull.number)


def close_an_issue(world: World, pick: int) -> None:
    repo = _one(_BUGS, pick)
    if issue := _one(_issues(world, repo, lambda issue: issue.state == "open"), pick):
        world.github.close_issue(repo, issue.number, _one(("completed", "completed", "not_planned", None), pick))


def reopen_an_issue(world: World, pick: int) -> None:
    repo = _one(_BUGS, pick)
    if issue := _one(_issues(world, repo, lambda issue: issue.state == "closed"), pick):
        world.github.reopen_issue(repo, issue.number, keep_closed_at=pick % 2 == 0)


def relabel_an_issue(world: World, pick: int) -> None:
    repo = _one(_BUGS, pick)
    issue = _one(_issues(world, repo, lambda issue: True), pick)
    change = world.github.unlabel if "bug" in issue.labels else world.github.label
    change(repo, issue.number, "bug")


def delete_an_issue(world: World, pick: int) -> None:
    repo = _one(_BUGS, pick)
    if issue := _one(_issues(world, repo, lambda issue: issue.state == "closed"), pick):
        world.github.delete_issue(repo, issue.number)


def release_something(world: World, pick: int) -> None:
    if pick % 2:
        world.gitlab.add_release("acme/apps/mobile", f"v9.{len(world.gitlab.project('acme/apps/mobile').releases)}")
        return
    repo = "acme/checkout"
    drafts = [release.tag for release in world.github.repo(repo).releases.values() if release.draft]
    if drafts:
        world.github.publish_release(repo, _one(drafts, pick))
    else:
        world.github.add_release(repo, f"v9.{len(world.github.repo(repo).releases)}", draft=pick % 2 == 0)


def rename_a_repo(world: World, pick: int) -> None:
    now, then = (
        ("infra", "platform") if any(r.name == "infra" for r in world.github.repos.values()) else ("platform", "infra")
    )
    world.github.rename_repo(f"acme/{now}", then)


def finish_a_ticket(world: World, pick: int) -> None:
    site, project = _site(world, pick)
    if key := _one(_keys(site, project, done=False), pick):
        site.transition(key, "Closed" if project == "HELP" else "Done")


def reopen_a_ticket(world: World, pick: int) -> None:
    site, project = _site(world, pick)
    if key := _one(_keys(site, project, done=True), pick):
        site.transition(key, "In Progress")


def estimate_a_story(world: World, pick: int) -> None:
    key = _one(_keys(world.jira, "WEB", done=True) + _keys(world.jira, "OPS", done=True), pick)
    world.jira.set_field(key, "Story Points", _one((None, 0.0, 1.0, 8.0), pick))


def delete_a_ticket(world: World, pick: int) -> None:
    site, project = _site(world, pick)
    if key := _one(_keys(site, project, done=True), pick):
        site.delete(key)


def move_an_article(world: World, pick: int) -> None:
    if key := _one(_keys(world.jira, "KB", done=True), pick):
        world.jira.move(key, "SUP")


def write_a_cell(world: World, pick: int) -> None:
    book, sheet, cell = _one(_CELLS, pick)
    world.sheets.set_cell(book, sheet, cell, float(pick % 900))


def blank_a_cell(world: World, pick: int) -> None:
    book, sheet, cell = _one(_CELLS, pick)
    world.sheets.set_cell(book, sheet, cell, "")


def break_a_cell(world: World, pick: int) -> None:
    book, sheet, cell = _one(_CELLS, pick)
    world.sheets.set_cell(book, sheet, cell, "#REF!")


def measure_errors(world: World, pick: int) -> None:
    with world.lock:
        world.metrics.error_rate = pick % 300 / 100
        world.clock.tick()


_CELLS = (
    (OKR_BOOK, "Support", "C11"),
    (OKR_BOOK, "Support", "C10"),
    (OKR_BOOK, "Support", "F2"),
    (OKR_BOOK, "Survey", "B3"),
    (OKR_BOOK, "Survey", "B4"),
    (OKR_BOOK, "Renewals 2026", "C2"),
    (CUSTOMER_BOOK, "Customers", "C6"),
)
Change = Callable[[World, int], None]
SEEN: Mapping[str, Change] = {
    change.__name__: change
    for change in (
        merge_a_pull, open_a_pull, close_a_pull, reopen_a_pull, close_an_issue, reopen_an_issue, relabel_an_issue,
        release_something, rename_a_repo, finish_a_ticket, reopen_a_ticket, estimate_a_story, write_a_cell,
        blank_a_cell, break_a_cell, measure_errors,
    )
}  # fmt: skip
"""Changes that the next pull sees."""

SILENT: Mapping[str, Change] = {
    change.__name__: change for change in (delete_an_issue, delete_a_ticket, move_an_article)
}
"""What leaves without a word: only a reconciliation finds it."""


def _one(candidates: Sequence[T], pick: int) -> T | None:
    return candidates[pick // 7 % len(candidates)] if candidates else None


def _pulls(world: World, repo: str, wanted: Callable[[Pull], bool]) -> list[Pull]:
    return [item for item in world.github.repo(repo).items.values() if isinstance(item, Pull) and wanted(item)]


def _issues(world: World, repo: str, wanted: Callable[[Issue], bool]) -> list[Issue]:
    return [item for item in world.github.repo(repo).items.values() if isinstance(item, Issue) and wanted(item)]


def _site(world: World, pick: int) -> tuple[Tickets, str]:
    project = ("KB", "WEB", "OPS", "HELP")[pick % 4]
    return (world.jira_dc if project == "HELP" else world.jira), project


def _keys(site: Tickets, project: str, *, done: bool) -> list[str]:
    return [one.key for one in site.issues.values() if one.project == project and (one.category == "Done") == done]
