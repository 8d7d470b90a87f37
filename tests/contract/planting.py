"""A project with a secret in every slot of syncd.yaml, and servers that repeat what they were sent in their errors.

Each secret begins with the same letters, so that even a part of one is found in what is shown, logged or kept.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path
from urllib.parse import quote, unquote

from loopback import QuietHandler, running

PLANTED, TAIL = "Pl4nt", "T4il"
EMAIL = "okr-bot@acme.example"  # no secret, but half of a header that is one
SLOTS = (
    "GITHUB", "GITHUB_HOOK", "GITLAB", "JIRA_CLOUD", "JIRA_HOOK", "JIRA_DC", "SHEETS_TOKEN", "SHEETS_KEY",
    "HTTP_TOKEN", "HTTP_HEADER", "HTTP_PATH", "HTTP_USER", "PROXY", "TABILITY", "OUTCOME", "QUANTIVE", "WEB_TOKEN",
    "WEB_CLIENT", "METRICS", "HEARTBEAT", "NOTIFY_PASSWORD", "NOTIFY_PATH", "NOTIFY_HEADER", "OWNER", "USER_TOKEN",
    "WHOLE_PASSWORD", "WHOLE_PATH", "TLS_PROXY",
)  # fmt: skip
ISSUED = f"{PLANTED}-issued-by-the-server-0123456789"  # the tokens that an App and a service account are given


_IN_ADDRESSES = frozenset({"HTTP_PATH", "HTTP_USER", "PROXY", "HEARTBEAT", "USER_TOKEN"})
_IN_HEADERS_OF_ASCII = frozenset({"WEB_TOKEN", "WEB_CLIENT", "METRICS"})
_IN_NO_HEADER = frozenset({"HEARTBEAT", "HTTP_PATH", "WHOLE_PATH"})


def secret(slot: str) -> str:
    """The secret in a slot, with signs that JSON, addresses, forms and HTML escape."""
    sign = "" if slot in _IN_HEADERS_OF_ASCII else "\N{KEY}" if slot in _IN_NO_HEADER else "é"
    return f"{PLANTED}-{slot.lower()}-\"'%2B+/&<{sign}-0123{TAIL}"


def quoted(slot: str) -> str:
    """The secret as it stands in an address."""
    return quote(secret(slot), safe="")


MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    owner: web
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
    "merges": "forge, project: acme/web, what: merged_merge_requests",
    "cloud": "tickets, jql: project = KB, take: sum, of: Points",
    "dc": "tickets-dc, jql: project = KB",
    "sheet": "numbers, spreadsheet: book, cell: A1",
    "sheet-key": "numbers-key, spreadsheet: book, cell: A1",
    "sheet-account": "numbers-account, spreadsheet: book, cell: A1",
    "api": "api, path: /v1, json: v",
    "api-token": "api-token, path: /v1, json: v",
    "api-user": "api-user, path: /v1, method: POST, json: v",
    "far": "far, path: /v1, json: v",
    "far-tls": "far-tls, path: /v1, json: v",
    "api-token-user": "api-token-user, path: /v1, json: v",
    "api-whole": "api-whole, path: /v1, json: v",
}
SETTINGS = """\
clock: 2026-11-21T10:15:00+01:00
timezone: Europe/Berlin
web:
  address: https://okrs.acme.example
  login:
    oidc: {{issuer: "http://{server}", client_id: syncd, client_secret: "${{WEB_CLIENT}}"}}
    tokens: {{ci: "${{WEB_TOKEN}}"}}
  roles: {{viewer: ["*"]}}
  metrics_token: "${{METRICS}}"
heartbeat: "http://{server}/${{HEARTBEAT}}?key=${{HEARTBEAT}}"
notify:
  to: "${{NOTIFY}}"
  owners: {{web: "${{OWNER_ADDRESS}}"}}
"""
CONNECTIONS = """\
  local: {{type: files, root: .}}
  code: {{type: github, url: "http://{server}", token: "${{GITHUB}}", webhook_secret: "${{GITHUB_HOOK}}"}}
  app: {{type: github, url: "http://{server}", app_id: 7, installation_id: 8, private_key: "${{APP_KEY}}"}}
  forge: {{type: gitlab, url: "http://{server}", token: "${{GITLAB}}"}}
  tickets:
    {{type: jira, url: "http://{server}", email: "${{JIRA_EMAIL}}", token: "${{JIRA_CLOUD}}",
     webhook_secret: "${{JIRA_HOOK}}"}}
  tickets-dc: {{type: jira, url: "http://{server}", token: "${{JIRA_DC}}"}}
  numbers: {{type: sheets, url: "http://{server}", token: "${{SHEETS_TOKEN}}"}}
  numbers-key: {{type: sheets, url: "http://{server}", api_key: "${{SHEETS_KEY}}"}}
  numbers-account: {{type: sheets, url: "http://{server}", credentials: account.json}}
  api: {{type: http, url: "http://{server}/${{HTTP_PATH}}", headers: {{X-Api-Key: "${{HTTP_HEADER}}"}}}}
  api-token: {{type: http, url: "http://{server}", token: "${{HTTP_TOKEN}}"}}
  api-user: {{type: http, url: "http://bot:${{HTTP_USER}}@{server}", post: true}}
  api-token-user: {{type: http, url: "http://${{USER_TOKEN}}@{server}"}}
  api-whole: {{type: http, url: "${{ADDRESS}}"}}
  far-tls: {{type: http, url: "https://far.example"}}
  far: {{type: http, url: "http://far.example", proxy: "http://bot:${{PROXY}}@{server}"}}
  tability:
    {{type: tability, url: "http://{server}", personal_api_token: "${{TABILITY}}", outcomes: {{cost: "${{OUTCOME}}"}}}}
  quantive: {{type: quantive, url: "http://{server}", account: "5be2", token: "${{QUANTIVE}}"}}
publish:
  - {{to: code, issues: {{cost: "acme/web#1"}}, body: true}}
  - {{to: app, issues: {{cost: "acme/web#2"}}, body: true}}
  - {{to: tickets, issues: {{cost: KB-1}}, comment: true}}
  - {{to: tickets-dc, issues: {{cost: KB-2}}, comment: true}}
  - {{to: numbers, spreadsheet: book2, sheet: OKRs, key_column: A, columns: {{value: D}}}}
  - {{to: numbers-account, spreadsheet: book3, sheet: OKRs, key_column: A, columns: {{value: D}}}}
  - {{to: api, path: /in, body: {{value: "{{{{ value }}}}"}}}}
  - {{to: api-token, method: PUT, path: /in, body: {{value: "{{{{ value }}}}"}}}}
  - {{to: far, path: /in, body: {{value: "{{{{ value }}}}"}}}}
  - {{to: tability}}
  - {{to: quantive, metrics: {{cost: m1}}}}
  - {{to: local, file: okrs.json}}
  - {{to: local, file: okrs.csv}}
  - {{to: local, file: okrs.md}}
"""


def variables(server: str, app_key: str) -> dict[str, str]:
    """The environment in which the project runs."""
    password = f"bot:{quoted('NOTIFY_PASSWORD')}"
    path = f"{quoted('NOTIFY_PATH')}?+X-Token={quoted('NOTIFY_HEADER')}"
    return {
        **{slot: quoted(slot) if slot in _IN_ADDRESSES else secret(slot) for slot in SLOTS},
        "APP_KEY": app_key,
        "JIRA_EMAIL": EMAIL,
        "ADDRESS": f"http://bot:{quoted('WHOLE_PASSWORD')}@{server}/{quoted('WHOLE_PATH')}",
        "HTTPS_PROXY": f"http://bot:{quoted('TLS_PROXY')}@{server}",
        "NOTIFY": f"json://{password}@{server}/{path}",
        "OWNER_ADDRESS": f"form://{server}/{quoted('OWNER')}",
    }


def write_project(folder: Path, server: str, account: Path) -> Path:
    """The project's syncd.yaml, whose secrets `variables` hold."""
    key_file = {**json.loads(account.read_text()), "token_uri": f"http://{server}/token"}
    (folder / "account.json").write_text(json.dumps(key_file))
    connections = f"connections:\n{CONNECTIONS.format(server=server)}"
    path = folder / "syncd.yaml"
    path.write_text(f"mappings: okrs.yaml\n{SETTINGS.format(server=server)}{connections}")
    key_results = (KEY_RESULT.format(name, measure) for name, measure in MEASURES.items())
    (folder / "okrs.yaml").write_text(MAPPING + "".join(key_results))
    (folder / "costs.csv").write_text("7\n")
    return path


def by_code_points(text: str) -> str:
    """The text as JSON may write it: by units of UTF-16."""
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


PAGE = "<!doctype html><html><head><title>{}</title></head><body>{}</body></html>"
Respond = Callable[[str], tuple[int, str, str]]
"""The status, the address to go to, and the content, which repeat a text."""

ERRORS: dict[str, Respond] = {
    "401 in JSON": lambda text: (401, "", json.dumps({"message": text, "errorMessages": [text]})),
    "403 in JSON, far behind": lambda text: (403, "", json.dumps({"message": "x" * 990 + text})),
    "404 in Google's form": lambda text: (404, "", json.dumps({"error": {"message": text, "status": "NOT_FOUND"}})),
    "400 in JSON by code points": lambda text: (400, "", f'{{"values": ["{by_code_points(text)}"]}}'),
    "407 of a proxy": lambda text: (407, "", f"{by_code_points(text)} {text}"),
    "422 in half of a JSON": lambda text: (422, "", f'{{"detail": "{by_code_points(text)}'),
    "429 in JSON": lambda text: (429, "", json.dumps({"errors": [{"message": text}]})),
    "500 in prose": lambda text: (500, "", f"{'y' * 150}{text} {by_code_points(text)} {quote(text)}"),
    "503 as a page": lambda text: (503, "", PAGE.format(text, text)),
    "redirect to a path": lambda text: (302, f"/moved/{text}", ""),
    "redirect elsewhere": lambda text: (301, f"http://elsewhere.example/{text}", ""),
    "200 as a page": lambda text: (200, "", PAGE.format(text, text)),
    "200 as a login page": lambda text: (200, "", PAGE.format("Sign in", f'{text}<input type="password">')),
    "200 in JSON of another form": lambda text: (200, "", json.dumps({text: [text]})),
    "200 with an error beside the data": lambda text: (200, "", json.dumps({"v": text, "errors": [{"message": text}]})),
}


def by_turns() -> Respond:
    """Each request is answered by the next kind of error."""
    kinds, turn = list(ERRORS.values()), count()
    return lambda text: kinds[next(turn) % len(kinds)](text)


@contextmanager
def echo(respond: Respond, issues: Callable[[], bool]) -> Iterator[str]:
    """A server that repeats all that it was sent: the address, the headers, what is encoded in them, and the body.

    It issues a token to whoever asks for one if `issues` says so.
    """

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.body().decode()
            values = [value for name, value in self.headers.items() if name.lower() not in ("host", "user-agent")]
            decoded = [text for value in values if (text := _decoded(value))]
            sent = " ".join([self.path, unquote(self.path), *values, *decoded, body, unquote(body)])
            status, location, text = respond(sent.replace("\n", " "))
            if self.path.endswith("/access_tokens") and issues():
                status, location = 201, ""
                text = json.dumps({"token": ISSUED, "expires_at": "2099-01-01T00:00:00Z"})
            elif self.path.endswith("/token") and issues():
                status, location = 200, ""
                text = json.dumps({"access_token": ISSUED, "expires_in": 3600, "token_type": "Bearer"})
            kind = "text/html" if text.startswith("<") else "application/json"
            moved = {"Location": location.replace(" ", "%20")} if location else {}
            self.send(status, text.encode(), kind, **moved)

        do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = do_CONNECT = answer  # noqa: N815

    with running(Handler) as server:
        yield server


def _decoded(value: str) -> str:
    try:
        return b64decode(value.partition(" ")[2], validate=True).decode()
    except (NotBase64, UnicodeDecodeError):
        return ""


class Finder:
    """Finds a secret, or a part of one, in texts and in files, in each form in which it was sent."""

    def __init__(self, app_key: str) -> None:
        users = (f"{EMAIL}:", f"bot:{PLANTED}", f"{PLANTED}-")
        headers = [b64encode(user.encode()).decode()[: len(user) // 3 * 4] for user in users]
        jwt = "eyJ"
        ends = [form for part in (PLANTED, TAIL) for form in (part, by_code_points(part))]
        self._forms = [*ends, *headers, jwt, "PRIVATE KEY", app_key.splitlines()[1]]

    def check(self, text: str, where: str) -> None:
        """AssertionError if the text holds a secret."""
        for form in self._forms:
            place = text.find(form)
            assert place < 0, f"{where}: {text[max(0, place - 300) : place + 200]}"

    def check_files(self, folder: Path) -> None:
        """AssertionError if a file of the folder holds a secret, but for the key file of the service account."""
        for file in folder.rglob("*"):
            if file.is_file() and file.name != "account.json":
                for name, content in _contents(file):
                    self.check(content.decode("utf-8", "replace"), name)


def _contents(file: Path) -> Iterator[tuple[str, bytes]]:
    content = file.read_bytes()
    if tarfile.is_tarfile(file):
        with tarfile.open(file) as archive:
            for member in archive:
                if (part := archive.extractfile(member)) is not None:
                    yield f"{file}/{member.name}", part.read()
    elif content.startswith(b"\x1f\x8b"):
        yield str(file), gzip.GzipFile(fileobj=BytesIO(content)).read()
    else:
        yield str(file), content
