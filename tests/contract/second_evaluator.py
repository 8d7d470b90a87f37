"""The arithmetic of key results a second time, written from docs/mappings.md alone, to compare syncd's figures with.

It computes with fractions, shares no code with syncd, and takes a project as plain data: a mapping as the YAML has it,
and what its sources hold. A figure is rounded once, where the docs say so: to 15 significant digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
ON_TRACK, AT_RISK = Fraction(9, 10), Fraction(7, 10)
TOLERANCE = Fraction(1, 10**9)
ON_PACE = ("on_track", "done")


@dataclass(frozen=True)
class Ticket:
    """A record: when it was created and done, and the elements of its fields."""

    created: datetime
    done: datetime | None
    fields: Mapping[str, Sequence[str | float]]


Row = tuple[date, str]
"""A dated row of a series, with the text of its cell."""


@dataclass(frozen=True)
class Figures:
    """What a key result comes to at a moment; None is unknown."""

    value: Fraction | None
    progress: Fraction | None
    score: Fraction | None
    expected: Fraction
    health: str


def measured(number: Fraction) -> Fraction:
    """A measured value has 15 significant digits; a whole number keeps all of them."""
    if number.denominator == 1:
        return number
    context = Context(prec=15, rounding=ROUND_HALF_EVEN)
    return Fraction(context.divide(Decimal(number.numerator), Decimal(number.denominator)))


def fraction(number: Any) -> Fraction:
    """The number that a file writes."""
    return Fraction(str(number))


class Evaluator:
    """A project's figures: `tickets` are the records of every measure of records, `series` the rows by file."""

    def __init__(
        self, mapping: Mapping[str, Any], zone: ZoneInfo, tickets: Sequence[Ticket], series: Mapping[str, Sequence[Row]]
    ) -> None:
        self.zone, self.tickets, self.series = zone, tickets, series
        self.objectives: Sequence[Mapping[str, Any]] = mapping["objectives"]
        self.key_results = {kr["id"]: kr for objective in self.objectives for kr in objective.get("key_results", ())}
        self.first = date.fromisoformat(mapping["period"]["start"])
        self.last = date.fromisoformat(mapping["period"]["end"])
        self.start, self.end = self.midnight(self.first), self.midnight(self.last + DAY)

    # -- days

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def days_between(self, start: datetime, end: datetime) -> Fraction:
        """The local days from a midnight to a moment. Each day counts as 1, whether it has 23, 24 or 25 hours."""
        days, day = Fraction(), self.day_of(start)
        while (next_midnight := self.midnight(day + DAY)) <= end:
            days, day = days + 1, day + DAY
        begin = self.midnight(day)
        return days + Fraction((end - begin) // MOMENT, (next_midnight - begin) // MOMENT)

    def window(self, measure: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
        """From the first instant of the window to the first instant after it."""
        window, first, last = measure.get("window"), self.first, self.last
        if isinstance(window, str):
            length = int(window[:-1]) * (7 if window[-1] == "w" else 1)
            last = min(max(self.day_of(now), self.first), self.last)
            first = last - (length - 1) * DAY
        elif window and "settled" in window:
            last = min(last, self.day_of(now) - int(window["settled"][:-1]) * DAY)
        elif window:
            first = date.fromisoformat(window.get("since", first.isoformat()))
            last = date.fromisoformat(window.get("until", last.isoformat()))
        return self.midnight(first), self.midnight(last + DAY)

    # -- measures

    def value(self, measure: Mapping[str, Any], seen: datetime, now: datetime) -> Fraction | None:
        """The number of a measure at `now`: what is dated after `seen` does not count."""
        if "formula" in measure:
            parts = {name: self.value(part, seen, now) for name, part in measure["parts"].items()}
            a, b = parts["a"], parts["b"]
            return None if a is None or b is None or a + b == 0 else measured(a / (a + b) * 100)
        start, end = self.window(measure, seen)
        if start >= end or seen < start:
            return None  # no day has settled, or the window has not begun
        of_records = "jql" in measure
        number = self._of_records(measure, start, end, seen) if of_records else self._of_rows(measure, start, end, seen)
        if number is None or "per" not in measure:
            return None if number is None else measured(number)
        passed = self.days_between(start, min(now, end)) / (1 if measure["per"] == "day" else 7)
        return measured(measured(number) / passed) if passed >= 1 else None

    def _of_records(self, measure: Mapping[str, Any], start: datetime, end: datetime, now: datetime) -> Fraction | None:
        passing = [ticket for ticket in self.tickets if all(self._holds(ticket, *rule) for rule in _where(measure))]
        take = measure.get("take", "count")
        if take == "share":
            there = [ticket for ticket in passing if ticket.created <= now and ticket.created < end]
            done = sum(ticket.done is not None and ticket.done <= now and ticket.done < end for ticket in there)
            return Fraction(100 * done, len(there)) if there else None
        counting = [t for t in passing if t.done is not None and start <= t.done < end and t.done <= now]
        if take == "count":
            return Fraction(len(counting))
        elements = [ticket.fields.get(measure["of"], ()) for ticket in counting]
        if take == "distinct":
            texts = {text for values in elements for text in values}
            return Fraction(len(texts)) if texts else None
        return aggregate(take, [sum(map(fraction, values), Fraction()) for values in elements if values])

    @staticmethod
    def _holds(ticket: Ticket, key: str, asked: Any) -> bool:
        for ending, sign in (("_at_least", 1), ("_at_most", -1)):
            if key.endswith(ending):
                values = ticket.fields.get(key.removesuffix(ending), ())
                return any((fraction(value) - fraction(asked)) * sign >= 0 for value in values)
        negated, field = key.startswith("not_"), key.removeprefix("not_")
        wanted = asked if isinstance(asked, list) else [asked]
        values = ticket.fields.get(field, ())
        met = any(value in wanted for value in values) or (None in wanted and not values)
        return met is not negated

    def _of_rows(self, measure: Mapping[str, Any], start: datetime, end: datetime, now: datetime) -> Fraction | None:
        rows = [(self.midnight(day), text) for day, text in self.series[measure["file"]] if text]  # a blank is none
        inside = sorted((row for row in rows if start <= row[0] < end and row[0] <= now), key=lambda row: row[0])
        take = measure.get("take", "latest")
        used = {"latest": inside[-1:], "first": inside[:1], "change": [*inside[:1], *inside[-1:]]}.get(take, inside)
        if any(text.startswith("#") for _, text in used):
            return None
        numbers = [fraction(text) for _, text in used]
        if take in ("latest", "first"):
            return numbers[0] if numbers else None
        if take == "change":
            return numbers[-1] - numbers[0] if len(inside) > 1 else None
        return aggregate(take, numbers)

    # -- key results

    def figures(self, key_result: Mapping[str, Any], now: datetime, seen: datetime | None = None) -> Figures:
        """A key result at `now`, by what had happened up to `seen`: for the end of a day, the moment before it."""
        value, expected = self.value(key_result["measure"], seen or now, now), self.expected(key_result, now)
        if value is None:
            return Figures(None, None, None, expected, "unknown")
        progress = self._progress(key_result, value)
        if progress is None:
            return Figures(value, None, None, expected, "unknown")
        score = min(Fraction(1), max(Fraction(), progress))
        if now < self.start:
            return Figures(value, progress, score, expected, "unknown")
        if "keep" in key_result:
            health = "off_track" if progress < 1 else "done" if now >= self.end else "on_track"
        elif progress < 0 or progress >= 1:
            health = "off_track" if progress < 0 else "done"
        else:
            health = health_of(score, expected)
        guard = key_result.get("guard")
        if guard and health in ON_PACE:
            number = self.value(guard["measure"], seen or now, now)
            if number is not None and not kept(guard["keep"], number):
                health = "at_risk"
        return Figures(value, progress, score, expected, health)

    @staticmethod
    def _progress(key_result: Mapping[str, Any], value: Fraction) -> Fraction | None:
        if "keep" in key_result:
            return Fraction(kept(key_result["keep"], value))
        if "milestones" in key_result:
            steps = key_result["milestones"]
            whole = sum(fraction(step.get("weight", 1)) for step in steps)
            return (
                sum((fraction(step.get("weight", 1)) for step in steps if value >= fraction(step["at"])), Fraction())
                / whole
            )
        start, target = ends(key_result)
        return None if start is None else (value - start) / (target - start)

    def expected(self, key_result: Mapping[str, Any], now: datetime) -> Fraction:
        pace = key_result.get("pace", "linear")
        if now >= self.end or "keep" in key_result:
            return Fraction(1)
        if isinstance(pace, dict):
            start, target = ends(key_result)
            assert start is not None
            at, low = self.start, start
            for step in pace["steps"]:
                by, high = self.midnight(date.fromisoformat(step["by"]) + DAY), fraction(step["value"])
                if now < by:
                    low += (high - low) * max(Fraction(), Fraction((now - at) // MOMENT, (by - at) // MOMENT))
                    break
                at, low = by, high
            return min(Fraction(1), max(Fraction(), (low - start) / (target - start)))
        steps = key_result.get("milestones", ())
        if steps and all("by" in step for step in steps):
            due = [step for step in steps if self.midnight(date.fromisoformat(step["by"]) + DAY) <= now]
            return sum((fraction(step.get("weight", 1)) for step in due), Fraction()) / sum(
                fraction(step.get("weight", 1)) for step in steps
            )
        if pace == "end":
            return Fraction()
        return min(
            Fraction(1), max(Fraction(), Fraction((now - self.start) // MOMENT, (self.end - self.start) // MOMENT))
        )

    # -- objectives and links

    def objective(self, objective: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Score, activity, health and coverage: of the known ones alone, and without those of weight 0."""
        if "key_results" not in objective or objective.get("rollup") == "supporting":
            return self._supported(objective, now)
        figures = {kr["id"]: self.figures(kr, now) for kr in objective["key_results"]}
        rollup = objective.get("rollup", "outcomes")
        counted = [
            kr
            for kr in objective["key_results"]
            if kr.get("weight", 1) and (kr["kind"] == "outcome" or rollup == "all")
        ]
        measured = [kr for kr in counted if figures[kr["id"]].health != "unknown"]
        outputs = [
            kr for kr in objective["key_results"] if kr["kind"] == "output" and figures[kr["id"]].health != "unknown"
        ]
        score = mean([(kr.get("weight", 1), figures[kr["id"]].score) for kr in measured])
        expected = mean([(kr.get("weight", 1), figures[kr["id"]].expected) for kr in measured])
        if rollup == "weakest":
            score = min((figures[kr["id"]].score or Fraction() for kr in measured), default=None)
        return {
            "score": score,
            "activity": mean([(kr.get("weight", 1), figures[kr["id"]].score) for kr in outputs]),
            "health": "unknown" if score is None or expected is None else health_of(score, expected),
            "coverage": {"known": len(measured), "of": len(counted)},
            "expected": expected,
        }

    def _supported(self, objective: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The same of an objective that others support: means over theirs."""
        counted = [
            (other.get("weight", 1), self.objective(other, now))
            for other in self.objectives
            if other.get("supports") == objective["id"] and other.get("weight", 1)
        ]
        known = [(weight, figures) for weight, figures in counted if figures["score"] is not None]
        score, expected = (
            mean([(weight, figures[name]) for weight, figures in known]) for name in ("score", "expected")
        )
        active = [(weight, figures["activity"]) for weight, figures in counted if figures["activity"] is not None]
        return {
            "score": score,
            "activity": mean(active),
            "health": "unknown" if score is None or expected is None else health_of(score, expected),
            "coverage": {"known": len(known), "of": len(counted)},
            "expected": expected,
        }

    def links(self, now: datetime) -> dict[tuple[str, str], tuple[str, str | None]]:
        """(verdict, first day of the output's run on pace) of each link; after the period's end, as of its end."""
        return {
            (output["id"], link["outcome"]): self._verdict(output, link, now)
            for output in self.key_results.values()
            for link in output.get("drives", ())
        }

    def _verdict(self, output: Mapping[str, Any], link: Mapping[str, Any], now: datetime) -> tuple[str, str | None]:
        today = min(self.day_of(now), self.last)
        outcome = self.key_results[link["outcome"]]
        sides = self.figures(output, now).health, self.figures(outcome, now).health
        since = self._on_pace_since(output, now, today) if sides[0] in ON_PACE else None
        shown = since.isoformat() if since else None
        if "unknown" in sides:
            return "unknown", shown
        if since is None:
            return ("unexplained" if sides[1] in ON_PACE else "under_delivered"), None
        if sides[1] in ON_PACE:
            return "working", shown
        lag = int(link["lag"][:-1]) * (7 if link["lag"][-1] == "w" else 1) if "lag" in link else 0
        return ("too_early" if today < since + lag * DAY else "watermelon"), shown

    def _on_pace_since(self, output: Mapping[str, Any], now: datetime, today: date) -> date:
        since, day = today, self.last if now >= self.end else self.day_of(now) - DAY
        while day >= self.first:
            ended = self.midnight(day + DAY)
            if self.figures(output, ended, ended - MOMENT).health not in ON_PACE:
                break
            since, day = day, day - DAY
        return since


def _where(measure: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from measure.get("where", {}).items()


def aggregate(take: str, numbers: Sequence[Fraction]) -> Fraction | None:
    """One number of many; over none, a sum is 0 and everything else is unknown."""
    if take == "sum" or not numbers:
        return sum(numbers, Fraction()) if take == "sum" else None
    ordered = sorted(numbers)
    place = {"median": Fraction(1, 2), "p90": Fraction(9, 10)}.get(take, Fraction()) * (len(ordered) - 1)
    low = floor(place)
    high = ordered[min(low + 1, len(ordered) - 1)]
    return {
        "average": sum(ordered, Fraction()) / len(ordered),
        "min": ordered[0],
        "max": ordered[-1],
        "median": ordered[low] + (high - ordered[low]) * (place - low),
        "p90": ordered[low] + (high - ordered[low]) * (place - low),
    }[take]


def ends(key_result: Mapping[str, Any]) -> tuple[Fraction | None, Fraction]:
    """Baseline and target; an output starts at 0 unless its file says otherwise."""
    target = fraction(key_result["levels"]["target"] if "levels" in key_result else key_result["target"])
    start = key_result.get("baseline", 0 if key_result["kind"] == "output" else None)
    return None if start is None else fraction(start), target


def kept(band: Mapping[str, Any], value: Fraction) -> bool:
    """Whether a value is within a band, whose bounds are included."""
    low, high = band.get("at_least"), band.get("at_most")
    return (low is None or value >= fraction(low)) and (high is None or value <= fraction(high))


def health_of(score: Fraction, expected: Fraction) -> str:
    """The health of a score by the share of the expected one, with a relative tolerance."""
    if score >= ON_TRACK * expected * (1 - TOLERANCE):
        return "on_track"
    return "at_risk" if score >= AT_RISK * expected * (1 - TOLERANCE) else "off_track"


def mean(pairs: Sequence[tuple[Any, Fraction | None]]) -> Fraction | None:
    """The weighted mean; None if nothing has a weight."""
    weights = sum((fraction(weight) for weight, _ in pairs), Fraction())
    return sum((fraction(weight) * (share or 0) for weight, share in pairs), Fraction()) / weights if weights else None
