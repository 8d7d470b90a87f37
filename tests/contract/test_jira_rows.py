"""Jira's awkward rows: sprints of Data Center, imported dates, empty pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.jira import Jira
from connectors.jira.fields import elements
from connectors.jira.settings import JiraSettings
from connectors.jira.source import JiraSource
from syncd.sandbox import DEMO_NOW, Fault, Sandbox
from syncd.sdk import Context, Record, RetryLater, SourceBroken, Stream

BOTH = pytest.mark.parametrize("service", ["jira", "jira-dc"])


@pytest.fixture
def source(box: Sandbox, context: Context, service: str) -> Iterator[JiraSource]:
    box.world.jira.add_project("KB", "Knowledge")
    box.world.jira_dc.add_project("KB", "Knowledge")
    source = Jira.open(settings(box, service), context)
    yield source
    source.close()


def settings(box: Sandbox, service: str, **keys: Any) -> JiraSettings:
    secrets = box.credentials
    own = {"url": box.jira_dc_url, "token": secrets["jira_pat"]}
    if service == "jira":
        own = {"url": box.jira_url, "email": secrets["jira_email"], "token": secrets["jira_token"]}
    return JiraSettings.model_validate({"type": "jira", **own, **keys}, context={"resolved": True})


def pulled(source: JiraSource, *needs: str) -> dict[str, Record]:
    stream = Stream("project = KB", "records", frozenset(needs))
    return {record.label: record for page in source.pull(stream, None) for record in page.records}


SPRINT = "com.atlassian.greenhopper.service.sprint.Sprint@1f"


@BOTH
@pytest.mark.parametrize("name", ["Web, S1", "[Web] S3", "Web", "a=b, c", "Q4], done", "two\nlines", ""])
def test_a_sprint_has_its_whole_name(box: Sandbox, source: JiraSource, service: str, name: str) -> None:
    site = box.world.jira if service == "jira" else box.world.jira_dc
    site.set_field(site.create("KB", "Story").key, "Sprint", name)
    assert pulled(source, "Sprint")["KB-1"].fields["Sprint"] == [name]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"{SPRINT}[rapidViewId=7,state=ACTIVE,name=Web, S1,startDate=<null>,goal=,id=4]", "Web, S1"),
        (f"{SPRINT}[id=4,state=ACTIVE,goal=Fewer, name=x,name=Web]", "Web"),
        (f"{SPRINT}[id=4,state=ACTIVE,name=[Web] S3]", "[Web] S3"),
        (f"{SPRINT}[id=4,name=Web, S1,autoStartStop=false,synced=false]", "Web, S1"),
    ],
)
def test_a_sprints_name_reaches_to_its_next_attribute_or_to_the_end(text: str, name: str) -> None:
    assert elements([text]) == [name]


@pytest.mark.parametrize("service", ["jira"])
def test_empty_pages_with_different_tokens_are_no_circle(box: Sandbox, source: JiraSource) -> None:
    site = box.world.jira
    site.page_cap, site.empty_pages = 2, 6
    for _ in range(5):
        site.create("KB", "Story", at=DEMO_NOW - timedelta(days=1))
    assert len(pulled(source)) == 5
    present = [page.present or frozenset() for page in source.census(Stream("project = KB", "records"))]
    assert len(frozenset().union(*present)) == 5


@pytest.mark.parametrize("service", ["jira"])
def test_empty_pages_without_end_end_the_pull(box: Sandbox, source: JiraSource) -> None:
    site = box.world.jira
    site.page_cap, site.empty_pages = 1, 10_000
    for _ in range(2):
        site.create("KB", "Story", at=DEMO_NOW - timedelta(days=1))
    with pytest.raises(RetryLater, match="101 empty pages in a row"):
        pulled(source)


@BOTH
def test_an_issue_done_before_it_was_created_has_no_lead_time(box: Sandbox, source: JiraSource, service: str) -> None:
    site = box.world.jira if service == "jira" else box.world.jira_dc
    for created in (10, 40):
        key = site.create("KB", "Story", at=DEMO_NOW - timedelta(days=created)).key
        site.transition(key, "Done", at=DEMO_NOW - timedelta(days=30))
    records = pulled(source, "lead_time")
    assert records["KB-1"].done_at is not None
    assert [records[key].fields["lead_time"] for key in ("KB-1", "KB-2")] == [[], [10.0]]


@BOTH
@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("1e999", "a number beyond"),
        ("9" * 5000, "a number beyond"),
        ("[" * 300 + "]" * 300, "nested more than 100 levels deep"),
        ("[" * 50_000 + "]" * 50_000, "nested more than 100 levels deep"),
    ],
)
def test_answer_beyond_a_bound_is_refused_in_words(
    box: Sandbox, source: JiraSource, service: Any, value: str, says: str
) -> None:
    box.fault(Fault(service, status=200, body='{"issues": [{"id": ' + value + "}]}", path="/search"))
    with pytest.raises(SourceBroken, match=says):
        pulled(source)
