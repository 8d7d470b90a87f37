"""A ledger whose GitHub records have both forms of `node_id` as their ids is migrated without a request or a jump."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from github_project import LONG_AGO, GitHubProject, close_issue, merge_pull
from sqlalchemy import create_engine, insert, inspect, select, text

from syncd.ledger import migrate, open_ledger
from syncd.ledger.schema import cycles, metadata, records, streams
from syncd.sandbox import Sandbox

MEASURES = {
    "work": "repo: 'acme/*', what: closed_issues",
    "merged": "repo: acme/a, what: merged_pull_requests",
    "shipped": "repo: 'acme/*', what: releases",
}
EXPECTED = {"work": (4, "complete"), "merged": (1, "complete"), "shipped": (2, "complete")}


@pytest.fixture(params=["sqlite", "postgresql"])
def project(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Older]:
    """Synced, with the ids and tables of the version before."""
    monkeypatch.setenv("TOKEN", box.credentials["github"])
    for name in ("acme/a", "acme/b"):
        box.world.github.add_repo(name, at=LONG_AGO)
        for _ in range(2):
            close_issue(box, name)
        merge_pull(box, name)
        box.world.github.add_release(name, "v1", at=LONG_AGO)
    made = Older(tmp_path, box, **MEASURES)
    made.sync()
    url = f"sqlite:///{tmp_path}/older.db"
    if request.param == "postgresql":
        new: Callable[[], str] = request.getfixturevalue("new_postgres")
        url = new()
    made.older = url
    _make_older(made, url)
    yield made
    made.ledger.close()


class Older(GitHubProject):
    """A project whose ledger is put in the place of one that the version before wrote."""

    older: str

    def migrate(self) -> None:
        self.ledger.close()
        opened = open_ledger(self.older)
        assert opened is not None
        self.ledger = opened


def node_id(kind: str, number: int, *, legacy: bool) -> str:
    if legacy:
        name = {"issue": "Issue", "pull request": "PullRequest", "release": "Release"}[kind]
        return base64.b64encode(f"0{len(name)}:{name}{number}".encode()).decode()
    packed = b"\x93\x00\xce" + (99).to_bytes(4) + b"\xce" + number.to_bytes(4)
    prefix = {"issue": "I", "pull request": "PR", "release": "RE"}[kind]
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def _make_older(project: GitHubProject, url: str) -> None:
    """Writes the ledger as the version before would have: each record by the one or the other form of `node_id`.

    One issue has both: GitHub changed its id, and that version took it for a new record.
    """
    engine = create_engine(url)
    with engine.begin() as older, project.ledger.engine.connect() as connection:
        migrate.upgrade(older, to="0008")
        columns = {
            name: {column["name"] for column in inspect(older).get_columns(name)}
            for name in inspect(older).get_table_names()
        }
        for table in (table for table in metadata.sorted_tables if table.name in columns):
            rows: list[dict[str, Any]] = [dict(row) for row in connection.execute(select(table)).mappings()]
            if table is records:
                rows = list(_by_node_id(rows))
            if table is cycles:
                rows.append({**rows[0], "id": 2})
            kept = [{name: value for name, value in row.items() if name in columns[table.name]} for row in rows]
            if kept:
                older.execute(insert(table), kept)
        if engine.dialect.name == "postgresql":
            older.execute(text("SELECT setval('cycles_id_seq', 2)"))
            older.execute(text("SELECT setval('streams_id_seq', 9)"))
            older.execute(text("SELECT setval('definitions_id_seq', 9)"))
    engine.dispose()


def _by_node_id(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(sorted(rows, key=lambda row: (row["stream"], row["id"]))):
        number = int(row["id"].rpartition(" ")[2]) + 1000 * place * (row["kind"] != "release")
        yield {**row, "id": node_id(row["kind"], number, legacy=place % 2 == 0)}
        if row["label"] == "acme/b#1":
            other = node_id(row["kind"], number, legacy=place % 2 == 1)
            yield {**row, "id": other, "cycle": 2, "title": "New title"}


@pytest.mark.sampled(1)
def test_a_ledger_of_both_forms_goes_on_without_a_jump(project: Older, box: Sandbox) -> None:
    box.requests.clear()
    project.migrate()
    assert box.requests == []
    assert {name: project.value(name) for name in MEASURES} == EXPECTED
    for options in ({}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert {name: project.value(name) for name in MEASURES} == EXPECTED
        assert [project.restated(name) for name in MEASURES] == [[], [], []]


def test_versions_of_a_record_follow_one_another(project: Older) -> None:
    project.migrate()
    with project.ledger.engine.connect() as connection:
        query = select(records.c.id, records.c.cycle, records.c.until, records.c.title)
        query = query.join(streams, streams.c.id == records.c.stream).where(streams.c.key == "issues of acme/*")
        rows = connection.execute(query.order_by(records.c.id, records.c.cycle)).all()
        remembered = connection.execute(select(streams.c.key, streams.c.memory).order_by(streams.c.key)).all()
    assert [row[:3] for row in rows if row.id.startswith("acme/b")] == [
        ("acme/b issue 1", 1, 2),
        ("acme/b issue 1", 2, None),
        ("acme/b issue 2", 1, None),
        ("acme/b pull request 3", 1, None),
    ]
    assert [row.title for row in rows if row.id == "acme/b issue 1"][1] == "New title"
    owned = {"repositories": {"acme/a": None, "acme/b": None}}
    assert dict(remembered) == {"issues of acme/*": owned, "issues of acme/a": None, "releases of acme/*": owned}


@pytest.mark.sampled(1)
def test_a_repository_that_was_renamed_meanwhile_keeps_its_records(project: Older, box: Sandbox) -> None:
    project.migrate()
    box.world.github.rename_repo("acme/b", "c")
    for options in ({}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert project.value("work") == EXPECTED["work"]
        assert project.restated("work") == []


def test_records_of_other_systems_keep_their_ids(tmp_path: Path) -> None:
    """As those of the example of a GitLab connector, whose streams and labels have the same form."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate.upgrade(connection, to="0008")
        for stream, key, kind, label in (
            (1, "issues of acme/web", None, "acme/web#7"),
            (2, "project = KB", "issue", "KB-7"),
            (3, "releases of acme/web", "release", "acme/web v1"),
        ):
            row = {"stream": stream, "key": key, "kind": kind, "label": label}
            connection.execute(text("INSERT INTO streams (id, connection, key) VALUES (:stream, 'c', :key)"), row)
            names = "stream, id, cycle, digest, kind, label, title, url, updated_at, fields"
            given = ":stream, 'own_' || :stream, 1, 'd', :kind, :label, 't', 'u', '2026-11-01 00:00:00', '{}'"
            connection.execute(text(f"INSERT INTO records ({names}) VALUES ({given})"), row)
    engine.dispose()
    ledger = open_ledger(url)
    assert ledger is not None
    with ledger.engine.connect() as connection:
        assert set(connection.execute(select(records.c.id)).scalars()) == {"own_1", "own_2", "own_3"}
    ledger.close()
