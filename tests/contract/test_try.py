"""`syncd try`: the answer of a measure from the ledger and a few pages beyond it, of which nothing is kept."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from csv_project import CsvProject
from github_project import LONG_AGO, GitHubProject, merge_pull
from loopback import QuietHandler, running

from syncd.cli import try_out
from syncd.cli.try_view import render
from syncd.config.draft import draft_of_measure
from syncd.cycle.model import Watcher
from syncd.cycle.try_measure import MOST_PAGES, Tried, try_measure
from syncd.ledger import Ledger, cycle_lock, service_lock
from syncd.ledger.transfer import StoredRows, tables_of
from syncd.sandbox import DEMO_NOW, Fault, Sandbox
from syncd.sdk import ConfigError, RetryPolicy

MERGED = "repo: acme/web, what: merged_pull_requests"
MAPPING = """\
period: 2026-Q4
measures:
  shared: {from: local, file: calls.csv, cell: B3}
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 100, target: 50, unit: calls,
         measure: {from: local, file: calls.csv, series: {dates: Week, values: Calls}}}
      - {id: mood, title: Mood, kind: outcome, baseline: 1, target: 5}
"""
DRAFT = """\
period: 2026-11
objectives:
  - id: more
    title: More
    key_results:
      - {id: calls, title: The sum, kind: output, target: 90,
         measure: {from: local, file: calls.csv, series: {dates: Week, values: Calls}, take: sum}}
      - {id: shared, title: By name, kind: output, target: 90, measure: shared}
"""
POST = "{from: api, path: /query, method: POST, body: {q: calls}, json: v}"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[CsvProject]:
    settings = f"clock: {DEMO_NOW.isoformat()}\ntimezone: Europe/Berlin\n"
    project = CsvProject(tmp_path, MAPPING, DEMO_NOW, settings=settings)
    project.write("calls.csv", "Week,Calls", "2026-10-05,90", "2026-11-02,80", "2026-11-16,75", "2026-12-07,1")
    yield project
    project.ledger.close()


@pytest.fixture
def github(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubProject]:
    monkeypatch.setenv("TOKEN", box.credentials["github"])
    box.world.github.add_repo("acme/web")
    project = GitHubProject(tmp_path, box, work=MERGED)
    yield project
    project.ledger.close()


def everything(ledger: Ledger) -> dict[str, list[Any]]:
    """Every row of every table."""
    with ledger.engine.connect() as connection:
        rows = StoredRows(connection)
        return {table.name: list(rows.of(table)) for table in tables_of(connection)}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def tried(project: CsvProject, measure: str, ledger: Ledger | None = None) -> Tried:
    draft = draft_of_measure(project.folder / "syncd.yaml", measure, project.now)
    policy = RetryPolicy(attempts=2, sleep=lambda _: None)
    return try_measure(draft, ledger or project.ledger, lambda: project.now, policy, Watcher())


def printed(
    project: CsvProject, target: str, capsys: pytest.CaptureFixture[str], *, as_json: bool = False
) -> tuple[int, str]:
    """The exit code and standard output of `syncd try`."""
    code = 0
    try:
        try_out.run(project.folder / "syncd.yaml", target, as_json=as_json)
    except typer.Exit as ending:
        code = ending.exit_code
    return code, capsys.readouterr().out


SCREEN = """\
calls: Calls fall
  75  100 → 50 calls   50 % of the way, at risk
  complete
  from what the ledger holds, synced 21 Nov 10:15, and no page read now

window    2026-10-01 to 2026-12-31, both included (Europe/Berlin)
measure   latest of series dates Week, values Calls
number    the latest reading = 75

counts (1)
  16 Nov        75  B4  holds 75

left out (2): not the latest one
   5 Oct  B2  holds 90
   2 Nov  B3  holds 80

left out (1): dated after now
   7 Dec  B5  holds 1

nothing was kept
"""


def test_the_screen_shows_the_number_and_what_it_rests_on(
    project: CsvProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.cycle()
    assert printed(project, f"{project.folder}/okrs.yaml:calls", capsys) == (0, SCREEN)


def test_the_same_as_a_document(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = printed(project, f"{project.folder}/okrs.yaml:calls", capsys, as_json=True)
    document = json.loads(text)
    assert (code, document["value"], document["progress"], document["quality"]) == (0, 75, 0.5, "complete")
    assert document["pages"] == {"read": 1, "at_most": 20}
    assert document["period"] == {"id": "2026-Q4", "start": "2026-10-01", "end": "2026-12-31"}
    assert [row["label"] for row in document["counted"]] == ["B4"]
    assert {row["rule"] for row in document["left_out"]} == {"not the latest one", "dated after now"}
    assert (document["failures"], document["not_sent"]) == ([], [])


def test_progress_says_read_where_nothing_is_kept(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    try_out.run(project.folder / "syncd.yaml", f"{project.folder}/okrs.yaml:calls", as_json=False)
    shown = capsys.readouterr().err
    assert shown.startswith("read local: ")
    assert "changed" not in shown


def test_nothing_is_kept(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    project.cycle()
    project.write("calls.csv", "Week,Calls", "2026-11-16,60")
    before, on_disk = everything(project.ledger), files(project.folder)
    code, text = printed(project, f"{project.folder}/okrs.yaml:calls", capsys)
    assert (code, "  60  100 → 50 calls" in text) == (0, True)
    assert everything(project.ledger) == before
    assert files(project.folder) == on_disk


def test_without_a_ledger_none_is_made(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    project.ledger.close()
    for path in project.folder.glob("syncd.db*"):
        path.unlink()
    before = files(project.folder)
    code, text = printed(project, f"{project.folder}/okrs.yaml:calls", capsys)
    assert (code, "from 1 page read now" in text) == (0, True)
    assert files(project.folder) == before


def test_it_works_while_a_service_writes(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    project.cycle()
    engine = project.ledger.engine
    with service_lock(engine), cycle_lock(engine), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE streams SET reason = 'being written'")
        assert printed(project, f"{project.folder}/okrs.yaml:calls", capsys)[0] == 0


def test_a_file_beside_the_project_is_read(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    """Its ids may be those of the project's files, whose named measures it may use."""
    (project.folder / "draft.yaml").write_text(DRAFT)
    code, text = printed(project, f"{project.folder}/draft.yaml:calls", capsys)
    assert (code, "  155  of 90" in text) == (0, True)  # November alone
    code, text = printed(project, f"{project.folder}/draft.yaml:shared", capsys)
    assert (code, "  80  of 90" in text) == (0, True)


def test_a_guard_is_tried_like_a_key_result(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    measure = "{from: local, file: calls.csv, cell: B4}"
    guarded = f"          guard: {{title: Few complain, keep: {{at_most: 3}}, measure: {measure}}}"
    path = project.folder / "guarded.yaml"
    path.write_text(DRAFT.replace("take: sum}}", f"take: sum}},\n{guarded}}}"))
    code, shown = printed(project, f"{path}:calls:guard", capsys)
    assert code == 0
    assert shown.startswith("calls:guard: Few complain\n  75  at most 3")
    assert "B4  holds 75" in shown
    code, shown = printed(project, f"{path}:calls", capsys)
    assert shown.startswith("calls: The sum\n  155 ")
    named = project.folder / "named.yaml"
    named.write_text(DRAFT.replace("id: calls", "id: guard"))
    code, shown = printed(project, f"{named}:guard", capsys)
    assert shown.startswith("guard: The sum")


def test_another_file_that_is_wrong_stops_nobody(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    (project.folder / "draft.yaml").write_text(DRAFT)
    project.edit("target: 50", "target: many")
    assert printed(project, f"{project.folder}/draft.yaml:shared", capsys)[0] == 0
    with pytest.raises(ConfigError, match="target is 'many'"):
        printed(project, f"{project.folder}/okrs.yaml:calls", capsys)


@pytest.mark.parametrize(
    ("text", "number"), [("{from: local, file: calls.csv, cell: B2}", "90"), ("shared", "80"), ("'shared'", "80")]
)
def test_a_measure_comes_from_standard_input(
    text: str, number: str, project: CsvProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    code, shown = printed(project, "-", capsys)
    assert code == 0
    assert shown.startswith(f"the measure on standard input, in 2026-Q4\n  {number}\n")


@pytest.mark.parametrize(
    ("target", "text", "message"),
    [
        ("okrs.yaml:cals", "", "there is no key result 'cals' in .*; did you mean 'calls'?"),
        ("okrs.yaml:mood", "", "okrs.yaml:10: mood has no 'measure'; people check it in"),
        ("okrs.yaml", "", "names no key result of a file; write FILE:KR"),
        ("okrs.yaml:calls:guard", "", "okrs.yaml:8: calls has no 'guard'; try calls alone"),
        ("okrs.yaml:cals:guard", "", "there is no key result 'cals' in .*; did you mean 'calls'?"),
        ("okrs.yaml:", "", "names no key result of a file; write FILE:KR"),
        (":guard", "", "names no key result of a file; write FILE:KR"),
        ("none.yaml:calls", "", "none.yaml: cannot be read: no such file"),
        ("-", "", "standard input: is no measure; write its keys"),
        ("-", "{from: locl, cell: B2}", "standard input:1: there is no connection 'locl'"),
        ("-", "x: [", "standard input:1: is not YAML"),
        ("-", "sharde", "there is no measure 'sharde'"),
        ("-", "x" * 1_000_001, "more than 1 MB"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    target: str,
    text: str,
    message: str,
    project: CsvProject,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    with pytest.raises(ConfigError, match=message):
        printed(project, target, capsys)


def test_what_the_ledger_holds_is_not_asked_for_again(github: GitHubProject, box: Sandbox) -> None:
    for hours in range(250):
        pull = box.world.github.add_pull("acme/web", at=LONG_AGO)
        box.world.github.merge_pull("acme/web", pull.number, at=LONG_AGO + timedelta(hours=hours))
    github.sync()
    pull = box.world.github.add_pull("acme/web", at=DEMO_NOW)
    box.world.github.merge_pull("acme/web", pull.number, at=DEMO_NOW)
    before = everything(github.ledger)
    result = tried(github, f"{{from: code, {MERGED}}}")
    assert (result.answer.number, result.quality) == (251, "complete")
    assert result.pages <= 3
    assert everything(github.ledger) == before


def test_at_most_twenty_pages_are_read(github: GitHubProject, box: Sandbox) -> None:
    """In the thousands that a repository may hold, the walk stops; it reads several pages at once, and no page more."""
    for _ in range(2_300):
        merge_pull(box, "acme/web")
    result = tried(github, f"{{from: code, {MERGED}}}")
    assert (result.quality, result.failed) == ("partial", False)
    assert f"{MOST_PAGES} requests were made, and there is more; a sync reads the rest" in (result.reason or "")
    assert 1_000 < (result.answer.number or 0) <= 100 * MOST_PAGES
    assert result.pages <= len(box.requests) <= MOST_PAGES
    assert f"  from {result.pages} pages read now" in render(result)
    assert everything(github.ledger)["streams"] == []


def test_a_field_that_is_new_is_read_anew(github: GitHubProject, box: Sandbox) -> None:
    number = merge_pull(box, "acme/web")
    github.sync()
    before = everything(github.ledger)
    result = tried(github, f"{{from: code, {MERGED}, where: {{author: nobody}}}}")
    assert (result.answer.number, result.quality) == (0, "complete")
    assert [item.label for item in result.items] == [f"acme/web#{number}"]
    assert everything(github.ledger) == before


def test_a_source_that_fails_is_a_failure_and_no_number(github: GitHubProject, box: Sandbox) -> None:
    result = tried(github, "{from: code, repo: acme/gone, what: merged_pull_requests}")
    assert (result.answer.number, result.quality, result.failed) == (None, "failed", True)
    both = f"{{formula: a + b, from: code, parts: {{a: {{{MERGED}}}, b: {{repo: acme/gone, what: closed_issues}}}}}}"
    assert tried(github, both).answer.number is None


def test_what_the_ledger_holds_stands_while_a_source_is_down(github: GitHubProject, box: Sandbox) -> None:
    merge_pull(box, "acme/web")
    github.sync()
    box.fault(Fault("github", "status", status=500))
    result = tried(github, f"{{from: code, {MERGED}}}")
    assert (result.answer.number, result.quality, result.failed) == (1, "failed", True)


def test_no_census_is_made(github: GitHubProject, box: Sandbox) -> None:
    merge_pull(box, "acme/web")
    github.sync()
    github.now += timedelta(days=30)
    assert tried(github, f"{{from: code, {MERGED}}}").pages <= 2


def test_a_post_that_may_write_is_not_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    posts: list[bytes] = []

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            posts.append(self.body())
            self.send(200, b'{"v": 7}')

    with running(Handler) as server:
        connection = f'  api: {{type: http, url: "http://{server}", post: true}}\n'
        mapping = MAPPING.replace("{from: local, file: calls.csv, series: {dates: Week, values: Calls}}", POST)
        mapping = mapping.replace("  shared: {from: local, file: calls.csv, cell: B3}\n", f"  shared: {POST}\n")
        project = CsvProject(tmp_path, mapping, DEMO_NOW, connections=connection)
        result = tried(project, POST)
        assert (result.answer.number, posts) == (None, [])
        assert "only a sync sends it; no sync has read it yet" in (result.reason or "")
        assert (result.quality, result.failed) == ("partial", False)
        project.cycle()
        assert len(posts) == 1
        assert (tried(project, POST).answer.number, len(posts)) == (7, 1)
        project.ledger.close()


def test_the_same_holds_on_postgresql(
    box: Sandbox, tmp_path: Path, new_postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", box.credentials["github"])
    box.world.github.add_repo("acme/web")
    merge_pull(box, "acme/web")
    project = GitHubProject(tmp_path, box, work=MERGED, ledger=new_postgres())
    project.sync()
    merge_pull(box, "acme/web")
    before = everything(project.ledger)
    assert tried(project, f"{{from: code, {MERGED}}}").answer.number == 2
    assert everything(project.ledger) == before
    project.ledger.close()
