"""The workspaces of a deployment that stand still, for the pages: each shows what its files and ledger hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from opened import create_ledger
from standing_still import StandingStill
from starlette.testclient import TestClient

from syncd.config.deployment import Deployment, read_deployment
from syncd.config.load import load_workspace
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.sdk import ConfigError, RetryPolicy
from syncd.workspaces.app import make_company_app

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: NAME-service
    title: Customers of NAME find answers
    owner: NAME-team
    key_results:
      - id: NAME-calls
        title: Calls to NAME fall
        kind: outcome
        unit: NAME-units
        baseline: 1200
        target: 600
        measure: {from: NAME-files, file: NAME.csv, series: {dates: Day, values: Calls}, take: latest}
      - id: NAME-articles
        title: Articles of NAME
        kind: output
        target: 4
        drives: NAME-calls
        lag: 1w
        measure: {from: NAME-files, file: NAME.csv, series: {dates: Day, values: Articles}, take: sum}
      - {id: NAME-trust, title: NAME is trusted, kind: outcome, baseline: 5, target: 9}
"""
OWN = "connections: {NAME-files: {type: files, root: .}}\nmappings: okrs.yaml\n"


class StandingWorkspaces:
    """A deployment of SQLite ledgers in a folder, whose files and web keys a test writes."""

    config_problem: str | None = None
    stopping = False
    workers: int | None = None

    def __init__(self, folder: Path, names: Sequence[str] = ("alpha", "bravo"), now: datetime = NOON) -> None:
        """`names` are workspaces whose files are written first."""
        self.folder, self.now = folder, now
        self.hooks: list[tuple[str, str]] = []
        self.opening: set[str] = set()
        self.webs: dict[str, str] = {}
        for name in names:
            self.write(name, "Day,Calls,Articles", "2026-10-05,1190,4", "2026-11-02,1180,1")
        self.reload()

    def write(self, name: str, *lines: str) -> None:
        """Writes the files of a workspace; what it measures are these lines."""
        team = self.folder / "teams" / name
        team.mkdir(parents=True, exist_ok=True)
        (team / "syncd.yaml").write_text(OWN.replace("NAME", name))
        (team / "okrs.yaml").write_text(MAPPING.replace("NAME", name))
        (team / f"{name}.csv").write_text("".join(f"{line}\n" for line in lines))

    def web(self, of_all: str | None = None, **of_workspaces: str) -> None:
        """Takes over these keys of `web:`, of the deployment and of workspaces."""
        self.webs = {"": of_all or "", **of_workspaces}
        self.reload()

    def reload(self) -> None:
        """Takes over what the files say. A workspace whose files are wrong keeps what it had."""
        before = getattr(self, "_daemons", {})
        head = "workspaces: teams/*/syncd.yaml\nledger: sqlite:///ledgers/{workspace}.db\n"
        (self.folder / "syncd.yaml").write_text(f"{head}clock: {self.now.isoformat()}\n" + _web(self.webs.get("")))
        for name, web in self.webs.items():
            if name:
                own = self.folder / "teams" / name / "syncd.yaml"
                own.write_text(own.read_text().partition("web:")[0] + _web(web))
        deployment = read_deployment(self.folder / "syncd.yaml")
        assert deployment is not None
        self.deployment: Deployment = deployment
        self._problems = {name: str(problem) for name, problem in deployment.refused.items()}
        self._daemons: dict[str, StandingStill] = {}
        for name in deployment.workspaces:
            daemon = before.get(name)
            try:
                config = load_workspace(deployment, name)
                ledger = daemon.ledger if daemon else create_ledger(config.ledger_url())
                self._daemons[name] = StandingStill(config, ledger, self.now)
            except ConfigError as error:
                if daemon is None:
                    self._problems[name] = str(error)
                else:
                    daemon.config_problem = str(error)
                    self._daemons[name] = daemon

    def sync(self, name: str) -> None:
        """Runs a cycle of a workspace."""
        daemon = self._daemons[name]
        assert daemon.ledger is not None
        run_cycle(CycleRequest(daemon.config, daemon.ledger, lambda: self.now, RetryPolicy(sleep=lambda _: None)))

    def close(self) -> None:
        for daemon in self._daemons.values():
            if daemon.ledger is not None:
                daemon.ledger.close()

    def names(self) -> Sequence[str]:
        return sorted({*self.deployment.workspaces, *self.deployment.refused})

    def daemon(self, name: str) -> StandingStill | None:
        return self._daemons.get(name) if name not in self.opening else None

    def problem(self, name: str) -> str | None:
        return self._problems.get(name)

    def standstill(self) -> float | None:
        return None

    def not_ready(self) -> str | None:
        return None

    def scrape(self, *, ledger: bool = True) -> bytes:
        return b"# of all\n"

    def receive_webhook(
        self, workspace: str, connection: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str]:
        if workspace not in self._daemons:
            return 404, "there is no such workspace"
        if connection != f"{workspace}-files":
            return 404, "no connection of this name takes webhooks"
        if headers.get("x-signature") != "right":
            return 401, "it is not signed"
        self.hooks.append((workspace, connection))
        return 200, "a cycle starts"

    def client(self, listens_on: str = "127.0.0.1", *, peer: str = "127.0.0.1", insecure: bool = False) -> TestClient:
        """A browser, at the address `peer`, of the deployment's pages."""
        app = make_company_app(self, listens_on, insecure=insecure)
        client = TestClient(app, base_url="http://localhost", client=(peer, 50_000), follow_redirects=False)
        client.headers["accept"] = "text/html"
        return client


def _web(keys: str | None) -> str:
    return f"web: {keys}\n" if keys else ""
