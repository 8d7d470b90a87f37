"""October of a company with an empty repository, and a project that counts its changes and reads CSV files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from projects import Project

from syncd.sandbox import Sandbox, World

BERLIN = ZoneInfo("Europe/Berlin")
REPO = "acme/search"
_SETTINGS = """\
timezone: Europe/Berlin
ledger: sqlite:///syncd.db
clock: 2026-10-01T20:00:00+02:00
connections:
  code: {{type: github, url: "{url}", token: "${{GITHUB_TOKEN}}"}}
  local: {{type: files, root: data/}}
"""


@contextmanager
def a_company() -> Iterator[Sandbox]:
    with Sandbox(World(datetime(2026, 10, 1, 8, tzinfo=BERLIN)), "127.0.0.1", 0).running() as running:
        running.world.github.add_repo(REPO)
        yield running


def a_project(folder: Path, box: Sandbox, mapping: str) -> Project:
    (folder / "mappings").mkdir()
    (folder / "data").mkdir()
    (folder / "data/calls.csv").write_text("Day,Calls\n", encoding="utf-8")
    (folder / "syncd.yaml").write_text(_SETTINGS.format(url=box.github_url), encoding="utf-8")
    (folder / "mappings/support.yaml").write_text(mapping, encoding="utf-8")
    return Project(folder, {"GITHUB_TOKEN": box.credentials["github"]})


def clock(project: Project, day: int, hour: int = 20) -> None:
    """Sets the project's clock to an hour of a day of October."""
    text = (project.folder / "syncd.yaml").read_text(encoding="utf-8")
    before = text.partition("clock: ")[2].partition("\n")[0]
    project.edit("syncd.yaml", before, datetime(2026, 10, day, hour, tzinfo=BERLIN).isoformat())


def calls(project: Project, day: int, number: object) -> None:
    """Adds a row to the file of calls."""
    with (project.folder / "data/calls.csv").open("a", encoding="utf-8") as file:
        file.write(f"2026-10-{day:02},{number}\n")


def merged(box: Sandbox, day: int, base: str = "main") -> str:
    """Merges a pull request on a day. Returns its label."""
    at = datetime(2026, 10, day, 9, tzinfo=BERLIN)
    code = box.world.github
    number = code.add_pull(REPO, base=base, at=at).number
    code.merge_pull(REPO, number, at=at + timedelta(hours=1))
    return f"{REPO}#{number}"
