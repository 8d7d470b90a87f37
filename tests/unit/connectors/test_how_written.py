"""Which changes of the configuration make syncd write a key result again."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.files.keys import FilesPublish
from connectors.github.settings import GitHubPublish
from connectors.jira.settings import JiraPublish
from syncd.sdk import PublishKeys


@pytest.mark.parametrize(
    ("kind", "keys", "issues"),
    [
        (GitHubPublish, {"body": True}, {"calls": "acme/okr#1", "nps": "acme/okr#2"}),
        (JiraPublish, {"comment": True}, {"calls": "OKR-1", "nps": "OKR-2"}),
    ],
)
def test_a_further_issue_changes_no_other_key_result(
    kind: type[PublishKeys], keys: dict[str, Any], issues: dict[str, str]
) -> None:
    few = kind.model_validate({**keys, "issues": {"calls": issues["calls"]}})
    assert few.how("calls") == kind.model_validate({**keys, "issues": issues}).how("calls")


def test_a_key_that_a_later_version_adds_is_no_change() -> None:
    class Later(FilesPublish):
        indent: bool = False

    assert Later(file="okrs.json").how("") == FilesPublish(file="okrs.json").how("")
    assert Later(file="okrs.json", indent=True).how("") != FilesPublish(file="okrs.json").how("")
