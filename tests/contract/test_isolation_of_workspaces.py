"""Nothing of a workspace is read or changed through another, and for whoever has no role in it, it does not exist."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from standing_workspaces import StandingWorkspaces
from starlette.testclient import TestClient

from syncd.web.operations import ACTIONS, OPERATIONS

OWN = {"Origin": "http://localhost"}
SECRETS = {name: f"token-of-{name}-which-is-long" for name in ("ann", "bob", "chief", "robot", "nobody")}
OF_ALL = (
    "{login: {tokens: {" + ", ".join(f'{name}: "${{{name.upper()}}}"' for name in SECRETS if name != "robot") + "}},"
    " metrics_token: '${SCRAPE}', roles: {operator: [chief]}}"
)
ALPHA, BRAVO = "{roles: {operator: [ann]}}", "{roles: {operator: [bob]}}"
ROBOT = '{login: {tokens: {robot: "${ROBOT}"}}, roles: {operator: [robot]}}'
"""A workspace with a login of its own: the deployment's does not open it."""

PAGES = ["", "objectives/{}-service", "key-results/{}-calls", "key-results/{}-calls/evidence.csv", "reviews/week"]
PAGES += ["reviews/period", "sources", "key-results/{}-calls?tab=definition", "reviews/week?present=2"]
PAGES += [operation.path.lstrip("/").replace("{id}", "{}-calls") for operation in OPERATIONS]
ELSEWHERE = [
    "events",
    "api/",
    "api/openapi.json",
    "absent",
    "static/syncd.css",
    "login",
    "logout",
    "metrics",
    "healthz",
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the deployment, after a sync of each workspace and a first login."""
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch, closing(StandingWorkspaces(folder)) as company:
        patch.setenv("ANN", SECRETS["ann"])
        for name in company.names():
            company.sync(name)
        company.web(OF_ALL)
        log_in(company, "ann")
    return folder


@pytest.fixture
def company(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandingWorkspaces]:
    """Ann operates alpha, bob operates bravo, and chief the deployment; nobody is in no list."""
    for name, secret in {**SECRETS, "scrape": "token-of-the-scraper"}.items():
        monkeypatch.setenv(name.upper(), secret)
    shutil.copytree(model, tmp_path, dirs_exist_ok=True)
    company = StandingWorkspaces(tmp_path, ())
    company.web(OF_ALL, alpha=ALPHA, bravo=BRAVO)
    yield company
    company.close()


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS[name]}"}


def log_in(company: StandingWorkspaces, name: str, target: str = "/") -> TestClient:
    """The browser of a person who has logged in."""
    client = company.client("0.0.0.0")
    answer = client.post("/login", data={"token": SECRETS[name], "next": target}, headers=OWN)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == target
    return client


def shown(client: TestClient, method: str, path: str, **options: object) -> tuple[object, ...]:
    """All of an answer that could tell something, where the name in the path stands for any."""
    answer = client.request(method, path, **options)  # type: ignore[arg-type]
    headers = {key: value for key, value in answer.headers.items() if key != "content-length"}
    text = re.sub(r"/w/[\w.%-]+|%2Fw%2F[\w-]+", "/w/*", f"{headers} {answer.text}")
    return answer.status_code, text


def test_the_pages_of_a_workspace_hold_nothing_of_another(company: StandingWorkspaces) -> None:
    client = log_in(company, "ann")
    for page in PAGES:
        answer = client.get("/w/alpha/" + page.format("alpha"))
        assert answer.status_code == 200
        assert "bravo" not in answer.text.lower(), page
        foreign = client.get("/w/alpha/" + page.format("bravo"))
        assert foreign.status_code == (404 if "{}" in page else 200), page
        assert not re.search("of bravo|bravo (is|team|files)|bravo-units", foreign.text), page


@pytest.mark.sampled(2)
@pytest.mark.parametrize("who", ["ann", "ann's token", "nobody", "a stranger", "a program", "a wrong token"])
def test_a_workspace_without_a_role_is_like_a_name_that_no_workspace_has(company: StandingWorkspaces, who: str) -> None:
    client = company.client("0.0.0.0")
    if who in SECRETS:
        client = log_in(company, who)
    elif who == "ann's token":
        client.headers.update(bearer("ann"))
    elif who == "a program":
        client.headers["accept"] = "application/json"
    elif who == "a wrong token":
        client.headers["authorization"] = "Bearer wrong-token-that-opens-nothing"
    for path in ["", *(page.format("bravo") for page in [*PAGES, *ELSEWHERE]), "hooks/absent", "%2e%2e/alpha/"]:
        for method in ("GET", "HEAD", "POST"):
            assert shown(client, method, f"/w/bravo/{path}", headers=OWN) == shown(
                client, method, f"/w/nosuch/{path}", headers=OWN
            ), (method, path)
    assert shown(client, "GET", "/w/bravo") == shown(client, "GET", "/w/nosuch")
    statuses = {
        "ann": 404,
        "ann's token": 404,
        "nobody": 404,
        "a stranger": 303,
        "a program": 401,
        "a wrong token": 401,
    }
    assert client.get("/w/bravo/").status_code == statuses[who]
    assert client.get("/w/nosuch/api/status").status_code == statuses[who]


def test_what_is_of_all_names_only_workspaces_with_a_role(company: StandingWorkspaces) -> None:
    for who, names in {"ann": ["alpha"], "bob": ["bravo"]}.items():
        client = log_in(company, who)
        other = "bravo" if who == "ann" else "alpha"
        for path in ("/", "/api/", "/api/workspaces", "/api/openapi.json", "/absent", "/login", "/logged-out"):
            assert other not in client.get(path).text.lower(), path
        documents = client.get("/api/workspaces", headers={"accept": "application/json"}).json()
        assert [each["name"] for each in documents["workspaces"]] == names
    client = company.client("0.0.0.0")
    assert [each["name"] for each in client.get("/api/workspaces", headers=bearer("bob")).json()["workspaces"]] == [
        "bravo"
    ]
    for path in ("/", "/api/workspaces", "/api/openapi.json", "/absent"):
        assert client.get(path).status_code in (303, 401)
    nobody = log_in(company, "nobody").get("/")
    assert nobody.status_code == 403
    assert "alpha" not in nobody.text
    assert "bravo" not in nobody.text


def test_a_broken_workspace_is_named_to_operators_of_the_deployment_alone(company: StandingWorkspaces) -> None:
    (company.folder / "teams" / "charlie").mkdir()
    (company.folder / "teams" / "charlie" / "syncd.yaml").write_text("nonsense: 1\n")
    (company.folder / "teams" / "bravo" / "okrs.yaml").write_text("period: nonsense\n")
    company.reload()
    company.config_problem = "the deployment is wrong"
    ann, chief, bob = (log_in(company, name) for name in ("ann", "chief", "bob"))
    assert "charlie" not in ann.get("/").text
    for who in (ann, bob):
        assert "the deployment is wrong" not in who.get("/").text
    assert "the deployment is wrong" in chief.get("/").text
    assert "okrs.yaml" not in ann.get("/").text
    assert "okrs.yaml" in bob.get("/").text
    assert "charlie" not in bob.get("/").text
    assert shown(ann, "GET", "/w/charlie/") == shown(ann, "GET", "/w/nosuch/")
    assert "charlie" in chief.get("/").text
    assert chief.get("/w/charlie/").status_code == 503
    assert chief.get("/w/bravo/").status_code == 404


PATHS = [
    "/w/alpha/../bravo/",
    "/w/alpha/%2e%2e/bravo/",
    "/w/alpha/..%2fbravo/api/status",
    "/w/alpha//w/bravo/",
    "/w//bravo/",
    "//w/bravo/",
    "/w/alpha%2f..%2fbravo/",
    "/w/BRAVO/",
    "/w/Alpha/",
    "/w/bravo./",
    "/w/alpha./",
    "/w/alpha%00/",
    "/w/alpha%20/",
    "/w/alpha;bravo/",
    "/w/./bravo/",
    "/w/%62ravo/",
    "/w/alpha/w/bravo/",
    "/W/bravo/",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_path_leads_to_another_workspace(company: StandingWorkspaces, path: str) -> None:
    client = log_in(company, "ann")
    answer = client.get(path, follow_redirects=True)
    assert "bravo is trusted" not in answer.text
    assert "bravo-service" not in answer.text
    assert answer.status_code == 404 or (answer.url.path.rstrip("/") == "/w/bravo" and answer.status_code == 404)


@pytest.mark.parametrize("query", ["period=bravo", "period=2026-Q4&at=2026-11-01", "period=../bravo/2026-Q4"])
def test_no_parameter_leads_to_another_workspace(company: StandingWorkspaces, query: str) -> None:
    client = log_in(company, "ann")
    for page in PAGES:
        path, _, more = page.format("alpha").partition("?")
        answer = client.get(f"/w/alpha/{path}?{query}&{more}")
        assert "bravo is trusted" not in answer.text
        assert "bravo-" not in answer.text.replace("bravo-calls", "")


def test_a_login_of_a_workspace_of_its_own_opens_no_other(company: StandingWorkspaces) -> None:
    company.web(OF_ALL, alpha=ALPHA, bravo=ROBOT)
    robot = log_in(company, "robot", "/w/bravo/")
    assert robot.get("/w/bravo/").status_code == 200
    assert [each["name"] for each in robot.get("/api/workspaces").json()["workspaces"]] == ["bravo"]
    assert shown(robot, "GET", "/w/alpha/") == shown(robot, "GET", "/w/nosuch/")
    client = company.client("0.0.0.0")
    assert client.get("/w/bravo/api/status", headers=bearer("robot")).status_code == 200
    assert client.get("/w/alpha/api/status", headers=bearer("robot")).status_code == 404
    for who in ("ann", "chief"):
        browser = log_in(company, who)
        assert shown(browser, "GET", "/w/bravo/") == shown(browser, "GET", "/w/nosuch/")
        assert "bravo" not in browser.get("/").text
    stranger = company.client("0.0.0.0")
    assert shown(stranger, "GET", "/w/bravo/") == shown(stranger, "GET", "/w/nosuch/")
    assert shown(stranger, "GET", "/login?next=/w/bravo/") == shown(stranger, "GET", "/login?next=/w/nosuch/")


def test_a_name_in_the_list_of_a_workspace_is_nobody_elsewhere(
    company: StandingWorkspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever edits alpha's file may call its own token what they like: even the operator of another workspace."""
    company.web(OF_ALL, alpha='{login: {tokens: {bob: "${ROBOT}"}}, roles: {operator: [bob]}}', bravo=BRAVO)
    impostor = log_in(company, "robot", "/w/alpha/")
    assert impostor.get("/w/alpha/").status_code == 200
    assert impostor.get("/w/bravo/").status_code == 404
    assert company.client().get("/w/bravo/api/status", headers=bearer("robot")).status_code == 404


def test_a_session_ends_in_all_workspaces_at_once(company: StandingWorkspaces) -> None:
    company.web(OF_ALL, alpha="{roles: {operator: [ann]}}", bravo="{roles: {operator: [ann]}}")
    client = log_in(company, "ann")
    page = client.get("/w/alpha/").text
    token = re.search(r'action="/w/alpha/logout".*?name="form_token" value="(\w+)"', page)
    assert token is not None
    cookies = dict(client.cookies)
    assert client.get("/w/bravo/").status_code == 200
    answer = client.post("/w/alpha/logout", data={"form_token": token[1]}, headers=OWN)
    assert answer.headers["location"] == "/logged-out"
    thief = company.client("0.0.0.0")
    thief.cookies.update(cookies)
    for path in ("/", "/w/alpha/", "/w/bravo/"):
        assert thief.get(path).status_code == 401
    assert [path.name for path in (company.folder / "ledgers").glob("_*.db")] == ["_sessions.db"]


def test_a_form_of_a_workspace_counts_in_no_other(company: StandingWorkspaces) -> None:
    company.web(OF_ALL, alpha="{roles: {operator: [ann]}}", bravo="{roles: {operator: [ann]}}")
    client = log_in(company, "ann")
    token = re.search(r'name="form_token" value="(\w+)"', client.get("/w/alpha/key-results/alpha-trust").text)
    assert token is not None
    form = {"do": "check-in", "value": "6", "form": "a-form", "form_token": token[1]}
    assert client.post("/w/bravo/key-results/bravo-trust", data=form, headers=OWN).status_code == 403
    assert client.post("/logout", data=form, headers=OWN).status_code == 403
    assert client.post("/w/alpha/key-results/alpha-trust", data=form, headers=OWN).status_code == 303


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_no_action_reaches_another_workspace(company: StandingWorkspaces, action: object) -> None:
    path = action.path.replace("{id}", "bravo-trust" if "key-results" in action.path else "1")  # type: ignore[attr-defined]
    client = company.client("0.0.0.0")
    for place in ("/w/alpha", "/w/bravo"):
        answer = client.post(f"{place}{path}", json={"value": 6}, headers=bearer("ann"))
        assert answer.status_code in (400, 404), (place, answer.text)
    daemon = company.daemon("bravo")
    assert daemon is not None
    assert daemon.ledger is not None
    assert daemon.ledger.requests.of_key_result("2026-Q4", "bravo-trust") == []


def test_a_webhook_is_of_the_workspace_in_its_address(company: StandingWorkspaces) -> None:
    client, signed = company.client("0.0.0.0"), {"x-signature": "right"}
    assert client.post("/w/alpha/hooks/alpha-files", headers=signed).status_code == 200
    assert company.hooks == [("alpha", "alpha-files")]
    refused = {
        shown(client, "POST", f"/w/{path}", headers=headers)
        for path in ("alpha/hooks/bravo-files", "bravo/hooks/alpha-files", "nosuch/hooks/alpha-files")
        for headers in (signed, {})
    } | {shown(client, "POST", "/w/alpha/hooks/alpha-files")}
    assert len(refused) == 1
    assert client.post("/hooks/alpha-files", headers=signed).status_code in (303, 401, 403, 404)
    assert company.hooks == [("alpha", "alpha-files")]


def test_metrics_open_with_the_token_of_the_deployment_alone(company: StandingWorkspaces) -> None:
    client = company.client("0.0.0.0")
    assert client.get("/metrics", headers={"Authorization": "Bearer token-of-the-scraper"}).status_code == 200
    for who in ("ann", "chief"):
        assert client.get("/metrics", headers=bearer(who)).status_code == 401


def test_where_nobody_is_asked_and_others_reach_it_all_is_closed(company: StandingWorkspaces) -> None:
    company.web("")
    client = company.client("0.0.0.0")
    assert shown(client, "GET", "/w/alpha/") == shown(client, "GET", "/w/nosuch/")
    for path in ("/w/alpha/", "/w/alpha/api/status", "/api/workspaces", "/metrics", "/login", "/w/alpha/hooks/x"):
        assert client.get(path).status_code == 403, path
    assert "alpha" not in client.get("/").text
    assert company.client().get("/w/alpha/").status_code == 200
    assert company.client("0.0.0.0", insecure=True).get("/w/alpha/").status_code == 200
