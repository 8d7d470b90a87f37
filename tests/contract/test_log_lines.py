"""Each line of the log has a time with its zone, and the number of the cycle that it belongs to."""

from __future__ import annotations

import gc
import logging
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
from csv_project import CsvProject
from service_thread import cycle, serving
from waiting import HANG, wait_for

from syncd.cli.log import set_up_log
from syncd.sdk import SourceBroken
from syncd.sdk.facts import Page
from syncd.sdk.redactor import Redactor

NOW = datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("Europe/Berlin"))
MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: visits, title: It, kind: output, target: 9, measure: {from: local, file: a.csv, cell: B2}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[CsvProject]:
    project = CsvProject(tmp_path, MAPPING, NOW, settings="schedule: 1d\n")
    project.write("a.csv", "", "x,7")
    log = logging.getLogger("syncd")
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    yield project
    log.handlers[:], log.level, log.propagate = handlers, level, propagate


def test_each_line_of_a_cycle_has_its_number_in_each_thread(
    project: CsvProject, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.files.source import FilesSource

    def pull(*_: object) -> Iterator[Page]:
        logging.getLogger("syncd.test").info("in the thread of the pull")
        raise SourceBroken("it is broken")

    monkeypatch.setattr(FilesSource, "pull", pull)
    set_up_log("json")
    with serving(project) as service:
        project.now += timedelta(minutes=1)
        cycle(service)
    lines = [orjson.loads(line) for line in capfd.readouterr().err.splitlines()]
    numbers = {
        event: [line.get("cycle") for line in lines if line["event"] == event]
        for event in {line["event"] for line in lines}
    }
    for event in ("in the thread of the pull", "pull failed", "cycle ended"):
        assert numbers[event] == [1, 2], event
    for event in ("started", "next cycle", "stopped"):
        assert set(numbers[event]) == {None}, event


@pytest.mark.parametrize(
    ("form", "time"),
    [
        ("json", r'"timestamp":\s?"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"'),
        ("text", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d "),
    ],
)
def test_each_line_has_a_time_with_its_zone(
    project: CsvProject, capfd: pytest.CaptureFixture[str], form: str, time: str
) -> None:
    set_up_log(form)
    logging.getLogger("syncd.test").info("something")
    assert re.search(time, capfd.readouterr().err)


def test_lines_of_a_delivery_beside_the_cycle_have_its_number(
    project: CsvProject, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text() + "publish: [{to: local, file: okrs.json}]\n")
    set_up_log("json")
    with serving(project):
        wait_for((project.folder / "okrs.json").exists)
    lines = [orjson.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line.get("cycle") for line in lines if line["event"] == "delivered"] == [1]


class Loud:
    """Logs a line when it is collected, as Python does for a coroutine that nobody awaited, and leaves another."""

    left = 0

    def __init__(self) -> None:
        self.itself = self  # so only the garbage collector finds it

    def __del__(self) -> None:
        logging.getLogger("py.warnings").warning("collected")
        Loud.left -= 1
        if Loud.left > 0:
            Loud()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.usefixtures("project")
def test_line_of_what_is_collected_while_another_is_written_holds_up_nothing(
    form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The garbage collector runs at nearly each step of what writes a line, and each time there is something to log."""
    set_up_log(form)
    secrets, thresholds = Redactor(["a long secret"]), gc.get_threshold()

    def write() -> None:
        Loud.left = 2_000
        gc.set_threshold(1)
        Loud()
        while Loud.left > 0:
            logging.getLogger("syncd.test").info(secrets("a line with a long secret"))

    writing = threading.Thread(target=write, daemon=True)
    try:
        writing.start()
        writing.join(HANG)
        assert not writing.is_alive()
    finally:
        gc.set_threshold(*thresholds)
        Loud.left = 0
    written = capfd.readouterr().err
    assert "collected" in written
    assert "a line with ***" in written
