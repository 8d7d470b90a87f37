"""People are told what changed: by real processes, through apprise, into a mailbox on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from inbox import Inbox, an_inbox
from projects import Project

_MAPPING = """
period: 2026-Q4
objectives:
  - id: self-service
    title: Customers find answers
    owner: support
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {at_most: 5000}
        measure: {from: local, file: calls.csv, cell: B2, take: latest}
      - id: articles
        title: 10 articles
        kind: output
        target: 10
        drives: calls
        measure: {from: local, file: calls.csv, cell: C2, take: latest}
  - id: growth
    title: More customers
    owner: sales
    key_results:
      - {id: leads, title: Leads, kind: outcome, baseline: 0, target: 100,
         measure: {from: local, file: leads.csv, cell: B2, take: latest}}
"""
_PROJECT = """
mappings: okrs.yaml
clock: {clock}
web:
  address: https://okr.acme.example
connections:
  local: {{type: files, root: .}}
notify:
  to: "${{CHANNEL}}"
  owners: {{support: "${{SUPPORT}}"}}
  at_most_every: {every}
{more}
"""


class Company(Project):
    """A folder whose numbers a test sets, and whose clock it moves."""

    every = "0s"
    more = ""

    def at(self, clock: str, *, calls: float = 600, articles: float = 9, leads: float = 90) -> None:
        (self.folder / "okrs.yaml").write_text(_MAPPING)
        (self.folder / "calls.csv").write_text(f"what,calls,articles\nnow,{calls},{articles}\n")
        (self.folder / "leads.csv").write_text(f"what,leads\nnow,{leads}\n")
        text = _PROJECT.format(clock=f"2026-11-{clock}+00:00", every=self.every, more=self.more)
        (self.folder / "syncd.yaml").write_text(text)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with an_inbox() as opened:
        yield opened


@pytest.fixture
def company(tmp_path: Path, inbox: Inbox) -> Company:
    return Company(tmp_path, {"CHANNEL": f"{inbox.url}/all-hush", "SUPPORT": f"{inbox.url}/support-hush"})


def test_what_was_so_from_the_first_is_no_news_and_each_change_is_told_once_to_its_owner(
    company: Company, inbox: Inbox
) -> None:
    company.at("20T10:00")
    company.run("sync", check=0)
    assert inbox.take() == []
    company.at("20T11:00", leads=20, calls=950)
    said = company.run("sync", check=0).stdout
    assert "told support of 2 events\n" in said
    assert "told everybody of 1 event\n" in said
    company.run("sync", check=0)
    support, everybody = sorted(inbox.take(), key=lambda one: one[0], reverse=True)
    assert support[:2] == ("/support-hush", "syncd: 1 watermelon, 1 change of health")
    lines = support[2].splitlines()
    assert lines[0] == "Customers find answers"
    assert lines[1].startswith("- watermelon: articles is on pace")
    assert lines[2] == "- calls is at risk: 950 (1,200 → 600), 42 % of the way (55 % expected)"
    assert lines[-1] == "https://okr.acme.example"
    assert everybody[:2] == ("/all-hush", "syncd: 1 change of health")
    assert "leads is off track: 20 (0 → 100), 20 % of the way" in everybody[2]


@pytest.mark.nightly
def test_in_quiet_hours_nothing_goes_out_and_what_passed_by_the_morning_is_never_told(
    company: Company, inbox: Inbox
) -> None:
    company.more = '  quiet: "19:00-07:30"'
    company.at("20T18:00")
    company.run("sync", check=0)
    company.at("20T20:00", leads=20, calls=1100)
    company.run("sync", check=0)
    company.at("21T03:00", leads=90, calls=1100)
    company.run("sync", check=0)
    assert inbox.take() == []
    company.at("21T07:30", leads=90, calls=1100)
    company.run("sync", check=0)
    assert [path for path, _, _ in inbox.take()] == ["/support-hush"]


@pytest.mark.nightly
def test_one_message_an_hour_holds_all_that_came_meanwhile(company: Company, inbox: Inbox) -> None:
    company.every = "1h"
    company.at("20T10:00")
    company.run("sync", check=0)
    company.at("20T10:10", leads=20)
    company.run("sync", check=0)
    assert [path for path, _, _ in inbox.take()] == ["/all-hush"]
    for clock, leads in (("20T10:20", 45), ("20T10:40", 20), ("20T11:00", 45)):
        company.at(clock, leads=leads)
        company.run("sync", check=0)
        assert inbox.take() == []
    company.at("20T11:10", leads=45)
    company.run("sync", check=0)
    ((path, title, text),) = inbox.take()
    assert (path, title) == ("/all-hush", "syncd: 1 change of health")
    assert "leads is at risk: 45" in text


def test_a_held_value_is_told_with_its_reason(company: Company, inbox: Inbox) -> None:
    company.at("20T10:00")
    company.run("sync", check=0)
    company.at("20T11:00", calls=90000)
    company.run("sync", check=0)
    ((_, title, text),) = inbox.take()
    assert title == "syncd: 1 held value"
    assert "calls is held at 90,000, and its value stays 600" in text
    company.at("20T12:00", calls=91000)
    company.run("sync", check=0)
    assert inbox.take() == [], "it is held as it was, at whatever number"


def test_a_source_that_fails_is_told_after_its_bound_and_when_it_answers_again(company: Company, inbox: Inbox) -> None:
    company.at("20T10:00")
    company.run("sync", check=0)
    leads = company.folder / "leads.csv"
    for clock, told in (("20T12:00", 0), ("20T16:01", 1), ("20T17:00", 0)):
        company.at(clock)
        leads.unlink()
        company.run("sync", check=1)
        assert len(found := inbox.take()) == told
        if told:
            assert found[0][1] == "syncd: 1 failing source"
            assert "local has failed for 6 hours: leads.csv (leads.csv cannot be read" in found[0][2]
    company.at("20T18:00")
    company.run("sync", check=0)
    assert "local answers again" in inbox.take()[0][2]


@pytest.mark.nightly
def test_a_refusal_is_tried_again_and_doubt_is_not(company: Company, inbox: Inbox) -> None:
    company.at("20T10:00")
    company.run("sync", check=0)
    company.at("20T11:00", leads=20)
    inbox.status = 403
    refused = company.run("sync", check=1)
    assert "1 of 1 addresses of to did not take it" in refused.stderr
    assert "not written yet" in company.run("status", check=0).stdout
    inbox.status = 200
    company.run("sync", check=0)
    assert len(inbox.take()) == 1
    company.at("20T12:00", leads=95)
    inbox.status = None
    company.run("sync", check=1)
    assert len(inbox.take()) == 1
    inbox.status = 200
    company.run("sync", check=0)
    assert inbox.take() == [], "it may have arrived, so it is not told again by itself"
    assert "perhaps written" in company.run("status", check=0).stdout
    company.run("publish", "--retry", check=0)
    assert len(inbox.take()) == 1


@pytest.mark.nightly
def test_of_two_addresses_one_that_may_have_taken_it_is_not_told_again(company: Company, inbox: Inbox) -> None:
    company.at("20T10:00")
    company.run("sync", check=0)
    company.env |= {"CHANNEL": "json://127.0.0.1:1/all-hush", "OTHER": f"{inbox.url}/other-hush"}
    inbox.status = None
    for clock in ("20T11:00", "20T12:00"):
        company.at(clock, leads=20)
        company.edit("syncd.yaml", 'to: "${CHANNEL}"', 'to: ["${CHANNEL}", "${OTHER}"]')
        company.run("sync")
    assert len(inbox.take()) == 1


@pytest.mark.nightly
def test_what_waited_for_long_before_it_was_tried_is_tried_for_a_day_from_there(company: Company, inbox: Inbox) -> None:
    company.every = "3d"
    company.at("20T10:00")
    company.run("sync", check=0)
    for clock, leads in (("20T11:00", 20), ("20T12:00", 95)):
        company.at(clock, leads=leads)
        company.run("sync", check=0)
    assert len(inbox.take()) == 1
    inbox.status = 403
    company.at("24T11:00", leads=95)
    company.run("sync", check=1)
    inbox.status = 200
    company.run("sync", check=0)
    assert len(inbox.take()) == 1


@pytest.mark.nightly
def test_a_clock_that_goes_back_silences_nobody(company: Company, inbox: Inbox) -> None:
    company.every = "1h"
    company.at("25T10:00")
    company.run("sync", check=0)
    company.at("25T11:00", leads=20)
    company.run("sync", check=0)
    company.at("20T11:00", leads=95)
    company.run("sync", check=0)
    assert len(inbox.take()) == 2


@pytest.mark.nightly
def test_a_watermelon_of_two_periods_that_overlap_is_told_once(company: Company, inbox: Inbox) -> None:
    (company.folder / "maps").mkdir()
    for clock, calls in (("20T10:00", 600), ("20T11:00", 1150)):
        company.at(clock, calls=calls)
        company.edit("syncd.yaml", "mappings: okrs.yaml", "mappings: maps/")
        for period in ("2026-Q4", "{start: 2026-09-01, end: 2026-12-31, id: autumn}"):
            (company.folder / f"maps/{len(period)}.yaml").write_text(_MAPPING.replace("2026-Q4", period))
        company.run("sync", check=0)
    ((_, title, _),) = inbox.take()
    assert title == "syncd: 1 watermelon, 1 change of health"


def test_no_address_is_ever_shown_and_a_dry_run_and_a_plan_tell_nobody(company: Company, inbox: Inbox) -> None:
    company.at("20T10:00")
    company.run("sync", check=0)
    company.at("20T11:00", leads=20)
    company.run("sync", "--dry-run", check=0)
    company.run("plan", check=0)
    assert inbox.take() == []
    company.env["CHANNEL"] = "json://127.0.0.1:1/all-hush"
    done = company.run("sync", "--log-format", "json", check=1)
    assert "hush" not in done.stdout + done.stderr + company.run("status", "--json", check=0).stdout
    assert b"hush" not in (company.folder / "syncd.db").read_bytes()
    company.env["CHANNEL"] = inbox.url.replace("json://", "ntfy://") + "/topic-hush"
    inbox.status = 403
    said = company.run("sync", "--log-format", "json", check=1)
    assert "error=403" in said.stderr
    assert "hush" not in said.stdout + said.stderr + company.run("status", "--json", check=0).stdout
    assert b"hush" not in (company.folder / "syncd.db").read_bytes()
    company.env["CHANNEL"] = "no address at all"
    assert "apprise" in company.run("doctor", check=1).stdout


def test_an_address_written_out_and_hours_that_are_none_are_refused(company: Company) -> None:
    company.more = '  quiet: "late"'
    company.at("20T10:00")
    assert "quiet is 'late'; write two times of the day, such as 19:00-07:30" in company.run("sync", check=2).stderr
    company.edit("syncd.yaml", '"${CHANNEL}"', "json://example.org/secret")
    said = company.run("validate", check=2).stderr
    assert "is an address written out, and such hold secrets" in said


def test_the_short_of_a_review_can_be_sent(company: Company, inbox: Inbox) -> None:
    company.at("20T10:00")
    company.run("sync", check=0)
    company.run("review", "--notify", check=0)
    ((path, title, text),) = inbox.take()
    assert (path, title) == ("/all-hush", "Review of 2026-Q4")
    assert "objectives" in text


def test_an_owner_of_nothing_is_said_by_doctor(company: Company) -> None:
    """His address would never be written to, and nobody would miss it."""
    company.at("20T10:00")
    assert "has the owner" not in company.run("doctor").stdout
    company.edit("syncd.yaml", "{support:", "{supprt:")
    assert "no objective or key result has the owner 'supprt'" in company.run("doctor", check=1).stdout
    said = company.run("validate", check=0).stderr
    assert "no objective or key result has the owner 'supprt'; did you mean 'support'? [unknown-owner]" in said
