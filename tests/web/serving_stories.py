"""One server for all stories: each has a host of its own under `localhost`, and is made when it is first asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import page_stories as stories
from starlette.applications import Starlette
from starlette.routing import Host
from starlette.types import ASGIApp

from syncd.service import LedgerReader
from syncd.web import make_app, serving

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

LISTENS_ON = {"closed": "0.0.0.0"}
"""Where a story listens, by its own account; the others on loopback."""


class Site:
    """The pages of every story."""

    def __init__(self, folder: Path, app: Starlette, port: int) -> None:
        self._folder, self._app, self._port = folder, app, port
        self._readers: dict[str, LedgerReader] = {}

    def reader(self, story: str) -> LedgerReader:
        """What serves the pages of a story."""
        if story not in self._readers:
            folder = Path(tempfile.mkdtemp(prefix=story, dir=self._folder))
            self._readers[story] = reader = STORIES[story](folder)
            self._app.router.routes.append(Host(f"{story}.localhost", self._pages_of(story, reader)))
        return self._readers[story]

    @staticmethod
    def _pages_of(story: str, reader: LedgerReader) -> ASGIApp:
        return make_app(reader, LISTENS_ON.get(story, "127.0.0.1"), for_developers=True)

    def address(self, story: str, path: str) -> str:
        """The address of a page."""
        self.reader(story)
        return f"http://{story}.localhost:{self._port}{path}"


@contextmanager
def a_site() -> Iterator[Site]:
    """A site, until the block ends."""
    app = Starlette()
    with tempfile.TemporaryDirectory(prefix="syncd-site-") as folder, serving(app, "127.0.0.1", 0) as port:
        yield Site(Path(folder), app, port)
