"""The story on GitHub: the work of acme's engineers, with edge cases."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from syncd.sandbox.github.code import Reason
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.story.when import LAST, OPENING, at, office_hours

PEOPLE = ("ana", "bo", "chidi", "dee", "emre", "fatou", "greta")
BOTS = ("dependabot[bot]", "renovate[bot]")
FOUNDED = at("01-05", "09:00")

SEARCH_MERGED = (
    *("10-06", "10-09", "10-14", "10-20", "11-03", "11-09"),
    *("11-16",) * 4, *("11-17",) * 2, *("11-18",) * 2, "11-19", "11-20",
)  # fmt: skip
"""The local days on which changes to search were merged, except three merges at unusual hours, which `_search` adds.
The changes are behind pace until 16 November.
"""

CHECKOUT_RELEASED = ("10-06", "10-12", "10-19", "10-27", "11-03", "11-10", "11-17")


def write(github: CodeHost, rng: random.Random) -> None:
    """Adds the repositories, their pull requests, releases, issues and deployments."""
    for name in ("website", "search", "checkout", "mobile", "infra"):
        github.add_repo(f"acme/{name}", at=FOUNDED)
    github.add_repo("acme/legacy", at=FOUNDED, archived=True)
    github.rename_repo("acme/website", "web")
    _search(github, rng)
    _checkout(github, rng)
    _web(github, rng)
    _quiet_repos(github, rng)
    _issues(github, rng)
    _deliveries(github)


def _merge(
    github: CodeHost,
    repo: str,
    author: str,
    done: datetime,
    rng: random.Random,
    *,
    title: str = "",
    base: str = "main",
) -> None:
    """Adds a pull request that was merged at `done`, and opened about three and a half days earlier. The time between
    is lognormal, like review times.
    """
    opened = done - timedelta(days=min(30.0, rng.lognormvariate(1.25, 0.45)))
    words = f"{rng.choice(('Speed up', 'Fix', 'Simplify', 'Test'))} {rng.choice(('ranking', 'cart', 'login', 'index'))}"
    pull = github.add_pull(repo, title or words, author=author, base=base, at=opened)
    github.merge_pull(repo, pull.number, at=done)


def _search(github: CodeHost, rng: random.Random) -> None:
    repo = "acme/search"
    # Awkward times: around the quarter's first instant, and in the hour that is repeated when summer time ends.
    _merge(github, repo, "ana", OPENING - timedelta(seconds=1), rng, title="Merged a second too early")
    _merge(github, repo, "ana", OPENING, rng, title="Merged at midnight")
    _merge(github, repo, "bo", at("10-25", "02:30"), rng, title="Merged in the first half past two")
    _merge(
        github, repo, "bo", at("10-25", "02:30") + timedelta(hours=1), rng, title="Merged in the second half past two"
    )
    for day in SEARCH_MERGED:
        _merge(github, repo, rng.choice(PEOPLE[:4]), office_hours(day, rng), rng)
    for day in ("10-02", "10-13", "10-30", "11-12", "11-18"):
        _merge(github, repo, "dependabot[bot]", office_hours(day, rng), rng, title="Bump a library")
    for day in ("10-08", "11-05"):
        _merge(github, repo, "chidi", office_hours(day, rng), rng, title="Backport a fix", base="release/1.x")
    for day in ("10-07", "10-22", "11-11"):
        pull = github.add_pull(repo, "Try another index", author="dee", at=office_hours(day, rng))
        github.close_pull(repo, pull.number, at=office_hours("11-13", rng))
    github.add_pull(repo, "Rank by freshness", author="ana", draft=True, at=at("11-19", "15:00"))
    github.add_pull(repo, "Typo tolerance", author="bo", at=at("11-20", "16:30"))


def _checkout(github: CodeHost, rng: random.Random) -> None:
    repo = "acme/checkout"
    for number in range(26):
        _merge(github, repo, PEOPLE[number % 4], office_hours("10-01", rng) + timedelta(days=number * 1.9), rng)
    # Two more people who are not counted: emre merged into another base, fatou merged before the quarter.
    _merge(github, repo, "emre", office_hours("10-21", rng), rng, base="release/1.x")
    _merge(github, repo, "fatou", office_hours("09-28", rng), rng)
    for day in ("10-05", "11-02"):
        _merge(github, repo, "renovate[bot]", office_hours(day, rng), rng, title="Update a library")
    github.add_release(repo, "v1.9.0", at=OPENING - timedelta(seconds=1))
    github.add_release(repo, "v2.0.0", at=OPENING)
    for minor, day in enumerate(CHECKOUT_RELEASED, start=1):
        github.add_release(repo, f"v2.{minor}.0", at=office_hours(day, rng), prerelease=minor == 4)
    github.add_release(repo, "v2.8.0", draft=True, at=at("11-19", "11:00"))
    github.add_release(repo, "v3.0.0", draft=True, at=at("11-20", "11:00"))


def _web(github: CodeHost, rng: random.Random) -> None:
    repo, first = "acme/web", at("08-20", "09:00")
    span = (LAST - first).total_seconds()
    for number in range(256):
        done = first + timedelta(seconds=span * number / 256)
        match number % 16:
            case 3 | 11:
                _merge(github, repo, rng.choice(BOTS), done, rng, title="Bump a library")
            case 7:
                _merge(github, repo, rng.choice(PEOPLE), done, rng, base="release/1.x")
            case 5:
                pull = github.add_pull(repo, "Abandoned", author=rng.choice(PEOPLE), at=done - timedelta(days=9))
                github.close_pull(repo, pull.number, at=done)
            case _:
                _merge(github, repo, rng.choice(PEOPLE), done, rng)
    for number in range(12):
        opened = LAST - timedelta(days=rng.uniform(0.5, 20))
        github.add_pull(repo, "In review", author=rng.choice(PEOPLE), draft=number % 3 == 0, at=opened)
    github.add_release(repo, "2026.10", at=office_hours("10-15", rng))
    github.add_release(repo, "2026.11-rc1", prerelease=True, at=office_hours("11-12", rng))


def _quiet_repos(github: CodeHost, rng: random.Random) -> None:
    github.add_release("acme/mobile", "v0.9", at=at("09-15", "12:00"))
    github.add_release("acme/mobile", "v1.0", draft=True, at=at("11-10", "12:00"))
    for day in ("10-12", "10-29", "11-16"):
        _merge(github, "acme/mobile", "greta", office_hours(day, rng), rng)
    for day in ("10-20", "11-06"):
        _merge(github, "acme/infra", "emre", office_hours(day, rng), rng)
    _merge(github, "acme/legacy", "ana", at("03-03", "12:00"), rng)


def _issues(github: CodeHost, rng: random.Random) -> None:
    """Adds thirteen reliability issues of two repositories that were delivered this quarter, and similar issues that do
    not count.
    """

    def issue(
        repo: str, labels: tuple[str, ...], opened: str, closed: str = "", reason: Reason | None = "completed"
    ) -> int:
        made = github.add_issue(
            repo, f"{rng.choice(('Timeout', 'Crash', 'Wrong total'))} in {repo}", author=rng.choice(PEOPLE),
            labels=labels, milestone="Autumn" if rng.random() < 0.3 else None, at=office_hours(opened, rng),
        )  # fmt: skip
        if closed:
            github.close_issue(repo, made.number, reason, at=office_hours(closed, rng))
        return made.number

    for day in ("10-05", "10-13", "10-21", "10-28", "11-04", "11-12", "11-19"):
        issue("acme/checkout", ("reliability",), "09-20", day)
    for day in ("10-07", "10-16", "11-06"):
        issue("acme/web", ("bug", "frontend"), "09-22", day)
    issue("acme/web", ("bug", "reliability"), "09-25", "10-30")
    issue("acme/web", ("bug",), "09-26", "11-09", None)
    midnight = github.add_issue("acme/web", "Closed at midnight", labels=("bug",), at=at("09-29", "12:00"))
    github.close_issue("acme/web", midnight.number, at=OPENING)
    # The issues below are not counted.
    early = github.add_issue("acme/web", "Closed a second too early", labels=("bug",), at=at("09-29", "12:00"))
    github.close_issue("acme/web", early.number, at=OPENING - timedelta(seconds=1))
    issue("acme/web", ("bug",), "03-02", "04-01", None)
    issue("acme/web", ("bug",), "09-25", "10-12", "not_planned")
    issue("acme/checkout", ("reliability",), "09-25", "10-14", "duplicate")
    for keep in (True, False):
        number = issue("acme/checkout", ("reliability",), "10-01", "10-20")
        github.reopen_issue("acme/checkout", number, keep_closed_at=keep, at=office_hours("10-22", rng))
    for day in ("10-09", "10-26", "11-02", "11-17"):
        issue("acme/web", ("docs",), "10-01", day)
        issue("acme/web", ("bug",), day)
    moved = issue("acme/web", ("question",), "10-02")
    github.transfer_issue("acme/web", moved, "acme/infra", at=at("10-23", "10:00"))
    gone = issue("acme/web", ("bug",), "10-02", "10-08")
    github.delete_issue("acme/web", gone)


def _deliveries(github: CodeHost) -> None:
    """Deploys the checkout on the day of each release, first to staging. Two deployments fail, and one deployment is
    rolled back.
    """
    repo = "acme/checkout"
    for number, day in enumerate(CHECKOUT_RELEASED):
        github.deploy(repo, environment="staging", at=at(day, "17:00"), done=at(day, "17:04"))
        if number in (2, 5):
            github.deploy(repo, at=at(day, "17:30"), state="failure", done=at(day, "17:36"))
        made = github.deploy(repo, at=at(day, "18:00"), done=at(day, "18:07"))
        github.add_run(repo, "Deploy", event="release", at=at(day, "18:00"), done=at(day, "18:07"))
        if number == 3:
            before = sorted(github.repo(repo).deployments.values(), key=lambda deployment: deployment.id)[-5]
            github.deploy(repo, sha=before.sha, at=at(day, "20:00"), done=at(day, "20:05"))
            github.set_deployment(repo, made.id, "inactive", at=at(day, "20:05"))
        github.tag(repo, f"build-{number + 1}", annotated=number % 2 == 0, at=at(day, "18:07"))
