"""Every page in every state: readable by everybody, quiet, never wider than its window, and printable."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from looking import looking
from playwright.sync_api import Browser
from serving_stories import Site

PHONE = 360
CELLS = (390, 768, 1440)
"""Widths of windows in which each cell of a table holds its content."""
PAGES = {
    "demo": (
        "/",
        "/?owner=support&health=off_track",
        "/?q=nothing+like+it",
        "/objectives/self-service",
        "/objectives/growth",
        "/key-results/calls",
        "/key-results/calls?tab=history",
        "/key-results/calls?tab=definition",
        "/key-results/calls?at=2026-11-10",
        "/key-results/search-shipped",
        "/key-results/satisfaction",
        "/key-results/uptime",
        "/sources",
        "/reviews/week",
        "/reviews/period",
        "/reviews/week?present=1",
        "/reviews/week?present=2",
        "/reviews/period?present=6",
        "/key-results/story-points?range=28d&by=week&find=web",
        "/styleguide",
        "/nothing",
        "/key-results/nothing",
        "/key-results/calls?at=yesterday",
    ),
    "first-start": ("/", "/objectives/growth", "/key-results/calls", "/reviews/week", "/sources"),
    "no-period": ("/",),
    "unknown": ("/", "/objectives/growth", "/key-results/renewals", "/reviews/week"),
    "over": ("/", "/reviews/period", "/key-results/renewals", "/key-results/renewals?range=28d"),
    "troubled": (
        "/",
        "/objectives/service",
        "/key-results/calls",
        "/key-results/articles?tab=history",
        "/key-results/articles?tab=definition",
        "/key-results/backlog",
        "/key-results/errors",
        "/key-results/trust",
        "/sources",
        "/reviews/week",
    ),
    "german": (
        "/",
        "/objectives/lieferung",
        "/key-results/bearbeitungszeit-schadenersatzforderungen",
        "/reviews/week",
        "/sources",
    ),
    "many": ("/", "/objectives/o3"),
    "failing": ("/",),
    "silent": ("/",),
    "closed": ("/",),
    "teams": ("/", "/w/search/", "/w/search/key-results/search-calls", "/w/search/reviews/week", "/w/nothing/"),
    "new-teams": ("/", "/w/alpha/"),
    "login": ("/login?next=/sources", "/logged-out"),
}
STATUS = {
    ("demo", "/nothing"): 404,
    ("demo", "/key-results/nothing"): 404,
    ("demo", "/key-results/calls?at=yesterday"): 400,
    ("no-period", "/"): 404,
    ("failing", "/"): 500,
    ("silent", "/"): 503,
    ("teams", "/w/nothing/"): 404,
}
"""What is answered; all other pages are 200."""
ADDRESSES = [(story, path) for story, paths in PAGES.items() for path in paths]
IN_EVERY_RUN = {
    ("demo", "/"), ("demo", "/objectives/self-service"), ("demo", "/key-results/calls"),
    ("demo", "/key-results/calls?at=2026-11-10"), ("demo", "/reviews/week"), ("demo", "/reviews/week?present=1"),
    ("demo", "/styleguide"), ("teams", "/"), ("login", "/login?next=/sources"),
    ("troubled", "/"), ("troubled", "/key-results/articles?tab=history"), ("troubled", "/sources"),
}  # fmt: skip
"""Pages of each kind, among them the style guide with every part. The nightly run looks at all others too."""
SHOWN_ELSEWHERE = {*ADDRESSES} - IN_EVERY_RUN
"""Pages whose parts and states those of the gate have too."""


def test_pages_of_every_run_are_pages() -> None:
    assert {*ADDRESSES} > IN_EVERY_RUN


def windows() -> Iterator[object]:
    """Each page in a window of the gate; nightly also in others."""
    yield pytest.param(1440, "light", id="1440-light")
    for width in (390, 768, 1440, 2560):
        for theme in ("light", "dark"):
            if (width, theme) != (1440, "light"):
                yield pytest.param(width, theme, id=f"{width}-{theme}", marks=pytest.mark.nightly)


@pytest.mark.parametrize(("width", "theme"), [*windows()])
@pytest.mark.parametrize(
    ("story", "path"),
    [pytest.param(*each, marks=[pytest.mark.nightly] if each in SHOWN_ELSEWHERE else []) for each in ADDRESSES],
)
def test_page_has_no_fault(site: Site, browser: Browser, story: str, path: str, width: int, theme: str) -> None:
    with looking(browser, site.address(story, path), width=width, theme=theme) as look:
        assert look.status == STATUS.get((story, path), 200)
        look.keep_picture(f"{story}{path.replace('/', '_').replace('?', '.')}-{width}-{theme}")
        assert look.faults() == []
        assert {narrow: look.wider_than(narrow) for narrow in (width, PHONE)} == {width: 0, PHONE: 0}
        assert {cells: look.out_of_cells(cells) for cells in CELLS} == {cells: [] for cells in CELLS}


KEYBOARD = [("demo", "/key-results/calls"), ("troubled", "/sources")]


@pytest.mark.parametrize(
    ("story", "path"),
    [
        *KEYBOARD,
        *(pytest.param(*each, marks=pytest.mark.nightly) for each in ADDRESSES if each not in KEYBOARD),
    ],
)
def test_keyboard_reaches_everything_with_a_visible_ring(site: Site, browser: Browser, story: str, path: str) -> None:
    with looking(browser, site.address(story, path)) as look:
        assert look.unreached() == []


SHEETS = {("demo", "/"): 3, ("demo", "/key-results/calls"): 1, ("troubled", "/sources"): 1, ("many", "/"): 8}


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("story", "path"), SHEETS)
def test_page_prints_on_its_sheets_of_a4_and_cuts_nothing_off(
    site: Site, browser: Browser, story: str, path: str
) -> None:
    with looking(browser, site.address(story, path)) as look:
        assert look.printed() == SHEETS[story, path]
        look.page.emulate_media(media="print")
        assert look.wider_than(718) == 0  # pixels between the margins of A4
