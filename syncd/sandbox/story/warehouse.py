"""The story in the data warehouse: searches in the help pages, as rows of a SQLite file."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from syncd.sandbox.story.numbers import MONDAYS
from syncd.sandbox.story.when import BERLIN, LAST, at, office_hours
from syncd.sandbox.world import Search, World

SEARCHES = 100
"""The number of searches in a week."""

DEAD_ENDS = (31, 30, 30, 29, 28, 27, 26, 25, 24, 23)
"""The number of searches that led to no article, in each week."""

WORDS = ("refund", "invoice", "password", "delivery date", "gift card", "cancel order")


def write(world: World, rng: random.Random) -> None:
    """Adds the searches of each week. Some of the searches are in the week's first and last second."""
    for monday, dead_ends in zip(MONDAYS, DEAD_ENDS, strict=True):
        first = at(f"{monday:%m-%d}", "00:00")
        last = at(f"{monday + timedelta(days=6):%m-%d}", "23:59") + timedelta(seconds=59)
        moments = [office_hours(monday + timedelta(days=number % 5), rng) for number in range(SEARCHES - 2)]
        moments += [first, last if last <= LAST else first]
        without = set(rng.sample(range(SEARCHES), dead_ends))
        for number, moment in enumerate(sorted(moments)):
            opened = None if number in without else f"KB-{rng.randrange(1, 40)}"
            world.searches.append(Search(moment, rng.choice(WORDS), opened))


def write_database(path: Path, searches: list[Search]) -> None:
    """Writes a SQLite file with the table `searches`. Its column `searched_at` has local times."""
    rows = [(f"{search.at.astimezone(BERLIN):%Y-%m-%d %H:%M:%S}", search.words, search.opened) for search in searches]
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")  # the file can be written again at any time
        database.execute("CREATE TABLE searches (id INTEGER PRIMARY KEY, searched_at TEXT, words TEXT, opened TEXT)")
        database.executemany("INSERT INTO searches (searched_at, words, opened) VALUES (?, ?, ?)", rows)
        database.commit()
