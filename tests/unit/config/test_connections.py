"""The keys of a connection that syncd adds to those of its connector."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.config import Connection, load_config
from syncd.config.catalogue import _entries, connector
from syncd.config.json_schema import project_schema
from syncd.sdk import ConfigError

MODULE = """\
from syncd.sdk import ConnectionSettings, ReadingKeys, RecordKeys

class Settings(ConnectionSettings):
    '''The keys of a connection.'''

class Records:
    summary = "records, by a connector that declares no reconcile"
    Settings = Settings
    class Measure(RecordKeys):
        pass

class Readings:
    summary = "readings"
    Settings = Settings
    class Measure(ReadingKeys):
        pass
"""
MAPPING = "period: 2026-Q4\nobjectives: [{id: o, title: Fewer calls, key_results: [{id: calls, title: Calls fall, "
MAPPING += "kind: outcome, baseline: 9, target: 1}]}]\n"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two connectors of another package."""
    site = tmp_path / "site"
    info = site / "forgetful-1.dist-info"
    info.mkdir(parents=True)
    (site / "forgetful_connectors.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: forgetful\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[syncd.connectors]\nrecords = forgetful_connectors:Records\nreadings = forgetful_connectors:Readings\n"
    )
    monkeypatch.syspath_prepend(site)
    _entries.cache_clear()
    yield
    _entries.cache_clear()
    connector.cache_clear()


def connection(folder: Path, keys: str) -> Connection:
    (folder / "okrs.yaml").write_text(MAPPING)
    (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections:\n  any: {{{keys}}}\n")
    return load_config(folder / "syncd.yaml").connections["any"]


@pytest.mark.parametrize(
    ("keys", "reconcile"),
    [
        ("type: records", timedelta(days=1)),
        ("type: records, reconcile: 6h", timedelta(hours=6)),
        ("type: github", timedelta(days=1)),
        ('type: jira, url: https://acme.example, token: "${TOKEN}"', timedelta(hours=1)),
    ],
)
def test_every_connection_that_pulls_records_is_reconciled(tmp_path: Path, keys: str, reconcile: timedelta) -> None:
    """A connector that declares no such key was never asked for a census, and deleted records counted for ever."""
    assert connection(tmp_path, keys).reconcile == reconcile


def test_the_key_is_there_once_references_are_resolved(tmp_path: Path) -> None:
    assert connection(tmp_path, "type: records, reconcile: 6h").resolved().model_dump() == {
        "type": "records",
        "reconcile": timedelta(hours=6),
        "shrink": "50%",
    }


@pytest.mark.parametrize("keys", ["type: readings", "type: http, url: https://metrics.example"])
def test_a_connection_that_pulls_no_records_has_no_such_key(tmp_path: Path, keys: str) -> None:
    connection(tmp_path, keys)
    with pytest.raises(ConfigError, match="unknown key 'reconcile'"):
        connection(tmp_path, f"{keys}, reconcile: 6h")


def test_editors_know_the_key_of_each_type(tmp_path: Path) -> None:
    """Two connectors of one package may name their models alike."""
    definitions = project_schema()["$defs"]
    assert "reconcile" in definitions["records_connection"]["properties"]
    assert "reconcile" not in definitions["readings_connection"]["properties"]
    assert definitions["readings_connection"]["properties"]["type"]["const"] == "readings"


def test_two_packages_that_name_one_connector_are_refused(tmp_path: Path) -> None:
    """Either of them would get the connection's secrets."""
    info = tmp_path / "site" / "greedy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greedy\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[syncd.connectors]\nrecords = forgetful_connectors:Readings\ngithub = forgetful_connectors:Records\n"
    )
    with pytest.raises(ConfigError, match="'records' is named by forgetful and greedy"):
        connection(tmp_path, "type: records")
    assert connection(tmp_path, "type: github").connector.__module__ == "connectors.github"
