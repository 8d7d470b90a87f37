"""What is told of files that change, in folders where other files change all the time."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waiting import HANG, wait_for

from syncd.service import watching
from syncd.service.watching import Folders, existing, watch_folders


class Watched:
    """A folder that is watched for YAML files; `told` is what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[Collection[Path]] = []
        self.stop = threading.Event()

    def folders(self) -> Folders:
        """The folder, and those in it."""
        return existing([self.folder, *(path for path in self.folder.iterdir() if path.is_dir())])

    def told_of(self, name: str) -> bool:
        return any(self.folder / name in paths for paths in self.told)

    def watch(self) -> None:
        watch_folders(self.folders, lambda: {".yaml"}, self.told.append, self.stop)


@contextmanager
def busy(folder: Path) -> Iterator[None]:
    """A log that is written to without a pause, as a service's own, or the journal of its ledger."""
    over = threading.Event()

    def write() -> None:
        with (folder / "run.log").open("w") as log:
            while not over.wait(0.02):
                log.write("cycle complete\n")
                log.flush()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(params=["quiet", "busy"])
def watched(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(watching, "_LOOK", 100)
    watched = Watched(tmp_path)
    thread = threading.Thread(target=watched.watch)
    if request.param == "quiet":
        thread.start()
        yield watched
    else:
        with busy(tmp_path):
            thread.start()
            yield watched
    watched.stop.set()
    thread.join(HANG)
    assert not thread.is_alive()


def test_once_the_folders_are_watched_everything_is_read(watched: Watched) -> None:
    """What was edited while nothing watched is not told by the system."""
    wait_for(lambda: () in watched.told)


def test_files_are_read_where_the_system_lets_nobody_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock: the system's limit of watched folders is that of a user, with all its other programs."""

    def refuses(*_: object, **__: object) -> Iterator[None]:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watching, "watch", refuses)
    monkeypatch.setattr(watching, "_EVERY", 0.01)
    watched = Watched(tmp_path)
    thread = threading.Thread(target=watched.watch)
    thread.start()
    wait_for(lambda: watched.told.count(()) > 2)
    watched.stop.set()
    thread.join(HANG)


def test_folder_that_appears_is_read_and_watched(watched: Watched) -> None:
    wait_for(lambda: () in watched.told)
    (watched.folder / "team").mkdir()
    wait_for(lambda: watched.told.count(()) > 1)
    (watched.folder / "team" / "okrs.yaml").write_text("period: 2026-Q4\n")
    wait_for(lambda: watched.told_of("team/okrs.yaml"))
    assert not watched.told_of("run.log")
