"""Check-ins to files, as whoever reads the files meets them."""

from __future__ import annotations

import json

import pytest
from projects import Project

FILES = ("okrs.json", "okrs.csv", "okrs.md")


def test_the_first_sync_writes_all_that_the_second_would_and_status_says(project: Project) -> None:
    with (project.folder / "syncd.yaml").open("a", encoding="utf-8") as file:
        file.write("publish:\n" + "".join(f"  - {{to: local, file: {name}}}\n" for name in FILES))
    project.run("sync", check=0)
    first = {name: (project.folder / "data" / name).read_text(encoding="utf-8") for name in FILES}
    said = project.status()
    del said["unwritten"], said["work"]  # the file has the report alone
    assert json.loads(first["okrs.json"]) == said
    assert "wrote" not in project.run("sync", check=0).stdout
    assert {name: (project.folder / "data" / name).read_text(encoding="utf-8") for name in FILES} == first


@pytest.mark.nightly
def test_what_is_not_written_is_in_every_place_that_says_where_things_stand(project: Project) -> None:
    with (project.folder / "syncd.yaml").open("a", encoding="utf-8") as file:
        file.write("publish:\n  - {to: away, file: okrs-of-the-whole-company.md}\n")
    project.edit("syncd.yaml", "connections:\n", "connections:\n  away: {type: files, root: nowhere/}\n")
    said = project.run("sync", check=1).stderr
    assert "away: okrs-of-the-whole-company.md: not written:" in said
    assert project.status()["unwritten"][0]["state"] == "dead"


def test_no_screen_about_connectors_is_wider_than_a_terminal(project: Project) -> None:
    assert max(map(len, project.run("connectors", check=0).stdout.splitlines())) <= 80
