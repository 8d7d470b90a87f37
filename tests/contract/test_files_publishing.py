"""Check-ins to files. They break as disks do, not as servers do, so the contract of publishers does not apply."""

from __future__ import annotations

import csv
import errno
import json
import os
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connectors.files import Files
from connectors.files.publisher import FilesPublisher
from syncd.sdk import Content, Context, RetryLater, SourceBroken, Summary
from syncd.sdk.testing import statement

BERLIN = ZoneInfo("Europe/Berlin")
CALLS = replace(
    statement("calls"),
    as_of=datetime(2026, 11, 20, 9, tzinfo=BERLIN),
    updated=datetime(2026, 11, 21, 10, 15, tzinfo=BERLIN),
)
DOCUMENT = {"period": {"id": "2026-Q4"}, "objectives": [{"id": "self-service", "owner": "support", "alignment": []}]}


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def opened(root: Path, context: Context, file: str = "okrs.json") -> FilesPublisher:
    settings = Files.Settings.model_validate({"type": "files", "root": str(root)})
    return Files.publisher(settings, context, Files.Publish.model_validate({"file": file}))


def summary(*statements: Any) -> Summary:
    return Summary(DOCUMENT, statements or [CALLS])


def write(publisher: FilesPublisher, period_summary: Summary | None = None) -> Content:
    content = publisher.content(period_summary or summary())
    publisher.write({"": content})
    return content


def left_over(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.name.startswith(".")]


# -- what is written


def test_json_is_the_document_of_status(root: Path, context: Context) -> None:
    write(opened(root, context))
    assert json.loads((root / "okrs.json").read_text()) == DOCUMENT
    assert left_over(root) == []


@pytest.mark.parametrize("file", ["okrs.json", "okrs.csv", "okrs.md"])
@pytest.mark.parametrize("note", ["plain", "two\nlines", "old\rMac", "Größe, 数字, 🎯", "=1+1", "a | `b` <c>", "  "])
def test_a_written_file_is_read_back(root: Path, context: Context, file: str, note: str) -> None:
    """Otherwise syncd would take its own text for somebody else's."""
    publisher = opened(root, context, file)
    content = write(publisher, summary(replace(CALLS, note=note, title=note)))
    assert publisher.read({"": content})[""].content == content


def test_a_row_of_csv_says_everything(root: Path, context: Context) -> None:
    write(opened(root, context, "okrs.csv"))
    (row,) = csv.DictReader((root / "okrs.csv").open(encoding="utf-8", newline=""))
    expected = {
        "key_result": "calls",
        "value": "1092",
        "target": "600",
        "progress": "0.18",
        "health": "off_track",
        "as_of": "2026-11-20 09:00",
        "reason": "",
        "note": "The second release is out",
    }
    assert {name: row[name] for name in expected} == expected


def test_an_unknown_number_is_blank_and_a_formula_is_a_text(root: Path, context: Context) -> None:
    unknown = replace(CALLS, value=None, progress=None, score=None, title="=HYPERLINK(1)", note="\n=1", owner="@all")
    write(opened(root, context, "okrs.csv"), summary(unknown))
    (row,) = csv.DictReader((root / "okrs.csv").open(encoding="utf-8", newline=""))
    assert [row[name] for name in ("value", "progress", "score")] == ["", "", ""]
    assert [row[name] for name in ("title", "note", "owner")] == ["'=HYPERLINK(1)", "' =1", "'@all"]


def test_nothing_in_a_page_is_markup(root: Path, context: Context) -> None:
    titled = replace(CALLS, title="a | <b> [c](d)", objective_title="# Big\nnews", evidence=None)
    write(opened(root, context, "okrs.md"), summary(titled))
    page = (root / "okrs.md").read_text()
    assert r"| a \| \<b\> \[c\](d) | 1,092 calls/week |" in page
    assert r"## \# Big news (support)" in page
    assert "| 18 % |" in page


def test_folders_below_the_root_are_made_and_the_files_mode_stays(root: Path, context: Context) -> None:
    publisher = opened(root, context, "a/b/okrs.json")
    write(publisher)
    path = root / "a/b/okrs.json"
    path.chmod(0o640)
    write(publisher, summary(replace(CALLS, value=1.0)))
    assert path.stat().st_mode & 0o777 == 0o640


# -- the ailments of a disk


def test_a_missing_root_is_refused_and_not_made(root: Path, context: Context) -> None:
    root.rmdir()
    with pytest.raises(SourceBroken, match="is not a folder; correct root in"):
        write(opened(root, context))
    assert not root.exists()


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EACCES, SourceBroken),
        (errno.EROFS, SourceBroken),
        (errno.EFBIG, SourceBroken),
        (errno.ENOSPC, RetryLater),
        (errno.EDQUOT, RetryLater),
        (errno.EIO, RetryLater),
    ],
    ids=lambda value: errno.errorcode.get(value, "") if isinstance(value, int) else value.__name__,
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_or_read_only_disk_leaves_the_old_file(
    root: Path, context: Context, monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: type
) -> None:
    """The old file stays, and no temporary file is left beside it."""
    publisher = opened(root, context)
    before = write(publisher)

    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), fails)
        with pytest.raises(error, match=r"okrs.json cannot be written: [a-z]"):
            publisher.write({"": {"text": "half"}})
    assert publisher.read({"": before})[""].content == before
    assert left_over(root) == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_is_killed_leaves_the_old_file(
    root: Path, context: Context, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = write(opened(root, context))

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), dies)
        with pytest.raises(Killed):
            opened(root, context).write({"": {"text": "half"}})
    again = opened(root, context)
    assert again.read({"": before})[""].content == before
    again.write({"": {"text": "whole"}})
    assert (root / "okrs.json").read_text() == "whole"
    assert left_over(root) == []


def test_a_reader_never_sees_half_a_file(root: Path, context: Context) -> None:
    publisher = opened(root, context)
    texts = ["a" * 300_000, "b" * 300_000]
    publisher.write({"": {"text": texts[0]}})
    seen: set[str] = set()
    done = threading.Event()

    def reads() -> None:
        while not done.is_set():
            seen.add((root / "okrs.json").read_text())

    reader = threading.Thread(target=reads)
    reader.start()
    for number in range(1, 60):
        publisher.write({"": {"text": texts[number % 2]}})
    done.set()
    reader.join()
    assert seen <= set(texts)


def test_a_folder_in_place_of_the_file_is_refused(root: Path, context: Context) -> None:
    (root / "okrs.json").mkdir()
    publisher = opened(root, context)
    with pytest.raises(SourceBroken, match="cannot be read: it is a folder; name a regular file"):
        publisher.read({"": {}})
    with pytest.raises(SourceBroken, match="cannot be written: is a directory"):
        write(publisher)
    assert left_over(root) == []


@pytest.mark.parametrize("file", ["okrs.json", "sub/okrs.json"])
def test_a_link_that_leads_out_is_neither_read_nor_written(
    root: Path, context: Context, tmp_path: Path, file: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "okrs.json").write_text("theirs")
    link = root / file.split("/")[0]
    link.symlink_to(outside / "okrs.json" if link.suffix else outside)
    publisher = opened(root, context, file)
    for act in (lambda: publisher.read({"": {}}), lambda: write(publisher)):
        with pytest.raises(SourceBroken, match="leads out of the connection's root"):
            act()
    assert (outside / "okrs.json").read_text() == "theirs"


def test_a_link_in_place_of_the_temporary_file_is_not_followed(root: Path, context: Context, tmp_path: Path) -> None:
    """The name of the temporary file can be guessed."""
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    (root / ".okrs.json.syncd").symlink_to(theirs)
    write(opened(root, context))
    assert theirs.read_text() == "theirs"
    assert not (root / "okrs.json").is_symlink()


def test_a_link_within_the_root_is_followed(root: Path, context: Context) -> None:
    (root / "real.json").write_text("")
    (root / "okrs.json").symlink_to(root / "real.json")
    write(opened(root, context))
    assert (root / "okrs.json").is_symlink()
    assert json.loads((root / "real.json").read_text()) == DOCUMENT


def test_a_file_that_a_person_wrote_is_read_as_it_is(root: Path, context: Context) -> None:
    publisher = opened(root, context)
    (root / "okrs.json").write_bytes(b"not \xff UTF-8\r\n")
    assert publisher.read({"": {}})[""].content == {"text": "not � UTF-8\r\n"}
    (root / "okrs.json").write_text("")
    assert publisher.read({"": {}})[""].content == {"text": None}
    (root / "okrs.json").unlink()
    assert publisher.read({"": {}})[""].content == {"text": None}


@pytest.mark.parametrize("file", ["okrs.txt", "okrs", "../okrs.json", "/tmp/okrs.json", "~/okrs.json", ""])
def test_a_file_name_of_another_kind_or_outside_the_root_is_refused(file: str) -> None:
    with pytest.raises(ValidationError):
        Files.Publish.model_validate({"file": file})


def test_equal_paths_are_a_single_target() -> None:
    """Otherwise two entries could write the same file."""
    assert Files.Publish.model_validate({"file": "./okrs.json"}).target("") == "okrs.json"
