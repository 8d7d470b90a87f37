"""That the pages on publishing are true: each recipe is taken from its page and sent as its vendor documents it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pytest_httpx import HTTPXMock

from connectors.files import Files
from connectors.http import Http
from connectors.http.templates import FILTERS
from connectors.quantive import Quantive
from connectors.tability import Tability
from syncd.config import load_config
from syncd.config.publications import publish_model
from syncd.sdk import STATED, Context, RetryPolicy, Statement
from syncd.sdk.testing import statement

DOCS = Path(__file__).parents[2] / "docs"
BERLIN = ZoneInfo("Europe/Berlin")
CHECK_IN = replace(
    statement("calls"),
    as_of=datetime(2026, 11, 20, 9, tzinfo=BERLIN),
    updated=datetime(2026, 11, 21, 10, 15, tzinfo=BERLIN),
)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600}
"""


def page(name: str) -> str:
    return (DOCS / "publishing" / f"{name}.md").read_text(encoding="utf-8")


def block(name: str, kind: str) -> str:
    match = re.search(rf"^```yaml {re.escape(kind)}\n(.*?)^```$", page(name), re.DOTALL | re.MULTILINE)
    assert match, kind
    return match[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings/okrs.yaml").write_text(MAPPING)
    for name in set(re.findall(r"\$\{(\w+)\}", page("http"))):
        monkeypatch.setenv(name, f"secret-{name}")
    return tmp_path


def send(folder: Path, block: str, check_in: Statement = CHECK_IN) -> None:
    """The check-in, sent as a `syncd.yaml` says."""
    (folder / "syncd.yaml").write_text(block, encoding="utf-8")
    (publication,) = load_config(folder / "syncd.yaml").publications
    publisher = publication.connection.publisher(Context(RetryPolicy(attempts=1), BERLIN), publication.keys)
    assert set(publication.targets({"calls", "articles"})) == {"calls"}
    publisher.write({"calls": publisher.content(check_in)})
    publisher.close()


def recipes() -> list[str]:
    return re.findall(r"^```yaml recipe ([\w-]+)$", page("http"), re.MULTILINE)


WANTED: dict[str, tuple[str, str, dict[str, str], Any]] = {
    # public/openapi.yaml and functions/api/ of github.com/oslokommune/okr-tracker, version 2.2.0
    "okr-tracker": (
        "PUT",
        "https://okr.acme.example/keyres/8Jb0qGd1/values/2026-11-20",
        {
            "x-api-key": "secret-OKR_API_KEY",
            "okr-client-id": "secret-OKR_CLIENT_ID",
            "okr-client-secret": "secret-OKR_CLIENT_SECRET",
        },
        {"value": 1092, "comment": "The second release is out"},
    ),
    "okr-tracker-post": (
        "POST",
        "https://okr.acme.example/keyres/8Jb0qGd1",
        {
            "x-api-key": "secret-OKR_API_KEY",
            "okr-client-id": "secret-OKR_CLIENT_ID",
            "okr-client-secret": "secret-OKR_CLIENT_SECRET",
        },
        {"progress": 1092, "comment": "The second release is out"},
    ),
    # appfire.atlassian.net, "API update methods" of OKR for Jira Cloud
    "okr-for-jira": (
        "POST",
        "https://okr-jira-prod.appfire.com/api/v2/api-update/keyResults",
        {"API-Token": "secret-OKR_FOR_JIRA_TOKEN", "Content-Type": "application/json"},
        {
            "keyResultId": "62384a6942adda046598b3bd",
            "newValue": 1092,
            "status": "OFF TRACK",
            "description": "The second release is out",
        },
    ),
    # developers.asana.com, "Update a goal metric"
    "asana": (
        "POST",
        "https://app.asana.com/api/1.0/goals/1201234567890123/setMetricCurrentValue",
        {"Authorization": "Bearer secret-ASANA_TOKEN"},
        {"data": {"current_number_value": 1092}},
    ),
}


def test_every_recipe_of_the_page_is_tried() -> None:
    assert set(recipes()) == set(WANTED)


@pytest.mark.parametrize("name", recipes())
def test_a_recipe_sends_what_its_vendor_documents(name: str, folder: Path, httpx_mock: HTTPXMock) -> None:
    method, url, headers, body = WANTED[name]
    httpx_mock.add_response(method=method, url=url, match_headers=headers, match_json=body)
    send(folder, block("http", f"recipe {name}"))


@pytest.mark.parametrize(
    ("health", "status"),
    [("on_track", "ON TRACK"), ("done", "ON TRACK"), ("at_risk", "AT RISK"), ("unknown", "NOT STARTED")],
)
def test_the_statuses_of_okr_for_jira(health: str, status: str, folder: Path, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response()
    send(folder, block("http", "recipe okr-for-jira"), replace(CHECK_IN, health=health, note=None))
    (request,) = httpx_mock.get_requests()
    body = json.loads(request.content)
    assert (body["status"], body["description"]) == (status, "")


def test_the_example_of_the_page(folder: Path, httpx_mock: HTTPXMock) -> None:
    body = {"current": 1092, "state": "off_track", "comment": "", "share": 0.18}
    url = "https://okrs.acme.example/api/key-results/kr_123"
    headers = {"X-Api-Key": "secret-OKRS_KEY"}
    httpx_mock.add_response(method="PUT", url=url, match_headers=headers, match_json=body)
    send(folder, block("http", "project"), replace(CHECK_IN, note=None))


def test_the_health_words_of_the_page(folder: Path, httpx_mock: HTTPXMock) -> None:
    match = re.search(r"Other words for health: `(.*?)`\.$", page("http"), re.MULTILINE)
    assert match
    keys = Http.Publish.model_validate({"path": "/", "body": {"state": match[1]}})
    publisher = Http.publisher(
        Http.Settings.model_validate({"type": "http", "url": "https://x.example"}), Context(RetryPolicy(), BERLIN), keys
    )
    bodies = [publisher.content(replace(CHECK_IN, health=health))["body"] for health in ("on_track", "at_risk", "done")]
    assert [json.loads(str(body)) for body in bodies] == [
        {"state": "ON TRACK"},
        {"state": "AT RISK"},
        {"state": "OTHER"},
    ]


def test_the_message_of_the_page(folder: Path) -> None:
    (folder / "syncd.yaml").write_text(block("http", "project").replace("{{ value }}", "{{ valu }}"))
    with pytest.raises(Exception, match="body has") as caught:
        load_config(folder / "syncd.yaml")
    shown = re.search(r"^syncd.yaml:\d+: (body has .*)$", page("http"), re.MULTILINE)
    assert shown
    assert shown[1] in str(caught.value)


def test_every_filter_is_named() -> None:
    for name in FILTERS:
        assert f"`{name}`" in page("http")


def test_everything_that_a_check_in_says_is_in_the_table() -> None:
    table = (DOCS / "publishing.md").read_text(encoding="utf-8").partition("<!-- table: stated -->")[2]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == STATED


@pytest.mark.parametrize("connector", [Files, Http, Tability, Quantive])
def test_every_key_says_what_it_is(connector: Any) -> None:
    for model in (connector.Settings, publish_model("any", connector)):
        assert [key for key, info in model.model_fields.items() if not info.description] == []


@pytest.mark.parametrize(("name", "connector"), [("tability", Tability), ("quantive", Quantive)])
def test_the_examples_of_the_platforms(name: str, connector: Any) -> None:
    example = re.search(rf"^## {name}\n\n```yaml\n(.*?)^```$", page("platforms"), re.DOTALL | re.MULTILINE)
    assert example
    keys = yaml.safe_load(example[1])
    settings = connector.Settings.model_validate(keys["connections"][name])
    (entry,) = keys["publish"]
    assert entry.pop("to") == name
    read = connector.Publish.model_validate(entry, context={"settings": settings})
    assert "calls" in read.names()
