"""The API: it answers with the documents of the commands, is what its description says, and sends nothing twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from csv_project import CsvProject
from examples import NIGHTLY, examples
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from standing_still import browser
from starlette.testclient import TestClient
from waiting import HANG

from syncd.cli import explain, history, review, status
from syncd.config import Config, load_config
from syncd.config.project import clock_of
from syncd.ledger import Ledger, LedgerError, open_ledger
from syncd.ledger.restore import copy
from syncd.service import LedgerReader
from syncd.web import make_app, serving
from syncd.web.conditional import entity_tag
from syncd.web.openapi import openapi
from syncd.web.operations import ACTIONS, AT, OPERATIONS

MAPPING = """\
period: {}
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: {}
        title: It falls
        kind: outcome
        baseline: 9
        target: 1
        measure: {{from: local, file: numbers.csv, cell: A1}}
"""
PATHS = ["/api/", "/api/openapi.json", *(operation.path for operation in OPERATIONS)]
DESCRIBED = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
"""What each answer to a request to act keeps to. Which body is right depends on the ledger, and no schema says it."""

DAYS = ["2026-11-20", "2026-11-21", "2026-05-01"]
"""A past day, today, and a day before the period."""


@pytest.fixture(scope="module")
def config(demo: Path) -> Config:
    return load_config(demo)


@pytest.fixture(scope="module")
def ledger(config: Config) -> Iterator[Ledger]:
    opened = open_ledger(config.ledger_url(), create=False)
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(config: Config, ledger: Ledger) -> TestClient:
    return browser(config, ledger, clock_of(config.settings)())


# -- its answers are those of the commands


def names(config: Config) -> list[str]:
    """Key results and guards: in the gate a few, of each kind of source."""
    every = [kr.id for kr in config.periods[0].measured]
    return every if NIGHTLY else every[::5]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[Callable[[], None]], Any]:
    """What a command prints, as the document that it is."""

    def document(print_it: Callable[[], None]) -> Any:
        capsys.readouterr()
        print_it()
        return json.loads(capsys.readouterr().out)

    return document


Printed = Callable[[Callable[[], None]], Any]


def test_status_is_that_of_the_command(demo: Path, client: TestClient, printed: Printed) -> None:
    wanted = printed(partial(status.run, demo, period=None, as_json=True))
    assert client.get("/api/status").json() == wanted
    assert client.get("/api/status?period=2026-Q4").json() == wanted
    assert client.get("/api/status", headers={"Accept-Language": "de"}).json() == wanted


@pytest.mark.sampled(2)
@pytest.mark.parametrize("at", [None, DAYS[0], DAYS[2]])
def test_explanations_are_those_of_the_command(
    demo: Path, config: Config, client: TestClient, printed: Printed, at: str | None
) -> None:
    for name in names(config):
        wanted = printed(partial(explain.run, demo, name, at=at, period=None, as_json=True))
        assert client.get(f"/api/key-results/{name}", params={"at": at} if at else {}).json() == wanted, name


@pytest.mark.parametrize("backfill", [False, True])
def test_histories_are_those_of_the_command(
    demo: Path, config: Config, client: TestClient, printed: Printed, backfill: bool
) -> None:
    flags = {"period": None, "as_csv": False, "as_json": True, "as_chart": False}
    for name in names(config):
        wanted = printed(partial(history.run, demo, name, backfill=backfill, **flags))
        assert client.get(f"/api/key-results/{name}/history?backfill={str(backfill).lower()}").json() == wanted, name


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("of", "at"), [("week", None), ("week", DAYS[0]), ("period", None), ("period", DAYS[2])])
def test_reviews_are_those_of_the_command(
    demo: Path, client: TestClient, printed: Printed, of: str, at: str | None
) -> None:
    flags = {"as_markdown": False, "as_html": False, "as_json": True, "notify": False}
    whole = {"week": False, "period": "2026-Q4"} if of == "period" else {"week": True, "period": None}
    wanted = printed(partial(review.run, demo, at=at, **whole, **flags))
    assert client.get("/api/review", params={"of": of} | ({"at": at} if at else {})).json() == wanted


def test_every_document_of_a_past_day_is_as_of_its_end(config: Config, client: TestClient) -> None:
    of_a_day = [operation for operation in OPERATIONS if AT in operation.parameters]
    for day, offset in ((DAYS[0], "+01:00"), (DAYS[2], "+02:00"), ("2026-10-24", "+02:00"), ("2026-10-25", "+01:00")):
        documents = [
            client.get(operation.path.replace("{id}", names(config)[0]), params={"at": day, "period": "2026-Q4"}).json()
            for operation in of_a_day
        ]
        moments = [document["as_of"] for document in documents if "as_of" in document]
        assert moments == [f"{day}T23:59:59{offset}"] * 3


def test_a_past_day_without_a_period_is_one_of_its_own_period(tmp_path: Path, printed: Printed) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    project = CsvProject(tmp_path, MAPPING.format("2026-Q4", "calls"), now, settings=f"clock: {now.isoformat()}\n")
    path = tmp_path / "syncd.yaml"
    path.write_text(path.read_text().replace("okrs.yaml", "mappings/"))
    (tmp_path / "mappings").mkdir()
    (tmp_path / "okrs.yaml").rename(tmp_path / "mappings" / "q4.yaml")
    (tmp_path / "mappings" / "q3.yaml").write_text(MAPPING.format("2026-Q3", "visits"))
    project.write("numbers.csv", "7")
    client = browser(project.config, project.ledger, now)

    def page(address: str) -> str:
        shown = client.get(address, headers={"accept": "text/html"})
        assert shown.status_code == 200, address
        return shown.text

    for path_, flags in (("/api/status", None), ("/api/review", {"week": True, "period": None, "notify": False})):
        assert client.get(path_).json()["period"]["id"] == "2026-Q4"
        past = client.get(f"{path_}?at=2026-08-03").json()
        assert past["period"]["id"] == "2026-Q3"
        if flags is not None:
            forms = {"as_markdown": False, "as_html": False, "as_json": True}
            assert past == printed(partial(review.run, path, at="2026-08-03", **flags, **forms))
    answer = client.get("/api/key-results/visits?at=2026-08-03")
    assert answer.json() == printed(partial(explain.run, path, "visits", at="2026-08-03", period=None, as_json=True))
    refused = client.get("/api/key-results/visits")
    assert refused.status_code == 404
    assert refused.json()["error"] == (
        "there is no key result 'visits' in 2026-Q4; it is in 2026-Q3: add ?period=2026-Q3"
    )
    for path_ in ("/?at=2026-08-03", "/objectives/service?at=2026-08-03", "/key-results/visits?at=2026-08-03"):
        (today,) = re.findall(r'class="past-day">[^<]*(?:<time[^>]*>[^<]*</time>[^<]*)?<a href="([^"]*)"', page(path_))
        assert today == "?period=2026-Q3"
        assert 'class="past-day"' not in page(f"{path_.partition('?')[0]}{today}")
    form = page("/key-results/visits?at=2026-08-03").partition('class="as-of"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="period" value="2026-Q3">' in form
    project.ledger.close()


# -- it is described as it is


def test_the_description_is_openapi_3_1_of_every_address(client: TestClient) -> None:
    description = client.get("/api/openapi.json").json()
    assert description == json.loads(json.dumps(openapi()))
    assert description["openapi"].startswith("3.1.")
    assert list(description["paths"]) == [*PATHS, *(action.path for action in ACTIONS)]
    documents = client.get("/api/").json()
    assert documents == {name: path for name, path in documents.items() if path.split("/")[2] == name}
    assert {path.split("/")[2] for path in description["paths"] if path.count("/") > 1} - set(documents) == {
        "",
        "deliveries",
        "openapi.json",
    }
    for schema in description["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def closed(schema: Any) -> Any:
    """A schema that takes no keys but its own."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    shut = {key: closed(part) for key, part in schema.items()}
    return shut | {"additionalProperties": False} if "properties" in shut and shut.get("type") == "object" else shut


@pytest.mark.sampled(3)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_every_key_of_every_document_is_described(operation: Any, config: Config, client: TestClient) -> None:
    description = closed(openapi())
    (answer,) = description["paths"][operation.path]["get"]["responses"]["200"]["content"].values()
    validator = Draft202012Validator({"$ref": answer["schema"]["$ref"], "components": description["components"]})
    taken = {parameter.name for parameter in operation.parameters}
    for name in names(config) if "{id}" in operation.path else [""]:
        for query in ("", "at=2026-11-20", "backfill=true", "of=period"):
            if not query or query.partition("=")[0] in taken:
                document = client.get(f"{operation.path.replace('{id}', name)}?{query}").json()
                assert [error.message for error in validator.iter_errors(document)] == []


@pytest.fixture(scope="module")
def address(demo: Path, config: Config) -> Iterator[str]:
    """Of a real server on loopback."""
    with serving(make_app(LedgerReader(demo, config)), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


def narrowed(config: Config) -> dict[str, Any]:
    """The description, with the names and days that there are: other ones would be answered 404 and 400 alone."""
    description: dict[str, Any] = deepcopy(dict(openapi()))
    for path in PATHS:
        for parameter in description["paths"][path]["get"]["parameters"]:
            values = {"id": names(config), "period": ["2026-Q4"], "at": DAYS}.get(parameter["name"])
            if values is not None:
                parameter["schema"] = {**parameter["schema"], "enum": values}
    return description


def search(
    address: str,
    description: Mapping[str, Any],
    path: str,
    mode: GenerationMode,
    number: int,
    checks: list[Any] | None = None,
) -> None:
    """Asks so many times; without `checks`, all that schemathesis has."""
    operation = schemathesis.openapi.from_dict(dict(description))[path]["GET"]

    @settings(max_examples=examples(number))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        case.call_and_validate(base_url=address, timeout=HANG, checks=checks)

    ask()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_to_a_right_request_is_described(address: str, config: Config, path: str) -> None:
    search(address, narrowed(config), path, GenerationMode.POSITIVE, 5)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", [operation.path for operation in OPERATIONS])
def test_every_answer_to_a_wrong_request_is_described(address: str, path: str) -> None:
    """Wrong by the description, or by what there is: names and days of which nobody has heard."""
    search(address, openapi(), path, GenerationMode.POSITIVE, 8, DESCRIBED)
    search(address, openapi(), path, GenerationMode.NEGATIVE, 8)


@pytest.fixture(scope="module")
def acting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Ledger]]:
    """The address of a server whose token is an operator's, and its ledger."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TOKEN", "token-of-me")
        web = "{login: {tokens: {me: '${TOKEN}'}}, roles: {operator: [me]}}"
        settings = f"clock: {now.isoformat()}\nweb: {web}\n"
        folder = tmp_path_factory.mktemp("acting")
        project = CsvProject(folder, MAPPING.format("2026-Q4", "calls"), now, settings=settings)
        project.write("numbers.csv", "7")
        project.cycle()
        with serving(make_app(LedgerReader(folder / "syncd.yaml", project.config)), "127.0.0.1", 0) as port:
            yield f"http://127.0.0.1:{port}", project.ledger
        project.ledger.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("path", [action.path for action in ACTIONS])
def test_every_answer_to_a_request_to_act_is_described(
    acting: tuple[str, Ledger], path: str, mode: GenerationMode
) -> None:
    address, ledger = acting
    description: dict[str, Any] = deepcopy(dict(openapi()))
    for parameter in description["paths"][path]["post"]["parameters"]:
        parameter["schema"] = {"type": "string", "enum": ["calls", "1"] if parameter["name"] == "id" else ["2026-Q4"]}
    operation = schemathesis.openapi.from_dict(description)[path]["POST"]

    @settings(max_examples=examples(8))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        answer = case.call(base_url=address, timeout=HANG, headers={"Authorization": "Bearer token-of-me"})
        assert answer.status_code not in (401, 403)
        case.validate_response(answer, checks=DESCRIBED)

    ask()
    assert {request.entered_by for request in ledger.requests.waiting()} <= {"me"}


def test_what_is_stored_is_described(acting: tuple[str, Ledger]) -> None:
    body = {"value": 5, "note": "a survey", "confidence": 0.5, "date": "2026-11-19", "expires": "10d", "form": "once"}
    path = f"{acting[0]}/api/key-results/calls/check-ins"
    answers = [httpx.post(path, json=body, headers={"Authorization": "Bearer token-of-me"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    validator = Draft202012Validator(closed({"$ref": "#/components/schemas/Stored", **openapi()}))
    assert [error.message for error in validator.iter_errors(answers[0].json())] == []
    assert httpx.post(path, json=body).status_code == 401


@pytest.mark.nightly
@pytest.mark.parametrize("path", [operation.path for operation in OPERATIONS])
def test_the_same_holds_on_postgresql(demo: Path, config: Config, new_postgres: Callable[[], str], path: str) -> None:
    url = new_postgres()
    copy(config.ledger_url(), url)
    project = demo.with_name(f"{url.rpartition('/')[2]}.yaml")
    project.write_text(demo.read_text().replace("sqlite:///syncd.db", url))
    with serving(make_app(LedgerReader(project, load_config(project))), "127.0.0.1", 0) as port:
        search(f"http://127.0.0.1:{port}", narrowed(config), path, GenerationMode.POSITIVE, 4)
        search(f"http://127.0.0.1:{port}", openapi(), path, GenerationMode.NEGATIVE, 4)


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("status?period=2026-Q9", 404, "there is no period '2026-Q9'; the mappings have: 2026-Q4"),
        ("key-results/cals", 404, "there is no key result 'cals' in 2026-Q4; did you mean 'calls'?"),
        ("key-results/cals/history", 404, "did you mean 'calls'?"),
        ("nothing", 404, "nothing is at /api/nothing; /api/openapi.json lists every address"),
        ("status?at=yesterday", 400, "at is 'yesterday'; write a day as 2026-11-02"),
        ("status?at=2027-01-01", 400, "at is 2027-01-01, which is in the future; write today or a past day"),
        ("status?at=", 400, "at is empty; write a value, or leave it out"),
        ("status?at=2026-11-02&at=2026-11-03", 400, "at stands there 2 times; write it once"),
        ("status?day=2026-11-02", 400, "/api/status has no parameter 'day'; it takes period, at"),
        ("key-results/calls/history?backfill=yes", 400, "backfill is 'yes'; write 'false' or 'true'"),
        ("review?of=year", 400, "of is 'year'; write 'week' or 'period'"),
    ],
)
def test_a_wrong_request_is_told_what_to_write(client: TestClient, address: str, status: int, sentence: str) -> None:
    answer = client.get(f"/api/{address}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert sentence in answer.json()["error"]


def test_every_error_is_json_of_one_shape(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    described = openapi()["paths"]["/api/status"]["get"]["responses"]
    refusals = [
        (client.options("/api/status"), 405),
        (client.post("/api/status"), 403),
        (client.get("/api/status", headers={"Host": "evil.example"}), 403),
        (client.get("/api/status", headers={"Origin": "https://evil.example"}), 403),
    ]
    for error, expected in ((LedgerError("the ledger is silent"), 503), (RuntimeError("private"), 500)):
        monkeypatch.setattr("syncd.web.operations.status_answer", raising(error))
        patched = TestClient(client.app, base_url="http://localhost", raise_server_exceptions=False)
        refusals.append((patched.get("/api/status"), expected))
    for answer, expected in refusals:
        assert answer.status_code == expected
        assert list(answer.json()) == ["error"]
        assert str(expected) in described
    assert "private" not in refusals[-1][0].text


def raising(error: Exception) -> Callable[[object], Any]:
    def answer(_: object) -> Any:
        raise error

    return answer


# -- what has not changed is not sent again


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", ["status", "key-results/calls", "review", "sources", "openapi.json"])
def test_an_unchanged_document_is_not_sent_again(config: Config, ledger: Ledger, path: str) -> None:
    now = clock_of(config.settings)()
    client = browser(config, ledger, now)
    first = client.get(f"/api/{path}")
    assert first.headers["cache-control"] == "no-cache, private"
    asked = {"If-None-Match": first.headers["etag"]}
    later = browser(config, ledger, now + timedelta(seconds=5)).get(f"/api/{path}", headers=asked)
    assert (later.status_code, later.content) == (304, b"")
    for header in ("etag", "cache-control"):
        assert later.headers[header] == first.headers[header]


def test_a_tag_is_asked_for_alone_among_others_or_as_any(client: TestClient) -> None:
    first = client.get("/api/sources")
    tag = first.headers["etag"]
    for header in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        assert client.get("/api/sources", headers={"If-None-Match": header}).status_code == 304
    other = {"If-None-Match": 'W/"other"'}
    assert client.get("/api/sources", headers=other).content == first.content
    head = client.head("/api/sources", headers=other)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)


def test_a_document_that_says_something_else_has_another_tag(tmp_path: Path) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    project = CsvProject(tmp_path, MAPPING.format("2026-Q4", "calls"), now)
    project.edit("target: 1", "target: 1\n        stale_after: 2d")
    project.write("numbers.csv", "7")
    project.cycle()
    tags = [tag_of(project, "key-results/calls")]
    project.now += timedelta(days=3)  # nobody pulled: the value is stale by now
    tags.append(tag_of(project, "key-results/calls"))
    project.write("numbers.csv", "6")
    project.cycle()
    tags.append(tag_of(project, "key-results/calls"))
    project.edit("target: 1", "target: 2")  # no cycle has met the edit yet
    tags.append(tag_of(project, "key-results/calls"))
    assert len(set(tags)) == 4
    project.ledger.close()


def tag_of(project: CsvProject, path: str) -> str:
    return browser(project.config, project.ledger, project.now).get(f"/api/{path}").headers["etag"]


def test_a_tag_leaves_out_what_the_clock_alone_moves() -> None:
    line = {"as_of": "then", "value": 1092.001, "expected": 0.5591}
    document = {"as_of": "now", "value": 1, "guard": {"as_of": "now", "value": 2}, "objectives": [line]}
    moved = {**document, "as_of": "later", "guard": {"as_of": "later", "value": 2}}
    assert entity_tag({**moved, "objectives": [{**line, "expected": 0.5592}]}) == entity_tag(document)
    lines = ({"as_of": "now"}, {"value": 1092.002}, {"value": None}, {"expected": 0.57})
    others = ({"value": 2}, {"guard": None}, {"guard": {"as_of": "now", "value": 3}}, {"objectives": []})
    for other in (*others, *({"objectives": [line | changed]} for changed in lines)):
        assert entity_tag({**document, **other}) != entity_tag(document)
