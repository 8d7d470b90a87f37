"""A secret in every slot of every connector and publisher, and servers that repeat it in every kind of error.

Each secret begins with the same letters, so that even a part of one is found in what is shown, logged or kept.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest
from csv_project import CsvProject
from loopback import QuietHandler, running

from syncd.cycle.check_connections import check_connection
from syncd.sandbox import DEMO_NOW, serve
from syncd.sdk import RetryPolicy

PLANTED = "Pl4nt"
SLOTS = (
    "GITHUB", "JIRA_EMAIL", "JIRA_CLOUD", "JIRA_DC", "SHEETS_TOKEN", "SHEETS_KEY", "HTTP_TOKEN", "HTTP_HEADER",
    "HTTP_PATH", "TABILITY", "OUTCOME", "QUANTIVE",
)  # fmt: skip
ISSUED = f"{PLANTED}-issued-by-the-server-0123456789"  # the tokens that an App and a service account are given

MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
"""
KEY_RESULT = (
    "      - {{id: {}, title: It, kind: output, target: 9, ignore: [no-guard, drives-nothing],\n"
    "         measure: {{from: {}}}}}\n"
)
MEASURES = {
    "cost": "local, file: costs.csv, cell: A1",
    "pulls": "code, repo: acme/web, what: merged_pull_requests",
    "releases": "app, repo: acme/web, what: releases",
    "cloud": "tickets, jql: project = KB, take: sum, of: Points",
    "dc": "tickets-dc, jql: project = KB",
    "sheet": "numbers, spreadsheet: book, cell: A1",
    "sheet-key": "numbers-key, spreadsheet: book, cell: A1",
    "sheet-account": "numbers-account, spreadsheet: book, cell: A1",
    "api": "api, path: /v1, json: v",
    "api-token": "api-token, path: /v1, json: v",
}
CONNECTIONS = """\
  local: {{type: files, root: .}}
  code: {{type: github, url: "{url}", token: "${{GITHUB}}"}}
  app: {{type: github, url: "{url}", app_id: 7, installation_id: 8, private_key: "${{APP_KEY}}"}}
  tickets: {{type: jira, url: "{url}", email: "${{JIRA_EMAIL}}", token: "${{JIRA_CLOUD}}"}}
  tickets-dc: {{type: jira, url: "{url}", token: "${{JIRA_DC}}"}}
  numbers: {{type: sheets, url: "{url}", token: "${{SHEETS_TOKEN}}"}}
  numbers-key: {{type: sheets, url: "{url}", api_key: "${{SHEETS_KEY}}"}}
  numbers-account: {{type: sheets, url: "{url}", credentials: account.json}}
  api: {{type: http, url: "{url}/${{HTTP_PATH}}", headers: {{X-Api-Key: "${{HTTP_HEADER}}"}}}}
  api-token: {{type: http, url: "{url}", token: "${{HTTP_TOKEN}}"}}
  tability:
    {{type: tability, url: "{url}", personal_api_token: "${{TABILITY}}", outcomes: {{cost: "${{OUTCOME}}"}}}}
  quantive: {{type: quantive, url: "{url}", account: "5be2", token: "${{QUANTIVE}}"}}
publish:
  - {{to: code, issues: {{cost: "acme/web#1"}}, body: true}}
  - {{to: app, issues: {{cost: "acme/web#2"}}, body: true}}
  - {{to: tickets, issues: {{cost: KB-1}}, comment: true}}
  - {{to: tickets-dc, issues: {{cost: KB-2}}, comment: true}}
  - {{to: numbers, spreadsheet: book2, sheet: OKRs, key_column: A, columns: {{value: D}}}}
  - {{to: numbers-account, spreadsheet: book3, sheet: OKRs, key_column: A, columns: {{value: D}}}}
  - {{to: api, path: /in, body: {{value: "{{{{ value }}}}"}}}}
  - {{to: api-token, method: PUT, path: /in, body: {{value: "{{{{ value }}}}"}}}}
  - {{to: tability}}
  - {{to: quantive, metrics: {{cost: m1}}}}
"""


def by_code_points(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


PAGE = "<!doctype html><html><head><title>{}</title></head><body>{}</body></html>"
ERRORS: dict[str, Callable[[str], tuple[int, str, str]]] = {
    "401 in JSON": lambda said: (401, "", json.dumps({"message": said, "errorMessages": [said]})),
    "403 in JSON, far behind": lambda said: (403, "", json.dumps({"message": "x" * 990 + said})),
    "404 in Google's form": lambda said: (404, "", json.dumps({"error": {"message": said, "status": "NOT_FOUND"}})),
    "400 in JSON by code points": lambda said: (400, "", f'{{"values": ["{by_code_points(said)}"]}}'),
    "422 in half of a JSON": lambda said: (422, "", f'{{"detail": "{by_code_points(said)}'),
    "500 in prose": lambda said: (500, "", "y" * 150 + said),
    "503 as a page": lambda said: (503, "", PAGE.format(said, said)),
    "redirect to a path": lambda said: (302, f"/moved/{said}", ""),
    "redirect elsewhere": lambda said: (301, f"http://elsewhere.example/{said}", ""),
    "200 as a page": lambda said: (200, "", PAGE.format(said, said)),
    "200 as a login page": lambda said: (200, "", PAGE.format("Sign in", f'{said}<input type="password">')),
    "200 in JSON of another form": lambda said: (200, "", json.dumps({said: [said]})),
}


@contextmanager
def echo(respond: Callable[[str], tuple[int, str, str]], *, issues_tokens: bool) -> Iterator[str]:
    """A server that repeats all that it was sent: the address, the headers, what is encoded in them, and the body."""

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.body().decode()
            values = [value for name, value in self.headers.items() if name.lower() not in ("host", "user-agent")]
            decoded = [text for value in values if (text := _decoded(value))]
            said = " ".join([self.path, unquote(self.path), *values, *decoded, body, unquote(body)])
            status, location, text = respond(said.replace("\n", " "))
            if issues_tokens and self.path.endswith("/access_tokens"):
                status, location = 201, ""
                text = json.dumps({"token": ISSUED, "expires_at": "2099-01-01T00:00:00Z"})
            elif issues_tokens and self.path.endswith("/token"):
                status, location = 200, ""
                text = json.dumps({"access_token": ISSUED, "expires_in": 3600, "token_type": "Bearer"})
            kind = "text/html" if text.startswith("<") else "application/json"
            moved = {"Location": location.replace(" ", "%20")} if location else {}
            self.send(status, text.encode(), kind, **moved)

        do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = answer  # noqa: N815

    with running(Handler) as server:
        yield f"http://{server}"


def _decoded(value: str) -> str:
    try:
        return b64decode(value.partition(" ")[2], validate=True).decode()
    except (NotBase64, UnicodeDecodeError):
        return ""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An App's private key, and the key file of a service account."""
    with serve(seed=7, now=DEMO_NOW) as box:
        return box.github_app["private_key"], box.service_account(tmp_path_factory.mktemp("keys") / "account.json")


IN_THE_GATE = {"401 in JSON", "422 in half of a JSON", "redirect to a path", "200 in JSON of another form"}


@pytest.mark.parametrize("issues_tokens", [True, False], ids=["tokens", "no-tokens"])
@pytest.mark.parametrize(
    "error", [pytest.param(name, marks=[] if name in IN_THE_GATE else pytest.mark.nightly) for name in ERRORS]
)
def test_no_secret_is_shown_logged_or_kept_whatever_a_server_repeats(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    keys: tuple[str, Path],
    error: str,
    issues_tokens: bool,
) -> None:
    for slot in SLOTS:
        monkeypatch.setenv(slot, f"{PLANTED}-{slot.lower()}-0123456789")
    monkeypatch.setenv("APP_KEY", keys[0])
    caplog.set_level(logging.DEBUG, logger="syncd")
    shown: list[str] = []
    with echo(ERRORS[error], issues_tokens=issues_tokens) as url:
        account = json.loads(keys[1].read_text())
        (tmp_path / "account.json").write_text(json.dumps({**account, "token_uri": f"{url}/token"}))
        mapping = MAPPING + "".join(KEY_RESULT.format(name, measure) for name, measure in MEASURES.items())
        project = CsvProject(tmp_path, mapping, DEMO_NOW, connections=CONNECTIONS.format(url=url))
        project.write("costs.csv", "7")
        result = project.cycle()
        shown += [repr(outcome) for outcome in [*result.pulls, *result.delivered]]
        for connection in project.config.connections.values():
            policy = RetryPolicy(attempts=1, sleep=lambda _: None)
            shown += map(repr, check_connection(project.config, connection, [project.report()], DEMO_NOW, policy))
        shown.append(repr(project.report()))
    project.ledger.close()
    assert sum(outcome.quality != "complete" for outcome in result.pulls) >= 7
    assert len(result.delivered) >= 8
    for record in caplog.records:
        if record.name.startswith("syncd"):
            shown.append(repr(vars(record)))
            shown += traceback.format_exception(*record.exc_info) if record.exc_info else []
    kept = b"".join((tmp_path / name).read_bytes() for name in os.listdir(tmp_path) if name.startswith("syncd.db"))
    basic = b64encode(f"{PLANTED}-jira_email-0123456789:".encode()).decode()[:20]
    jwt = "eyJ"
    secrets = [PLANTED, by_code_points(PLANTED), basic, jwt, "PRIVATE KEY", keys[0].splitlines()[1]]
    for secret in secrets:
        for text in shown:
            assert secret not in text, text[max(0, text.find(secret) - 300) : text.find(secret) + 200]
        assert secret.encode() not in kept
