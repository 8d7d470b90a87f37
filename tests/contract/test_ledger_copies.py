"""A ledger as a backup, as an export, in another database: each row as it was, or a sentence and nothing touched."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import signal
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opened import create_ledger, url_of
from sqlalchemy import JSON, Boolean, Column, Float, Integer, Table, insert, select, text

from syncd.ledger import Ledger, LedgerBusy, LedgerError, cycle_lock, migrate, service_lock
from syncd.ledger.backup import back_up, export
from syncd.ledger.column_types import Moment
from syncd.ledger.restore import copy, import_dump, restore
from syncd.ledger.schema import metadata, sessions
from syncd.ledger.transfer import StoredRows

TABLES = [table for table in metadata.sorted_tables if table.name != "control"]
OLD = Path(__file__).parents[1] / "fixtures" / "ledger-of-0.1.0" / "ledger.sql"


def awkward(column: Column[Any], number: int) -> Any:
    """A value that a careless copy would change: it differs from row to row, and is absent in some."""
    if column.nullable and number % 3 == 0:
        return None
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, Float):
        return (0.1 + 0.2, -1.0, 1e22)[number % 3]
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Moment):
        return datetime(2026, 11, number, 23, 59, 59, number, tzinfo=UTC)
    if isinstance(column.type, JSON) or column.type.__class__.__name__ == "Document":
        return {"ü": [number, 0.1, None, "\u2028"], "a": {}}
    return f"=1+1 é\n'\"{'zA'[number % 2]}{number}"


@pytest.fixture
def full(ledger: Ledger) -> Ledger:
    """On each database, with some rows in each table."""
    return filled(ledger)


@pytest.fixture
def full_file(sqlite_model: Path, tmp_path: Path) -> Iterator[Ledger]:
    """The same on SQLite alone, for what a database has no part in."""
    shutil.copy(sqlite_model, tmp_path / "ledger.db")
    with closing(create_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as ledger:
        yield filled(ledger)


def filled(ledger: Ledger) -> Ledger:
    with ledger.engine.begin() as connection:
        for table in TABLES:
            rows = [{str(column.name): awkward(column, number) for column in table.columns} for number in range(1, 6)]
            connection.execute(insert(table), rows)
    return ledger


def rows(ledger: Ledger, table: Table) -> list[Any]:
    with ledger.engine.connect() as connection:
        return sorted(connection.execute(select(table)).all(), key=str)


def assert_equal(ours: Ledger, theirs: Ledger, *, restored: bool = False) -> None:
    """Every row is the same, but for the sessions that a restored ledger has lost."""
    assert ours.identity.id == theirs.identity.id
    for table in TABLES:
        if restored and table is sessions:
            assert rows(ours, table) == []
            continue
        assert rows(ours, table) == rows(theirs, table)
        assert rows(ours, table)


@pytest.mark.sampled(1)
def test_each_way_of_copying_keeps_every_row(full: Ledger, empty_url: str, tmp_path: Path) -> None:
    export(url_of(full), tmp_path / "export")
    back_up(url_of(full), tmp_path / "backup")
    ways: list[tuple[Callable[[], object], bool]] = [
        (lambda: copy(url_of(full), empty_url), False),
        (lambda: restore(empty_url, tmp_path / "backup"), True),
        (lambda: restore(empty_url, tmp_path / "export"), True),
    ]
    for way, restored in ways:
        way()
        with closing(create_ledger(empty_url)) as target:
            assert_equal(target, full, restored=restored)
    place = f"sqlite:///{tmp_path / 'imported.db'}"
    import_dump(place, tmp_path / "export")
    with closing(create_ledger(place)) as target:
        assert_equal(target, full, restored=True)


@pytest.mark.sampled(2)
def test_a_copy_goes_on_numbering_where_the_ledger_was(full: Ledger, empty_url: str) -> None:
    copy(url_of(full), empty_url)
    with closing(create_ledger(empty_url)) as target:
        number = target.cycles.begin(datetime(2026, 11, 28, tzinfo=UTC))
    assert number == 6


@pytest.mark.sampled(1)
def test_a_restore_leaves_the_tables_of_others_alone(
    full: Ledger, new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    shared = new_postgres()
    with closing(create_ledger(shared)) as target:
        with target.engine.begin() as connection:
            connection.execute(text("CREATE TABLE songs (name TEXT)"))
            connection.execute(text("INSERT INTO songs VALUES ('Yesterday')"))
        export(url_of(target), tmp_path / "export")
        back_up(url_of(full), tmp_path / "backup")
        restore(shared, tmp_path / "backup")
        with target.engine.connect() as connection:
            assert connection.execute(text("SELECT name FROM songs")).scalars().all() == ["Yesterday"]
    assert not (tmp_path / "export" / "songs.jsonl").exists()


def test_an_export_is_read_by_any_program(full_file: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    export(url_of(full_file), folder)
    records = [json.loads(line) for line in (folder / "records.jsonl").read_bytes().splitlines()]
    assert records[0]["updated_at"] == "2026-11-01T23:59:59.000001Z"
    assert records[0]["fields"] == {"ü": [1, 0.1, None, "\u2028"], "a": {}}
    with (folder / "checkins.csv").open(encoding="utf-8", newline="") as file:
        checkins = list(csv.DictReader(file))
    assert len(checkins) == 5
    assert checkins[0]["period"].startswith("'=1+1")  # no program takes it for a formula


@pytest.mark.sampled(1)
def test_only_an_empty_ledger_is_filled(full: Ledger, tmp_path: Path, url: str) -> None:
    export(url_of(full), tmp_path / "export")
    for fill in (lambda: import_dump(url, tmp_path / "export"), lambda: copy(url_of(full), url)):
        with pytest.raises(LedgerError, match="holds rows already; name an empty one"):
            fill()


@pytest.mark.sampled(1)
def test_a_restore_waits_for_nobody(full: Ledger, url: str, tmp_path: Path) -> None:
    back_up(url_of(full), tmp_path / "backup")
    with service_lock(full.engine), pytest.raises(LedgerBusy, match=r"`syncd run` serves .*process"):
        restore(url, tmp_path / "backup")
    with cycle_lock(full.engine), pytest.raises(LedgerBusy, match=r"another syncd is syncing into .*process"):
        restore(url, tmp_path / "backup")
    restore(url, tmp_path / "backup")


def test_a_journal_of_a_crashed_ledger_is_not_applied_to_what_is_restored(sqlite_model: Path, tmp_path: Path) -> None:
    place, crashed = tmp_path / "ledger.db", tmp_path / "running.db"
    shutil.copy(sqlite_model, crashed)
    with closing(create_ledger(f"sqlite:///{crashed}")) as ledger:
        back_up(url_of(ledger), tmp_path / "backup")
        for day in range(1, 20):
            ledger.cycles.begin(datetime(2026, 11, day, tzinfo=UTC))
        for ending in ("", "-wal", "-shm"):  # as kill -9 leaves them
            shutil.copy(f"{crashed}{ending}", f"{place}{ending}")
    restore(f"sqlite:///{place}", tmp_path / "backup")
    with closing(create_ledger(f"sqlite:///{place}")) as ledger:
        assert rows(ledger, metadata.tables["cycles"]) == []
    with closing(create_ledger(f"sqlite:///{place}.before-restore")) as ledger:  # and what stood there is whole
        assert len(rows(ledger, metadata.tables["cycles"])) == 19


@pytest.mark.nightly_with("postgresql")
def test_backups_and_exports_of_an_older_version_are_brought_up_to_date(tmp_path: Path, url: str) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.executescript(OLD.read_text(encoding="utf-8"))
        (cycles,) = old.execute("SELECT count(*) FROM cycles").fetchone()
    restore(url, tmp_path / "old.db")
    with closing(create_ledger(url)) as ledger:
        assert len(rows(ledger, metadata.tables["cycles"])) == cycles > 0


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def name_version(version: str) -> Callable[[Path], object]:
    def harm(folder: Path) -> None:
        manifest = json.loads((folder / "ledger.json").read_bytes())
        (folder / "ledger.json").write_text(json.dumps(manifest | {"tables": version}), encoding="utf-8")

    return harm


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no ledger.json": (lambda folder: (folder / "ledger.json").unlink(), "this export is not whole"),
    "a file gone": (lambda folder: (folder / "records.jsonl").unlink(), r"records.jsonl: no such file"),
    "a file cut": (lambda folder: cut_in_half(folder / "records.jsonl"), r"records.jsonl, line \d, is not a row"),
    "a row gone": (
        lambda folder: (folder / "cycles.jsonl").write_text("", encoding="utf-8"),
        r"cycles.jsonl has 0 rows; ledger.json says 5",
    ),
    "a newer version": (name_version("9999"), r"was written by a newer syncd \(9999\)"),
    "an impossible version": (name_version("0000"), "export cannot be restored: "),
    "another ledger.json": (
        lambda folder: (folder / "ledger.json").write_text("[]", encoding="utf-8"),
        "is not the ledger.json of `syncd export`",
    ),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_export_is_refused_and_nothing_touched(full_file: Ledger, tmp_path: Path, damage: str) -> None:
    export(url_of(full_file), tmp_path / "export")
    harm, sentence = DAMAGES[damage]
    harm(tmp_path / "export")
    place = tmp_path / "new.db"
    with pytest.raises(LedgerError, match=sentence):
        restore(f"sqlite:///{place}", tmp_path / "export")
    assert not place.exists()


@pytest.mark.sampled(1)
def test_what_is_no_whole_backup_is_refused(full: Ledger, tmp_path: Path) -> None:
    file, place = tmp_path / "backup", f"sqlite:///{tmp_path / 'new.db'}"
    back_up(url_of(full), file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LedgerError, match=r"backup (cannot be restored|is damaged)"):
        restore(place, file)
    file.write_text("period,value\n", encoding="utf-8")
    with pytest.raises(LedgerError, match="is no backup; name a file that `syncd backup` wrote"):
        restore(place, file)
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as foreign:
        foreign.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(LedgerError, match="is a SQLite database, and no ledger of syncd"):
        restore(place, tmp_path / "foreign.db")
    assert not (tmp_path / "new.db").exists()


def test_an_archive_writes_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("../../escaped.jsonl")
        archive.addfile(member)
    with pytest.raises(LedgerError, match="cannot be restored"):
        restore(f"sqlite:///{tmp_path / 'deep' / 'new.db'}", tmp_path / "bad.tar.gz")
    assert not list(tmp_path.rglob("escaped*"))


def test_a_backup_that_cannot_be_written_leaves_the_one_before(full_file: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    back_up(url_of(full_file), file)
    before = file.read_bytes()
    with pytest.raises(LedgerError, match=r"the backup .* cannot be written: .*file exists"):
        back_up(url_of(full_file), file / "below")
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_backup_is_for_its_owner_alone(full_file: Ledger, tmp_path: Path) -> None:
    back_up(url_of(full_file), tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600


def test_the_version_of_a_new_ledger_is_the_newest(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        assert StoredRows(connection).version == migrate.head()


def test_a_second_restore_keeps_what_the_first_one_kept(full_file: Ledger, tmp_path: Path) -> None:
    back_up(url_of(full_file), tmp_path / "backup")
    place = f"sqlite:///{tmp_path / 'place.db'}"
    for _ in range(3):
        restore(place, tmp_path / "backup")
    kept = {path.name for path in tmp_path.glob("place.db.before-restore*") if not path.name.endswith(("-wal", "-shm"))}
    assert kept == {"place.db.before-restore", "place.db.before-restore-2"}


def test_a_restore_removes_what_one_left_that_was_killed(
    full_file: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(url_of(full_file), tmp_path / "backup")
    place = f"sqlite:///{tmp_path / 'place.db'}"
    if (child := os.fork()) == 0:
        monkeypatch.setattr("syncd.ledger.restore.note_put_back", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        try:
            restore(place, tmp_path / "backup")
        finally:
            os._exit(1)
    _, how = os.waitpid(child, 0)
    assert os.WTERMSIG(how) == signal.SIGKILL
    assert [path.name for path in tmp_path.glob(".place.db.restoring-*/*.db")] == ["ledger.db"]
    restore(place, tmp_path / "backup")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", ["", "-wal", ".lock", ".delivery.lock"])
@pytest.mark.parametrize("folder", [".", "link"])
def test_a_backup_never_takes_the_place_of_its_ledger(full_file: Ledger, ending: str, folder: str) -> None:
    ledger = Path(full_file.engine.url.database or "")
    (ledger.parent / "link").symlink_to(ledger.parent)
    with pytest.raises(LedgerError, match="is the ledger itself; name another file"):
        back_up(url_of(full_file), ledger.parent / folder / f"{ledger.name}{ending}")


def database_of_migrations(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")


def archive_of(name: str) -> Callable[[Path], object]:
    def write(file: Path) -> None:
        (file.parent / "content").write_text("{}", encoding="utf-8")
        with tarfile.open(file, "w:gz") as archive:
            archive.add(file.parent / "content", arcname=name)

    return write


def ledger_put_back_by_hand(file: Path) -> None:
    with closing(create_ledger(f"sqlite:///{file.parent / 'other.db'}")) as ledger:
        back_up(url_of(ledger), file)
    Path(f"{file}.lock").touch()


NO_BACKUPS: dict[str, Callable[[Path], object]] = {
    "a text": lambda file: file.write_text("mappings: okrs/\n", encoding="utf-8"),
    "another ledger": lambda file: create_ledger(f"sqlite:///{file}").close(),
    "another ledger that was put back by hand": ledger_put_back_by_hand,
    "a database of another program": database_of_migrations,
    "the beginning of a database": lambda file: file.write_bytes(b"SQLite format 3\0\x10\0\x01\x01"),
    "a packed text": lambda file: file.write_bytes(gzip.compress(b"a log")),
    "a cut archive": lambda file: file.write_bytes(gzip.compress(b"a log")[:15]),
    "an archive of another program": archive_of("package.json"),
    "an archive with another ledger.json": archive_of("ledger.json"),
}


@pytest.mark.parametrize("other", NO_BACKUPS)
def test_a_backup_takes_the_place_of_nothing_but_a_backup(full_file: Ledger, tmp_path: Path, other: str) -> None:
    file = tmp_path / "there"
    NO_BACKUPS[other](file)
    before = file.read_bytes()
    with pytest.raises(LedgerError, match="there is there already, and is no backup; name another file"):
        back_up(url_of(full_file), file)
    assert file.read_bytes() == before


@pytest.mark.sampled(1)
def test_a_backup_of_each_database_replaces_an_older_backup(full: Ledger, tmp_path: Path) -> None:
    for _ in range(2):
        assert back_up(url_of(full), tmp_path / "backup")


def test_a_backup_replaces_an_older_backup(full_file: Ledger, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("backup", "backup", "empty"):
        assert back_up(url_of(full_file), tmp_path / name)


@pytest.mark.sampled(1)
def test_a_database_that_was_emptied_is_restored(full: Ledger, url: str, tmp_path: Path) -> None:
    back_up(url_of(full), tmp_path / "backup")
    with full.engine.begin() as connection:
        connection.execute(text("DELETE FROM control"))
    restore(url, tmp_path / "backup")
    with closing(create_ledger(url)) as target:
        assert rows(target, metadata.tables["cycles"])


def test_a_ledger_of_an_older_version_is_backed_up_before_it_is_migrated(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.executescript(OLD.read_text(encoding="utf-8"))
    assert back_up(f"sqlite:///{tmp_path / 'old.db'}", tmp_path / "backup")
    assert export(f"sqlite:///{tmp_path / 'old.db'}", tmp_path / "export")
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        assert old.execute("SELECT version_num FROM alembic_version").fetchone()[0] < migrate.head()


def test_an_export_whose_rows_do_not_fit_is_refused(full_file: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    export(url_of(full_file), folder)
    checkins = folder / "checkins.jsonl"
    checkins.write_text(checkins.read_text(encoding="utf-8").replace('"author"', '"writer"'), encoding="utf-8")
    with pytest.raises(LedgerError, match=r"export cannot be restored: "):
        restore(f"sqlite:///{tmp_path / 'new.db'}", folder)


def test_an_export_is_for_its_owner_alone(full_file: Ledger, tmp_path: Path) -> None:
    export(url_of(full_file), tmp_path / "export")
    assert (tmp_path / "export").stat().st_mode & 0o777 == 0o700


ANOTHER = (
    r"is of the ledger (\w{8}), and not of the ledger (\w{8}) in whose place it would be; "
    r"name a backup of \2, or write --new-ledger to replace it by \1"
)


def synced(url: str) -> str:
    """Begins a cycle in a new ledger; returns the id of the ledger."""
    with closing(create_ledger(url)) as ledger, cycle_lock(ledger.engine):
        ledger.cycles.begin(datetime(2026, 11, 28, tzinfo=UTC))
        return ledger.identity.id


@pytest.mark.sampled(1)
def test_a_ledger_is_replaced_by_a_backup_of_another_only_on_request(
    full_file: Ledger, empty_url: str, tmp_path: Path
) -> None:
    back_up(url_of(full_file), tmp_path / "backup")
    export(url_of(full_file), tmp_path / "export")
    own = synced(empty_url)
    for copied in ("backup", "export"):
        with pytest.raises(LedgerError, match=ANOTHER):
            restore(empty_url, tmp_path / copied)
    with closing(create_ledger(empty_url)) as ledger:
        assert ledger.identity.id == own
    restore(empty_url, tmp_path / "backup", new=True)
    restore(empty_url, tmp_path / "backup")
    with closing(create_ledger(empty_url)) as ledger:
        assert ledger.identity.id == full_file.identity.id


@pytest.mark.sampled(1)
def test_a_backup_replaces_a_ledger_that_was_never_synced(full_file: Ledger, empty_url: str, tmp_path: Path) -> None:
    back_up(url_of(full_file), tmp_path / "backup")
    create_ledger(empty_url).close()
    restore(empty_url, tmp_path / "backup")


@pytest.mark.parametrize("fill", [restore, import_dump])
def test_a_ledger_that_is_gone_is_replaced_by_its_own_copy(
    full_file: Ledger, tmp_path: Path, fill: Callable[..., object]
) -> None:
    place = tmp_path / "place.db"
    url = f"sqlite:///{place}"
    synced(url)
    export(url, tmp_path / "own")
    export(url_of(full_file), tmp_path / "another")
    place.unlink()
    with pytest.raises(LedgerError, match=ANOTHER):
        fill(url, tmp_path / "another")
    assert not place.exists()
    fill(url, tmp_path / "own")
    place.unlink()
    fill(url, tmp_path / "another", new=True)


def test_a_ledger_that_another_replaced_by_hand_is_put_back(full_file: Ledger, tmp_path: Path) -> None:
    place = tmp_path / "place.db"
    own = synced(f"sqlite:///{place}")
    back_up(f"sqlite:///{place}", tmp_path / "own")
    back_up(url_of(full_file), tmp_path / "another")
    shutil.copy(tmp_path / "another", place)
    restore(f"sqlite:///{place}", tmp_path / "own")
    with closing(create_ledger(f"sqlite:///{place}")) as ledger:
        assert ledger.identity.id == own


def test_a_backup_of_a_time_without_ids_is_of_any_ledger(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.executescript(OLD.read_text(encoding="utf-8"))
    synced(f"sqlite:///{tmp_path / 'place.db'}")
    assert restore(f"sqlite:///{tmp_path / 'place.db'}", tmp_path / "old.db")["cycles"] > 1
