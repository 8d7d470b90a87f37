"""`syncd init`: a project that is well on its first day, and its questions on a terminal, against the sandbox."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from loopback import QuietHandler, running
from projects import Project
from pseudo_terminal import on_a_terminal

from syncd.cli.init import check, write
from syncd.cli.init_files import example
from syncd.config import load_config
from syncd.okr.spans import parse_period
from syncd.sandbox import Sandbox, World
from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet
from syncd.sdk import ConfigError

SECRET = "ghp_never_on_disk_0123456789"
UTC = ZoneInfo("UTC")


def texts(folder: Path) -> str:
    return "\n".join(path.read_text() for path in folder.rglob("*") if path.is_file())


@pytest.mark.sampled(1)
@pytest.mark.parametrize("day", [0, 1, 6, 7, 45, 90, 91])
def test_the_example_is_on_pace_on_every_day(day: int, tmp_path: Path) -> None:
    period = parse_period("2026-Q4", UTC)
    today = period.first + timedelta(days=day)
    write(tmp_path, example(period, today), silent=True)
    (tmp_path / "syncd.yaml").write_text(f"clock: {today}T23:00:00Z\n" + (tmp_path / "syncd.yaml").read_text())
    project = Project(tmp_path)
    project.run("sync", check=0)
    assert {kr["health"] for kr in project.key_results().values()} <= {"on_track", "done"}
    assert project.run("validate", "--strict", check=0).stdout.startswith("valid: ")
    assert "1 test, all ok" in project.run("test", check=0).stdout


def test_files_name_the_schema_beside_them(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.run("init", check=0)
    for name in ("syncd.yaml", "mappings/okrs.yaml"):
        first = (tmp_path / name).read_text().splitlines()[0]
        schema = (tmp_path / name).parent / first.removeprefix("# yaml-language-server: $schema=")
        assert json.loads(schema.read_text())["$schema"].startswith("https://json-schema.org/")
    assert json.loads((tmp_path / "schemas/mapping.json").read_text()) == json.loads(project.run("schema").stdout)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """At the real time: `doctor` compares clocks."""
    world = World(datetime.now(UTC))
    world.github.add_repo("acme/search")
    with Sandbox(world, "127.0.0.1", 0).running() as running:
        yield running


def test_questions_make_a_project_of_what_was_tried(tmp_path: Path, box: Sandbox) -> None:
    token = box.credentials["github"]
    with on_a_terminal(tmp_path, "init", "okrs") as terminal:
        terminal.answer("Which of them hold your numbers?", "github nix")
        terminal.answer("there is no nix", "github")
        terminal.answer("url:", box.github_url)
        terminal.answer("the environment variable that holds it", SECRET)
        terminal.answer("this is no variable's name", "CODE_TOKEN")
        terminal.answer("its value, to try now and not to keep", "wrong-token-1234")
        terminal.answer("answer again? [yes]", "")
        terminal.answer("url:", box.github_url)
        terminal.answer("the environment variable that holds it", "TOKEN_OF_CODE")
        terminal.answer("its value, to try now and not to keep", token)
        terminal.answer("what:", "")
        terminal.answer("repo:", "acme/gone")
        terminal.answer("answer again? [yes]", "")
        terminal.answer("what:", "")
        terminal.answer("repo:", "acme/search")
        terminal.answer("What is to change", "")
        terminal.answer("Who is responsible", "support")
        terminal.answer("what is this number to reach", "Search gets better every week")
        terminal.answer("its target, by", "4000")
        assert terminal.ended() == 0, terminal.screen
    assert "✓ authenticated" in terminal.screen
    assert "so far in" in terminal.screen
    assert all(len(line) <= 80 for line in terminal.screen.splitlines()), terminal.screen
    assert token not in terminal.screen
    written = texts(tmp_path / "okrs")
    assert token not in written
    assert SECRET not in written
    config = load_config(tmp_path / "okrs/syncd.yaml")
    assert [kr.title for kr in config.periods[0].key_results] == ["Search gets better every week"]
    assert "${TOKEN_OF_CODE}" in written
    assert "1 test, all ok" in Project(tmp_path / "okrs").run("test", check=0).stdout


@dataclass
class Dialogue:
    """What a person answers about a system: the connection, a measure that is wrong, and the one that is meant."""

    connection: list[tuple[str, str]]
    wrong: list[tuple[str, str]]
    says: str
    right: list[tuple[str, str]]
    number: str
    secrets: dict[str, str]
    is_valid: bool = False
    """Whether the wrong measure could stand in a file: then the person chooses to answer again."""


def _gitlab(box: Sandbox, folder: Path) -> Dialogue:
    box.world.gitlab.add_project("acme/web")
    before = datetime.now(UTC) - timedelta(minutes=5)  # the sandbox's clock ticks with each change
    for _ in range(3):
        made = box.world.gitlab.add_merge_request("acme/web", at=before)
        box.world.gitlab.merge("acme/web", made.iid, at=before)
    what = ("what:", "")
    return Dialogue(
        [("url:", box.gitlab_url), ("token: the environment variable", "")],
        [what, ("project:", "web")],
        "write GROUP/NAME, or GROUP/* for every project",
        [what, ("project:", "acme/web")],
        "3",
        {"GITLAB_TOKEN": box.credentials["gitlab"]},
    )


def _jira(box: Sandbox, folder: Path) -> Dialogue:
    box.world.jira.add_project("KB", "Knowledge base")
    for status in ("Done", "Done", "To Do"):
        before = datetime.now(UTC) - timedelta(minutes=5)
        box.world.jira.transition(box.world.jira.create("KB", "Article", at=before).key, status, at=before)
    connection = [
        ("url:", box.jira_url),
        ("email:", box.credentials["jira_email"]),
        ("token: the environment variable", ""),
    ]
    return Dialogue(
        connection,
        [("jql:", "project = NONE")],
        "does not exist",
        [("jql:", "project = KB")],
        "2",
        {"JIRA_TOKEN": box.credentials["jira_token"]},
        is_valid=True,
    )


def _sheets(box: Sandbox, folder: Path) -> Dialogue:
    box.world.sheets.add(Spreadsheet("1AbC", "Figures", sheets=[Sheet(1, "Support")]))
    box.world.sheets.set_cell("1AbC", "Support", "B2", 1100)
    connection = [
        ("url:", box.sheets_url),
        ("credentials:", ""),
        ("token: the environment variable", ""),
    ]
    cell = ("cell:", "Support!B2")
    return Dialogue(
        connection,
        [("spreadsheet:", "https://docs.google.com/spreadsheets/d/1AbC/edit"), cell],
        "write its id alone: 1AbC",
        [("spreadsheet:", "1AbC"), cell],
        "1,100",
        {"SHEETS_TOKEN": box.credentials["google_token"]},
    )


def _sql(box: Sandbox, folder: Path) -> Dialogue:
    with closing(sqlite3.connect(folder / "shop.db")) as database:
        database.execute("CREATE TABLE orders (id INTEGER)")
        database.executemany("INSERT INTO orders VALUES (?)", [(number,) for number in range(7)])
        database.commit()
    value = ("value:", "n")
    return Dialogue(
        [("url:", f"sqlite:///{folder}/shop.db"), ("password: the environment variable", "-")],
        [("query:", "DELETE FROM orders"), value],
        "begins with DELETE; write a single SELECT",
        [("query:", "SELECT count(*) AS n FROM orders"), value],
        "7",
        {},
    )


@contextmanager
def _api() -> Iterator[str]:
    class Handler(QuietHandler):
        def do_GET(self) -> None:
            known = self.headers.get("Authorization") == "Bearer key-of-the-api-1234"
            self.send(200 if known else 401, b'{"calls": {"total": 950}}' if known else b'{"error": "no such key"}')

    with running(Handler) as server:
        yield f"http://{server}"


def _http(url: str) -> Dialogue:
    path = ("path:", "/v1/calls")
    return Dialogue(
        [("url:", url), ("token: the environment variable", "")],
        [path, ("json:", "calls[")],
        "which is no JMESPath",
        [path, ("json:", "calls.total")],
        "950",
        {"HTTP_TOKEN": "key-of-the-api-1234"},
    )


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["gitlab", "jira", "sheets", "sql", "http"])
def test_each_system_is_asked_for_and_tried_at_once(name: str, tmp_path: Path, box: Sandbox) -> None:
    """A wrong measure is named at once, and asked for again; what is written is valid, synced and not red."""
    with ExitStack() as stack:
        of = {"gitlab": _gitlab, "jira": _jira, "sheets": _sheets, "sql": _sql}
        dialogue = of[name](box, tmp_path) if name in of else _http(stack.enter_context(_api()))
        with on_a_terminal(tmp_path, "init", "okrs", environment=dialogue.secrets) as terminal:
            terminal.answer("Which of them hold your numbers?", name)
            for question, answer in (*dialogue.connection, *dialogue.wrong):
                terminal.answer(question, answer)
            terminal.wait_for(dialogue.says)
            if dialogue.is_valid:
                terminal.answer("answer again?", "")
            for question, answer in dialogue.right:
                terminal.answer(question, answer)
            terminal.wait_for(f"{dialogue.number} so far in")
            terminal.answer("What is to change", "")
            terminal.answer("Who is responsible", "support")
            terminal.answer("what is this number to reach", "")
            terminal.answer("its target, by", "5000")
            assert terminal.ended() == 0, terminal.screen
        assert "✓ reachable" in terminal.screen
        lines = [line for line in terminal.screen.splitlines() if str(tmp_path) not in line]
        assert all(len(line) <= 80 for line in lines), terminal.screen
        assert not any(secret in terminal.screen + texts(tmp_path / "okrs") for secret in dialogue.secrets.values())
        project = Project(tmp_path / "okrs", dialogue.secrets)
        project.run("sync", check=0)
        (key_result,) = project.key_results().values()
        assert (key_result["value"], key_result["health"]) == (float(dialogue.number.replace(",", "")), "on_track")
        assert "1 test, all ok" in project.run("test", check=0).stdout


def test_numbers_keep_their_digits_and_no_answer_is_lost(tmp_path: Path) -> None:
    """What cannot stand in a file is refused where it is asked."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/calls.csv").write_text("Week,Calls\n2026-10-05,1234567\n")
    with on_a_terminal(tmp_path, "init", "my okrs") as terminal:
        terminal.answer("Which of them hold your numbers?", "files")
        terminal.answer("root:", "../data")
        terminal.answer("file:", "")
        terminal.answer("cell:", "B2")
        terminal.answer("asked again", "calls.csv")
        terminal.answer("cell:", "B2")
        terminal.answer("What is to change", "a" * 301)
        terminal.answer("that is 301 characters; write 1 to 300", "Bücher".encode("latin-1"))
        terminal.answer("does not send UTF-8", "Books")
        terminal.answer("Who is responsible", "b" * 101)
        terminal.answer("write 1 to 100", "support")
        terminal.answer("what is this number to reach", "")
        terminal.answer("from 1,234,567", "1e400")
        terminal.answer("beyond 2^53", "1000000")
        assert terminal.ended() == 0, terminal.screen
    written = (tmp_path / "my okrs/mappings/okrs.yaml").read_text()
    assert "baseline: 1234567\n" in written
    assert "target: 1000000\n" in written
    assert "cd 'my okrs' && syncd validate" in terminal.screen


def test_what_is_not_valid_is_named_by_the_file_that_was_to_be(tmp_path: Path) -> None:
    files = example(parse_period("2026-Q4", UTC), date(2026, 11, 20))
    mapping = files["mappings/okrs.yaml"].replace("target: 600", "target: many")
    with pytest.raises(ConfigError, match=r"^mappings/okrs.yaml:\d+: ") as caught:
        check({**files, "mappings/okrs.yaml": mapping})
    assert [problem.file for problem in caught.value.problems] == ["mappings/okrs.yaml"]


def test_a_closed_standard_input_is_no_terminal_and_no_measure(tmp_path: Path) -> None:
    def closed(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = shlex.join(Project.command(*arguments))
        return subprocess.run(["sh", "-c", f"{command} <&-"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert closed("init").returncode == 0
    tried = closed("try", "-")
    assert tried.returncode == 2
    assert "standard input: is no measure; write its keys" in tried.stderr


@pytest.mark.sampled(1)
@pytest.mark.parametrize("question", ["Which of them hold", "url:", "the environment variable"])
def test_ctrl_c_leaves_nothing_behind(question: str, tmp_path: Path) -> None:
    with on_a_terminal(tmp_path, "init", "okrs") as terminal:
        if question != "Which of them hold":
            terminal.answer("Which of them hold", "github")
        if question == "the environment variable":
            terminal.answer("url:", "")
        terminal.press_ctrl_c(question)
        assert terminal.ended() == 130, terminal.screen
    assert list(tmp_path.iterdir()) == []


def test_what_stops_it_while_it_writes_takes_back_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    files = example(parse_period("2026-Q4", UTC), date(2026, 11, 20))
    opened = Path.open

    def interrupted(path: Path, *arguments: object, **keys: object) -> object:
        if path.name == "okrs.yaml":
            raise KeyboardInterrupt
        return opened(path, *arguments, **keys)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, files, silent=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine.txt"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("arguments", [["init", "--yes"], ["init"]])
def test_without_an_answer_it_writes_the_example(arguments: list[str], tmp_path: Path) -> None:
    with on_a_terminal(tmp_path, *arguments) as terminal:
        if "--yes" not in arguments:
            terminal.answer("Which of them hold your numbers?", "")
        assert terminal.ended() == 0, terminal.screen
    assert (tmp_path / "data/calls.csv").exists()
    before = texts(tmp_path)
    with on_a_terminal(tmp_path, "init") as again:
        assert again.ended() == 2, again.screen
    assert "overwrites nothing" in again.screen
    assert texts(tmp_path) == before
