"""People act in a real browser: they check in, approve and allow, with and without the script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from looking import looking
from playwright.sync_api import Browser, expect
from waiting import HANG

from syncd.service import LedgerReader
from syncd.web import make_app, serving

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 0, target: 100, plausible: {at_most: 100}}
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {jump: 100}
        measure: {from: local, file: calls.csv, cell: A1}
"""
SETTINGS = f"clock: {NOW.isoformat()}\npublish:\n  - {{to: local, file: okrs.md}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[CsvProject]:
    """A number waits for approval, and a check-in was left alone."""
    project = CsvProject(tmp_path, MAPPING, NOW, settings=SETTINGS)
    (tmp_path / "okrs.md").write_text("somebody else's\n")
    for number in ("1092", "1950"):
        project.write("calls.csv", number)
        project.cycle()
        project.now += timedelta(minutes=1)
    yield project
    project.ledger.close()


@pytest.fixture
def base(project: CsvProject) -> Iterator[str]:
    reader = LedgerReader(project.folder / "syncd.yaml", project.config)
    thread = threading.Thread(target=reader.run, daemon=True)
    thread.start()
    with serving(make_app(reader), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"
        reader.stop()
        thread.join(HANG)


@pytest.mark.parametrize(
    "script", [True, pytest.param(False, marks=pytest.mark.nightly)], ids=["with the script", "without it"]
)
def test_people_check_in_approve_and_allow(project: CsvProject, base: str, browser: Browser, script: bool) -> None:
    with looking(browser, base, java_script_enabled=script) as look:
        page = look.page
        page.goto(f"{base}/key-results/trust")
        page.get_by_label("Value").fill("120")
        page.get_by_label("Note").fill("a survey")
        page.get_by_role("button", name="Check in").click()
        expect(page.get_by_role("alert")).to_contain_text("120 is outside plausible (at most 100)")
        expect(page.get_by_label("Note")).to_have_value("a survey")
        look.noticed.clear()  # the browser notes the status 409
        assert not script or look.faults() == []
        page.get_by_label("Value").fill("45")
        page.get_by_role("button", name="Check in").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("check-in of 45: a survey")
        assert page.url.endswith("/key-results/trust?done=1")
        assert not script or look.faults() == []

        page.goto(f"{base}/key-results/calls")
        page.get_by_role("button", name="Approve 1,950").click()
        expect(page.get_by_role("status")).to_contain_text("approval of 1,950")
        page.goto(f"{base}/sources")
        assert not script or look.faults() == []
        page.get_by_role("button", name="Allow okrs.md").click()
        expect(page.get_by_role("status")).to_contain_text("leave to write over local: okrs.md")

        project.cycle()
        for name, value in {"trust": "45", "calls": "1,950"}.items():
            page.goto(f"{base}/key-results/{name}")
            expect(page.locator(".number data")).to_have_text(value)
        page.goto(f"{base}/sources")
        expect(page.get_by_text("every check-in is written")).to_be_visible()
        assert look.noticed == []
    assert "Customers trust us" in (project.folder / "okrs.md").read_text()
