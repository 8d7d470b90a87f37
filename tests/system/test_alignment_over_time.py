"""Verdicts with their evidence, for the company of the demo, as people see them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from projects import NOW, Project
from starlette.types import ASGIApp

from syncd.config import load_config
from syncd.sandbox import Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK
from syncd.service import LedgerReader
from syncd.web import make_app

# Checked by eye: docs/decisions/0020-alignment-over-time.md has the table.
TRENDS = {
    ("articles", "calls"): ("watermelon", "right_way", 7, 3),
    ("search-shipped", "calls"): ("too_early", "right_way", 7, 0),
    ("checkout-releases", "error-rate"): ("working", "too_little_data", 0, 0),  # the first sync has no past of it
    ("reliability-bugs", "uptime"): ("unexplained", "inside", 7, 0),
    ("story-points", "lead-time"): ("too_early", "flat", 7, 0),
    ("contributors", "lead-time"): ("under_delivered", "flat", 7, 0),
    ("checkout-deployed", "incident-p90"): ("working", "flat", 7, 4),
    ("mobile-releases", "customers"): ("unexplained", "right_way", 5, 0),
    ("mobile-releases", "satisfaction"): ("unknown", "too_little_data", 0, 0),
}


def links(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(link["output"], link["outcome"]): link for block in document["objectives"] for link in block["alignment"]}


def objectives(text: str, document: dict[str, Any]) -> list[str]:
    """The ids of the objectives, in the order in which a text has their titles."""

    def place(objective: dict[str, Any]) -> int:
        return text.index(objective["title"].replace("'", "&#39;"))

    return [objective["id"] for objective in sorted(document["objectives"], key=place)]


async def page_of(app: ASGIApp) -> str:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        return (await client.get("/")).text


@pytest.mark.nightly
@pytest.mark.synced
def test_every_link_of_the_example_has_its_trend(project: Project) -> None:
    by_name = links(project.status())
    assert {
        name: (link["verdict"], link["trend"]["direction"], link["trend"]["weeks"], link["trend"]["settled"])
        for name, link in by_name.items()
    } == TRENDS
    watermelon = by_name["articles", "calls"]
    assert watermelon["verdict_since"] == "2026-11-21"
    assert -20 < watermelon["trend"]["low"] < watermelon["trend"]["per_week"] < watermelon["trend"]["high"] < -10
    assert watermelon["trend"]["reason"] == "of all 7 weeks: since the work can have shown, 3 weeks have a number"
    assert "articles +29 since 12 Oct; calls fell by 15.8 a week (14 to 18)" in watermelon["why"]


def test_sync_prints_changed_verdicts_with_the_watermelon_first(project: Project, box: Sandbox) -> None:
    first = project.run("sync", check=0).stdout
    assert first.startswith("! watermelon  articles is on pace since 12 Oct")
    assert first.count("watermelon") == 1
    assert "too early" not in first  # of links that are new, the watermelons alone
    assert "watermelon" not in project.run("sync", check=0).stdout
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 850)
    again = project.run("sync", check=0).stdout
    assert again.startswith("= working  articles and calls are both on pace.")
    assert "(was watermelon)" in again
    assert max(map(len, again.splitlines())) <= 80


@pytest.mark.synced
def test_objectives_with_a_watermelon_come_first_for_people_and_keep_the_files_order_in_json(project: Project) -> None:
    document = project.status()
    in_files = [objective["id"] for objective in document["objectives"]]
    wanted = ["self-service", *(name for name in in_files if name != "self-service")]
    assert in_files != wanted

    text = project.run("status", check=0).stdout
    assert objectives(text, document) == wanted
    assert max(map(len, text.splitlines())) <= 80

    config = load_config(project.folder / "syncd.yaml")
    reader = LedgerReader(config.path, config)
    page = asyncio.run(page_of(make_app(reader)))
    health = {objective["id"]: objective["health"] for objective in document["objectives"]}
    assert objectives(page, document)[0] == "self-service"
    assert [health[name] for name in objectives(page, document)] == ["off_track", "off_track", "at_risk", "on_track"]
    assert page.index("! watermelon</b>") < page.index("too early</b>")
    assert "calls is falling by 15.8 a week" in page


@pytest.mark.synced
def test_explain_shows_both_series_side_by_side(project: Project) -> None:
    text = project.run("explain", "articles", check=0).stdout
    section = text[text.index("alignment articles → calls") :]
    assert "verdict   ! watermelon since 21 Nov" in section
    assert "lag       3 weeks, articles on pace since 12 Oct" in section
    assert "trend     moving the right way: -15.83 a week, 95 % interval -18 to -14" in section
    assert "  20 Nov                33       +5            1,092      -18" in section
    assert max(map(len, section.splitlines())) <= 80
    of_calls = json.loads(project.run("explain", "calls", "--json", check=0).stdout)["alignment"]
    assert [link["output"] for link in of_calls] == ["articles", "search-shipped"]
    assert of_calls[0]["weeks"][-1] == {"first": "2026-11-14", "last": "2026-11-20", "output": 33.0, "outcome": 1092.0}
    assert json.loads(project.run("explain", "renewals", "--json", check=0).stdout)["alignment"] == []


@pytest.mark.nightly
@pytest.mark.synced
def test_a_verdict_keeps_its_first_day_while_it_lasts(project: Project) -> None:
    project.edit("syncd.yaml", NOW.isoformat(), (NOW + timedelta(days=3)).isoformat())
    project.run("sync", check=0)
    link = links(project.status())["articles", "calls"]
    assert (link["verdict"], link["verdict_since"]) == ("watermelon", "2026-11-21")
