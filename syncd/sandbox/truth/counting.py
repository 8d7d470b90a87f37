"""Computes the number of each example key result in the quarter, in plain Python from the company's own objects."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import floor
from zoneinfo import ZoneInfo

from syncd.sandbox.github.code import Issue, Pull
from syncd.sandbox.jira.ticket import Ticket
from syncd.sandbox.jira.tickets import Tickets
from syncd.sandbox.sheets.workbook import EPOCH, Sheet
from syncd.sandbox.story.numbers import CUSTOMER_BOOK, OKR_BOOK
from syncd.sandbox.truth.deliveries import delivered
from syncd.sandbox.world import World

ZONE = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2026, 10, 1), date(2026, 12, 31)
BOTS = ("dependabot[bot]", "renovate[bot]")


def midnight(day: date) -> datetime:
    """The instant at which a day begins in Berlin."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


START, END = midnight(FIRST), midnight(LAST + timedelta(days=1))

Value = Callable[[World, datetime], float | None]
"""A function that computes a number as of an instant, from the events before that instant. The function returns None if
there is no number.
"""


# -- records


def _counts(done: datetime | None, before: datetime) -> bool:
    return done is not None and START <= done < min(END, before)


def _pulls(world: World, before: datetime, repo: str | None = None) -> Iterator[Pull]:
    """The pull requests merged in the quarter, in `repo` or in all repositories, with any base and author."""
    for searched in world.github.repos.values() if repo is None else [world.github.repo(repo)]:
        for item in searched.items.values():
            if isinstance(item, Pull) and _counts(item.merged_at, before):
                yield item


def _delivered(world: World, before: datetime) -> Iterator[Issue]:
    """The closed reliability issues of two repositories, without issues that were closed as rejected."""
    for name in ("acme/checkout", "acme/web"):
        for item in world.github.repo(name).items.values():
            if not isinstance(item, Issue) or not {"bug", "reliability"} & set(item.labels):
                continue
            closed = item.state == "closed" and item.state_reason not in ("not_planned", "duplicate")
            if closed and _counts(item.closed_at, before):
                yield item


def releases(repo: str) -> Value:
    """Returns a function that counts the releases of one repository, without drafts."""

    def count(world: World, before: datetime) -> float:
        releases = world.github.repo(repo).releases.values()
        return float(sum(not release.draft and _counts(release.published_at, before) for release in releases))

    return count


def app_releases(world: World, before: datetime) -> float:
    """The number of releases of the mobile app. Each release counts on its release date."""
    releases = world.gitlab.project("acme/apps/mobile").releases.values()
    return float(sum(_counts(release.released_at, before) for release in releases))


def _done(site: Tickets, projects: tuple[str, ...], type: str, before: datetime) -> Iterator[tuple[Ticket, datetime]]:
    for issue in site.issues.values():
        done = issue.resolved or (issue.category_changed_at if site.cloud else None)
        matches = issue.project in projects and issue.type == type and issue.category == "Done"
        if matches and done is not None and _counts(done, before):
            yield issue, done


def _days(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(days=1)


def articles(world: World, before: datetime) -> float:
    """The number of done articles in KB."""
    return float(sum(1 for _ in _done(world.jira, ("KB",), "Article", before)))


def search_shipped(world: World, before: datetime) -> float:
    """The number of changes merged into main of the search repository, without Dependabot's changes."""
    pulls = _pulls(world, before, "acme/search")
    return float(sum(pull.base == "main" and pull.author.login != "dependabot[bot]" for pull in pulls))


def reliability_bugs(world: World, before: datetime) -> float:
    """The number of delivered reliability issues."""
    return float(sum(1 for _ in _delivered(world, before)))


def lead_time(world: World, before: datetime) -> float | None:
    """The median number of days from opening a pull request to merging it into main, over all repositories, without the
    work of bots.
    """
    pulls = [pull for pull in _pulls(world, before) if pull.base == "main" and pull.author.login not in BOTS]
    days = [_days(pull.created_at, pull.merged_at) for pull in pulls if pull.merged_at]
    return statistics.median(days) if days else None


def incident_p90(world: World, before: datetime) -> float | None:
    """The 90th percentile of days per incident, interpolated between the two nearest ranks, as in most statistics
    packages.

    The story has 31 incidents, so that every rule for percentiles gives the same number.
    """
    incidents = _done(world.jira_dc, ("HELP",), "Incident", before)
    days = sorted(_days(issue.created, done) for issue, done in incidents)
    if not days:
        return None
    place = 0.9 * (len(days) - 1)
    below = floor(place)
    above = min(below + 1, len(days) - 1)
    return days[below] + (days[above] - days[below]) * (place - below)


def story_points(world: World, before: datetime) -> float:
    """The sum of the points of done stories in WEB and OPS. A story without an estimate has no points."""
    total = 0.0
    for issue, _ in _done(world.jira, ("WEB", "OPS"), "Story", before):
        points = issue.custom.get("customfield_10016")
        total += points if isinstance(points, float | int) else 0.0
    return total


def contributors(world: World, before: datetime) -> float:
    """The number of people who merged a change into main of checkout."""
    pulls = _pulls(world, before, "acme/checkout")
    return float(len({pull.author.login for pull in pulls if pull.base == "main" and pull.author.login not in BOTS}))


def checkout_deployed(world: World, before: datetime) -> float:
    """The number of changes merged into main of checkout, without the work of bots. Each change counts on the day of
    its first deployment to production.
    """
    repo = world.github.repo("acme/checkout")
    pulls = [repo.items[number] for number, at in delivered(repo).items() if _counts(at, before)]
    changes = [pull for pull in pulls if isinstance(pull, Pull) and pull.base == "main"]
    return float(sum(pull.author.login not in BOTS for pull in changes))


# -- readings


def _series(sheet: Sheet, dates: int, values: int, before: datetime) -> list[tuple[datetime, object]]:
    """Pairs (time, value) of the rows below a sheet's header in the period, sorted by time. A blank value is not a
    reading.
    """
    readings: list[tuple[datetime, object]] = []
    for row in range(1, len(sheet.rows)):
        day, value = sheet.cell(row, dates), sheet.cell(row, values)
        if day.format == "date" and isinstance(day.value, float) and value.value is not None:
            moment = midnight(EPOCH + timedelta(days=int(day.value)))
            if _counts(moment, before):
                readings.append((moment, value.value))
    return sorted(readings, key=lambda reading: reading[0])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None


def _sheet(world: World, title: str) -> Sheet:
    return world.sheets.spreadsheets[OKR_BOOK].sheet(title)


def calls(world: World, before: datetime) -> float | None:
    """The number of calls in the latest week; None (unknown) if that week's cell has an error."""
    readings = _series(_sheet(world, "Support"), 0, 2, before)
    return _number(readings[-1][1]) if readings else None


def calls_reading(world: World, before: datetime) -> datetime | None:
    """The time of the latest reading of calls."""
    readings = _series(_sheet(world, "Support"), 0, 2, before)
    return readings[-1][0] if readings else None


def deflection(world: World, before: datetime) -> float | None:
    """The self-service rate in cell F2, as a percentage."""
    share = _number(_sheet(world, "Support").cell(1, 5).value)
    return None if share is None else share * 100


def dead_ends(world: World, before: datetime) -> float | None:
    """The percentage of the latest week's searches that led to no article. A week counts on its Monday."""
    weeks: dict[date, list[bool]] = {}
    for search in world.searches:
        day = search.at.astimezone(ZONE).date()
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(search.opened is None)
    latest = max((monday for monday in weeks if _counts(midnight(monday), before)), default=None)
    return None if latest is None else round(100 * sum(weeks[latest]) / len(weeks[latest]), 1)


def error_rate(world: World, before: datetime) -> float | None:
    """The present error rate in the metrics API. The API has no history of it."""
    return world.metrics.error_rate


def uptime(world: World, before: datetime) -> float | None:
    """The lowest uptime of the last 28 days, up to today or to the period's end."""
    today = (min(before, END) - timedelta(microseconds=1)).astimezone(ZONE).date()
    days = [today - timedelta(days=back) for back in range(28)]
    return min((share for day in days if (share := world.metrics.uptime.get(day)) is not None), default=None)


def cloud_cost(world: World, before: datetime) -> float | None:
    """The highest weekly bill."""
    bills = [row.amount for row in world.costs if row.amount and _counts(midnight(row.week), before)]
    return max((float(amount.replace(".", "").replace(",", ".")) for amount in bills), default=None)


def customers(world: World, before: datetime) -> float | None:
    """The latest number of customers minus the first."""
    numbers = _numbers(_series(world.sheets.spreadsheets[CUSTOMER_BOOK].sheet("Customers"), 0, 2, before))
    return numbers[-1] - numbers[0] if numbers else None


def launch_conversion(world: World, before: datetime) -> float | None:
    """The conversion rate of the first week. The sheet has it as a text such as `3.6%`."""
    readings = _series(_sheet(world, "Launch"), 0, 1, before)
    return float(str(readings[0][1]).rstrip("%")) if readings else None


def satisfaction(world: World, before: datetime) -> float | None:
    """The mean satisfaction score; None (unknown) if any score is an error."""
    scores = _numbers(_series(_sheet(world, "Survey"), 0, 1, before))
    return statistics.fmean(scores) if scores else None


def _numbers(readings: list[tuple[datetime, object]]) -> list[float]:
    numbers = [number for _, value in readings if (number := _number(value)) is not None]
    return numbers if len(numbers) == len(readings) else []


def renewals(world: World, before: datetime) -> float | None:
    """The renewed amount in the only row for DACH and Enterprise. The sheet has the amount in German notation."""
    rows = _sheet(world, "Renewals 2026").rows
    matches = [row for row in rows if [cell.value for cell in row[:2]] == ["DACH", "Enterprise"]]
    text = matches[0][2].value if len(matches) == 1 else None
    return float(text.replace(".", "").replace(",", ".")) if isinstance(text, str) else _number(text)
