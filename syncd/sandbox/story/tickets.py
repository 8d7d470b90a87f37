"""The story in Jira: the work of acme's teams on Cloud (KB, WEB, OPS, SUP) and on Data Center (HELP, the helpdesk)."""

from __future__ import annotations

import random
from datetime import timedelta

from syncd.sandbox.jira.tickets import Tickets
from syncd.sandbox.story.when import LAST, OPENING, at, office_hours

ARTICLES = (
    *("10-02", "10-07", "10-12", "10-13", "10-15", "10-17", "10-19"),
    *("10-20", "10-21", "10-23", "10-27", "10-28", "10-29", "10-30", "11-02", "11-03", "11-04", "11-05", "11-06"),
    *("11-09", "11-10", "11-11", "11-12", "11-13", "11-16", "11-17", "11-18"),
)  # fmt: skip
"""The local days on which articles were published. The articles are on pace from 12 October on. `_articles` adds six
edge cases.
"""

INCIDENT_DAYS = (
    *(0.4, 0.7, 0.9, 1.1, 1.2, 1.4, 1.6, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 2.5, 2.6, 2.8, 2.9, 3.0, 3.2, 3.4),
    *(3.5, 3.7, 3.8, 4.0, 4.2, 4.4, 4.7, 5.0, 6.5, 9.0, 14.0),
)
"""The days that each of 31 incidents took. Nine of ten incidents took at most five days."""


def write(cloud: Tickets, helpdesk: Tickets, rng: random.Random) -> None:
    """Adds the projects and issues of both sites."""
    cloud.add_project("KB", "Knowledge base")
    cloud.add_project("WEB", "Website")
    # The workflow of operations never sets a resolution; the workflow of support keeps it on reopening.
    cloud.add_project("OPS", "Operations", sets_resolution=False)
    cloud.add_project("SUP", "Support", clears_resolution=False)
    helpdesk.add_project("HELP", "Helpdesk", clears_resolution=False)
    _articles(cloud, rng)
    _stories(cloud, rng)
    _incidents(helpdesk, rng)


def _articles(cloud: Tickets, rng: random.Random) -> None:
    topics = ("Returns", "Invoices", "Delivery", "Passwords", "Gift cards", "Refunds")

    def article(project: str = "KB", type: str = "Article", created: str = "09-10") -> str:
        summary = f"How {rng.choice(topics).lower()} work"
        made = cloud.create(
            project, type, summary, assignee="Kim Writer", labels=["help"], at=office_hours(created, rng)
        )
        return made.key

    for day in ARTICLES:
        cloud.transition(article(), "Published", at=office_hours(day, rng))
    cloud.transition(article(), "Done", at=OPENING)
    cloud.transition(article(), "Done", at=OPENING - timedelta(milliseconds=1))
    # Done, but with a cleared resolution: the issue counts on the day of its category change.
    for day in ("10-08", "11-19"):
        key = article()
        cloud.transition(key, "Done", at=office_hours(day, rng))
        cloud.resolve(key, None, at=office_hours("11-20", rng))
    # Resolved first, and moved to Done weeks later: the issue counts on the day of its resolution.
    key = article()
    cloud.resolve(key, at=office_hours("10-12", rng))
    cloud.transition(key, "Done", at=office_hours("11-16", rng))
    cloud.resolve(key, at=at("10-12", "17:00"))
    # Moved from another project: the issue's old key still works.
    key = cloud.move(article("SUP"), "KB", at=at("11-02", "10:00"))
    cloud.transition(key, "Done", at=at("11-20", "10:00"))
    cloud.transition(article(), "Done", at=at("10-25", "02:30"))
    # The issues below are not counted.
    cloud.resolve(article(), at=office_hours("10-16", rng))
    reopened = article("SUP")
    cloud.transition(reopened, "Done", at=office_hours("10-14", rng))
    cloud.reopen(reopened, at=office_hours("10-19", rng))
    cloud.move(reopened, "KB", at=office_hours("10-20", rng))
    cloud.transition(article("SUP", "Article"), "Done", at=office_hours("11-04", rng))
    away = article()
    cloud.transition(away, "Done", at=office_hours("10-21", rng))
    cloud.move(away, "OPS", at=office_hours("11-05", rng))
    gone = article()
    cloud.transition(gone, "Done", at=office_hours("10-22", rng))
    cloud.delete(gone)
    for day in ("06-01", "08-14", "09-29"):
        cloud.transition(article(created="05-04"), "Done", at=office_hours(day, rng))
    for _ in range(4):
        cloud.transition(article(type="Task"), "Done", at=office_hours("10-27", rng))
    for number in range(9):
        cloud.transition(
            article(created="11-10"), ("To Do", "In Progress", "In Review")[number % 3], at=at("11-20", "12:00")
        )


def _stories(cloud: Tickets, rng: random.Random) -> None:
    for number in range(72):
        project = ("WEB", "OPS")[number % 2]
        created = office_hours("09-21", rng) + timedelta(days=number * 0.7)
        points = None if number % 11 == 4 else 0.0 if number == 20 else rng.choice((0.5, 1.0, 2.0, 3.0, 5.0, 8.0))
        issue = cloud.create(
            project, "Story", "As a customer I want less of it", points=points, priority=rng.choice(cloud.PRIORITIES),
            components=["checkout"] if number % 3 else ["search"], assignee=rng.choice(("Ana", "Bo", "Chidi")),
            at=created,
        )  # fmt: skip
        issue.custom["customfield_10001"] = "Payments" if number % 2 else "Discovery"
        issue.custom["customfield_10020"] = f"Sprint {number // 10 + 1}"
        done = created + timedelta(days=rng.uniform(1, 12))
        if number % 4 != 3 and done < LAST:
            cloud.transition(issue.key, "In Progress", at=created + timedelta(hours=5))
            cloud.transition(issue.key, "Done", at=done)
    for number in range(15):
        cloud.create("SUP", "Task", f"Follow-up {number + 1}", at=office_hours("10-05", rng))


def _incidents(helpdesk: Tickets, rng: random.Random) -> None:
    """Adds enough issues for two pages. Of the incidents, 31 count."""
    days = list(INCIDENT_DAYS)
    rng.shuffle(days)
    for number, took in enumerate(days):
        done = OPENING if number == 0 else OPENING + timedelta(days=number * 1.6, hours=rng.uniform(1, 9))
        key = helpdesk.create(
            "HELP", "Incident", "Checkout is slow", priority="High", at=done - timedelta(days=took)
        ).key
        helpdesk.transition(key, "Closed", at=done)
    # Data Center stores no date of a category change. So without a resolution, this incident has no done date.
    key = helpdesk.create("HELP", "Incident", "Closed without a word", at=office_hours("10-02", rng)).key
    helpdesk.transition(key, "Closed", at=office_hours("10-30", rng))
    helpdesk.resolve(key, None, at=office_hours("10-31", rng))
    key = helpdesk.create("HELP", "Incident", "Came back", at=office_hours("10-02", rng)).key
    helpdesk.transition(key, "Closed", at=office_hours("10-05", rng))
    helpdesk.reopen(key, at=office_hours("10-06", rng))
    helpdesk.create("HELP", "Incident", "Still open", at=office_hours("11-18", rng))
    for number in range(110):
        created = office_hours("08-15", rng) + timedelta(days=number * 0.85)
        key = helpdesk.create("HELP", "Service Request", "New laptop", priority="Low", at=created).key
        if number % 5:
            helpdesk.transition(key, "Closed", at=created + timedelta(days=rng.uniform(0.2, 3)))
