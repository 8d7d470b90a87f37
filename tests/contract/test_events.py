"""`GET /events`: an open page hears of each cycle and each change of the configuration, in `run` and in `serve`."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from csv_project import CsvProject
from service_thread import cycle
from service_thread import serving as running
from standing_still import StandingStill
from waiting import HANG, wait_for

from syncd.service import LedgerReader, Service
from syncd.web import connection, events, make_app, serving
from syncd.web.daemon import Daemon

NOW = datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("Europe/Berlin"))
MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: visits, title: It, kind: output, target: 9, measure: {from: local, file: a.csv, cell: B2}}
"""


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_EVERY", 0.02)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> CsvProject:
    """Cycles are a day apart, so that none begins by itself."""
    project = CsvProject(tmp_path_factory.mktemp("project"), MAPPING, NOW, settings="schedule: 1d\n")
    project.write("a.csv", "", "x,7")
    return project


@pytest.fixture(scope="module")
def service(project: CsvProject) -> Iterator[Service]:
    with running(project) as service:
        yield service


@contextmanager
def pages_of(daemon: Daemon) -> Iterator[httpx.Client]:
    with serving(make_app(daemon), "127.0.0.1", 0) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.timeout = HANG
        yield client


@contextmanager
def stream(client: httpx.Client, last: str | None = None) -> Iterator[Iterator[str]]:
    """The lines of a stream that are not empty, after the first, which says when to ask again."""
    headers = {"Last-Event-ID": last} if last else {}
    with client.stream("GET", "/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in answer.iter_lines() if line)
        assert next(lines).startswith("retry: ")
        yield lines


def event(lines: Iterator[str]) -> str:
    """The id of the next event; its data are the same."""
    number = next(line for line in lines if not line.startswith(":")).removeprefix("id: ")
    assert next(lines) == f"data: {number}"
    return number


def cycle_of(client: httpx.Client) -> str:
    """The cycle that a page names as its own."""
    match = re.search(r'data-cycle="(\d+)"', client.get("/").text)
    assert match
    return match[1]


def test_open_page_hears_of_each_cycle_that_ends(service: Service) -> None:
    with pages_of(service) as client, stream(client) as lines:
        assert event(lines) == cycle_of(client)
        cycle(service)
        assert event(lines) == cycle_of(client)


def test_stream_that_is_opened_again_repeats_nothing_and_leaves_nothing_out(service: Service) -> None:
    with pages_of(service) as client:
        last = cycle_of(client)
        with stream(client, last) as lines:
            cycle(service)
            assert event(lines) != last
        with stream(client, last) as lines:
            assert event(lines) == cycle_of(client) != last


def test_pages_without_a_service_hear_of_edits_and_of_cycles_of_others(tmp_path: Path) -> None:
    project = CsvProject(tmp_path, MAPPING, NOW)
    project.write("a.csv", "", "x,7")
    project.cycle()
    reader = LedgerReader(project.folder / "syncd.yaml", project.config)
    thread = threading.Thread(target=reader.run, daemon=True)
    thread.start()
    with pages_of(reader) as client, stream(client) as lines:
        first = event(lines)
        project.edit("Everything", "All of it")
        assert event(lines) == first
        assert "All of it" in client.get("/").text
        (project.folder / "okrs.yaml").write_text("period: nonsense\n")
        assert event(lines) == first
        project.edit("period: nonsense\n", MAPPING)
        assert event(lines) == first
        project.cycle()
        assert int(event(lines)) > int(first)
        reader.stop()
        assert not any(line.startswith("id") for line in lines)  # the stream ends with the daemon
    thread.join(HANG)


def test_silent_stream_says_that_it_is_alive_and_outlives_the_time_of_an_answer(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_HEARTBEAT", 0.02)
    monkeypatch.setattr(connection, "_ANSWER", 0.1)
    with pages_of(service) as client, stream(client) as lines:
        event(lines)
        assert all(next(lines).startswith(":") for _ in range(20))
        cycle(service)
        event(lines)


def test_all_streams_share_the_looks_at_the_ledger(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, look = [], events.Events._look
    monkeypatch.setattr(events, "_EVERY", 2.0 * HANG)
    monkeypatch.setattr(events.Events, "_look", lambda of: looks.append(of) or look(of))
    with pages_of(service) as client, ExitStack() as stack:
        for _ in range(4):
            event(stack.enter_context(stream(client)))
        assert len(looks) == 1


def test_more_streams_than_there_is_room_for_are_refused_with_a_sentence(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_MOST", 2)
    with pages_of(service) as client:
        with stream(client), stream(client):
            refused = client.get("/events")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
            assert refused.text == "2 pages are live already; this one shows new numbers once it is loaded again\n"
            assert client.get("/").status_code == 200

        def again() -> bool:
            with client.stream("GET", "/events") as answer:
                return answer.status_code == 200

        wait_for(again)


def test_stream_ends_after_a_while_and_is_not_opened_again_after_logging_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_LASTS", 0.2)
    monkeypatch.setenv("ANN_TOKEN", "token-of-ann")
    login = 'web: {login: {tokens: {ann: "${ANN_TOKEN}"}}, roles: {viewer: [ann]}}\n'
    project = CsvProject(tmp_path, MAPPING, NOW, settings=login)
    project.write("a.csv", "", "x,7")
    project.cycle()
    with pages_of(StandingStill(project.config, project.ledger, NOW)) as client:
        client.headers["Origin"] = str(client.base_url)
        client.post("/login", data={"token": "token-of-ann"})
        form = re.findall(r'name="form_token" value="([0-9a-f]{64})"', client.get("/").text)[0]
        with stream(client) as lines:
            last = event(lines)
            *_, end = lines
            assert int(end.removeprefix("retry: ")) < 1_000  # the page hardly notices
        with stream(client, last) as lines:
            session = dict(client.cookies)
            assert client.post("/logout", data={"form_token": form}).status_code == 303
            assert [line for line in lines if not line.startswith(":")] == [end]
        client.cookies.update(session)
        assert client.get("/events").status_code == 401


def test_stream_is_for_reading(service: Service) -> None:
    with pages_of(service) as client:
        assert client.head("/events").text == ""
        assert client.post("/events").status_code == 403  # as every request that no page of syncd sent
