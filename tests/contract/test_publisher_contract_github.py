"""The contract of publishers, for issues of GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connectors.github import GitHub
from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.credentials import Credentials
from syncd.sandbox.world import World
from syncd.sdk.testing import Fake, PublisherContract

LAB = "acme/lab"


@pytest.mark.unmeasured
class _GitHub(PublisherContract):
    connector = GitHub
    secrets = (Credentials.github_issues,)
    libraries = ("github", "requests")
    key_results = ("calls",)

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "token": Credentials.github_issues}

    @contextmanager
    def fake(self) -> Iterator[Fake]:
        world = World(DEMO_NOW)
        world.github.add_repo(LAB)
        issue = world.github.add_issue(LAB, labels=["bug"])
        world.github.add_comment(LAB, issue.number, "Hm")

        def items() -> object:
            return issue.body, sorted(issue.labels), [comment.body for comment in issue.comments]

        with Sandbox(world, "127.0.0.1", 0).running() as box:
            yield Fake(box.github_url, items)


@pytest.mark.sibling
@pytest.mark.whole
class TestBodyAndLabel(_GitHub):
    publish = {"issues": {"calls": f"{LAB}#1"}, "body": True, "label": "health:"}


@pytest.mark.sibling
class TestComment(_GitHub):
    publish = {"issues": {"calls": f"{LAB}#1"}, "comment": True}
