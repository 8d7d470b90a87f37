"""The worlds that the benchmarks pull: far larger than the sandbox's story, and the same in every run."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from syncd.sandbox import World
from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet, day, typed

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)
FIRST_DAY = NOW - timedelta(days=730)
PULLS = ISSUES = 20_000
BOOKS, RANGES = 20, 10  # ranges in each book
REPOS = 50
CHANGED = 50


def pulls() -> World:
    """One repository with 20,000 pull requests of two years, nine in ten of them merged."""
    world = World(NOW)
    world.github.add_repo("acme/big", at=FIRST_DAY)
    _add_pulls(world, "acme/big", PULLS)
    return world


def repos() -> World:
    """Fifty repositories with twenty pull requests each."""
    world = World(NOW)
    for number in range(REPOS):
        world.github.add_repo(f"acme/r{number:02}", at=FIRST_DAY)
        _add_pulls(world, f"acme/r{number:02}", 20)
    return world


def issues() -> World:
    """A Jira Cloud project with 20,000 issues of two years, four in five of them done; pages of 100."""
    rng = random.Random("issues")
    world = World(NOW)
    site = world.jira
    site.page_cap = 100
    site.add_project("KB", "Knowledge base")
    people = [f"Person {number}" for number in range(40)]
    for number in range(ISSUES):
        made = FIRST_DAY + timedelta(days=728) * (number / ISSUES)
        labels = rng.sample(["bug", "docs", "search", "web"], rng.randint(0, 2))
        points = float(rng.choice([1, 2, 3, 5, 8]))
        ticket = site.create(
            "KB", "Story", f"A piece of work, number {number}", points=points, labels=labels,
            assignee=rng.choice(people), at=made,
        )  # fmt: skip
        if number % 5:
            site.transition(ticket.key, "Done", at=made + timedelta(hours=rng.uniform(1, 40)))
    return world


def books() -> World:
    """Twenty spreadsheets with ten dated series of 100 weeks each, every one on a sheet of its own."""
    rng = random.Random("books")
    world = World(NOW)
    for number in range(BOOKS):
        book = world.sheets.add(Spreadsheet(f"book-{number:02}", f"Book {number}"))
        for index in range(RANGES):
            weeks = [(NOW - timedelta(weeks=100 - week)).date() for week in range(100)]
            rows = [[day(week), typed(float(rng.randint(100, 999)))] for week in weeks]
            book.sheets.append(Sheet(index, f"S{index}", rows))
    return world


def change_pulls(world: World) -> None:
    """Fifty pull requests get a label."""
    for number in range(1, PULLS, PULLS // CHANGED):
        world.github.label("acme/big", number, f"seen {world.clock.now():%H%M%S}")


def change_issues(world: World) -> None:
    """Fifty issues get other story points."""
    for number in range(1, ISSUES, ISSUES // CHANGED):
        world.jira.set_field(f"KB-{number}", "Story Points", 13.0)


def change_books(world: World) -> None:
    """Fifty cells get another number."""
    for number in range(CHANGED):
        book, sheet = f"book-{number % BOOKS:02}", f"S{number % RANGES}"
        world.sheets.set_cell(book, sheet, f"B{50 + number}", float(number))


def _add_pulls(world: World, repo: str, count: int) -> None:
    rng = random.Random(repo)
    people = [f"person-{number}" for number in range(40)] + ["dependabot[bot]"]
    for number in range(count):
        made = FIRST_DAY + timedelta(days=728) * (number / count)
        labels = rng.sample(["bug", "docs", "search", "web"], rng.randint(0, 2))
        pull = world.github.add_pull(
            repo, f"Change number {number} to how things are done", author=rng.choice(people), labels=labels, at=made
        )
        if number % 10:
            world.github.merge_pull(repo, pull.number, at=made + timedelta(hours=rng.uniform(1, 40)))


def empty() -> World:
    """Nothing but the servers."""
    return World(NOW)


WORLDS: dict[str, Callable[[], World]] = {
    "empty": empty,
    "pulls": pulls,
    "repos": repos,
    "issues": issues,
    "books": books,
}
CHANGES: dict[str, Callable[[World], None]] = {"pulls": change_pulls, "issues": change_issues, "books": change_books}
