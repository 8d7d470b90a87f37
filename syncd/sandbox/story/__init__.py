"""The story of a small company, acme: its fourth quarter of 2026, up to Saturday 21 November, 10:15 in Berlin.

`build(seed)` makes the same company for the same seed. The seed determines names, hours and noise. The seed does not
affect the values of the example key results, such as 33 articles, 19 changes to search, and 1,092 calls.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

from syncd.sandbox.story import apps, code, numbers, tickets, warehouse
from syncd.sandbox.world import World

DEMO_NOW = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)
"""21 November 2026, 10:15 in Berlin: the last moment of the story."""


def build(seed: int = 7, now: datetime | None = None) -> World:
    """The company with all its data. `now` is the fixed time of the company's clock; if None, the machine's clock is
    used.
    """
    # ruff: noqa: S311 - the same seed must give the same story, so the generator is not cryptographic
    world = World(now)
    code.write(world.github, random.Random(f"{seed} code"))
    apps.write(world.gitlab)
    tickets.write(world.jira, world.jira_dc, random.Random(f"{seed} tickets"))
    numbers.write(world, random.Random(f"{seed} numbers"))
    warehouse.write(world, random.Random(f"{seed} warehouse"))
    return world


def write_files(folder: Path | str, seed: int = 7) -> list[Path]:
    """Writes the files for the connections `local` and `warehouse` of the example mappings."""
    target, world = Path(folder), build(seed, DEMO_NOW)
    target.mkdir(parents=True, exist_ok=True)
    costs = target / "costs.csv"
    costs.write_text(numbers.costs_csv(world.costs), encoding="utf-8")
    database = target / "warehouse.db"
    warehouse.write_database(database, world.searches)
    return [costs, database]
