"""One server for all stories: each has a host of its own under `localhost`, and is made when it is first asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import page_stories as stories
from standing_workspaces import StandingWorkspaces
from starlette.applications import Starlette
from starlette.routing import Host
from starlette.types import ASGIApp

from syncd.config import Config
from syncd.service import LedgerReader
from syncd.web import make_app, serving
from syncd.workspaces.app import make_company_app

STORIES: Mapping[str, Callable[[Path], LedgerReader]] = {
    "demo": stories.demo,
    "first-start": stories.first_start,
    "no-period": stories.no_period,
    "unknown": stories.unknown,
    "over": stories.over,
    "troubled": stories.troubled,
    "german": stories.german,
    "many": stories.many,
    "failing": partial(stories.first_start, reader=stories.FailingReader),
    "closed": stories.first_start,
    "login": stories.with_login,
    "silent": partial(stories.first_start, reader=stories.SilentReader),
}

DEPLOYMENTS: Mapping[str, Callable[[Path], StandingWorkspaces]] = {
    "teams": stories.teams,
    "new-teams": stories.new_teams,
}

LISTENS_ON = {"closed": "0.0.0.0"}
"""Where a story listens, by its own account; the others on loopback."""


class Site:
    """The pages of every story."""

    def __init__(self, folder: Path, app: Starlette, port: int, demo: Callable[[Path], Path] | None) -> None:
        self._folder, self._app, self._port = folder, app, port
        self._stories = (
            {**STORIES} if demo is None else {**STORIES, "demo": lambda folder: stories.Reader(demo(folder))}
        )
        self._readers: dict[str, LedgerReader] = {}
        self._companies: dict[str, StandingWorkspaces] = {}
        self._served: set[str] = set()

    def app(self, story: str, listens_on: str = "127.0.0.1", **options: Any) -> ASGIApp:
        """The application that serves the pages of a story, made with these options."""
        if story in DEPLOYMENTS:
            options.pop("for_developers", None)
            return make_company_app(self._company(story), listens_on, **options)
        return make_app(self._reader(story), listens_on, **options)

    def configs(self, story: str) -> Sequence[Config]:
        """What the pages of a story are about."""
        if story not in DEPLOYMENTS:
            return [self._reader(story).config]
        company = self._company(story)
        return [daemon.config for daemon in map(company.daemon, company.names()) if daemon is not None]

    def address(self, story: str, path: str) -> str:
        """The address of a page."""
        if story not in self._served:
            self._served.add(story)
            app = self.app(story, LISTENS_ON.get(story, "127.0.0.1"), for_developers=True)
            self._app.router.routes.append(Host(f"{story}.localhost", app))
        return f"http://{story}.localhost:{self._port}{path}"

    def _reader(self, story: str) -> LedgerReader:
        if story not in self._readers:
            self._readers[story] = self._stories[story](self._new_folder(story))
        return self._readers[story]

    def _company(self, story: str) -> StandingWorkspaces:
        if story not in self._companies:
            self._companies[story] = DEPLOYMENTS[story](self._new_folder(story))
        return self._companies[story]

    def _new_folder(self, story: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=story, dir=self._folder))


@contextmanager
def a_site(demo: Callable[[Path], Path] | None = None) -> Iterator[Site]:
    """A site, until the block ends; `demo` puts the demo's folder into another one, where it was made already."""
    app = Starlette()
    with tempfile.TemporaryDirectory(prefix="syncd-site-") as folder, serving(app, "127.0.0.1", 0) as port:
        yield Site(Path(folder), app, port, demo)
