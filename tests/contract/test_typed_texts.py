"""What somebody typed into a form is not lost when nothing could be stored: the page that says so shows it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from csv_project import CsvProject
from standing_still import StandingStill, browser
from standing_workspaces import StandingWorkspaces
from starlette.testclient import TestClient

from syncd.ledger import LedgerError
from syncd.web import make_app

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 0, target: 100}
"""
WEB = """\
web:
  login: {tokens: {ed: "${ED}"}}
  roles: {editor: [ed]}
"""
TRUST = "/key-results/trust"
TYPED = {"value": "17", "confidence": "0.7", "note": 'The survey: <b>"better"</b> & more', "author": "Ann"}
SECRETS = {
    "form_token": "secret-of-the-form",
    "token": "secret-token",
    "password": "secret-word",
    "form": "secret-form",
}
FORM = {**TYPED, **SECRETS, "do": "check-in"}
PAGE = {"Accept": "text/html", "Origin": "http://localhost", "Referer": f"http://localhost{TRUST}"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CsvProject]:
    monkeypatch.setenv("ED", "token-of-ed")
    project = CsvProject(tmp_path, MAPPING, NOON, settings=WEB)
    project.cycle()
    yield project
    project.ledger.close()


def shown(page: str) -> list[str]:
    """What the block of what was typed has; the page shows no secret of the form anywhere."""
    assert "secret" not in page
    block = page.partition('id="typed"')[2].partition("</section>")[0]
    assert "<b>" not in block
    return [html.unescape(text) for text in re.findall(r"<dd[^>]*>(.*?)</dd>", block)]


def sentence_of(page: str) -> str:
    """What a script that sent the form shows of the page."""
    alert = page.partition('role="alert">')[2]
    return re.sub(r"<[^>]+>", "", re.split(r"</div>|</p>", alert)[0]).strip()


def test_whoever_is_logged_out_finds_it_on_the_page_that_says_so(project: CsvProject) -> None:
    client = browser(project.config, project.ledger, project.now)
    answer = client.post(TRUST, data=FORM, headers=PAGE)
    assert (answer.status_code, shown(answer.text)) == (401, [*TYPED.values()])
    assert sentence_of(answer.text)
    client.post("/login", data={"token": "token-of-ed"}, headers=PAGE)
    (cookie,) = client.cookies.jar
    secret = str(cookie.value)
    client.cookies.set(cookie.name, f"{'A' if secret[0] != 'A' else 'B'}{secret[1:]}", domain=cookie.domain)
    answer = client.post(TRUST, data=FORM, headers=PAGE)
    assert (answer.status_code, shown(answer.text)) == (401, [*TYPED.values()])
    assert sentence_of(answer.text) == "Your session is over"
    assert "What you typed" not in client.get(TRUST, headers=PAGE).text


def test_old_page_and_what_it_cannot_take(project: CsvProject) -> None:
    client = browser(project.config, project.ledger, project.now)
    client.post("/login", data={"token": "token-of-ed"}, headers=PAGE)
    answer = client.post(TRUST, data=FORM, headers=PAGE)
    assert (answer.status_code, shown(answer.text)) == (403, [*TYPED.values()])
    assert sentence_of(answer.text).startswith("The page that this was sent from is too old")
    form_token = re.findall(r'name="form_token" value="([^"]+)"', client.get(TRUST).text)[0]
    typed = {**TYPED, "form_token": form_token, "do": "check-in"}
    gone = client.post("/key-results/nothing", data=typed, headers=PAGE)
    assert (gone.status_code, shown(gone.text)) == (404, [*TYPED.values()])


class Broken(StandingStill):
    error: Exception

    def now(self) -> datetime:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"), [(LedgerError("the ledger is silent"), 503), (RuntimeError("a bug"), 500)]
)
def test_a_service_in_trouble(project: CsvProject, error: Exception, status: int) -> None:
    path = project.folder / "syncd.yaml"
    path.write_text(path.read_text().replace(WEB, ""))
    whole = browser(project.config, project.ledger, project.now)
    form_token = re.findall(r'name="form_token" value="([^"]+)"', whole.get(TRUST).text)[0]
    daemon = Broken(project.config, project.ledger, project.now)
    daemon.error = error
    client = TestClient(
        make_app(daemon), base_url="http://localhost", client=("127.0.0.1", 50_000), raise_server_exceptions=False
    )
    answer = client.post(TRUST, data={**TYPED, "form_token": form_token, "do": "check-in"}, headers=PAGE)
    assert (answer.status_code, shown(answer.text)) == (status, [*TYPED.values()])
    assert form_token not in answer.text
    assert sentence_of(answer.text)


def test_nothing_is_stored_in_a_ledger_that_was_deleted_or_replaced(project: CsvProject) -> None:
    """An open file that was deleted still takes rows. A person who reads "stored" would lose the text."""
    path = project.folder / "syncd.yaml"
    path.write_text(path.read_text().replace(WEB, ""))
    client = browser(project.config, project.ledger, project.now)
    form_token = re.findall(r'name="form_token" value="([^"]+)"', client.get(TRUST).text)[0]
    (project.folder / "syncd.db").rename(project.folder / "elsewhere.db")
    answer = client.post(TRUST, data={**TYPED, "form_token": form_token, "do": "check-in"}, headers=PAGE)
    assert (answer.status_code, shown(answer.text)) == (503, [*TYPED.values()])
    assert "was deleted or replaced while it was in use" in sentence_of(answer.text)
    assert project.ledger.requests.waiting() == []


def test_no_other_form_is_shown_again(project: CsvProject) -> None:
    client = browser(project.config, project.ledger, project.now)
    for path in ("/sources", "/login", "/logout"):
        page = client.post(path, data={**TYPED, "token": "secret-token"}, headers=PAGE).text
        assert "survey" not in page
        assert "secret" not in page


@pytest.mark.parametrize("name", ["alpha", "nothing"])
def test_door_of_a_deployment_shows_it_for_any_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two doors ask who comes; the body is read once."""
    monkeypatch.setenv("ED", "token-of-ed")
    company = StandingWorkspaces(tmp_path)
    keys = '{login: {tokens: {ed: "${ED}"}}, roles: {editor: [ed]}}'
    company.web(keys, alpha=keys)
    client = company.client()
    client.cookies.set("syncd", "a-session-of-long-ago")
    answer = client.post(f"/w/{name}/key-results/alpha-trust", data=FORM, headers=PAGE)
    assert (answer.status_code, shown(answer.text)) == (401, [*TYPED.values()])
    company.close()
