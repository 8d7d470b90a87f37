"""The complete sandbox: one company, the services that show its data, and the class that tests and the demo use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd.sandbox.control import Control, Truth
from syncd.sandbox.credentials import Credentials
from syncd.sandbox.faults import Fault, Faults
from syncd.sandbox.github.api import GitHub
from syncd.sandbox.gitlab.api import GitLab
from syncd.sandbox.http import Service
from syncd.sandbox.jira.api import Jira
from syncd.sandbox.metrics import MetricsApi
from syncd.sandbox.okr_api import OkrApi, Received
from syncd.sandbox.server import LoggedRequest, Server
from syncd.sandbox.sheets.api import Sheets
from syncd.sandbox.sheets.google_token import GoogleToken
from syncd.sandbox.story import build
from syncd.sandbox.truth.figures import truth
from syncd.sandbox.world import World


class Sandbox:
    """A running sandbox. `world` changes the company's data; `okr.answer` sets the response of the OKR service.

    `requests` lists all requests in order, and `received` the requests that the OKR service accepted. Both lists may be
    cleared.
    """

    def __init__(self, world: World, host: str, port: int) -> None:
        self.world = world
        self._credentials = secrets = Credentials()
        self._faults = Faults()
        self.okr = OkrApi(secrets)
        self._github = GitHub(world.github, secrets)
        self.received: list[Received] = self.okr.received
        services: dict[str, tuple[str, Service]] = {
            "/github": ("github", self._github),
            "/gitlab": ("gitlab", GitLab(world.gitlab, secrets)),
            "/jira": ("jira", Jira(world.jira, secrets)),
            "/jira-dc": ("jira-dc", Jira(world.jira_dc, secrets)),
            "/sheets": ("sheets", Sheets(world.sheets, secrets)),
            "/token": ("token", GoogleToken(secrets)),
            "/metrics-api": ("metrics", MetricsApi(world, secrets)),
            "/okr-api": ("okr", self.okr),
            "/control": ("control", Control(world, self._faults, lambda: self.requests, self.okr)),
            "/truth": ("truth", Truth(world)),
        }
        self._server = Server(host, port, services, self._faults)
        self.requests: list[LoggedRequest] = self._server.requests
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_address[1]}"
        self.github_url = f"{self.url}/github"
        self.gitlab_url = f"{self.url}/gitlab"
        self.jira_url = f"{self.url}/jira"
        self.jira_dc_url = f"{self.url}/jira-dc"
        self.sheets_url = f"{self.url}/sheets"
        self.token_url = f"{self.url}/token"
        self.metrics_url = f"{self.url}/metrics-api"
        self.okr_url = f"{self.url}/okr-api"

    @property
    def credentials(self) -> dict[str, str]:
        """The secrets that the services accept, by name (see `Credentials`)."""
        return self._credentials.as_dict()

    @property
    def github_app(self) -> dict[str, str]:
        """The GitHub App's `app_id`, `installation_id` and `private_key` (PEM)."""
        return self._credentials.github_app

    def github_windows(self, token: str) -> list[int]:
        """The number of requests that counted for a token in each window of GitHub's quota."""
        return [used.get(token, 0) for used in self._github.windows]

    def service_account(self, path: Path | str) -> Path:
        """Writes a Google service-account file that this sandbox's token endpoint accepts."""
        return self._credentials.write_service_account(Path(path), self.token_url)

    def fault(self, fault: Fault) -> None:
        """Adds a fault at the end of the list of active faults."""
        self._faults.add(fault)

    def heal(self) -> None:
        """Removes every fault."""
        self._faults.heal()

    def truth(self, at: datetime | None = None) -> dict[str, Any]:
        """The correct figures of every key result of the example mappings at the time `at`; by default, at the
        sandbox's present time.
        """
        return truth(self.world, at)

    @contextlib.contextmanager
    def running(self) -> Iterator[Sandbox]:
        """Serves until the block ends."""
        with self._server.running():
            yield self


@contextlib.contextmanager
def serve(seed: int = 7, now: datetime | None = None, port: int = 0) -> Iterator[Sandbox]:
    """A sandbox on 127.0.0.1 until the block ends. Port 0 picks a free port; `now=None` uses the machine's clock."""
    with Sandbox(build(seed, now), "127.0.0.1", port).running() as box:
        yield box
