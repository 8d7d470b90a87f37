"""The commands' figures on random projects are those of a second evaluator, which was written from the docs alone."""

from __future__ import annotations

import json
import re
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from random_projects import RandomProject, random_project
from second_evaluator import DAY, MOMENT, Evaluator
from typer.testing import CliRunner

from syncd.cli.app import app
from syncd.sandbox import Sandbox
from syncd.sandbox.world import World

BERLIN = ZoneInfo("Europe/Berlin")
SEEDS = range(examples(3))
NOISE = re.compile(r"\d[.\d]*?(?:0{7}\d|9{7}\d?)\d*")


class Project:
    """A random project on disk, its tickets in a sandbox's Jira."""

    def __init__(self, folder: Path, box: Sandbox, project: RandomProject) -> None:
        self.folder, self.box = folder, box
        for file, rows in project.series.items():
            text = "".join(f"{day},{number}\n" for day, number in rows)
            (folder / file).write_text(f"Day,Calls\n{text}")
        (folder / "okrs.yaml").write_text(json.dumps(project.mapping))
        box.world.jira.add_project("KB", "Knowledge")
        for ticket in project.tickets:
            (type_,), (*points,) = ticket.fields["type"], ticket.fields["Story Points"]
            created = box.world.jira.create(
                "KB",
                str(type_),
                points=float(points[0]) if points else None,
                labels=map(str, ticket.fields["label"]),
                at=ticket.created,
            )
            if ticket.done is not None:
                box.world.jira.transition(created.key, "Done", at=ticket.done)

    def at(self, now: datetime) -> None:
        secrets = self.box.credentials
        self.environment = {"JIRA_TOKEN": secrets["jira_token"]}
        tickets = {"type": "jira", "url": self.box.jira_url, "email": secrets["jira_email"], "token": "${JIRA_TOKEN}"}
        settings = {
            "mappings": "okrs.yaml",
            "timezone": "Europe/Berlin",
            "clock": now.isoformat(),
            "connections": {"local": {"type": "files", "root": "."}, "tickets": tickets},
        }
        (self.folder / "syncd.yaml").write_text(json.dumps(settings))

    def run(self, *arguments: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            done = CliRunner().invoke(app, arguments, env=self.environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout) if "--json" in arguments else done.stdout


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", SEEDS)
def test_figures_of_a_random_project_are_those_of_the_second_evaluator(seed: int, tmp_path: Path) -> None:
    project = random_project(seed)
    evaluator = Evaluator(project.mapping, BERLIN, project.tickets, project.series)
    with Sandbox(World(project.moments[0]), "127.0.0.1", 0).running() as box:
        synced = Project(tmp_path, box, project)
        for now in project.moments:
            if now < evaluator.start:
                continue
            synced.at(now)
            synced.run("sync")
            _compare(synced, evaluator, now, first=now == project.moments[0])


def _compare(synced: Project, evaluator: Evaluator, now: datetime, *, first: bool) -> None:
    status = synced.run("status", "--json")
    for shown, objective in zip(status["objectives"], evaluator.objectives, strict=True):
        for name, number in evaluator.objective(objective, now).items():
            if name in shown:  # what it expects shows in its health
                _same(shown[name], number, f"the {name} of {objective}")
    for line in (line for shown in status["objectives"] for line in shown["key_results"]):
        key_result = evaluator.key_results[line["id"]]
        figures = evaluator.figures(key_result, now)
        where = f"{line['id']} {key_result} at {now}: {line}"
        for name in ("value", "progress", "score", "expected", "health"):
            _same(line[name], getattr(figures, name), f"{name} of {where}")
        explained = synced.run("explain", line["id"], "--json")
        _same(explained["value"], figures.value, f"explained value of {where}")
        if key_result["measure"].get("take") == "count" and "per" not in key_result["measure"]:
            assert len(explained["counted"]) == (figures.value or 0), where  # unknown before the window begins
        if first:
            _compare_history(synced, evaluator, line["id"], now)
    verdicts = {
        (link["output"], link["outcome"]): (link["verdict"], link["since"])
        for shown in status["objectives"]
        for link in shown["alignment"]
    }
    assert verdicts == evaluator.links(now)


def _compare_history(synced: Project, evaluator: Evaluator, name: str, now: datetime) -> None:
    key_result = evaluator.key_results[name]
    for point in synced.run("history", name, "--backfill", "--json")["points"]:
        day = datetime.fromisoformat(point["day"]).date()
        if day > evaluator.last and point["source"] is None:  # no cycle kept a value while the period settled
            continue
        ended = evaluator.midnight(day + DAY)
        figures = (
            evaluator.figures(key_result, ended, ended - MOMENT) if ended <= now else evaluator.figures(key_result, now)
        )
        for field in ("value", "progress", "score", "expected", "health"):
            _same(point[field], getattr(figures, field), f"{field} of {name} on {point['day']}, {key_result}")


def _same(actual: Any, expected: Any, what: str) -> None:
    if not isinstance(expected, Fraction):
        assert actual == expected, what
        return
    assert actual is not None, f"{what} is unknown, and not {float(expected)}"
    assert actual == pytest.approx(float(expected), rel=1e-13, abs=1e-13), what
    assert len(repr(actual).strip("-0.").partition("e")[0].replace(".", "").lstrip("0")) <= 16, what


def test_random_projects_reach_every_health_and_verdict() -> None:
    """Else the comparison would hold for projects in which nothing is known."""
    healths: set[str] = set()
    verdicts: set[str] = set()
    for seed in range(60):
        project = random_project(seed)
        evaluator = Evaluator(project.mapping, BERLIN, project.tickets, project.series)
        now = project.moments[1]
        healths |= {evaluator.figures(kr, now).health for kr in evaluator.key_results.values()}
        verdicts |= {verdict for verdict, _ in evaluator.links(now).values()}
    assert healths == {"unknown", "off_track", "at_risk", "on_track", "done"}
    assert verdicts == {"working", "too_early", "watermelon", "unexplained", "under_delivered", "unknown"}
