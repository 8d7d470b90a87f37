"""A server that accepts connections and stays silent holds up nothing but its own streams."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from csv_project import CsvProject
from raw_servers import server
from waiting import HANG

from syncd.cycle.model import PullResult, Watcher
from syncd.sandbox import DEMO_NOW

MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
"""
KEY_RESULT = (
    "      - {{id: {}, title: It, kind: output, target: 9, ignore: [no-guard, drives-nothing],\n"
    "         measure: {{from: {}}}}}\n"
)


def test_other_sources_are_pulled_while_the_fields_of_a_silent_one_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the very first cycle on, in which every field must be checked."""
    monkeypatch.setenv("TOKEN", "a-token-of-jira")
    pulled, in_time = threading.Event(), []

    def stay_silent(_: socket.socket) -> None:
        in_time.append(pulled.wait(HANG))

    def ended(result: PullResult) -> None:
        if result.pull.connection == "local":
            pulled.set()

    with server(stay_silent) as url:
        tickets = f'  tickets: {{type: jira, url: "{url}", token: "${{TOKEN}}", timeout: {HANG}}}\n'
        mapping = MAPPING + KEY_RESULT.format("cost", "local, file: costs.csv, cell: A1")
        for number in range(60):
            query = f"tickets, jql: project = P{number}, take: sum, of: Points"
            mapping += KEY_RESULT.format(f"points{number}", query)
        project = CsvProject(tmp_path, mapping, DEMO_NOW, connections=tickets + "  local: {type: files, root: .}\n")
        project.write("costs.csv", "7")
        project.cycle(watcher=Watcher(ended=ended))
    values = project.ledger.values.last("2026-Q4")
    assert (values["cost"].number, values["cost"].quality) == (7, "complete")
    assert {values[f"points{number}"].quality for number in range(60)} == {"failed"}
    assert in_time
    assert all(in_time)
