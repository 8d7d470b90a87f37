"""Times measuring a thousand key results over a ledger of up to a million records: `answering.py FOLDER` prints JSON.

A hundred repositories, records spread over two years, ten key results a repository: plain counts, counts by label,
author and base, sums and medians of a number, a rolling window, one measure over several repositories.
"""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from syncd.config import Config, load_config
from syncd.cycle.due_pulls import needed_streams
from syncd.cycle.measure import measure
from syncd.cycle.model import CycleRequest, Pull, Pulled, PullResult
from syncd.ledger import Ledger, open_ledger
from syncd.ledger.schema import records
from syncd.ledger.streams import Ending
from syncd.sdk import RetryPolicy, Stream

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
SIZES = (10_000, 100_000, 1_000_000)
REPOS = 100
_PROJECT = """\
mappings: okrs.yaml
ledger: sqlite:///{size}.db
clock: {now}
connections:
  code: {{type: github, url: "http://127.0.0.1:9", token: "${{SECRET}}"}}
"""


def key_results() -> list[dict[str, object]]:
    """A thousand key results, ten a repository."""
    results: list[dict[str, object]] = []
    for number in range(REPOS):
        repo = f"acme/r{number:02}"
        for index, keys in enumerate(_measures(repo, number)):
            measure_keys = {"from": "code", "what": "merged_pull_requests", "repo": repo, **keys}
            name = f"r{number:02}-{index}"
            results.append({"id": name, "title": name, "kind": "output", "target": 1000, "measure": measure_keys})
    return results


def _measures(repo: str, number: int) -> list[dict[str, object]]:
    person = f"person-{number % 40}"
    several = [f"acme/r{(number + step) % REPOS:02}" for step in range(5)]
    return [
        {"take": "count"},
        {"take": "count"},
        {"take": "count", "where": {"base": "main"}},
        {"take": "count", "where": {"label": "bug", "not_author": "dependabot[bot]"}},
        {"take": "count", "where": {"author": [person, "person-1"]}},
        {"take": "sum", "of": "lead_time"},
        {"take": "median", "of": "lead_time", "where": {"base": "main"}},
        {"take": "distinct", "of": "author"},
        {"take": "count", "window": "28d", "where": {"not_label": "docs"}},
        {"take": "count", "repo": several},
    ]


def project(folder: Path, size: int) -> Config:
    """Writes a project of a thousand key results and reads its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    objective = {"id": "all", "title": "All of it", "key_results": key_results()}
    mapping = {"period": {"start": "2026-10-01", "end": "2026-12-31", "id": "2026-Q4"}, "objectives": [objective]}
    (folder / "okrs.yaml").write_text(json.dumps(mapping), encoding="utf-8")
    (folder / "syncd.yaml").write_text(_PROJECT.format(size=size, now=NOW.isoformat()), encoding="utf-8")
    return load_config(folder / "syncd.yaml")


def filled(config: Config, size: int) -> tuple[Ledger, list[PullResult], int]:
    """The ledger with so many records, as a cycle that pulled them would have left it."""
    ledger = open_ledger(config.ledger_url())
    assert ledger is not None
    cycle = ledger.cycles.begin(NOW)
    rng = random.Random(size)
    outcomes = []
    streams = sorted(needed_streams("code", config.periods).items())
    each = size // len(streams)
    for key, stream in streams:
        number = ledger.streams.add("code", key, NOW)
        ledger.streams.restart(number, stream)
        with ledger.engine.begin() as connection:
            rows = [_row(rng, number, cycle, at, at / each) for at in range(each)]
            connection.execute(insert(records), rows)
        ledger.streams.pulled(cycle, [Ending(number, NOW, "complete")])
        outcomes.append(_outcome(number, stream, each))
    return ledger, outcomes, cycle


def _outcome(number: int, stream: Stream, changed: int) -> PullResult:
    return PullResult(Pull("code", stream, number, None, census=False), "complete", None, 1, changed)


def _row(rng: random.Random, stream: int, cycle: int, number: int, share: float) -> dict[str, object]:
    made = NOW - timedelta(days=730) * (1 - share)
    took = rng.uniform(0.1, 3)
    done = made + timedelta(days=took) if number % 10 else None
    title = f"Change number {number} to how things are done"
    fields: dict[str, object] = {
        "author": [rng.choice(_PEOPLE)],
        "base": ["main" if number % 12 else "release"],
        "draft": ["false"],
        "label": rng.sample(["bug", "docs", "search", "web"], rng.randint(0, 2)),
        "milestone": [],
        "number": [number],
        "title": [title],
    }
    if done is not None:
        fields["lead_time"] = [took]
    return {
        "stream": stream,
        "id": f"PR_{stream:04x}{number:08x}",
        "cycle": cycle,
        "until": None,
        "digest": "",
        "kind": "pull request",
        "label": f"acme/r{stream}#{number}",
        "title": title,
        "url": f"https://github.example/acme/r{stream}/pull/{number}",
        "updated_at": done or made,
        "created_at": made,
        "done_at": done,
        "not_done": None if done else "open",
        "fields": fields,
    }


_PEOPLE = [f"person-{number}" for number in range(40)] + ["dependabot[bot]"]


def measured(folder: Path, size: int) -> dict[str, float]:
    """Seconds for measuring over a ledger just opened (cold), for committing its values, and for both once more."""
    config = project(folder, size)
    ledger, outcomes, cycle = filled(config, size)
    ledger.close()
    (okrs,) = config.periods
    seconds: dict[str, float] = {"records": size}
    for name in ("cold", "again"):
        ledger = open_ledger(config.ledger_url())
        assert ledger is not None
        if name == "again":
            cycle = ledger.cycles.begin(NOW)
            outcomes = [_outcome(outcome.pull.id, outcome.pull.stream, 0) for outcome in outcomes]
        started, worked = time.perf_counter(), time.process_time()
        request = CycleRequest(config, ledger, lambda: NOW, RetryPolicy())
        measured = measure(request, Pulled(cycle, NOW, [okrs], outcomes))
        results = {name: (measurement.definition, measurement.value) for name, measurement in measured.items()}
        seconds[name] = time.perf_counter() - started
        seconds[f"{name} CPU"] = time.process_time() - worked
        assert all(value.number is not None for _, value in results.values())
        started = time.perf_counter()
        ledger.values.commit(cycle, NOW, {}, results)
        seconds[f"{name} commit"] = time.perf_counter() - started
        ledger.close()
    return seconds


if __name__ == "__main__":
    print(json.dumps([measured(Path(sys.argv[1]) / str(size), size) for size in SIZES]))
