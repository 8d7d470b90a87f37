"""An edit names the key of the mapping file, with its old and its new value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from syncd.explain.definition_keys import key_changes
from syncd.explain.edit import Edit
from syncd.ledger.definitions import definition
from syncd.okr.goals import Band, KeyResult, Link, Milestone, Milestones, Shares, Steps, Target
from syncd.okr.measures import Filter, FormulaMeasure, ReadingMeasure, RecordMeasure
from syncd.okr.plausible import Plausible
from syncd.okr.spans import Period, Window

PERIOD = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), ZoneInfo("Europe/Berlin"))
PULLS = RecordMeasure("code", ("pulls of acme/search",), filters=(Filter("base", ("main",)),))
CALLS = ReadingMeasure("numbers", "1AbC", '{"series":{"dates":"Support!A2:A","values":"Support!C2:C"}}')
KR = KeyResult("calls", "Fewer calls", "outcome", Target(600.0, 1200.0), PULLS)
END = datetime(2026, 10, 31, 23, tzinfo=UTC)


def changed(old: KeyResult, new: KeyResult) -> dict[str, tuple[Any, Any]]:
    bodies = [orjson.loads(orjson.dumps(definition(kr, PERIOD, Shares(), "a.yaml").body)) for kr in (old, new)]
    return {key: (before, after) for key, before, after in key_changes(*bodies)}


def filtered(*filters: Filter) -> KeyResult:
    return replace(KR, measure=replace(PULLS, filters=filters))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (KR, KR, {}),
        (KR, replace(KR, goal=Target(700.0, 1200.0)), {"target": (600, 700)}),
        (KR, replace(KR, goal=Target(600.0)), {"baseline": (1200, None)}),
        (KR, replace(KR, goal=Target(600.0, 1200.0, commit=800.0)), {"levels.commit": (None, 800)}),
        (
            KR,
            replace(KR, goal=Band(at_most=5.0)),
            {"target": (600, None), "baseline": (1200, None), "keep.at_most": (None, 5)},
        ),
        (
            replace(KR, goal=Milestones((Milestone("draft", 1.0),))),
            replace(KR, goal=Milestones((Milestone("draft", 1.0, weight=2.0),))),
            {"milestones.1.weight": (None, 2)},
        ),
        (
            KR,
            replace(KR, pace=Steps(((END, 900.0),))),
            {"pace.steps.1": (None, "900 before 2026-10-31T23:00:00+00:00")},
        ),
        (replace(KR, pace="end"), KR, {"pace": ("end", None)}),
        (KR, replace(KR, stale_after=timedelta(hours=36)), {"stale_after": (None, "36h")}),
        (
            replace(KR, drives=(Link("uptime"),)),
            replace(KR, drives=(Link("uptime", timedelta(weeks=2)), Link("nps"))),
            {"drives.uptime.lag": ("0d", "14d"), "drives.nps.lag": (None, "0d")},
        ),
        (KR, replace(KR, plausible=Plausible(at_least=1.0)), {"plausible.at_least": (None, 1)}),
        (KR, filtered(Filter("base", ("release",))), {"measure.where.base": ("main", "release")}),
        (
            KR,
            filtered(Filter("base", ("main", "release")), Filter("author", ("bot",), negated=True)),
            {"measure.where.base": ("main", ["main", "release"]), "measure.where.not_author": (None, "bot")},
        ),
        (
            KR,
            filtered(Filter("base", ("main",)), Filter("lead_time", at_most=3.0)),
            {"measure.where.lead_time_at_most": (None, 3)},
        ),
        (
            KR,
            filtered(Filter("base", ("main",)), Filter("milestone", (None,))),
            {"measure.where.milestone": (None, [None])},
        ),
        (
            KR,
            replace(KR, measure=replace(PULLS, window=Window(days=28), take="median", of="size")),
            {"measure.window": (None, "28d"), "measure.take": (None, "median"), "measure.of": (None, "size")},
        ),
        (
            replace(KR, measure=replace(PULLS, take="sum", of="size")),
            replace(KR, measure=replace(PULLS, take="sum", of="size", else_of=("estimate",))),
            {"measure.of": ("size", ["size", "estimate"])},
        ),
        (
            KR,
            replace(KR, measure=replace(PULLS, connection="forge", streams=("a", "b"))),
            {"measure.from": ("code", "forge"), "measure.streams": ("pulls of acme/search", ["a", "b"])},
        ),
        (
            replace(KR, measure=CALLS),
            replace(KR, measure=replace(CALLS, part=CALLS.part.replace("C2:C", "B2:B"))),
            {"measure.series.values": ("Support!C2:C", "Support!B2:B")},
        ),
        (
            replace(KR, measure=FormulaMeasure("a / b", (("a", PULLS), ("b", CALLS)))),
            replace(KR, measure=FormulaMeasure("a * b", (("a", PULLS), ("b", replace(CALLS, take="first"))))),
            {"measure.formula": ("a / b", "a * b"), "measure.parts.b.take": (None, "first")},
        ),
        (
            replace(KR, guard=KeyResult("calls:guard", "Quality", "outcome", Band(95.0))),
            replace(KR, guard=KeyResult("calls:guard", "Quality", "outcome", Band(90.0))),
            {"guard.keep.at_least": (95, 90)},
        ),
        (
            KR,
            replace(KR, guard=KeyResult("calls:guard", "Quality", "outcome", Band(95.0))),
            {"guard.title": (None, "Quality"), "guard.keep.at_least": (None, 95)},
        ),
    ],
)
def test_edits_name_the_keys_of_the_mapping_file(
    old: KeyResult, new: KeyResult, expected: dict[str, tuple[Any, Any]]
) -> None:
    assert changed(old, new) == expected


def test_what_follows_from_the_connection_is_no_edit_and_makes_no_other_measure() -> None:
    """Yet the definition differs, so that the first cycle of a version that compares otherwise measures again."""
    now = filtered(Filter("base", ("main",), ignores_case=True, zone="Europe/Berlin"))
    now = replace(now, measure=replace(now.measure, of_ignores_case=True))
    assert changed(KR, now) == {}
    old, new = (definition(kr, PERIOD, Shares(), "a.yaml") for kr in (KR, now))
    assert old.measure == new.measure
    assert old.digest != new.digest
    assert new.key_result(None) == now


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (600.0, 700.5, "target: 600 → 700.5"),
        (None, ["main", None], "target: none → main or none"),
        (True, "x", "target: true → x"),
    ],
)
def test_an_edit_has_a_text(old: object, new: object, text: str) -> None:
    assert str(Edit(END, "a.yaml", "target", old, new)) == text
