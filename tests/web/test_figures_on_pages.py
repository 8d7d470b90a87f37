"""Every figure on a page is that of `status --json`, of `explain --json`, and of the sandbox's own truth."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from serving_stories import Site
from waiting import HANG

from syncd.sandbox import DEMO_NOW
from syncd.sandbox.story import build
from syncd.sandbox.truth.figures import truth

TRUTH = truth(build(7, DEMO_NOW))
NAMES = sorted(TRUTH["key_results"])
_DATA = re.compile(r'<data value="([^"]+)">')


def answer(site: Site, path: str) -> httpx.Response:
    address = httpx.URL(site.address("demo", path))
    return httpx.get(address.copy_with(host="127.0.0.1"), headers={"Host": address.netloc.decode()}, timeout=HANG)


def values_by_row(page: str) -> dict[str, float | None]:
    """The value in the row of each key result."""
    rows = re.findall(r'<tr id="kr-([^"]+)".*?</tr>', page, re.DOTALL)
    cells = [_DATA.search(row) for row in re.findall(r"<tr id=.*?</tr>", page, re.DOTALL)]
    return {name: float(cell[1]) if cell else None for name, cell in zip(rows, cells, strict=True)}


def test_home_has_the_figures_of_status_and_of_the_truth(site: Site) -> None:
    page, document = answer(site, "/").text, answer(site, "/api/status").json()
    lines: list[dict[str, Any]] = [line for block in document["objectives"] for line in block["key_results"]]
    on_page = values_by_row(page)
    assert on_page == {line["id"]: line["value"] for line in lines}
    assert sorted(on_page) == NAMES
    for name, value in on_page.items():
        assert value == pytest.approx(TRUTH["key_results"][name]["value"]), name


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", NAMES)
def test_key_result_has_the_figure_of_explain_and_of_the_truth(site: Site, name: str) -> None:
    page, document = answer(site, f"/key-results/{name}").text, answer(site, f"/api/key-results/{name}").json()
    lead = page.partition('class="number"')[2].partition("</span>")[0]
    figure = _DATA.search(lead)
    value = float(figure[1]) if figure else None
    assert value == document["value"] == pytest.approx(TRUTH["key_results"][name]["value"])


def test_objectives_have_the_figures_of_status(site: Site) -> None:
    document = answer(site, "/api/status").json()
    for block in document["objectives"]:
        page = answer(site, f"/objectives/{block['id']}").text
        shown = {float(value) for value in _DATA.findall(page)}
        assert {line["value"] for line in block["key_results"]} - {None} <= shown


@pytest.mark.parametrize("days", ["week", "period"])
def test_reviews_have_the_figures_of_their_document(site: Site, days: str) -> None:
    page = answer(site, f"/reviews/{days}").text
    document = answer(site, f"/api/review?of={days}").json()
    lines = [line for block in document["objectives"] for line in block["key_results"]]
    own = re.findall(r'href="/key-results/([^"]+)" dir="auto">(?:(?!</li>).)*?<data value="([^"]+)">', page, re.DOTALL)
    others = re.findall(r'([\w-]+) <data value="([^"]+)">', page)
    on_page = {name: float(value) for name, value in [*own, *others] if name in NAMES}
    assert on_page == {line["id"]: line["value"] for line in lines if line["value"] is not None}
