"""What is pruned is missed by nobody: every explanation, history and review of every past day stays as it was."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from check_in_api import CheckInApi, Taken, check_in_api
from csv_project import CsvProject
from examples import NIGHTLY
from inbox import an_inbox
from opened import create_ledger, url_of
from sqlalchemy import func, select

from syncd.cli import explain, history, review
from syncd.cli import prune as command
from syncd.cycle.approve import NotHeld, approve, held_value
from syncd.cycle.check_in import check_in
from syncd.ledger import NewDelivery, cycle_lock
from syncd.ledger.outbox import post
from syncd.ledger.prune import Pruned, give_space_back, prune, size
from syncd.ledger.restore import copy
from syncd.ledger.schema import deliveries, metadata
from syncd.ledger.transfer import StoredRows, first_difference
from syncd.ledger.transfer import counts as counts_of
from syncd.okr.checkins import CheckIn
from syncd.sdk import ConfigError

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 11, 2, 6, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    owner: support
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {at_least: 0}
        measure: {from: local, file: calls.csv, cell: A1}
      - id: questions
        title: 60 questions a week answered by articles
        kind: outcome
        baseline: 0
        target: 60
        measure: {from: local, file: questions.csv, series: {dates: Day, values: Questions}, take: latest}
      - id: articles
        title: 40 articles
        kind: output
        target: 40
        drives: [calls, {outcome: questions, lag: 1d}]
        measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9}
"""
BODY = '{value: "{{ value }}", health: "{{ health }}"}'
KEPT = {table.name for table in metadata.sorted_tables} - {"deliveries", "events", "messages", "cycles"}
AS_JSON = {"as_markdown": False, "as_html": False, "as_json": True, "notify": False}
NAMES = ("calls", "questions", "articles", "trust")


class Story(CsvProject):
    """Days of many cycles: numbers move, sources and targets fail, people edit, check in, approve, processes die."""

    def __init__(self, folder: Path, api: CheckInApi, seed: int) -> None:
        self.api, self.chance = api, random.Random(seed)
        api.answers = self.answer
        settings = (
            f"timezone: {BERLIN}\nclock: 2026-11-30T10:00:00+01:00\n"
            f'publish:\n  - {{to: okrs, method: PUT, path: "/kr/{{{{ key_result }}}}", body: {BODY}}}\n'
            'notify: {to: "${OKR_CHANNEL}", at_most_every: 1h}\n'
        )
        connections = f'  local: {{type: files, root: .}}\n  okrs: {{type: http, url: "{api.url}"}}\n'
        super().__init__(folder, MAPPING, FIRST, settings=settings, connections=connections)
        self.calls = 1200
        self.rows: dict[str, dict[date, int]] = {"questions": {}, "articles": {}}
        self.write("calls.csv", "1200")
        self.row("questions", 1)
        self.row("articles", 1)

    def answer(self, _: Taken) -> tuple[int, str] | None:
        return (503, "") if self.chance.random() < 0.2 else None

    def row(self, file: str, number: int) -> None:
        self.rows[file][self.now.astimezone(BERLIN).date()] = number
        column = file.title()
        self.write(f"{file}.csv", f"Day,{column}", *(f"{day},{number}" for day, number in self.rows[file].items()))

    def happen(self) -> None:
        """Something, and a cycle or another step after it."""
        happening = self.chance.choices(
            (
                "nothing",
                "calls",
                "row",
                "implausible",
                "failed",
                "edit",
                "only",
                "plan",
                "checkin",
                "approve",
                "killed",
            ),
            (6, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1),
        )[0]
        okrs = self.config.periods[0]
        match happening:
            case "nothing":
                self.rest()
            case "calls" | "only":
                self.calls -= self.chance.randrange(1, 30)
                self.write("calls.csv", str(self.calls))
            case "row":
                self.row(self.chance.choice(("questions", "articles")), self.chance.randrange(50))
            case "implausible":
                self.write("calls.csv", "-5")
            case "failed":
                (self.folder / "calls.csv").unlink(missing_ok=True)
            case "edit":
                target, weight = self.chance.choice((40, 41, 45)), self.chance.choice((1, 2))
                edited = MAPPING.replace("target: 40", f"target: {target}\n        weight: {weight}")
                (self.folder / "okrs.yaml").write_text(edited)
            case "checkin":
                value = self.chance.randrange(5, 9)
                checkin = CheckIn("Dana", self.now, self.now + timedelta(days=14), value)
                check_in(self.config, okrs, self.key_result("trust"), self.ledger, checkin)
            case "approve":
                with suppress(NotHeld):
                    by = {"author": "Dana", "entered_by": "ops@build-3"}
                    held = held_value(okrs, self.key_result("calls"), self.ledger).candidate
                    approve(
                        self.config, okrs, self.key_result("calls"), self.ledger, **by, now=self.now, candidate=held
                    )
            case "killed":
                self.ledger.cycles.begin(self.now)
        if happening not in ("checkin", "approve", "killed"):
            self.cycle(dry_run=happening == "plan", only="calls" if happening == "only" else None)
        if happening in ("implausible", "failed"):
            self.write("calls.csv", str(self.calls))

    def rest(self) -> None:
        """Nothing happens for some cycles."""
        for _ in range(2):
            self.cycle()
            self.now += timedelta(minutes=2)

    def tell(self, days: int, steps: int) -> None:
        """Each day begins and ends with rest."""
        for day in range(days):
            self.now = FIRST + timedelta(days=day)
            self.rest()
            for step in range(1, steps + 1):
                self.now = FIRST + timedelta(days=day, minutes=step * 1000 // steps)
                self.happen()
            self.rest()

    def days(self) -> list[date]:
        return [FIRST.date() + timedelta(days=number) for number in range((self.now - FIRST).days + 2)]


@pytest.fixture
def new_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Story]]:
    stories: list[Story] = []
    with check_in_api() as api, an_inbox() as inbox:
        monkeypatch.setenv("OKR_CHANNEL", inbox.url)

        def make(seed: int) -> Story:
            stories.append(Story(tmp_path, api, seed))
            return stories[-1]

        yield make
        for story in stories:
            story.ledger.close()


def shown(story: Story, capsys: pytest.CaptureFixture[str]) -> Mapping[str, str]:
    """What every command prints about every day, as a document."""
    path, outputs = story.folder / "syncd.yaml", dict[str, str]()

    def read(name: str, print_it: Callable[[], None]) -> None:
        capsys.readouterr()
        print_it()
        outputs[name] = capsys.readouterr().out

    for day in (*map(str, story.days()), None):
        for name in NAMES:
            read(f"{name} {day}", partial(explain.run, path, name, at=day, period=None, as_json=True))
        read(f"review {day}", partial(review.run, path, at=day, week=True, period=None, **AS_JSON))
    for name in NAMES:
        flags = {"as_csv": False, "as_json": True, "as_chart": False}
        read(f"history {name}", partial(history.run, path, name, backfill=True, period=None, **flags))
    return outputs


def everything(story: Story, **options: Any) -> Mapping[str, Pruned]:
    times = dict.fromkeys(("deliveries", "events", "cycles"), story.now + timedelta(days=1))
    return prune(story.ledger.engine, times, BERLIN, **options)


def counts(story: Story) -> Mapping[str, int]:
    with story.ledger.engine.connect() as connection:
        return counts_of(connection)


@pytest.mark.parametrize("seed", range(20 if NIGHTLY else 1))
def test_no_past_day_shows_that_something_was_pruned(
    new_story: Callable[[int], Story], capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    story = new_story(seed)
    story.tell(days=2, steps=18 if NIGHTLY else 4)
    before, had = shown(story, capsys), counts(story)
    counted = everything(story, dry_run=True)
    assert counts(story) == had
    pruned = everything(story)
    assert pruned == counted
    assert shown(story, capsys) == before
    now = counts(story)
    assert {name: had[name] - now[name] for name in pruned} == {name: rows.removed for name, rows in pruned.items()}
    assert {name: now[name] for name in KEPT} == {name: had[name] for name in KEPT}
    assert pruned["deliveries"].removed > 0  # of cycles, a lively story may leave none that changed nothing
    assert all(rows.removed == 0 for rows in everything(story).values()), "what stays is needed"


@pytest.mark.nightly
def test_the_same_rows_go_from_either_database(
    new_story: Callable[[int], Story], new_postgres: Callable[[], str]
) -> None:
    story, url = new_story(0), new_postgres()
    story.tell(days=1, steps=18)
    copy(url_of(story.ledger), url)
    pruned = everything(story)
    with closing(create_ledger(url)) as other:
        assert prune(other.engine, dict.fromkeys(pruned, story.now + timedelta(days=1)), BERLIN) == pruned
        give_space_back(other.engine)
        assert size(other.engine) > 0
        with other.engine.connect() as theirs, story.ledger.engine.connect() as ours:
            assert first_difference(ours, StoredRows(theirs)) is None


@pytest.mark.nightly
def test_a_row_younger_than_its_retention_stays(new_story: Callable[[int], Story]) -> None:
    story = new_story(0)
    story.tell(days=1, steps=10)
    midday = FIRST + timedelta(hours=6)
    with story.ledger.engine.connect() as connection:
        young = select(func.count()).where(deliveries.c.made_at >= midday)
        kept = connection.execute(young).scalar_one()
        prune(story.ledger.engine, dict.fromkeys(("deliveries", "events", "cycles"), midday), BERLIN)
        assert connection.execute(young).scalar_one() == kept > 0


def test_a_cycle_after_a_prune_sends_nothing_that_was_sent(new_story: Callable[[int], Story]) -> None:
    story = new_story(0)
    story.tell(days=1, steps=5)
    story.api.answers = lambda _: None
    story.cycle()
    everything(story)
    requests = story.api.requests
    story.now += timedelta(minutes=1)
    story.cycle()
    assert story.api.requests == requests


@pytest.mark.nightly
def test_a_prune_that_is_stopped_goes_on_the_next_time(new_story: Callable[[int], Story]) -> None:
    story = new_story(0)
    story.tell(days=1, steps=10)
    assert all(rows.removed == 0 for rows in everything(story, stopping=lambda: True).values())
    assert everything(story)["deliveries"].removed > 0


def test_prune_prints_what_went_and_gives_space_back(
    new_story: Callable[[int], Story], capsys: pytest.CaptureFixture[str]
) -> None:
    story = new_story(0)
    story.cycle()
    cycle, file = story.ledger.cycles.begin(story.now), story.folder / "syncd.db"
    for number in range(50):
        due = [NewDelivery("okrs", "/kr/calls", "2026-Q4", "calls", str(number), {"text": "x" * 10_000})] * 10
        with story.ledger.engine.begin() as connection:
            post(connection, cycle, story.now - timedelta(days=91), due)
    (story.folder / "okrs.yaml").write_text("no: mapping")  # a typo must not stop a nightly job
    path, full = story.folder / "syncd.yaml", size(story.ledger.engine)

    def printed(**options: bool) -> list[str]:
        capsys.readouterr()
        command.run(path, **{"dry_run": False, **options})
        return capsys.readouterr().out.splitlines()

    assert re.fullmatch(r"deliveries +490 of 50\d rows would go", printed(dry_run=True)[0])
    with cycle_lock(story.ledger.engine):
        assert "the file keeps its size: another syncd is syncing" in printed()[-1]
    assert size(story.ledger.engine) == full
    *lines, last = printed()
    assert {" ".join(line.split()[1:2]) for line in lines} == {"0"}
    assert re.fullmatch(r"the ledger has 0\.\d MB, and had \d\.\d MB", last)
    assert file.stat().st_size < full / 10


def test_prune_without_a_ledger_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text("mappings: okrs.yaml\n")
    with pytest.raises(ConfigError, match="there is no ledger yet; `syncd sync` makes it"):
        command.run(tmp_path / "syncd.yaml", dry_run=False)
