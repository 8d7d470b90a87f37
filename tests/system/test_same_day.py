"""Every command says the same of the same day, whatever was edited, failed or approved before and since.

A past day is judged at its end, the midnight that follows it: by what syncd had learnt before, and by the definitions,
shares and period that were in force then. Today is as it is now. A few stories in each test run, always the same ones;
many, and new ones, with HYPOTHESIS_PROFILE=nightly.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from copy import copy
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from answers import answers_of, disagreements
from examples import NIGHTLY
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stories import (
    Approve,
    Cell,
    CheckIn,
    Come,
    Edit,
    Fail,
    Leave,
    Mend,
    PeriodOkrs,
    Rename,
    Row,
    Step,
    Story,
    Sync,
    Withdraw,
    guard,
    measure,
    play,
    series,
)

LENIENT = Edit("settings", "health", {"on_track": 0.5, "at_risk": 0.3})
STRICT = Edit("settings", "health", {"on_track": 1.0, "at_risk": 0.9})

STORIES: dict[str, Story] = {
    "goals, weights and lags are edited": [
        [],
        [Row("2"), Cell("shipped", "9"), CheckIn("mood", 5), Sync()],
        [Edit("calls", "weight", 3), Edit("mood", "kind", "output"), Edit("calls", "target", 5), Sync()],
        [
            Edit("shipped", "lag", "5d"),
            Edit("calls", "confidence", 0.5),
            Edit("uptime", "keep", {"at_least": 5}),
            Sync(),
        ],
    ],
    "the period is edited": [[], [Row("2"), Sync()], [Edit("period", "end", "2026-11-05"), Sync()], []],
    "the time zone is edited": [[], [Row("2"), Sync()], [Edit("settings", "timezone", "Asia/Tokyo"), Sync()], []],
    "days are cut in another time zone than then": [
        [],
        [Mend(), Mend(), Mend(), Sync()],  # when it is midnight in Tokyo already
        [Edit("settings", "timezone", "Asia/Tokyo")],
    ],
    "a lag passes and the period ends": [
        [Edit("period", "end", "2026-10-22"), Edit("mood", "pace", "end")],
        [Row("1"), Cell("shipped", "9"), CheckIn("mood", 5, "10h"), Sync()],
        [],
        [],
    ],
    "one key result alone is synced": [
        [],
        [Row("2"), Sync()],
        [LENIENT, Sync("shipped")],
        [Sync("calls")],
        [Edit("calls", "target", 5), Sync()],
    ],
    "definitions are edited before there is a value": [
        [Leave("uptime")],
        [],
        [Sync()],
        [Edit("calls", "pace", "end"), Edit("mood", "pace", "end"), Edit("mood", "guard", guard(5)), Sync()],
        [Come("uptime"), Sync()],
    ],
    "a measure is removed": [[], [Row("2"), Sync()], [Edit("calls", "measure", None), Sync()], []],
    "a guard is edited and only a check-in meets it": [
        [],
        [CheckIn("mood", 5), Edit("mood", "guard", guard(5)), Sync()],
        [Edit("mood", "guard", guard(0)), CheckIn("mood", 6)],
        [],
    ],
    "ids are renamed": [
        [],
        [Row("2"), Cell("shipped", "9"), CheckIn("mood", 5), Sync()],
        [Rename("calls"), Rename("shipped"), Row("4"), CheckIn("mood", 6)],
        [Rename("mood"), Rename("period"), Edit("calls", "target", 5), Sync()],
        [Sync("calls")],
    ],
    "the roll-up is edited": [
        [Edit("objective", "rollup", "all"), Sync()],
        [Row("2"), Cell("shipped", "9"), CheckIn("mood", 5), Sync()],
        [Edit("objective", "rollup", "weakest"), Sync()],
        [Leave("mood"), Edit("objective", "rollup", None), Sync()],
    ],
    "check-ins are withdrawn or of a past day": [
        [],
        [CheckIn("mood", 5), Sync()],
        [CheckIn("mood", 9), CheckIn("calls", 3)],
        [CheckIn("mood", 7, days_ago=2), Withdraw("mood"), Withdraw("calls"), Sync()],
        [Withdraw("mood"), Withdraw("mood"), Sync()],
    ],
    "the plan is edited before its period": [
        [Sync(), Edit("calls", "target", 5), Edit("objective", "rollup", "all"), Sync()],
        [Row("2"), Edit("calls", "target", 20), Sync()],
        [],
    ],
    "a check-in expires before an older one": [
        [],
        [CheckIn("mood", 5, "5d"), Sync()],
        [CheckIn("mood", 8, "10h"), CheckIn("calls", 8, "10h")],
        [Sync()],
    ],
    "the files are edited and not synced": [
        [],
        [Row("2"), Sync()],
        [STRICT, Edit("calls", "target", 5), Edit("uptime", "measure", measure("cells.csv", cell="A1"))],
    ],
}
"""Of each kind of disagreement that there was, a story that shows it."""

EDITS = [
    Edit(of, key, value)
    for of, key, values in (
        ("settings", "health", [LENIENT.to, STRICT.to, {"on_track": 0.9, "at_risk": 0.7}]),
        ("settings", "timezone", ["Europe/Berlin", "UTC", "Asia/Tokyo", "America/New_York"]),
        ("period", "start", ["2026-10-20", "2026-10-21", "2026-10-22"]),
        ("period", "end", ["2026-10-23", "2026-10-25", "2026-10-27", "2026-11-05"]),
        ("calls", "target", [5, 10, 20]),
        ("calls", "baseline", [0, 2, None]),
        ("calls", "pace", ["end", None]),
        ("calls", "weight", [3, None]),
        ("calls", "stale_after", ["1d", "36h", None]),
        ("calls", "plausible", [{"jump": 2}, {"at_most": 6}, None]),
        ("calls", "measure", [series(), series("sum"), series("average"), None]),
        ("uptime", "keep", [{"at_least": 3}, {"at_least": 5}]),
        ("uptime", "stale_after", ["12h", "1d", None]),
        ("mood", "target", [5, 10]),
        ("mood", "stale_after", ["1d", "2d", None]),
        ("mood", "measure", [measure("cells.csv", cell="A1"), None]),
        ("shipped", "target", [5, 10]),
        ("shipped", "lag", ["0d", "1d", "3d"]),
        ("shipped", "plausible", [{"jump": 2}, None]),
        ("shipped", "measure", [measure("cells.csv", cell="A1"), measure("cells.csv", cell="C1")]),
        ("shipped", "guard", [guard(5), guard(2), None]),
        ("objective", "rollup", ["all", "weakest", None]),
    )
    for value in values
]
KEY_RESULTS = ("calls", "uptime", "mood", "shipped")
CONTENTS = st.sampled_from(("0", "1", "2", "3", "4", "6", "8", "10", "12", "", "n/a"))
STEPS: st.SearchStrategy[Step] = (
    st.sampled_from(EDITS)
    | st.just(Sync())
    | st.builds(Sync, st.sampled_from(KEY_RESULTS))
    | st.builds(Row, CONTENTS, st.integers(0, 2))
    | st.builds(Cell, st.sampled_from(("shipped", "guard", "uptime")), CONTENTS)
    | st.builds(
        CheckIn,
        st.sampled_from(KEY_RESULTS),
        st.sampled_from((None, 2, 5, 9)),
        st.sampled_from((None, "12h")),
        st.sampled_from((0, 0, 1, 2)),
    )
    | st.builds(Withdraw, st.sampled_from(KEY_RESULTS))
    | st.builds(Rename, st.sampled_from((*KEY_RESULTS, "period")))
    | st.builds(Fail, st.sampled_from(("calls.csv", "cells.csv")))
    | st.just(Mend())
    | st.just(PeriodOkrs())
    | st.builds(Approve, st.sampled_from(KEY_RESULTS))
    | st.builds(Leave, st.sampled_from(("calls", "mood", "shipped")))
    | st.builds(Come, st.sampled_from(KEY_RESULTS))
)
ENDS: st.SearchStrategy[list[Step]] = st.sampled_from(([Sync()], [Sync()], []))
DAYS = st.builds(lambda steps, end: [*steps, *end], st.lists(STEPS, max_size=3), ENDS)

pytestmark = pytest.mark.unmeasured


@pytest.fixture(scope="module", autouse=True)
def _the_log_stays_as_it_is() -> Iterator[None]:
    """Commands that pull set up the log of the whole process."""
    log = logging.getLogger("syncd")
    before = copy(log.__dict__) | {"handlers": [*log.handlers]}
    yield
    log.__dict__.update(before)


def problems_of(story: Story) -> list[str]:
    with TemporaryDirectory() as folder:
        return [str(disagreement) for disagreement in disagreements(play(story, Path(folder)))]


def test_a_past_day_is_judged_by_the_shares_of_then(tmp_path: Path) -> None:
    project = play([[], [Row("2"), Sync()], [], [LENIENT, Sync()]], tmp_path)
    of_the_22nd = answers_of(project)[date(2026, 10, 22), "calls"]
    health = {command: answer["health"] for command, answer in of_the_22nd.items() if "health" in answer}
    assert health == dict.fromkeys(("review --at", "that midnight", "explain --at", "history"), "at_risk")


OF_EVERY_RUN = {
    "goals, weights and lags are edited", "the period is edited", "one key result alone is synced",
    "definitions are edited before there is a value", "the files are edited and not synced",
    "ids are renamed", "the roll-up is edited", "check-ins are withdrawn or of a past day",
    "the plan is edited before its period",
}  # fmt: skip


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "story",
    [
        pytest.param(story, id=name, marks=[] if name in OF_EVERY_RUN else [pytest.mark.nightly])
        for name, story in STORIES.items()
    ],
)
def test_every_command_says_the_same_of_a_day_when(story: Story) -> None:
    assert problems_of(story) == []


@given(st.lists(DAYS, min_size=3, max_size=9 if NIGHTLY else 5))
@settings(
    max_examples=100 if NIGHTLY else 1,
    phases=list(Phase) if NIGHTLY else [Phase.generate],  # to shorten a story takes minutes
    suppress_health_check=list(HealthCheck),
)
def test_every_command_says_the_same_of_the_same_day(story: Story) -> None:
    assert problems_of(story) == []
