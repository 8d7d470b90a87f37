"""The truth follows the company: its demo values, its verdicts, and what each kind of change does to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from syncd.sandbox import DEMO_NOW, World
from syncd.sandbox.sheets.workbook import Cell
from syncd.sandbox.story import build
from syncd.sandbox.story.numbers import CUSTOMER_BOOK, OKR_BOOK
from syncd.sandbox.truth.figures import truth

DEMO = {
    "calls": (1092, 0.18, "off_track"),
    "deflection": (68, 0.4, "at_risk"),
    "dead-ends": (23, 0.5833, "on_track"),
    "articles": (33, 0.825, "on_track"),
    "search-shipped": (19, 0.76, "on_track"),
    "error-rate": (0.42, 0.8667, "on_track"),
    "uptime": (99.71, 1, "on_track"),
    "cloud-cost": (1315.8, 0.614, "on_track"),
    "checkout-releases": (8, 0.6667, "on_track"),
    "reliability-bugs": (13, 0.325, "off_track"),
    "incident-p90": (5, 0.6, "on_track"),
    "contributors": (4, 0.3333, "off_track"),
    "checkout-deployed": (26, 0.65, "on_track"),
    "customers": (73, 0.5615, "on_track"),
    "launch-conversion": (3.6, 0.6667, "on_track"),
    "satisfaction": (None, None, "unknown"),
    "renewals": (1050.5, 0.62625, "on_track"),
    "mobile-releases": (0, 0, "off_track"),
}


@pytest.fixture
def world() -> World:
    return build(7, DEMO_NOW)


def value(world: World, id: str, at: datetime | None = None) -> Any:
    return truth(world, at)["key_results"][id]["value"]


def verdicts(world: World, at: datetime | None = None) -> dict[tuple[str, str], str]:
    return {(link["output"], link["outcome"]): link["verdict"] for link in truth(world, at)["alignment"]}


@pytest.mark.parametrize("seed", [7, 8, 2026])
def test_demo_values_are_the_same_for_every_seed(seed: int) -> None:
    results = truth(build(seed, DEMO_NOW))["key_results"]
    for name, (number, progress, health) in DEMO.items():
        result = results[name]
        assert (result["value"], result["health"]) == (pytest.approx(number), health), name
        assert result["progress"] == pytest.approx(progress, abs=1e-4), name
    assert results["lead-time"]["progress"] < 0
    assert results["lead-time"]["health"] == "off_track"
    assert results["story-points"]["expected"] == 0
    assert results["story-points"]["health"] == "on_track"
    assert results["calls"]["expected"] == pytest.approx(0.5592, abs=1e-4)


def test_links_have_the_verdicts_of_the_story(world: World) -> None:
    assert verdicts(world) == {
        ("articles", "calls"): "watermelon",
        ("search-shipped", "calls"): "too_early",
        ("checkout-releases", "error-rate"): "working",
        ("reliability-bugs", "uptime"): "unexplained",
        ("story-points", "lead-time"): "too_early",
        ("contributors", "lead-time"): "under_delivered",
        ("checkout-deployed", "incident-p90"): "working",
        ("mobile-releases", "customers"): "unexplained",
        ("mobile-releases", "satisfaction"): "unknown",
    }
    since = {link["output"]: link["since"] for link in truth(world)["alignment"]}
    assert (since["articles"], since["search-shipped"]) == ("2026-10-12", "2026-11-16")
    assert since["story-points"] == "2026-10-01"
    assert since["contributors"] is None
    assert since["checkout-deployed"] == "2026-10-19"


def test_objectives_roll_up_their_key_results(world: World) -> None:
    by_id = {objective["id"]: objective for objective in truth(world)["objectives"]}
    assert by_id["self-service"]["score"] == pytest.approx(0.18)
    assert by_id["self-service"]["activity"] == pytest.approx((0.825 + 0.76) / 2)
    assert by_id["checkout"]["score"] == pytest.approx(0.614)
    assert by_id["checkout"]["health"] == "at_risk"
    assert by_id["delivery"]["score"] == pytest.approx(0.3)
    assert by_id["growth"]["coverage"] == {"known": 3, "of": 4}


def test_health_is_unknown_before_the_start_and_expected_is_whole_after_the_end(world: World) -> None:
    before = truth(world, datetime(2026, 9, 30, 21, 59, 59, tzinfo=UTC))["key_results"]
    assert {key_result["health"] for key_result in before.values()} == {"unknown"}
    first = truth(world, datetime(2026, 9, 30, 22, tzinfo=UTC))["key_results"]
    assert (first["articles"]["value"], first["search-shipped"]["value"]) == (1, 1)
    after = truth(world, datetime(2027, 1, 10, tzinfo=UTC))["key_results"]
    assert {key_result["expected"] for key_result in after.values()} == {1}
    assert (after["articles"]["value"], after["articles"]["health"]) == (33, "at_risk")
    assert after["calls"] == {"value": 950, "progress": pytest.approx(250 / 600), "score": pytest.approx(250 / 600),
                              "expected": 1, "health": "unknown"}  # fmt: skip
    assert after["cloud-cost"]["value"] == 1315.8
    assert after["uptime"]["value"] is None


def test_end_is_exclusive(world: World) -> None:
    for moment in (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)):
        pull = world.github.add_pull("acme/search", at=moment - timedelta(days=1))
        world.github.merge_pull("acme/search", pull.number, at=moment)
    assert value(world, "search-shipped", datetime(2027, 1, 10, tzinfo=UTC)) == 20


def test_verdict_is_too_early_until_the_lag_has_passed(world: World) -> None:
    world.sheets.set_cell(OKR_BOOK, "Support", "C14", None)
    last_day_of_grace = datetime(2026, 11, 29, 22, tzinfo=UTC)
    assert verdicts(world, last_day_of_grace)["search-shipped", "calls"] == "too_early"
    assert verdicts(world, last_day_of_grace + timedelta(hours=2))["search-shipped", "calls"] == "watermelon"


def test_values_follow_changes_on_github(world: World) -> None:
    code = world.github
    pull = code.add_pull("acme/search")
    assert value(world, "search-shipped") == 19
    code.merge_pull("acme/search", pull.number)
    assert value(world, "search-shipped") == 20
    issue = code.add_issue("acme/checkout", labels=["reliability"])
    code.close_issue("acme/checkout", issue.number, "not_planned")
    assert value(world, "reliability-bugs") == 13
    code.reopen_issue("acme/checkout", issue.number)
    code.close_issue("acme/checkout", issue.number)
    assert value(world, "reliability-bugs") == 14
    code.unlabel("acme/checkout", issue.number, "reliability")
    assert value(world, "reliability-bugs") == 13
    code.label("acme/checkout", issue.number, "bug")
    code.transfer_issue("acme/checkout", issue.number, "acme/mobile")
    assert value(world, "reliability-bugs") == 13
    code.publish_release("acme/checkout", "v3.0.0")
    assert value(world, "checkout-releases") == 9
    code.rename_repo("acme/infra", "platform")
    assert value(world, "lead-time") is not None


def test_a_change_counts_when_a_deployment_to_production_contains_it(world: World) -> None:
    code = world.github
    assert value(world, "checkout-deployed", datetime(2026, 10, 6, 16, 6, tzinfo=UTC)) == 0
    assert value(world, "checkout-deployed", datetime(2026, 10, 6, 16, 7, tzinfo=UTC)) == 4
    pull = code.add_pull("acme/checkout")
    code.merge_pull("acme/checkout", pull.number)
    code.deploy("acme/checkout", environment="staging")
    code.deploy("acme/checkout", state="failure")
    assert value(world, "checkout-deployed") == 26
    code.deploy("acme/checkout")
    assert value(world, "checkout-deployed") == 28  # and another that waited since 17 November


def test_a_week_of_searches_counts_on_its_monday(world: World) -> None:
    monday = datetime(2026, 11, 15, 23, tzinfo=UTC)
    assert value(world, "dead-ends", monday - timedelta(seconds=1)) == 24
    assert value(world, "dead-ends", monday) == 23
    assert value(world, "dead-ends", datetime(2026, 10, 4, 21, 59, tzinfo=UTC)) is None  # that week began in September


def test_values_follow_changes_in_jira(world: World) -> None:
    tickets = world.jira
    key = tickets.create("KB", "Article").key
    tickets.resolve(key)
    assert value(world, "articles") == 33  # resolved, but not Done
    tickets.transition(key, "Done")
    assert value(world, "articles") == 34
    tickets.reopen(key)
    assert value(world, "articles") == 33
    tickets.transition(key, "Done")
    key = tickets.move(key, "OPS")
    assert value(world, "articles") == 33
    tickets.delete(tickets.move(key, "KB"))
    assert value(world, "articles") == 33


def test_values_follow_changes_in_sheets(world: World) -> None:
    sheets = world.sheets
    sheets.set_cell(OKR_BOOK, "Support", "C11", None)
    assert value(world, "calls") == 1110  # a blank is no reading
    sheets.set_cell(OKR_BOOK, "Support", "C11", "#REF!")
    assert value(world, "calls") is None  # an error is a reading without a number
    sheets.set_cell(OKR_BOOK, "Support", "C11", 0.0)
    assert value(world, "calls") == 0
    assert truth(world)["key_results"]["calls"]["health"] == "done"
    sheets.append_row(CUSTOMER_BOOK, "Customers", [date(2026, 11, 20), "DE", 4231.0])
    assert value(world, "customers") == 100
    sheets.set_cell(OKR_BOOK, "Survey", "B3", Cell(75.0))
    assert value(world, "satisfaction") == 74.5


def test_health_is_unknown_ten_days_after_the_last_reading(world: World) -> None:
    world.sheets.set_cell(OKR_BOOK, "Support", "A12", date(2026, 12, 30))
    fresh, stale = (truth(world, datetime(2026, 11, 25, 23, 0, second, tzinfo=UTC)) for second in (0, 1))
    assert fresh["key_results"]["calls"]["health"] == "off_track"
    assert stale["key_results"]["calls"] == {**fresh["key_results"]["calls"], "health": "unknown",
                                            "expected": stale["key_results"]["calls"]["expected"]}  # fmt: skip


def test_when_pull_requests_were_deployed_is_told_for_repositories_that_deploy(world: World) -> None:
    assert truth(world)["delivered"].keys() == {"acme/checkout"}
    first = min(world.github.repo("acme/mobile").items)
    world.github.deploy(
        "acme/mobile", at=datetime(2026, 10, 20, tzinfo=UTC), done=datetime(2026, 10, 20, 1, tzinfo=UTC)
    )
    times = truth(world)["delivered"]["acme/mobile"]
    assert times == {str(first): "2026-10-20T01:00:00Z", str(first + 1): None, str(first + 2): None}
