"""The contract of publishers for Jira, Cloud and Data Center: fields and comments, each alone and together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connectors.jira import Jira
from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.credentials import Credentials
from syncd.sandbox.jira.tickets import Tickets
from syncd.sandbox.world import World
from syncd.sdk.testing import AILMENTS_OF_WRITES, Fake, PublisherContract

FIELDS = {"value": "Current value", "progress": "Progress", "health": "OKR health", "note": "OKR note"}
SECRETS = (Credentials.jira_token, Credentials.jira_pat)


@pytest.mark.unmeasured
class _Jira(PublisherContract):
    connector = Jira
    publish = {"issues": {"calls": "SUP-1", "articles": "SUP-2"}, "fields": FIELDS, "comment": True}
    secrets = SECRETS
    libraries = ("jira", "requests")
    service = "jira"

    def settings(self, url: str) -> dict[str, Any]:
        if self.service == "jira":
            return {"url": url, "email": Credentials.jira_email, "token": Credentials.jira_token}
        return {"url": url, "token": Credentials.jira_pat}

    @contextmanager
    def fake(self) -> Iterator[Fake]:
        world = World(DEMO_NOW)
        site = world.jira if self.service == "jira" else world.jira_dc
        site.add_project("SUP", "Support")
        for number in (1, 2):
            site.create("SUP", "Task")
            site.add_comment(f"SUP-{number}", "When will this be done?")
        with Sandbox(world, "127.0.0.1", 0).running() as box:
            url = box.jira_url if self.service == "jira" else box.jira_dc_url
            yield Fake(url, lambda: standing(site))


@pytest.mark.sibling
class TestFieldsAndCommentsOfDataCenter(_Jira):
    key_results = ("calls",)
    service = "jira-dc"


@pytest.mark.sibling
@pytest.mark.whole
class TestFieldsAndCommentsOfCloud(_Jira):
    pass


@pytest.mark.sibling
class TestFieldsAlone(_Jira):
    ailments = tuple(ailment for ailment in AILMENTS_OF_WRITES if ailment.connection != "cut")  # no body to cut
    publish = {"issues": {"calls": "SUP-1", "articles": "SUP-2"}, "fields": FIELDS}


def standing(site: Tickets) -> object:
    """The fields and the comments of every issue."""
    return [
        (ticket.key, dict(ticket.custom), sorted((comment.author.name, comment.body) for comment in ticket.comments))
        for ticket in site.issues.values()
    ]
