"""A deployment with workers: three workspaces, each with a number in a file and check-ins in the sandbox."""

from __future__ import annotations

import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from forked import Forked
from projects import Project
from relay import Relay, relay_to
from sqlalchemy import make_url
from waiting import HANG

from syncd.config.ledger_address import OF_CONTROL, of_shard, shard_of
from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.github.code import Issue
from syncd.sandbox.story.numbers import OKR_BOOK

NAMES = ("alpha", "bravo", "charlie")
TENTH = "{heartbeat: 1s, reclaim: 2.5s}"
"""A tenth of the default times."""

_DEPLOYMENT = """\
workspaces: teams/*/syncd.yaml
ledger: "${{LEDGER}}"
runner: procrastinate
worker: {worker}
schedule: 1d
timezone: Europe/Berlin
clock: {clock}
"""
_WORKSPACE = """\
connections:
  local: {{type: files, root: data/}}
  code: {{type: github, url: "{github}", token: "${{GITHUB_TOKEN}}"}}
  numbers: {{type: sheets, url: "{sheets}", token: "${{GOOGLE_TOKEN}}"}}
publish:
  - {{to: code, issues: {{calls: "acme/search#{issue}"}}, comment: true}}
  - {{to: numbers, spreadsheet: {book}, sheet: {name}, create: true, log: {name}-log, key_column: A,
      columns: {{value: B}}}}
"""
_MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers of {name} find answers
    key_results:
      - {{id: calls, title: Calls, kind: outcome, baseline: 0, target: 1000,
          measure: {{from: local, file: numbers.csv, cell: A2}}}}
      - {{id: leads, title: Leads, kind: outcome, baseline: 0, target: 1000,
          measure: {{from: local, file: numbers.csv, cell: B2}}}}
"""


@dataclass
class Company:
    """The deployment's folder, what stands at its targets, and its workers."""

    project: Project
    box: Sandbox
    issues: dict[str, Issue]
    workers: list[Forked] = field(default_factory=list)
    number: int = 0

    def start(self, *arguments: str, command: str = "worker") -> Forked:
        """One more worker; its log is `log_of` it."""
        number = len(self.workers)
        worker = self.project.start(command, *arguments, err=self.project.folder / f"worker-{number}.log")
        self.workers.append(worker)
        return worker

    def log_of(self, worker: Forked) -> str:
        """The log of a worker until now."""
        file = self.project.folder / f"worker-{self.workers.index(worker)}.log"
        return re.sub(r"\x1b\[[0-9;]*m", "", file.read_text("utf-8")) if file.exists() else ""

    def change(self, names: tuple[str, ...] = NAMES) -> None:
        """Other numbers in each workspace, which are due at once."""
        self.number += 10
        for name in names:
            self.write(name)
        self.make_due(names)

    def write(self, name: str) -> None:
        """Puts the numbers of now into the file of a workspace."""
        file = self.project.folder / "teams" / name / "data" / "numbers.csv"
        file.write_text(f"calls,leads\n{self.number},{self.number + 1}\n")

    def make_due(self, names: tuple[str, ...] = NAMES) -> None:
        self.ask("UPDATE syncd.workspaces SET due_at = now() WHERE name = ANY(%s)", list(names))

    def ask(self, query: str, *values: Any, shard: str = OF_CONTROL) -> list[tuple[Any, ...]]:
        """The rows that a query answers in the database; none while it has no answer. Where there are several
        databases, that of the ledger which the query names, else that of a shard.
        """
        of_ledger = re.search(r"\bws_(\w+)\.", query)
        url = of_shard(self.project.env["LEDGER"], shard_of(of_ledger[1]) if of_ledger else shard)
        address = make_url(url).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
            cursor = connection.execute(query, values or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """The outcome and the problem of each workspace's last job, and whether another is under way or due."""
        if self.ask("SELECT to_regclass('syncd.workspaces')") == [(None,)]:
            return {}
        query = "SELECT name, outcome, problem, due_at IS NULL OR due_at <= now() FROM syncd.workspaces"
        return {name: rest for name, *rest in self.ask(query)}

    def settled(self) -> bool:
        """Whether every workspace was run to its end, and nothing is due, waits in the queue, or is on its way: what
        was asked for while a job ran is a job behind it, and a later job sends what an earlier one could not.
        """
        rows = self.rows()
        ended = len(rows) == len(NAMES) and all(row == ["complete", None, False] for row in rows.values())
        jobs = "SELECT count(*) FROM syncd.procrastinate_jobs WHERE status IN ('todo', 'doing')"
        return ended and self.ask(jobs) == [(0,)] and not any(map(self._sends, NAMES))

    def _sends(self, name: str) -> bool:
        """Whether a check-in of a workspace has not arrived yet."""
        waiting = f"SELECT count(*) FROM ws_{name}.deliveries WHERE state IN ('waiting', 'sending')"
        return self.ask(waiting) != [(0,)]

    def digest(self, name: str) -> str | None:
        """The digest of the files of a workspace that were announced last."""
        return self.ask("SELECT digest FROM syncd.workspaces WHERE name = %s", name)[0][0]

    def numbers(self, name: str) -> tuple[float | None, ...]:
        """The numbers of a workspace's key results, as its `status` shows them."""
        key_results = self.project.status("--workspace", name)["objectives"][0]["key_results"]
        return tuple(kr["value"] for kr in key_results)

    def log_rows(self, name: str) -> Counter[tuple[Any, ...]]:
        """The rows of the sheet to which each check-in is appended."""
        rows = self.box.world.sheets.spreadsheets[OKR_BOOK].sheet(f"{name}-log").rows[1:]
        return Counter(tuple(cell.value for cell in row[:4]) for row in rows if any(cell.value for cell in row))

    def comments(self, name: str) -> list[str]:
        """What syncd wrote on the issue of a workspace."""
        return [comment.body for comment in self.issues[name].comments if "syncd" in comment.body]

    def ledger(self, name: str) -> list[tuple[Any, ...]]:
        """What the ledger of a workspace holds about its cycles and deliveries."""
        columns = "id, connection, target, cycle, state, reason, tries, tried_at"
        deliveries = f"SELECT {columns} FROM ws_{name}.deliveries ORDER BY id"
        return [*self.ask(f"SELECT * FROM ws_{name}.cycles ORDER BY id"), *self.ask(deliveries)]

    def check(self) -> None:
        """Every workspace has its numbers, and every check-in stands once."""
        for name in NAMES:
            assert self.numbers(name) == (self.number, self.number + 1), name
        self.check_targets()

    def check_targets(self) -> None:
        """Every check-in stands once, and its number is that of now."""
        for name in NAMES:
            assert set(self.log_rows(name).values()) == {1}, (name, self.log_rows(name))
            comments = self.comments(name)
            assert len(comments) == 1, (name, comments)
            assert f"{self.number:,}" in comments[0], (name, comments, *self.ledger(name))

    def stop(self) -> None:
        """Ends every worker as an operator does."""
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            worker.wait(HANG)


@contextmanager
def company(
    folder: Path, box: Sandbox, ledger: str, *, github: str | None = None, worker: str = TENTH
) -> Iterator[Company]:
    """The deployment, until the block ends; `github` is the address at which its workspaces find the sandbox's."""
    secrets = {"GITHUB_TOKEN": box.credentials["github"], "GOOGLE_TOKEN": box.credentials["google_token"]}
    project = Project(folder, {"LEDGER": ledger, **secrets})
    folder.mkdir(exist_ok=True)
    (folder / "syncd.yaml").write_text(_DEPLOYMENT.format(clock=DEMO_NOW.isoformat(), worker=worker))
    issues = {}
    for name in NAMES:
        issues[name] = box.world.github.add_issue("acme/search", f"Calls of {name}")
        team = folder / "teams" / name
        (team / "mappings").mkdir(parents=True)
        (team / "data").mkdir()
        places = {"github": github or box.github_url, "sheets": box.sheets_url, "book": OKR_BOOK}
        (team / "syncd.yaml").write_text(_WORKSPACE.format(name=name, issue=issues[name].number, **places))
        (team / "mappings" / "okrs.yaml").write_text(_MAPPING.format(name=name))
    made = Company(project, box, issues)
    for name in NAMES:
        made.write(name)
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def company_behind_a_relay(
    folder: Path, box: Sandbox, ledger: str, *, worker: str = TENTH
) -> Iterator[tuple[Company, Relay]]:
    """Its check-ins for GitHub pass a relay."""
    address = urlsplit(box.github_url)
    connect = partial(socket.create_connection, (address.hostname, address.port))
    with (
        relay_to(connect) as relay,
        company(folder, box, ledger, github=f"http://127.0.0.1:{relay.port}{address.path}", worker=worker) as made,
    ):
        yield made, relay
