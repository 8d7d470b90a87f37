"""What GitHub's headers say to do about a refusal."""

from __future__ import annotations

import pytest

from connectors.github.advice import advice
from connectors.github.refusals import is_too_quick, withheld
from syncd.sdk import Answer


@pytest.mark.parametrize(
    ("header", "permissions"),
    [
        ("issues=read", "Issues: read"),
        ("pull_requests=write", "Pull requests: write"),
        ("issues=read,metadata=read", "Issues: read and Metadata: read"),
        ("issues=read; pull_requests=read, contents=read", "Issues: read or Pull requests: read and Contents: read"),
        ("allows_permissionless_access=true", "Allows permissionless access: true"),
    ],
)
def test_the_permission_that_a_request_needs_is_named(header: str, permissions: str) -> None:
    answer = Answer(403, {"x-accepted-github-permissions": header}, b"{}")
    assert advice("https://api.github.com", answer) == f"the request needs the permission {permissions}"


@pytest.mark.parametrize("header", ["", ";", " , ; "])
def test_a_header_without_a_permission_advises_nothing(header: str) -> None:
    assert advice("https://api.github.com", Answer(403, {"x-accepted-github-permissions": header}, b"{}")) == ""


def test_a_permission_is_no_remedy_for_what_is_not_there() -> None:
    answer = Answer(404, {"x-accepted-github-permissions": "issues=read"}, b"{}")
    assert advice("https://api.github.com", answer) == ""


@pytest.mark.parametrize(
    ("status", "message", "quick"),
    [
        (422, "Validation Failed: was submitted too quickly", True),
        (403, "was submitted too quickly", True),
        (422, "title Was Submitted Too Quickly", True),
        (500, "was submitted too quickly", False),
        (422, "Validation Failed: body is too long", False),
        (422, "it was submitted too quicklyish", False),
    ],
)
def test_a_limit_of_texts_is_told_from_other_refusals(status: int, message: str, quick: bool) -> None:
    assert is_too_quick(status, message) is quick


def test_only_partial_results_are_withheld() -> None:
    assert withheld({"x-github-sso": "partial-results; organizations=21955855,20582480"})
    assert not withheld({"x-github-sso": "required; url=https://github.com/orgs/acme/sso"})
    assert not withheld({})
