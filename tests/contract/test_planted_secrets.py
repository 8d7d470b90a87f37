"""No secret of any slot is shown, logged or kept, whatever servers repeat in whatever kind of error.

In the gate a single project has all slots, and its servers answer by turns with every kind of error. The nightly run
tries each kind of error with all slots.
"""

from __future__ import annotations

import logging
import socket
import struct
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import pytest
import structlog
from csv_project import CsvProject
from planting import ERRORS, KEY_RESULT, MAPPING, Finder, by_turns, echo, secret, variables, write_project
from raw_servers import listening
from starlette.testclient import TestClient

from syncd.cli.boundary import _run
from syncd.config import load_config
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import LedgerError, open_ledger
from syncd.notifying.send import NotSent, send
from syncd.sandbox import DEMO_NOW, serve
from syncd.sdk import RetryPolicy
from syncd.service import Service
from syncd.service.heartbeat import Heartbeat
from syncd.web import make_app

COMMANDS = (
    "sync --log-format json",
    "doctor",
    "plan --json",
    "status",
    "status --json",
    "explain pulls",
    "explain api --json",
    "history cloud --json",
    "review --json",
    "validate",
    "test",
    "publish",
    "connectors",
    "export dump",
    "backup ledger.backup",
    "prune",
)
MORE_COMMANDS = ("sync --dry-run", "doctor --json", "plan", "explain cloud", "history pulls", "review", "status --json")
PAGES = (
    "/", "/objectives/all", "/key-results/pulls", "/key-results/api", "/sources", "/reviews/week", "/reviews/period",
    "/api/", "/api/status", "/api/key-results/pulls", "/api/key-results/pulls/history", "/api/sources", "/api/review",
    "/healthz", "/readyz", "/metrics", "/login", "/nowhere",
)  # fmt: skip


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An App's private key, and the key file of a service account."""
    with serve(seed=7, now=DEMO_NOW) as box:
        return box.github_app["private_key"], box.service_account(tmp_path_factory.mktemp("keys") / "account.json")


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """syncd's log, which is afterwards as it was."""
    monkeypatch.setattr(logging, "lastResort", logging.lastResort)
    log = logging.getLogger("syncd")
    before = list(log.handlers), log.level, log.propagate
    yield log
    log.handlers[:], log.level, log.propagate = before
    structlog.reset_defaults()


class Planted:
    """A project with a secret in every slot, whose servers answer with errors."""

    def __init__(self, folder: Path, server: str, keys: tuple[str, Path], environment: pytest.MonkeyPatch) -> None:
        for name, value in variables(server, keys[0]).items():
            environment.setenv(name, value)
        environment.setattr(RetryPolicy, "call", lambda _, request: request())  # the errors of a single try each
        environment.chdir(folder)
        self.folder, self.server = folder, server
        self.path = write_project(folder, server, keys[1])
        self.find = Finder(keys[0])

    def cycle(self, caplog: pytest.LogCaptureFixture) -> None:
        """A sync, whose log is looked at before anything renders it."""
        config = load_config(self.path)
        ledger = open_ledger(config.ledger_url())
        assert ledger is not None
        caplog.set_level(logging.DEBUG, logger="syncd")
        result = run_cycle(CycleRequest(config, ledger, lambda: DEMO_NOW, RetryPolicy()))
        ledger.close()
        assert sum(pulled.quality != "complete" for pulled in result.pulls) >= 7
        assert len(result.delivered) >= 12
        for outcome in [*result.pulls, *result.delivered, *result.messages, *config.connections.values(), config]:
            self.find.check(repr(outcome), "a result")
        for record in caplog.records:
            if record.name.startswith("syncd"):
                self.find.check(repr(vars(record)), "the log")
                lines = traceback.format_exception(*record.exc_info) if record.exc_info else []
                self.find.check("".join(lines), "a traceback")

    def commands(self, capsys: pytest.CaptureFixture[str], commands: Sequence[str] = COMMANDS) -> None:
        """Every command, and what it prints."""
        for command in commands:
            capsys.readouterr()
            code = _run([*command.split(), "--config", str(self.path)] if command != "connectors" else ["connectors"])
            printed = capsys.readouterr()
            assert code in (0, 1), f"{command}: {printed.err}"
            self.find.check(printed.out, f"the output of {command}")
            self.find.check(printed.err, f"the errors of {command}")

    def pages(self) -> None:
        """Every page and answer, whether the reader may see it or not."""
        config = load_config(self.path)
        ledger = open_ledger(config.ledger_url())
        assert ledger is not None
        service = Service(self.path, config, lambda: DEMO_NOW, ledger)
        client = TestClient(make_app(service), base_url="http://127.0.0.1", follow_redirects=False)
        statuses: dict[str, int] = {}
        for page in PAGES:
            for token in (secret("METRICS") if page == "/metrics" else secret("WEB_TOKEN"), "wrong-token-0123"):
                answer = client.get(page, headers={"Authorization": f"Bearer {token}"})
                self.find.check(f"{answer.headers}{answer.text}", page)
                statuses.setdefault(page, answer.status_code)
        answer = client.post("/hooks/code", content=b"{}", headers={"X-Hub-Signature-256": "sha256=00"})
        self.find.check(answer.text, "a webhook")
        ledger.close()
        assert {page for page, status in statuses.items() if status != 200} <= {"/login", "/nowhere", "/readyz"}

    def messages(self, caplog: pytest.LogCaptureFixture) -> None:
        """A message to each address, and a call of the heartbeat."""
        config = load_config(self.path)
        caplog.clear()
        for recipient in ("to", "web"):
            try:
                send(config, recipient, "It changed", lambda _: "Something changed")
            except NotSent as error:
                self.find.check(str(error), "a reason")
        heartbeat = Heartbeat(lambda _: None)
        heartbeat.beat(config)
        assert heartbeat._calling is not None
        heartbeat._calling.join()
        self.find.check(caplog.text, "the log of messages")


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, Path]) -> Iterator[Callable[..., Planted]]:
    """Plants the project before servers that answer in some way."""
    with ExitStack() as stack:

        def planted(respond: Callable[[str], tuple[int, str, str]], issues: Callable[[], bool]) -> Planted:
            return Planted(tmp_path, stack.enter_context(echo(respond, issues)), keys, monkeypatch)

        yield planted


def test_no_secret_is_shown_logged_or_kept_whatever_a_server_repeats(
    plant: Callable[..., Planted], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = cycle([True, False, False])
    planted = plant(by_turns(), lambda: next(turns))
    planted.cycle(caplog)
    planted.messages(caplog)
    planted.commands(capsys)
    planted.pages()
    planted.find.check_files(planted.folder)


@pytest.mark.nightly
@pytest.mark.parametrize("issues_tokens", [True, False], ids=["tokens", "no-tokens"])
@pytest.mark.parametrize("error", ERRORS)
def test_no_error_shows_a_secret(
    plant: Callable[..., Planted],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    error: str,
    issues_tokens: bool,
) -> None:
    planted = plant(ERRORS[error], lambda: issues_tokens)
    planted.cycle(caplog)
    planted.messages(caplog)
    planted.commands(capsys, [*COMMANDS, *MORE_COMMANDS])
    planted.pages()
    planted.find.check_files(planted.folder)


def test_row_that_repeats_a_secret_is_kept_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(seed=7, now=DEMO_NOW) as box:
        token = box.credentials["github"]
        monkeypatch.setenv("GITHUB", token)
        box.world.github.add_repo("acme/planted")
        issue = box.world.github.add_issue("acme/planted", f"See {token}", labels=[token, "bug"])
        box.world.github.close_issue("acme/planted", issue.number)
        code = f'  code: {{type: github, url: "{box.github_url}", token: "${{GITHUB}}"}}\n'
        measure = "code, repo: acme/planted, what: closed_issues"
        project = CsvProject(tmp_path, MAPPING + KEY_RESULT.format("work", measure), DEMO_NOW, connections=code)
        assert not project.cycle().failures
    (row,) = project.ledger.answers.records(project.key_result("work").measure)
    project.ledger.close()
    assert (row.title, sorted(row.fields["label"])) == ("See ***", ["***", "bug"])
    assert not [file for file in tmp_path.rglob("syncd.db*") if token.encode() in file.read_bytes()]


@pytest.mark.parametrize("address", ["bot:${{LEDGER}}@127.0.0.1:{}/okrs", "bot@127.0.0.1:{}/okrs?password=${{LEDGER}}"])
def test_password_of_the_ledger_is_shown_nowhere(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server asks for the password in clear, and repeats it as the reason why it lets nobody in."""

    def message(kind: bytes, content: bytes) -> bytes:
        return kind + struct.pack("!i", len(content) + 4) + content

    def respond(connection: socket.socket) -> None:
        if connection.recv(8)[4:] == struct.pack("!i", 80877103):  # it asks for TLS
            connection.sendall(b"N")
        connection.recv(4096)
        connection.sendall(message(b"R", struct.pack("!i", 3)))
        password = connection.recv(4096)[5:].rstrip(b"\0")
        fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword " + password + b" is wrong\0\0"
        connection.sendall(message(b"E", fields))

    monkeypatch.setenv("LEDGER", secret("LEDGER"))
    (tmp_path / "okrs.yaml").write_text(MAPPING + KEY_RESULT.format("cost", "local, file: costs.csv, cell: A1"))
    find = Finder("a\nkey that is nowhere")
    with listening(respond) as port:
        ledger = f"postgresql+psycopg://{address.format(port)}"
        (tmp_path / "syncd.yaml").write_text(
            f"mappings: okrs.yaml\nledger: {ledger}\nconnections:\n  local: {{type: files, root: .}}\n"
        )
        for command in ("status", "sync", "doctor", "export dump", "backup a.backup", "validate"):
            _run([*command.split(), "--config", str(tmp_path / "syncd.yaml")])
            printed = capsys.readouterr()
            assert "password *** is wrong" in printed.err + printed.out or command == "validate", command
            find.check(printed.out + printed.err, command)
        with pytest.raises(LedgerError) as error:
            open_ledger(load_config(tmp_path / "syncd.yaml").ledger_url())
    find.check(str(error.value), "the error that a page shows")
