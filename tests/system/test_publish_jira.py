"""Check-ins to Jira, from a mapping to an issue: `syncd sync` against the sandbox, Cloud and Data Center."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import pytest
from projects import Project

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.jira.ticket import Comment, Ticket
from syncd.sandbox.jira.tickets import Tickets

MAPPING = """\
period: 2026-Q4
objectives:
  - id: self-service
    title: Customers find answers without calling us
    owner: support
    key_results:
      - id: calls
        title: Calls to the support line fall from 1,200 to 600 a week
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Week, values: Calls}, take: latest}
      - id: waits
        title: Callers wait 2 minutes, not 8
        kind: outcome
        unit: min
        baseline: 8
        target: 2
        measure: {from: local, file: calls.csv, series: {dates: Week, values: Minutes}, take: latest}
"""
VALUE, PROGRESS, HEALTH, NOTE = "customfield_10101", "customfield_10102", "customfield_10103", "customfield_10104"


@dataclass
class Desk:
    """A project that publishes to two issues of a site."""

    project: Project
    box: Sandbox
    site: Tickets
    service: str

    def measured(self, calls: float, minutes: float = 6) -> None:
        """The newest week's numbers."""
        path = self.project.folder / "data" / "calls.csv"
        path.write_text(f"Week,Calls,Minutes\n2026-11-16,{calls},{minutes}\n", encoding="utf-8")

    def issue(self, key: str = "GOAL-1") -> Ticket:
        return self.site.get(key)

    def ours(self, key: str = "GOAL-1") -> list[Comment]:
        return [one for one in self.issue(key).comments if one.author == self.site.me]

    def writes(self) -> list[str]:
        """The methods of the requests that wrote something since last asked."""
        found = [one.method for one in self.box.requests if one.service == self.service and one.method != "GET"]
        self.box.requests.clear()
        return found


@pytest.fixture(params=["jira", pytest.param("jira-dc", marks=pytest.mark.nightly)])
def desk(request: pytest.FixtureRequest, project: Project, box: Sandbox) -> Desk:
    site = box.world.jira if request.param == "jira" else box.world.jira_dc
    site.add_project("GOAL", "Goals")
    for _ in range(2):
        site.create("GOAL", "Task")
    shutil.rmtree(project.folder / "mappings")
    (project.folder / "mappings").mkdir()
    (project.folder / "mappings" / "okrs.yaml").write_text(MAPPING, encoding="utf-8")
    with (project.folder / "syncd.yaml").open("a", encoding="utf-8") as file:
        file.write(
            f"""\
publish:
  - to: {"tickets" if request.param == "jira" else "helpdesk"}
    issues: {{calls: GOAL-1, waits: GOAL-2}}
    fields: {{value: Current value, progress: Progress, health: OKR health, note: OKR note}}
    comment: true
    override: false
"""
        )
    return Desk(project, box, site, request.param)


def test_one_comment_and_the_numbers_are_kept_up_to_date(desk: Desk) -> None:
    desk.site.add_comment("GOAL-1", "When will this be done?")
    desk.measured(1092)
    desk.project.run("sync", check=0)
    fields = desk.issue().custom
    assert (fields[VALUE], fields[PROGRESS], fields[HEALTH]) == (1092.0, pytest.approx(0.18), "Off track")
    assert desk.issue("GOAL-2").custom[VALUE] == 6.0
    assert desk.writes() == ["PUT", "POST", "PUT", "POST"]

    desk.project.run("sync", check=0)
    assert desk.writes() == [], "nothing new is nothing to write"

    desk.measured(900)
    desk.project.run("sync", check=0)
    assert desk.issue().custom[VALUE] == 900.0
    assert ["900 calls/week" in one.body for one in desk.ours()] == [True]
    assert desk.issue().comments[0].body == "When will this be done?"
    assert desk.writes() == ["PUT", "PUT"]


def test_a_number_that_a_person_wrote_is_left_alone_and_said_until_it_is_allowed(desk: Desk) -> None:
    desk.measured(1092)
    desk.project.run("sync", check=0)
    desk.site.set_field("GOAL-1", VALUE, 7.0)
    desk.measured(900)
    said = " ".join(desk.project.run("sync", check=0).stderr.split())
    assert "GOAL-1's Current value holds 7" in said
    assert desk.issue().custom[VALUE] == 7.0
    assert "900" in desk.ours()[0].body, "the rest is written"
    assert desk.issue().custom[PROGRESS] == pytest.approx(0.5)

    desk.project.edit("syncd.yaml", "override: false", "override: true")
    desk.project.run("sync", check=0)
    assert desk.issue().custom[VALUE] == 900.0
    assert len(desk.ours()) == 1


def test_a_check_in_of_a_person_is_written_without_markup(desk: Desk) -> None:
    desk.measured(1092)
    desk.project.run("sync", check=0)
    desk.project.run("checkin", "calls", "--note", "Search is *new* {code}", "--confidence", "0.4", check=0)
    desk.project.run("sync", check=0)
    assert desk.issue().custom[NOTE] == r"Search is \*new\* \{code\}"
    assert r"note: Search is \*new\* \{code\}" in desk.ours()[0].body


def test_what_is_wrong_with_one_issue_keeps_no_other_from_being_written(desk: Desk) -> None:
    desk.measured(1092)
    desk.site.delete("GOAL-1")
    said = " ".join(desk.project.run("sync", check=1).stderr.split())
    assert "GOAL-1 is not found, or not visible to these credentials" in said
    assert desk.issue("GOAL-2").custom[VALUE] == 6.0
    assert len(desk.ours("GOAL-2")) == 1


def test_a_field_that_was_renamed_is_named_and_written_once_it_is_corrected(desk: Desk) -> None:
    desk.measured(1092)
    desk.site.rename_field("Current value", "Value now")
    said = " ".join(desk.project.run("sync", check=1).stderr.split())
    assert "GOAL-1 has no field 'Current value'; its edit screen has: " in said
    assert desk.writes() == []
    desk.project.edit("syncd.yaml", "Current value", "Value now")
    desk.project.run("sync", check=0)
    assert desk.issue().custom[VALUE] == 1092.0
    assert len(desk.ours()) == 1


def test_answers_that_were_lost_make_nothing_twice(desk: Desk) -> None:
    desk.measured(1092)
    for method in ("PUT", "POST"):
        desk.box.fault(Fault(desk.service, "reset_after", method=method, times=1))  # type: ignore[arg-type]
    desk.project.run("sync", check=0)
    assert desk.writes() == ["PUT", "POST", "PUT", "POST"]
    assert [len(desk.ours(key)) for key in ("GOAL-1", "GOAL-2")] == [1, 1]
    assert desk.issue().custom[VALUE] == 1092.0


def test_a_site_that_asks_for_an_hour_gets_its_check_ins_later(desk: Desk) -> None:
    desk.measured(1092)
    desk.box.fault(Fault(desk.service, "too_many", method="POST", seconds=3600))  # type: ignore[arg-type]
    desk.project.run("sync", check=1)
    assert desk.writes() == ["PUT", "POST"], "the second issue is not even asked for"
    desk.box.heal()
    desk.project.run("publish", check=0)
    assert [len(desk.ours(key)) for key in ("GOAL-1", "GOAL-2")] == [1, 1]
