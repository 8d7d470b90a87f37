"""The story's warehouse as a PostgreSQL database, behind a relay that breaks on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from breaking_relay import BreakingRelay
from projects import Project
from sqlalchemy import create_engine, make_url, text

from syncd.sandbox.story.when import BERLIN
from syncd.sandbox.world import World
from syncd.sdk.testing import AILMENTS

_BY_CONNECTION = {ailment.connection: ailment for ailment in AILMENTS}
_OF_SQLITE = ("date(searched_at, '-6 days', 'weekday 1')", "sum(opened IS NULL)")
_OF_POSTGRESQL = ("CAST(date_trunc('week', searched_at) AS date)", "count(*) FILTER (WHERE opened IS NULL)")


class Warehouse:
    """The searches of a world, in the database of an SQLAlchemy URL."""

    def __init__(self, url: str, world: World, relay: BreakingRelay) -> None:
        self._world, self._relay = world, relay
        self._engine = create_engine(url)
        self.url = relay.url
        with self._engine.begin() as database:
            database.execute(text("CREATE TABLE searches (id int, searched_at timestamp, words text, opened text)"))
            database.execute(
                text("INSERT INTO searches VALUES (:id, :at, :words, :opened)"),
                [
                    {"id": number, "at": search.at.astimezone(BERLIN).replace(tzinfo=None), "words": search.words,
                     "opened": search.opened}
                    for number, search in enumerate(world.searches)
                ],
            )  # fmt: skip

    def change(self) -> None:
        """A search of the latest week leads to an article, or to none any more."""
        search = self._world.searches[-1]
        opened = None if search.opened else "KB-1"
        self._world.searches[-1] = replace(search, opened=opened)
        with self._engine.begin() as database:
            database.execute(
                text("UPDATE searches SET opened = :opened WHERE id = :id"),
                {"opened": opened, "id": len(self._world.searches) - 1},
            )

    @contextmanager
    def broken(self, trouble: str) -> Iterator[None]:
        """Something is wrong with it until the block ends."""
        with ExitStack() as mended:
            mended.callback(self._relay.heals)
            if trouble == "reset":
                self._relay.breaks(_BY_CONNECTION["reset"])
            elif trouble == "cut":
                self._relay.breaks(_BY_CONNECTION["cut"], before=b"2026-10-")  # in the first rows
            elif trouble == "reset once":
                self._relay.breaks(_BY_CONNECTION["reset"], times=1)
            elif trouble == "silent":
                self._relay.falls_silent()
            elif trouble == "locked":
                mended.enter_context(self._engine.begin()).execute(text("LOCK TABLE searches"))
            elif trouble == "table gone":
                mended.callback(self._run, "ALTER TABLE gone RENAME TO searches")
                self._run("ALTER TABLE searches RENAME TO gone")
            elif trouble == "right taken":
                mended.callback(self._run, "GRANT SELECT ON searches TO CURRENT_USER")
                self._run("REVOKE SELECT ON searches FROM CURRENT_USER")
            else:
                assert trouble == "login refused", "the connection names another user: `elsewhere`"
            yield

    def elsewhere(self, address: str | None, trouble: str | None) -> str:
        """The keys of a connection to it that names another server or user, or that waits for a moment only."""
        url = make_url(self.url)
        if address is not None:
            other = urlsplit(address)
            url = url.set(host=other.hostname, port=other.port)
        if trouble == "login refused":
            url = url.set(username="nobody")
        timeout = ", timeout: 1" if trouble == "locked" else ""
        return f'"{url.render_as_string(hide_password=False)}"{timeout}'

    def close(self) -> None:
        """Closes its own connections."""
        self._engine.dispose()

    def _run(self, statement: str) -> None:
        with self._engine.begin() as database:
            database.execute(text(statement))


@contextmanager
def warehouse_of(project: Project, url: str, world: World) -> Iterator[Warehouse]:
    """The warehouse in an empty database of PostgreSQL, which the project reads from then on."""
    with BreakingRelay(url).running() as relay:
        warehouse = Warehouse(url, world, relay)
        project.edit("syncd.yaml", '"sqlite:///data/warehouse.db"', f'"{warehouse.url}"')
        for ours, theirs in zip(_OF_SQLITE, _OF_POSTGRESQL, strict=True):
            project.edit("mappings/support.yaml", ours, theirs)
        yield warehouse
        warehouse.close()
