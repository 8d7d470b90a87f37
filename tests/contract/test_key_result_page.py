"""The page of a key result: evidence that can be filtered and taken along, and every definition it ever had."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sandbox_project import SandboxProject
from standing_still import browser
from starlette.testclient import TestClient

from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet

TITLES = ["=HYPERLINK(1)", "@sum", "-2+3", "Search is quick", "Search finds names"]
MEASURE = "from: code, repo: acme/web, what: closed_issues, where: {{not_label: {}}}, take: count"


@pytest.fixture
def project(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SandboxProject:
    """Five closed issues count, one has a label that is left out; the target and a filter were edited later."""
    project = SandboxProject(box, tmp_path, monkeypatch)
    for number, title in enumerate([*TITLES, "Search again"]):
        labels = ["question"] if title == "Search again" else []
        day = DEMO_NOW - timedelta(days=20 - number)
        issue = box.world.github.add_issue("acme/web", title, labels=labels, at=day)
        box.world.github.close_issue("acme/web", issue.number, at=day)
    project.measure(MEASURE.format("question"))
    return project


@pytest.fixture
def client(project: SandboxProject) -> TestClient:
    return browser(project.config, project.ledger, project.now)


def rows_of(client: TestClient, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/key-results/kr0/evidence.csv{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def text_of(page: str) -> str:
    page = re.sub(r"</?time[^>]*>", "", page)  # the only elements within sentences
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def test_evidence_as_csv_adds_up_and_names_what_is_left_out(client: TestClient) -> None:
    rows = rows_of(client)
    counted = [row for row in rows if not row["left_out"]]
    assert [row["total"] for row in counted] == ["1", "2", "3", "4", "5"]
    assert sum(float(row["brings"]) for row in counted) == 5
    (left_out,) = [row for row in rows if row["left_out"]]
    assert left_out["title"] == "Search again"
    assert all(row["address"].startswith("http") for row in rows)


def connect_sheets(project: SandboxProject, box: Sandbox) -> None:
    syncd_yaml = project.folder / "syncd.yaml"
    numbers = f'  numbers: {{type: sheets, url: "{box.sheets_url}", token: "${{GOOGLE_TOKEN}}"}}\n'
    syncd_yaml.write_text(syncd_yaml.read_text().replace("connections:\n", f"connections:\n{numbers}"))


def test_cell_leads_to_its_spreadsheet_and_a_record_to_its_own_page(project: SandboxProject, box: Sandbox) -> None:
    connect_sheets(project, box)
    box.world.sheets.add(Spreadsheet("1AbC", "Goals", sheets=[Sheet(7, "Support")]))
    box.world.sheets.set_cell("1AbC", "Support", "C11", 1092)
    cell = "{from: numbers, spreadsheet: 1AbC, cell: Support!C11}"
    project.measure(f"formula: a + b, parts: {{a: {cell}, b: {{{MEASURE.format('question')}}}}}")
    client = browser(project.config, project.ledger, project.now)
    address = "https://docs.google.com/spreadsheets/d/1AbC/edit"
    assert f'<a href="{address}" rel="noreferrer">Support!C11</a>' in client.get("/key-results/kr0").text
    addresses = {row["label"]: row["address"] for row in rows_of(client)}
    assert addresses.pop("Support!C11") == address
    assert address not in addresses.values()


def test_window_is_named_by_its_first_and_last_day(client: TestClient) -> None:
    assert "(1 Oct to 31 Dec)" in text_of(client.get("/key-results/kr0").text)


def test_reading_whose_source_gives_a_day_is_as_of_that_day(project: SandboxProject, box: Sandbox) -> None:
    connect_sheets(project, box)
    box.world.sheets.add(Spreadsheet("1AbC", "Goals", sheets=[Sheet(7, "Support")]))
    for cell, content in (("A2", "2026-11-16"), ("C2", 1092)):
        box.world.sheets.set_cell("1AbC", "Support", cell, content)
    for shape, as_of in (
        ("series: {dates: 'Support!A2:A', values: 'Support!C2:C'}", "as of 16 Nov output"),
        ("cell: Support!C2", "as of 21 Nov 10:18 output"),
    ):
        project.measure(f"from: numbers, spreadsheet: 1AbC, {shape}")
        page = browser(project.config, project.ledger, project.now).get("/key-results/kr0").text
        assert as_of in text_of(page)


def test_no_cell_of_the_csv_is_a_formula(client: TestClient) -> None:
    titles = [row["title"] for row in rows_of(client)]
    assert titles[:3] == ["'=HYPERLINK(1)", "'@sum", "'-2+3"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "path", ["/", "/objectives/all", "/key-results/kr0", "/key-results/kr0?tab=history", "/sources"]
)
def test_every_table_has_a_name_and_headings(client: TestClient, path: str) -> None:
    tables = re.findall(r"<table.*?</table>", client.get(path).text, re.DOTALL)
    assert tables
    for table in tables:
        assert re.match(r'<table[^>]*(?: aria-labelledby="|>\s*<caption)', table)
        head = table.partition("<thead>")[2].partition("</thead>")[0]
        assert head.count("<th ") == head.count('scope="col"') > 0


def test_csv_of_a_past_day_has_what_counted_then(client: TestClient, project: SandboxProject) -> None:
    project.now += timedelta(days=2)
    project.sync()
    later = browser(project.config, project.ledger, project.now)
    assert len(rows_of(later, "?at=2026-11-22")) == len(rows_of(client))
    assert rows_of(later, "?at=2026-11-01") == []  # nothing was pulled by then
    assert client.get("/key-results/nothing/evidence.csv").status_code == 404


def test_filter_hides_rows_and_changes_no_total(client: TestClient) -> None:
    page = client.get("/key-results/kr0?find=SEARCH&by=week").text
    assert "What counts (2 of 5)" in page
    assert re.findall(r'<td class="n">(\d)</td></tr>', page) == ["4", "5"]
    assert "Search again" in page  # among what is left out
    assert '<input type="hidden" name="by" value="week">' in page
    assert "Nothing that counts has this text." in client.get("/key-results/kr0?find=nowhere").text
    assert "<script>" not in client.get("/key-results/kr0?find=<script>").text


def test_each_earlier_definition_is_a_difference_in_words_and_in_yaml(project: SandboxProject) -> None:
    project.edit("target: 9", "target: 7")
    project.sync()
    project.edit("not_label: question", "milestone: Q4")
    project.sync()
    page = browser(project.config, project.ledger, project.now).get("/key-results/kr0?tab=definition").text
    text = text_of(page)
    assert "okrs.yaml:6" in text
    assert "what: closed_issues" in text
    assert "target went from 9 to 7" in text
    assert "<del>- target: 9</del>\n<ins>+ target: 7</ins>" in page
    assert "measure.where.not_label was taken out; it was question" in text
    assert "measure.where.milestone is new: Q4" in text
    assert text.index("measure.where.milestone is new") < text.index("target went from")  # the latest first


def test_definition_that_was_never_edited_says_so(client: TestClient) -> None:
    assert "It was never edited." in client.get("/key-results/kr0?tab=definition").text
