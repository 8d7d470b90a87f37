"""How each example key result is counted, in plain Python over the company's own objects, within the quarter."""

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
from syncd.sandbox.world import World

ZONE = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2026, 10, 1), date(2026, 12, 31)
BOTS = ("dependabot[bot]", "renovate[bot]")


def midnight(day: date) -> datetime:
    """The instant at which that day begins in Berlin."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


START, END = midnight(FIRST), midnight(LAST + timedelta(days=1))

Value = Callable[[World, datetime], float | None]
"""The number as of an instant, from what happened before it; None where there is none."""


# -- records


def _counts(done: datetime | None, before: datetime) -> bool:
    return done is not None and START <= done < min(END, before)


def _pulls(world: World, before: datetime, repo: str | None = None) -> Iterator[Pull]:
    """Merged within the quarter, in one repository or in all of them; callers look at base and author."""
    wanted = world.github.repos.values() if repo is None else [world.github.repo(repo)]
    for one in wanted:
        for item in one.items.values():
            if isinstance(item, Pull) and _counts(item.merged_at, before):
                yield item


def _delivered(world: World, before: datetime) -> Iterator[Issue]:
    """Reliability issues of two repositories that were closed, and neither rejected nor opened again."""
    for name in ("acme/checkout", "acme/web"):
        for item in world.github.repo(name).items.values():
            if not isinstance(item, Issue) or not {"bug", "reliability"} & set(item.labels):
                continue
            closed = item.state == "closed" and item.state_reason not in ("not_planned", "duplicate")
            if closed and _counts(item.closed_at, before):
                yield item


def releases(repo: str) -> Value:
    """Releases of one repository, drafts aside."""

    def count(world: World, before: datetime) -> float:
        releases = world.github.repo(repo).releases.values()
        return float(sum(not one.draft and _counts(one.published_at, before) for one in releases))

    return count


def _done(site: Tickets, projects: tuple[str, ...], type: str, before: datetime) -> Iterator[tuple[Ticket, datetime]]:
    """Issues whose status category is Done, with the day that they count on."""
    for issue in site.issues.values():
        done = issue.resolved or (issue.category_changed_at if site.cloud else None)
        mine = issue.project in projects and issue.type == type and issue.category == "Done"
        if mine and done is not None and _counts(done, before):
            yield issue, done


def _days(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(days=1)


def articles(world: World, before: datetime) -> float:
    """Articles done in KB."""
    return float(sum(1 for _ in _done(world.jira, ("KB",), "Article", before)))


def search_shipped(world: World, before: datetime) -> float:
    """Changes merged into main of search, library bumps aside."""
    pulls = _pulls(world, before, "acme/search")
    return float(sum(pull.base == "main" and pull.author.login != "dependabot[bot]" for pull in pulls))


def reliability_bugs(world: World, before: datetime) -> float:
    """Reliability issues delivered."""
    return float(sum(1 for _ in _delivered(world, before)))


def lead_time(world: World, before: datetime) -> float | None:
    """The median of days from opening to merging, everywhere, people's work alone."""
    pulls = [pull for pull in _pulls(world, before) if pull.base == "main" and pull.author.login not in BOTS]
    days = [_days(pull.created_at, pull.merged_at) for pull in pulls if pull.merged_at]
    return statistics.median(days) if days else None


def incident_p90(world: World, before: datetime) -> float | None:
    """Between the two nearest ranks, as most statistics packages do; the story's 31 incidents make every rule agree."""
    found = _done(world.jira_dc, ("HELP",), "Incident", before)
    days = sorted(_days(issue.created, done) for issue, done in found)
    if not days:
        return None
    place = 0.9 * (len(days) - 1)
    below = floor(place)
    above = min(below + 1, len(days) - 1)
    return days[below] + (days[above] - days[below]) * (place - below)


def story_points(world: World, before: datetime) -> float:
    """Of the stories done in WEB and OPS; one without an estimate adds nothing."""
    total = 0.0
    for issue, _ in _done(world.jira, ("WEB", "OPS"), "Story", before):
        points = issue.custom.get("customfield_10016")
        total += points if isinstance(points, float | int) else 0.0
    return total


def contributors(world: World, before: datetime) -> float:
    """People who merged something into main of checkout."""
    pulls = _pulls(world, before, "acme/checkout")
    return float(len({pull.author.login for pull in pulls if pull.base == "main" and pull.author.login not in BOTS}))


# -- readings


def _series(sheet: Sheet, dates: int, values: int, before: datetime) -> list[tuple[datetime, object]]:
    """(time, value) of a sheet's rows below its header, in order, within the period; blanks are no readings."""
    found: list[tuple[datetime, object]] = []
    for row in range(1, len(sheet.rows)):
        day, value = sheet.cell(row, dates), sheet.cell(row, values)
        if day.format == "date" and isinstance(day.value, float) and value.value is not None:
            moment = midnight(EPOCH + timedelta(days=int(day.value)))
            if _counts(moment, before):
                found.append((moment, value.value))
    return sorted(found, key=lambda one: one[0])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None


def _sheet(world: World, title: str) -> Sheet:
    return world.sheets.spreadsheets[OKR_BOOK].sheet(title)


def calls(world: World, before: datetime) -> float | None:
    """The latest week's; an error there is no number."""
    found = _series(_sheet(world, "Support"), 0, 2, before)
    return _number(found[-1][1]) if found else None


def calls_reading(world: World, before: datetime) -> datetime | None:
    """When the latest calls are of."""
    found = _series(_sheet(world, "Support"), 0, 2, before)
    return found[-1][0] if found else None


def deflection(world: World, before: datetime) -> float | None:
    """The share in F2, in per cent."""
    share = _number(_sheet(world, "Support").cell(1, 5).value)
    return None if share is None else share * 100


def error_rate(world: World, before: datetime) -> float | None:
    """What the metrics API says now; it has no history."""
    return world.metrics.error_rate


def uptime(world: World, before: datetime) -> float | None:
    """The worst of the last 28 days before today, or before the period's end."""
    today = (min(before, END) - timedelta(microseconds=1)).astimezone(ZONE).date()
    days = [today - timedelta(days=back) for back in range(28)]
    known = [value for day in days if (value := world.metrics.uptime.get(day)) is not None]
    return min(known) if known else None


def cloud_cost(world: World, before: datetime) -> float | None:
    """The highest weekly bill."""
    bills = [row.amount for row in world.costs if row.amount and _counts(midnight(row.week), before)]
    return max((float(amount.replace(".", "").replace(",", ".")) for amount in bills), default=None)


def customers(world: World, before: datetime) -> float | None:
    """The latest number less the first."""
    found = _series(world.sheets.spreadsheets[CUSTOMER_BOOK].sheet("Customers"), 0, 2, before)
    numbers = [number for _, value in found if (number := _number(value)) is not None]
    return numbers[-1] - numbers[0] if numbers and len(numbers) == len(found) else None


def launch_conversion(world: World, before: datetime) -> float | None:
    """The first week's, from text such as `3.6%`."""
    found = _series(_sheet(world, "Launch"), 0, 1, before)
    return float(str(found[0][1]).rstrip("%")) if found else None


def satisfaction(world: World, before: datetime) -> float | None:
    """The mean, unless one of the scores is an error."""
    found = [_number(value) for _, value in _series(_sheet(world, "Survey"), 0, 1, before)]
    known = [number for number in found if number is not None]
    return statistics.fmean(known) if known and len(known) == len(found) else None


def renewals(world: World, before: datetime) -> float | None:
    """The one row of DACH and Enterprise, in German notation."""
    rows = _sheet(world, "Renewals 2026").rows
    found = [row for row in rows if [cell.value for cell in row[:2]] == ["DACH", "Enterprise"]]
    text = found[0][2].value if len(found) == 1 else None
    return float(text.replace(".", "").replace(",", ".")) if isinstance(text, str) else _number(text)
