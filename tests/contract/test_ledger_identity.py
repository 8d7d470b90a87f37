"""A ledger that is deleted, replaced, emptied or put back to an earlier state is noticed, and nothing is sent twice."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opened import create_ledger, url_of
from sqlalchemy import func, insert, select, text

from syncd.ledger import Ledger, LedgerError, cycle_lock, open_ledger, service_lock
from syncd.ledger.backup import back_up
from syncd.ledger.moves import Republished
from syncd.ledger.restore import restore
from syncd.ledger.schema import cycles, deliveries

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


def sync(ledger: Ledger) -> int:
    """A cycle, as far as the ledger's place is concerned."""
    with cycle_lock(ledger.engine):
        return ledger.cycles.begin(NOW)


@pytest.fixture
def place(sqlite_model: Path, tmp_path: Path) -> Path:
    """A SQLite ledger that had come to cycle 3."""
    place = tmp_path / "ledger.db"
    shutil.copy(sqlite_model, place)
    with closing(create_ledger(f"sqlite:///{place}")) as ledger:
        for _ in range(3):
            sync(ledger)
    return place


def waiting(ledger: Ledger) -> None:
    """Puts a delivery into the outbox."""
    row = {"connection": "c", "target": "t", "period": "p", "key_result": "k", "cycle": 1, "made_at": NOW}
    row |= {"digest": "d", "statement": {}, "state": "waiting", "tries": 0}
    with ledger.engine.begin() as connection:
        connection.execute(insert(deliveries), [row])


class TestInUse:
    def test_a_file_that_is_deleted_is_noticed(self, place: Path) -> None:
        with closing(create_ledger(f"sqlite:///{place}")) as ledger:
            ledger.check_in_place()
            place.unlink()
            with pytest.raises(
                LedgerError, match=r"was deleted or replaced while it was in use; .*`syncd restore FILE`"
            ):
                ledger.check_in_place()

    def test_a_file_that_is_replaced_is_noticed_even_by_a_copy_of_itself(self, place: Path, tmp_path: Path) -> None:
        with closing(create_ledger(f"sqlite:///{place}")) as ledger:
            shutil.copy(place, tmp_path / "copy")
            (tmp_path / "copy").replace(place)
            with pytest.raises(LedgerError, match="was deleted or replaced"):
                ledger.check_in_place()

    def test_a_database_without_its_tables_or_rows_is_noticed(self, ledger: Ledger) -> None:
        with ledger.engine.begin() as connection:
            connection.execute(text("DELETE FROM control"))
        with pytest.raises(LedgerError, match="was emptied; put it back with `syncd restore FILE`"):
            ledger.check_in_place()
        with ledger.engine.begin() as connection:
            connection.execute(text("ALTER TABLE control RENAME TO gone"))
        try:
            with pytest.raises(LedgerError, match="was emptied while it was in use"):
                ledger.check_in_place()
        finally:
            with ledger.engine.begin() as connection:
                connection.execute(text("ALTER TABLE gone RENAME TO control"))

    def test_another_ledger_at_the_address_is_noticed(self, ledger: Ledger) -> None:
        with ledger.engine.begin() as connection:
            connection.execute(text("UPDATE control SET ledger = 'another'"))
        with pytest.raises(LedgerError, match="was replaced by another while it was in use"):
            ledger.check_in_place()

    def test_an_old_process_stops_writing_when_a_newer_syncd_needs_that(self, ledger: Ledger) -> None:
        with ledger.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9998'"))
        ledger.check_in_place()  # what was added does not concern this version
        with ledger.engine.begin() as connection:
            connection.execute(text("UPDATE control SET writes_from = '9999'"))
        with pytest.raises(LedgerError, match=r"a newer syncd has taken over the ledger .*; run that version"):
            ledger.check_in_place()


class TestOpened:
    def test_a_new_ledger_is_for_its_owner_alone(self, tmp_path: Path) -> None:
        with closing(create_ledger(f"sqlite:///{tmp_path / 'new' / 'ledger.db'}")) as ledger:
            sync(ledger)
            with service_lock(ledger.engine), cycle_lock(ledger.engine):
                rights = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "new").glob("ledger.db*")}
        locks = ("ledger.db.lock", "ledger.db.service.lock")
        assert rights == dict.fromkeys(("ledger.db", "ledger.db-wal", "ledger.db-shm", *locks), 0)

    def test_a_newer_ledger_that_this_version_may_write_to_is_opened(self, ledger: Ledger, url: str) -> None:
        with ledger.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9998'"))
        with closing(create_ledger(url)) as opened:
            assert sync(opened) == 1

    @pytest.mark.parametrize("left", ["nothing", "an empty file"])
    def test_no_ledger_begins_where_another_is_gone(self, place: Path, left: str) -> None:
        url = f"sqlite:///{place}"
        place.unlink()
        if left == "an empty file":
            place.touch()
        for create in (True, False):
            with pytest.raises(LedgerError, match=r"is gone: .*ledger.db.lock remembers .* cycle 3; .*--new-ledger"):
                open_ledger(url, create=create)
        new = open_ledger(url, new=True)
        assert new is not None
        with closing(new):
            assert new.nothing_synced_since_restored()
            sync(new)
        with closing(create_ledger(url)) as later:
            assert later.identity.id == new.identity.id

    def test_a_backup_copied_into_place_by_hand_is_noticed(self, place: Path, tmp_path: Path) -> None:
        with closing(create_ledger(f"sqlite:///{place}")) as ledger:
            waiting(ledger)
            back_up(url_of(ledger), tmp_path / "backup")
            sync(ledger)
        for ending in ("", "-wal", "-shm"):
            Path(f"{place}{ending}").unlink(missing_ok=True)
        shutil.copy(tmp_path / "backup", place)
        with closing(create_ledger(f"sqlite:///{place}")) as ledger:
            assert ledger.identity.restored_in == 3
            assert [delivery.state for delivery in ledger.outbox.in_state(["sending", "waiting"])] == ["sending"]

    def test_new_ledger_notices_an_older_state_that_is_there(self, place: Path) -> None:
        with closing(create_ledger(f"sqlite:///{place}")) as ledger, ledger.engine.begin() as connection:
            connection.execute(text("DELETE FROM cycles WHERE id = 3"))
        opened = open_ledger(f"sqlite:///{place}", new=True)
        assert opened is not None
        with closing(opened):
            assert opened.identity.restored_in == 2

    def test_a_ledger_that_went_on_is_not_in_doubt(self, place: Path) -> None:
        with closing(create_ledger(f"sqlite:///{place}")) as ledger:
            ledger.cycles.begin(NOW)  # a cycle that was killed, so that the lock file does not have it
        with closing(create_ledger(f"sqlite:///{place}")) as ledger:
            assert ledger.identity.restored_in is None
            assert not ledger.nothing_synced_since_restored()


@pytest.mark.nightly_with("postgresql")
def test_what_waited_in_a_restored_ledger_may_have_been_sent(ledger: Ledger, url: str, tmp_path: Path) -> None:
    sync(ledger)
    waiting(ledger)
    back_up(url_of(ledger), tmp_path / "backup")
    restore(url, tmp_path / "backup")
    with closing(create_ledger(url)) as restored:
        assert restored.identity.id == ledger.identity.id
        assert restored.identity.restored_in == 1
        assert restored.nothing_synced_since_restored()
        assert [delivery.state for delivery in restored.outbox.in_state(["sending", "waiting"])] == ["sending"]


@pytest.mark.nightly_with("postgresql")
def test_what_was_written_since_the_backup_is_recognized_after_a_restore(
    ledger: Ledger, url: str, tmp_path: Path
) -> None:
    """Otherwise a comment or a file of syncd's own would be left alone as if somebody else had written it."""
    place, other = ("board", "calls"), ("board", "nps")
    sync(ledger)
    ledger.outbox.note({place: {"value": [40]}})
    back_up(url_of(ledger), tmp_path / "yesterday")
    sync(ledger)
    ledger.outbox.note({place: {"value": [50]}, other: {"value": [7]}})
    back_up(url_of(ledger), tmp_path / "today")

    def marks_after_restore(backup: str) -> dict[tuple[str, str], Any]:
        restore(url, tmp_path / backup)
        with closing(create_ledger(url)) as restored:
            return dict(restored.outbox.marks([place, other]))

    assert marks_after_restore("yesterday") == {place: {"value": [40, 50]}, other: {"value": [7]}}
    with closing(create_ledger(url)) as restored:
        restored.outbox.note({place: {"value": [45]}})
    assert marks_after_restore("today") == {place: {"value": [50, 45]}, other: {"value": [7]}}  # 45 was written last
    assert marks_after_restore("yesterday")[place] == {"value": [40, 50, 45]}
    with closing(create_ledger(url)) as restored, restored.engine.begin() as connection:
        connection.execute(text("DELETE FROM control"))  # emptied: it no longer tells which ledger it is
    assert marks_after_restore("yesterday") == {place: {"value": [40]}}


@pytest.mark.nightly_with("postgresql")
def test_a_target_that_was_renamed_since_the_backup_has_the_marks_of_both_names(
    ledger: Ledger, url: str, tmp_path: Path
) -> None:
    """The mapping file may be put back to the old id together with the ledger, or not: both must know the content."""
    old, new = ("c", "t"), ("c", "renamed")
    sync(ledger)
    waiting(ledger)
    ledger.outbox.note({old: {"value": [40]}})
    back_up(url_of(ledger), tmp_path / "backup")
    ledger.moves.carry_over([], Republished(targets={old: new[1]}))
    ledger.outbox.note({new: {"value": [50]}})
    restore(url, tmp_path / "backup")
    with closing(create_ledger(url)) as restored:
        assert restored.outbox.marks([old, new]) == {old: {"value": [40, 50]}}
        restored.moves.carry_over([], Republished(targets={old: new[1]}))
        assert restored.outbox.marks([old, new]) == {new: {"value": [40, 50]}}


def test_a_move_joins_the_marks_of_its_old_and_new_target(ledger: Ledger) -> None:
    old, new, other = ("c", "t"), ("c", "renamed"), ("another", "renamed")
    ledger.outbox.note({old: {"value": [40], "note": ["a"]}, new: {"value": [50]}, other: {"value": [7]}})
    ledger.moves.carry_over([], Republished(targets={old: new[1]}))
    marks = ledger.outbox.marks([old, new, other])
    assert marks == {new: {"value": [40, 50], "note": ["a"]}, other: {"value": [7]}}


@pytest.mark.nightly_with("postgresql")
@pytest.mark.parametrize("damage", ["null", "[1]", '{"value": 50}'])
def test_damaged_marks_of_the_replaced_ledger_stop_no_restore(
    ledger: Ledger, url: str, tmp_path: Path, damage: str
) -> None:
    place, other = ("board", "calls"), ("board", "nps")
    ledger.outbox.note({place: {"value": [40]}})
    back_up(url_of(ledger), tmp_path / "backup")
    ledger.outbox.note({other: {"value": [7]}})
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE written SET marks = :damage WHERE target = 'calls'"), {"damage": damage})
    restore(url, tmp_path / "backup")
    with closing(create_ledger(url)) as restored:
        assert restored.outbox.marks([place, other]) == {place: {"value": [40]}, other: {"value": [7]}}


def test_of_several_that_start_at_once_one_migrates_and_the_others_wait(empty_url: str) -> None:
    problems: list[Exception] = []
    ready = threading.Barrier(4)

    def start() -> None:
        ready.wait()
        try:
            create_ledger(empty_url).close()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with closing(create_ledger(empty_url)) as ledger:
        ledger.check_in_place()


def test_a_server_that_accepts_and_stays_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(LedgerError, match=r"the ledger .* (failed|cannot be used): .*timeout"):
            open_ledger(f"postgresql+psycopg://syncd@127.0.0.1:{port}/syncd?connect_timeout=2")


def test_writers_take_turns(ledger: Ledger) -> None:
    """A cycle and the threads of publishers write at the same time, and some read before they write."""

    other = threading.Thread(target=sync, args=[ledger])
    with ledger.engine.begin() as connection:
        before = connection.execute(select(func.count()).select_from(cycles)).scalar_one()
        other.start()
        other.join(0.3)  # SQLite fails a transaction that has read, if another one writes meanwhile
        connection.execute(insert(cycles).values(started_at=NOW))
    other.join()
    with ledger.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(cycles)).scalar_one() == before + 2


def test_service_notices_that_its_lock_is_lost(new_postgres: Callable[[], str]) -> None:
    with (
        closing(create_ledger(new_postgres())) as ledger,
        service_lock(ledger.engine) as check,
        closing(create_ledger(ledger.engine.url.render_as_string(False))) as other,
    ):
        check()
        with other.engine.begin() as connection:
            others = "pid <> pg_backend_pid() AND datname = current_database()"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        with pytest.raises(LedgerError):
            check()
        with service_lock(other.engine) as check_again:
            check_again()
