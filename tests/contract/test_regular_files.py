"""Files that are none: named pipes, devices, sockets, and links that lead out of their folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opened import create_ledger

from connectors.files import Files
from connectors.github import GitHub
from connectors.sheets import Sheets
from syncd.config import load_config
from syncd.ledger import LedgerError
from syncd.ledger.backup import export
from syncd.ledger.restore import import_dump, restore
from syncd.sdk import ConfigError, Context, SourceBroken, Stream

OKRS = """\
period: 2026-Q4
objectives:
  - {id: all, title: Everything, key_results: [{id: cost, title: It, kind: output, target: 9}]}
"""
SECRET = "github_pat_11AAAA_a-secret-of-somebody-else"


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


KINDS = {"named pipe": pipe, "device": device, "socket": a_socket}
Make = Callable[[Path], None]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def says(call: Callable[[], Any]) -> str:
    with pytest.raises((ConfigError, SourceBroken)) as caught:
        call()
    return str(caught.value)


def test_backup_that_is_no_regular_file_is_named_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "backup.db")
    with pytest.raises(LedgerError, match=f"it is a {kind}; name a regular file"):
        restore(f"sqlite:///{tmp_path}/syncd.db", tmp_path / "backup.db")
    assert not (tmp_path / "syncd.db").exists()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["ledger.json", "cycles.jsonl"])
def test_export_with_a_file_that_is_none_is_named_and_not_waited_for(tmp_path: Path, kind: str, name: str) -> None:
    with closing(create_ledger(f"sqlite:///{tmp_path}/old.db")):
        export(f"sqlite:///{tmp_path}/old.db", tmp_path / "dump")
    (tmp_path / "dump" / name).unlink()
    KINDS[kind](tmp_path / "dump" / name)
    with pytest.raises(LedgerError, match=f"it is a {kind}; name a regular file"):
        import_dump(f"sqlite:///{tmp_path}/new.db", tmp_path / "dump")


@pytest.mark.parametrize("mappings", ["okrs/", "okrs/*.yaml", "okrs/a.yaml"])
def test_mapping_that_is_no_regular_file_is_named_and_not_read(tmp_path: Path, kind: str, mappings: str) -> None:
    (tmp_path / "okrs").mkdir()
    KINDS[kind](tmp_path / "okrs" / "a.yaml")
    (tmp_path / "syncd.yaml").write_text(f"mappings: {mappings}\n")
    text = says(lambda: load_config(tmp_path / "syncd.yaml"))
    expected = "leads out of" if kind == "device" else f"cannot be read: it is a {kind}; name a regular file"
    assert f"okrs/a.yaml: {'is a link that ' if kind == 'device' else ''}{expected}" in text


def test_settings_that_are_no_regular_file_are_named_and_not_read(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "syncd.yaml")
    assert f"cannot be read: it is a {kind}; name a regular file" in says(lambda: load_config(tmp_path / "syncd.yaml"))


def test_mapping_that_is_a_device_is_named_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text("mappings: /dev/zero\n")
    assert "/dev/zero: cannot be read: it is a device" in says(lambda: load_config(tmp_path / "syncd.yaml"))


def test_secret_whose_file_is_no_regular_file_is_named_and_not_read(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    KINDS[kind](tmp_path / "token")
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "token"))
    (tmp_path / "okrs.yaml").write_text(OKRS)
    (tmp_path / "syncd.yaml").write_text(
        'mappings: okrs.yaml\nconnections:\n  code: {type: github, token: "${TOKEN}"}\n'
    )
    connection = load_config(tmp_path / "syncd.yaml").connections["code"]
    assert f"TOKEN_FILE names {tmp_path}/token: it is a {kind}" in says(connection.resolved)


def test_data_that_are_no_regular_file_are_named_and_not_read(tmp_path: Path, kind: str, context: Context) -> None:
    KINDS[kind](tmp_path / "costs.csv")
    settings = Files.Settings.model_validate({"type": "files", "root": str(tmp_path)})
    part = Files.Measure.model_validate({"file": "costs.csv", "cell": "A1"}).part()
    source = Files.open(settings, context)
    text = says(lambda: list(source.pull(Stream("costs.csv", "readings", frozenset({part})), None)))
    out = "costs.csv leads out of the connection's root"
    assert text == (out if kind == "device" else f"costs.csv cannot be read: it is a {kind}; name a regular file")


def test_file_of_check_ins_that_is_no_regular_file_is_named_and_not_read(
    tmp_path: Path, kind: str, context: Context
) -> None:
    KINDS[kind](tmp_path / "okrs.csv")
    settings = Files.Settings.model_validate({"type": "files", "root": str(tmp_path)})
    publisher = Files.publisher(settings, context, Files.Publish.model_validate({"file": "okrs.csv"}))
    text = says(lambda: publisher.read({"": {}}))
    assert ("leads out of" if kind == "device" else f"it is a {kind}") in text


@pytest.mark.parametrize(
    ("connector", "keys"),
    [
        (Sheets, {"credentials": "key"}),
        (GitHub, {"app_id": 1, "installation_id": 2, "private_key": "key"}),
    ],
)
def test_key_whose_file_is_no_regular_file_is_named_and_not_read(
    tmp_path: Path, kind: str, context: Context, connector: Any, keys: dict[str, Any]
) -> None:
    from dataclasses import replace

    KINDS[kind](tmp_path / "key")
    settings = connector.Settings.model_validate({"type": "t", "url": "http://127.0.0.1:9", **keys})
    text = says(lambda: connector.open(settings, replace(context, folder=str(tmp_path))))
    assert f"cannot be read: it is a {kind}; name a regular file" in text


@pytest.mark.parametrize("mappings", ["okrs/", "okrs/*.yaml", "okrs/a.yaml"])
@pytest.mark.parametrize("through", ["a link", "a linked folder"])
def test_link_out_of_the_folder_of_mappings_is_refused_and_its_text_repeated_nowhere(
    tmp_path: Path, mappings: str, through: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.yaml").write_text(f"{SECRET}\n")
    okrs = tmp_path / "project" / "okrs"
    okrs.mkdir(parents=True)
    if through == "a link":
        (okrs / "a.yaml").symlink_to(outside / "a.yaml")
    elif mappings == "okrs/":
        (okrs / "b.yaml").write_text(OKRS)
        (okrs / "inner").symlink_to(outside)
    else:
        mappings = mappings.replace("okrs/", "okrs/inner/")
        (okrs / "inner").symlink_to(outside)
    (tmp_path / "project" / "syncd.yaml").write_text(f"mappings: {mappings}\n")
    if through == "a linked folder" and mappings == "okrs/":  # links to folders are not followed
        assert load_config(tmp_path / "project" / "syncd.yaml").periods
        return
    text = says(lambda: load_config(tmp_path / "project" / "syncd.yaml"))
    assert SECRET not in text
    if through == "a link":
        assert "okrs/a.yaml: is a link that leads out of" in text


def test_links_within_the_folder_of_mappings_are_read(tmp_path: Path) -> None:
    """As Kubernetes makes them: the file and its folder are links to a hidden folder, which it replaces as a whole."""
    real = tmp_path / "okrs" / "..2026_11_21"
    real.mkdir(parents=True)
    (real / "a.yaml").write_text(OKRS)
    (tmp_path / "okrs" / "..data").symlink_to(real)
    (tmp_path / "okrs" / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "syncd.yaml").write_text("mappings: okrs/\n")
    assert [okrs.period.id for okrs in load_config(tmp_path / "syncd.yaml").periods] == ["2026-Q4"]
    (tmp_path / "linked").symlink_to(tmp_path / "okrs")
    (tmp_path / "syncd.yaml").write_text("mappings: linked/\n")
    assert [okrs.period.id for okrs in load_config(tmp_path / "syncd.yaml").periods] == ["2026-Q4"]
