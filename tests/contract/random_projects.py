"""Random projects over series in CSV files and tickets in the sandbox's Jira, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from second_evaluator import Row, Ticket

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 15)
TYPES, LABELS = ("Story", "Bug", "Article"), ("product", "internal", "search")
POINTS = (0, 1, 2, 0.1, 0.2, 0.3, 5, 8, 100.3)
NUMBERS = ("0", "0.1", "0.2", "0.3", "100.3", "100.1", "57.3", "-4", "12", "600", "599.6", "1e2", "", "", "#REF!")


@dataclass(frozen=True)
class RandomProject:
    """A mapping, what its sources hold, and the moments of its syncs, in order."""

    mapping: dict[str, Any]
    tickets: list[Ticket]
    series: dict[str, list[Row]]
    moments: list[datetime]


def random_project(seed: int) -> RandomProject:
    """The same project for the same seed."""
    random = Random(seed)
    files = ["a.csv", "b.csv"]
    outcomes = [_key_result(random, f"outcome-{number}", "outcome", files) for number in range(random.randint(1, 3))]
    outputs = [_key_result(random, f"output-{number}", "output", files) for number in range(random.randint(1, 2))]
    for output in outputs:
        driven = random.sample(outcomes, random.randint(1, len(outcomes)))
        output["drives"] = [
            {"outcome": kr["id"], **random.choice([{}, {"lag": "3d"}, {"lag": "2w"}, {"lag": "8w"}])} for kr in driven
        ]
    objective = {
        "id": "aim",
        "title": "Customers find answers",
        "owner": "support",
        "rollup": random.choice(["outcomes", "all", "weakest"]),
        "key_results": [*outcomes, *outputs],
    }
    objectives: list[dict[str, Any]] = [objective]
    if random.random() < 0.5:
        own = [_key_result(random, "outcome-of-other", "outcome", files)]
        other = {"id": "other", "title": "Prices are fair", "owner": "sales", "key_results": own}
        for supporting in (objective, other):
            supporting |= {"supports": "larger", "weight": random.choice([0, 0.5, 1, 2])}
        larger = {"id": "larger", "title": "Customers stay", "owner": "all"}
        if random.random() < 0.5:
            shown = [_key_result(random, "outcome-shown", "outcome", files)]
            larger |= {"rollup": "supporting", "key_results": shown}
        objectives += [other, larger]
    mapping = {
        "period": {"start": FIRST.isoformat(), "end": LAST.isoformat(), "id": "autumn"},
        "objectives": objectives,
    }
    rows = {file: [] if random.random() < 0.15 else _rows(random) for file in files}
    start = datetime(2026, 9, 20, tzinfo=UTC)
    moments = sorted(start + timedelta(minutes=random.randint(12 * 1440, 68 * 1440)) for _ in range(2))
    return RandomProject(mapping, [_ticket(random) for _ in range(random.randint(0, 14))], rows, moments)


def _rows(random: Random) -> list[Row]:
    days = random.sample(range(75), random.randint(1, 12))
    rows = [(date(2026, 9, 15) + timedelta(days=day), random.choice(NUMBERS)) for day in days]
    return [*rows, (date(2026, 11, 20), "1")]  # of blanks alone nobody can tell what separates them


def _ticket(random: Random) -> Ticket:
    created = datetime(2026, 9, 10, tzinfo=UTC) + timedelta(minutes=random.randint(0, 60 * 1440))
    done = created + timedelta(minutes=random.randint(0, 40 * 1440)) if random.random() < 0.8 else None
    points = random.choice([None, *POINTS])
    fields: dict[str, list[str | float]] = {
        "type": [random.choice(TYPES)],
        "label": list(random.sample(LABELS, random.randint(0, 2))),
        "Story Points": [] if points is None else [float(points)],
    }
    return Ticket(created, done, fields)


def _key_result(random: Random, name: str, kind: str, files: list[str]) -> dict[str, Any]:
    key_result: dict[str, Any] = {"id": name, "title": name, "kind": kind, "measure": _measure(random, files)}
    if random.random() < 0.5:
        key_result["weight"] = random.choice([0, 0.5, 1, 2])
    match random.choice(["target", "target", "levels", "milestones", "keep"]):
        case "target":
            key_result |= {"baseline": random.choice([0, 100.1, -4]), "target": random.choice([0.3, 12, 57.3, 600])}
        case "levels":
            key_result |= {"baseline": 0, "levels": {"commit": 0.2, "target": 0.3, "stretch": 12}}
        case "milestones":
            due = random.random() < 0.5
            key_result["milestones"] = [
                {"title": str(at), "at": at, "weight": weight, **({"by": by} if due else {})}
                for at, weight, by in ((0.3, 0.1, "2026-10-10"), (2, 0.2, "2026-10-25"), (12, 0.7, "2026-11-10"))
            ]
        case "keep":
            key_result["keep"] = random.choice([{"at_least": 0.3}, {"at_most": 12}, {"at_least": 1, "at_most": 58}])
    if "baseline" in key_result:
        target = key_result.get("target", 0.3)
        steps = {"steps": [{"by": "2026-10-20", "value": 0.1}, {"by": "2026-11-05", "value": target}]}
        key_result["pace"] = random.choice(["linear", "linear", "end", steps])
    if random.random() < 0.3:
        key_result["guard"] = {
            "measure": _measure(random, files),
            "keep": random.choice([{"at_least": 0.3}, {"at_most": 12}]),
        }
    return key_result


def _measure(random: Random, files: list[str]) -> dict[str, Any]:
    match random.choice(["rows", "rows", "records", "records", "formula"]):
        case "rows":
            return _of_rows(random, files) | _window(random)
        case "records":
            return _of_records(random)
        case _:
            parts = {name: {**_of_rows(random, files), "take": "sum"} for name in "ab"}
            return {"formula": "a / (a + b) * 100", "parts": parts}


def _of_rows(random: Random, files: list[str]) -> dict[str, Any]:
    take = random.choice(["latest", "first", "change", "sum", "average", "min", "max"])
    rate = {"per": random.choice(["day", "week"])} if take in ("sum", "change") and random.random() < 0.3 else {}
    return {
        "from": "local",
        "file": random.choice(files),
        "series": {"dates": "Day", "values": "Calls"},
        "take": take,
        **rate,
    }


def _of_records(random: Random) -> dict[str, Any]:
    take = random.choice(["count", "count", "sum", "average", "median", "p90", "min", "max", "distinct", "share"])
    of = (
        {}
        if take in ("count", "share")
        else {"of": random.choice(["label", "type"]) if take == "distinct" else "Story Points"}
    )
    rate = {"per": random.choice(["day", "week"])} if take in ("count", "sum") and random.random() < 0.3 else {}
    rules = [
        ("type", "Bug"),
        ("not_type", ["Story", "Article"]),
        ("label", ["product", "search"]),
        ("not_label", "internal"),
        ("label", None),
        ("Story Points_at_least", 0.3),
        ("Story Points_at_most", 2),
    ]
    where = dict(random.sample(rules, random.choice([0, 0, 1, 2])))
    window = {} if take == "share" else _window(random)
    return {"from": "tickets", "jql": "project = KB", "take": take, "where": where, **of, **rate, **window}


def _window(random: Random) -> dict[str, Any]:
    windows = [
        "28d",
        "2w",
        {"settled": "5d"},
        {"since": "2026-10-10"},
        {"since": "2026-11-05"},
        {"since": "2026-10-05", "until": "2026-11-01"},
    ]
    return {"window": random.choice(windows)} if random.random() < 0.5 else {}
