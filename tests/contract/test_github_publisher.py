"""GitHub's publisher: check-ins on issues, through PyGithub against the sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opened import retry_stuck
from pydantic import ValidationError

from connectors.github import GitHub
from connectors.github.publisher import GitHubPublisher
from syncd.config import load_config
from syncd.cycle.model import CycleRequest
from syncd.cycle.outgoing import deliver
from syncd.ledger import Ledger, NewDelivery, open_ledger
from syncd.ledger.outbox import post
from syncd.publishing.delivery import Delivered
from syncd.publishing.statements import as_json
from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.github.code import Comment, Issue
from syncd.sdk import Content, Context, RetryLater, RetryPolicy, SourceBroken, Statement
from syncd.sdk.testing import statement

LAB = "acme/lab"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
START, END = "<!-- syncd:calls -->", "<!-- /syncd:calls -->"
CALLS = statement("calls", note=None, confidence=None, evidence=None)
BLOCK = """\
**The number of calls falls**
1,092 calls/week, 18 % of the way (56 % expected): off track
goal: 1,200 → 600 calls/week
as of 2030-01-01 10:00"""
BETTER = replace(CALLS, value=700.0, progress=0.83, health="on_track")


@pytest.fixture
def lab(box: Sandbox) -> Sandbox:
    box.world.github.add_repo(LAB)
    return box


@pytest.fixture
def issue(lab: Sandbox) -> Issue:
    return lab.world.github.add_issue(LAB, labels=["bug"])


@pytest.fixture
def once(context: Context) -> Context:
    """The context that syncd gives a publisher: a request is made once, and syncd itself tries again from `read` on."""
    return replace(context, retry=replace(context.retry, attempts=1))


Opener = Callable[..., GitHubPublisher]


@pytest.fixture
def opened(lab: Sandbox, once: Context) -> Iterator[Opener]:
    """Opens a publisher with these keys and a token that may only write issues."""
    publishers: list[GitHubPublisher] = []

    def opener(token: str = "github_issues", **keys: Any) -> GitHubPublisher:
        settings = {"type": "github", "url": lab.github_url, "token": lab.credentials[token]}
        publish = GitHub.Publish.model_validate({"issues": {"calls": f"{LAB}#1"}, **keys})
        account = GitHub.Settings.model_validate(settings, context={"resolved": True})
        publishers.append(GitHub.publisher(account, once, publish))
        return publishers[-1]

    yield opener
    for publisher in publishers:
        publisher.close()


def stands(publisher: GitHubPublisher, check_in: Statement = CALLS) -> Content:
    return publisher.read({check_in.key_result: publisher.content(check_in)})[check_in.key_result].content


def written(publisher: GitHubPublisher, check_in: Statement = CALLS) -> None:
    """Reads, then writes all places."""
    stands(publisher, check_in)
    publisher.write({check_in.key_result: publisher.content(check_in)})


def writes(lab: Sandbox) -> list[tuple[str, int]]:
    """The methods of the requests that write, and the statuses of their answers; 0 if there was none."""
    return [(request.method, request.status) for request in lab.requests if request.method != "GET"]


# -- the keys


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"body": True, "comment": True}, "has both body and comment; keep one"),
        ({}, "needs body: true, comment: true or label: 'health:'"),
        ({"label": "health"}, "is 'health'; write a prefix that ends with a colon"),
        ({"label": f"{'x' * 40}:"}, "of at most 40 characters"),
        ({"label": "a,b:"}, "without a comma"),
        ({"body": True, "issues": {"calls": "acme/lab"}}, "has 'acme/lab' for calls; write OWNER/NAME#NUMBER"),
        ({"body": True, "issues": {"calls": "https://github.com/acme/lab/issues/1"}}, "write OWNER/NAME#NUMBER"),
        (
            {"label": "health:", "issues": {"calls": "acme/lab#1", "nps": "Acme/Lab#1"}},
            "has one label for calls and nps, which share Acme/Lab#1; give each an issue of its own",
        ),
    ],
)
def test_wrong_keys_are_refused_with_what_to_write(keys: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        GitHub.Publish.model_validate({"issues": {"calls": f"{LAB}#1"}, **keys})


def test_the_longest_label_fits_into_githubs_fifty_characters(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    written(opened(label=f"{'x' * 39}:"))
    assert f"{'x' * 39}: off track" in issue.labels


# -- the block in the text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"{START}\n{BLOCK}\n{END}"),
        ("Why we do it.", f"Why we do it.\n\n{START}\n{BLOCK}\n{END}"),
        ("Why\r\n we do it. \r\n", f"Why\r\n we do it. \r\n\r\n{START}\n{BLOCK}\n{END}"),
        (f"{START}\nold\n{END}\n\n- [ ] Größe 🎯\n", f"{START}\n{BLOCK}\n{END}\n\n- [ ] Größe 🎯\n"),
    ],
)
def test_the_text_holds_a_single_block_and_the_rest_stays(
    issue: Issue, opened: Opener, before: str | None, after: str
) -> None:
    issue.body = before
    publisher = opened(body=True)
    written(publisher)
    assert issue.body is not None
    assert issue.body.replace("\r\n", "\n") == after.replace("\r\n", "\n")
    assert issue.body.startswith((before or "").partition(START)[0])
    assert stands(publisher) == {"body": BLOCK}


def test_a_text_keeps_its_line_ends(issue: Issue, opened: Opener) -> None:
    issue.body = "Why\r\nwe do it."
    publisher = opened(body=True)
    for check_in in (CALLS, BETTER):
        written(publisher, check_in)
        assert issue.body.count("\n") == issue.body.count("\r\n") == 8
        assert stands(publisher, check_in) == publisher.content(check_in)


def test_key_results_that_share_an_issue_have_a_block_each(issue: Issue, opened: Opener) -> None:
    publisher = opened(body=True, issues={"calls": f"{LAB}#1", "nps": f"{LAB}#1"})
    nps = replace(CALLS, key_result="nps")
    written(publisher)
    written(publisher, nps)
    both = issue.body
    written(publisher, BETTER)
    assert stands(publisher, nps)["body"] == BLOCK
    assert both is not None
    assert issue.body == both.replace(BLOCK, str(publisher.content(BETTER)["body"]), 1)


def test_texts_of_people_notify_nobody_and_are_not_markup(issue: Issue, opened: Opener) -> None:
    check_in = replace(CALLS, title=f"{END} <b>x</b>", note="@everyone, see https://acme.example/a_b and #12")
    publisher = opened(body=True)
    written(publisher, check_in)
    lines = (issue.body or "").split("\n")
    assert lines[3] == "**&lt;!-- /syncd:calls --&gt; &lt;b&gt;x&lt;/b&gt;**"
    assert "note: @&#8203;everyone, see <https://acme.example/a_b> and #&#8203;12" in lines
    assert stands(publisher, check_in) == publisher.content(check_in)


def test_a_mark_without_the_other_is_reported_as_absent(issue: Issue, opened: Opener) -> None:
    issue.body = f"Why.\n\n{START}\nold\n\nPeople's words."
    publisher = opened(body=True)
    target = publisher.read({"calls": publisher.content(CALLS)})["calls"]
    assert target.absent == f"{LAB}#1 has {START} without {END}; put the missing mark back, or remove the other"


# -- the label


def test_a_single_label_has_the_prefix_and_others_stay(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    publisher = opened(label="health:")
    lab.world.github.label(LAB, 1, "healthy")
    for check_in, health in ((CALLS, "off track"), (BETTER, "on track"), (BETTER, "on track")):
        written(publisher, check_in)
        assert issue.labels == ["bug", "healthy", f"health: {health}"]
    assert [method for method, _ in writes(lab)] == ["POST", "DELETE", "POST"]


def test_the_repositorys_own_spelling_is_the_same_label(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    lab.world.github.repo(LAB).label("Health: Off Track")
    publisher = opened(label="health:")
    written(publisher)
    assert issue.labels == ["bug", "Health: Off Track"]
    assert stands(publisher) == publisher.content(CALLS)
    written(publisher, BETTER)
    assert issue.labels == ["bug", "health: on track"]


def test_two_labels_with_the_prefix_are_shown_and_replaced(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    publisher = opened(label="health:")
    for label in ("health: great, really", "health: off track"):
        lab.world.github.label(LAB, 1, label)
    assert stands(publisher) == {"label": "health: great, really, health: off track"}
    written(publisher)
    assert issue.labels == ["bug", "health: off track"]


def test_a_label_change_that_breaks_off_leaves_the_place_free(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    publisher = opened(label="health:")
    written(publisher)
    lab.fault(Fault("github", "reset", method="POST", times=1))
    with pytest.raises(RetryLater):
        written(publisher, BETTER)
    assert stands(publisher) == {"label": None}
    written(publisher, BETTER)
    assert issue.labels == ["bug", "health: on track"]


def test_a_label_that_was_removed_meanwhile_is_no_error(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    publisher = opened(label="health:")
    written(publisher)
    lab.fault(Fault("github", "status", method="DELETE", status=404, body='{"message": "Label does not exist"}'))
    written(publisher, BETTER)
    assert "health: on track" in issue.labels


# -- the comment


def by(login: str, issue: Issue) -> list[Comment]:
    return [comment for comment in issue.comments if comment.author.login == login]


def test_a_single_comment_is_kept_up_to_date(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    publisher = opened(comment=True)
    for check_in in (CALLS, BETTER):
        written(publisher, check_in)
        (comment,) = by("syncd-bot", issue)
        assert comment.body == f"{START}\n{publisher.content(check_in)['comment']}"
    assert [method for method, _ in writes(lab)] == ["POST", "PATCH"]


def test_a_comment_on_a_later_page_is_recognized(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    for number in range(150):
        lab.world.github.add_comment(LAB, 1, f"No. {number}")
    written(opened(comment=True))
    for number in range(100):
        lab.world.github.add_comment(LAB, 1, f"Nr. {number}")
    written(opened(comment=True), BETTER)
    (comment,) = by("syncd-bot", issue)
    assert "on track" in comment.body


@pytest.mark.parametrize("body", [f"Look: {START}\n{BLOCK}", f"> {START}\n> {BLOCK}", f"`{START}` is its mark", ""])
def test_a_comment_that_quotes_ours_is_somebody_elses(lab: Sandbox, issue: Issue, opened: Opener, body: str) -> None:
    theirs = lab.world.github.add_comment(LAB, 1, body)
    for check_in in (CALLS, BETTER):
        written(opened(comment=True), check_in)
    assert theirs.body == body
    assert len(by("syncd-bot", issue)) == 1


def test_a_copy_of_the_comment_is_left_alone(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    publisher = opened(comment=True)
    written(publisher)
    copy = lab.world.github.add_comment(LAB, 1, f"{START}\n{BLOCK}")
    written(publisher, BETTER)
    assert copy.body == f"{START}\n{BLOCK}"


def test_a_comment_on_a_transferred_issue_is_kept_up_to_date(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    """The comment moves with the issue and is no longer below its old repository."""
    publisher = opened(comment=True, body=False, label="health:")
    written(publisher)
    lab.world.github.add_repo("acme/infra")
    lab.world.github.transfer_issue(LAB, 1, "acme/infra")
    written(publisher, BETTER)
    (comment,) = by("syncd-bot", issue)
    assert "on track" in comment.body
    assert issue.labels == ["bug", "health: on track"]


# -- somebody else is at it too


def test_text_typed_around_the_block_before_a_write_is_kept(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    publisher = opened(body=True)
    written(publisher)
    stands(publisher, BETTER)
    lab.world.github.edit_item(LAB, 1, body=f"New above.\n\n{issue.body}\n\nNew below.")
    publisher.write({"calls": publisher.content(BETTER)})
    assert (issue.body or "").startswith("New above.\n\nWhat and why")
    assert (issue.body or "").endswith("\n\nNew below.")
    assert stands(publisher, BETTER) == publisher.content(BETTER)


def test_text_typed_into_syncds_places_before_a_write_is_kept(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    """syncd then decides again by the new content."""
    code = lab.world.github

    def into_the_block() -> None:
        code.edit_item(LAB, 1, body=(issue.body or "").replace("off track", "fine"))

    def out_of_the_mark() -> None:
        code.edit_item(LAB, 1, body=(issue.body or "").replace(END, "fine"))

    def into_the_comment() -> None:
        code.edit_comment(LAB, issue.comments[0].id, f"{issue.comments[0].body}\nfine")

    def onto_the_issue() -> None:
        code.label(LAB, 1, "health: fine")

    for keys, types, shown in (
        ({"body": True}, into_the_block, "the block of calls in acme/lab#1"),
        ({"body": True}, out_of_the_mark, "the block of calls in acme/lab#1"),
        ({"comment": True}, into_the_comment, "the comment for calls on acme/lab#1"),
        ({"label": "health:"}, onto_the_issue, "the label of acme/lab#1"),
    ):
        publisher = opened(**keys)
        written(publisher)
        stands(publisher, BETTER)
        types()
        lab.requests.clear()
        with pytest.raises(RetryLater, match=re.escape(f"{shown} changed before syncd could write it")):
            publisher.write({"calls": publisher.content(BETTER)})
        assert writes(lab) == []
        issue.body = None


# -- requests


def test_requests_are_for_issues_only_and_leave_a_second_between_writes(
    lab: Sandbox, issue: Issue, opened: Opener, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_library: list[float] = []
    monkeypatch.setattr("github.Requester.time.sleep", of_the_library.append)
    both = [opened(body=True, label="health:"), opened(comment=True)]
    for check_in, pauses in ((CALLS, 1 + 0), (BETTER, 3 + 1)):  # none before the first write; a label takes two
        for publisher in both:
            written(publisher, check_in)
        assert slept == [1.0] * pauses
        slept.clear()
    assert of_the_library == [], "a stop would not wake it"
    assert [
        request.path for request in lab.requests if not re.match(rf"/github/repos/{LAB}/issues/", request.path)
    ] == []


def test_a_renamed_repository_is_written_to_under_its_old_name(lab: Sandbox, issue: Issue, opened: Opener) -> None:
    publishers = [opened(body=True, label="health:"), opened(comment=True)]
    written(publishers[0])
    lab.world.github.rename_repo(LAB, "workshop")
    lab.requests.clear()
    for publisher in publishers:
        written(publisher, BETTER)
        assert stands(publisher, BETTER) == publisher.content(BETTER)
    assert {status for _, status in writes(lab)} == {200, 201, 307}


# -- what it says where it cannot


def refused(lab: Sandbox, status: int, message: str, **more: Any) -> None:
    """Makes the sandbox answer every write so."""
    body = json.dumps({"message": message, **more})
    for method in ("PATCH", "POST", "DELETE"):
        lab.fault(Fault("github", method=method, status=status, body=body))


def sentence(publisher: GitHubPublisher) -> str:
    with pytest.raises(SourceBroken) as caught:
        written(publisher)
    return str(caught.value)


PLACES = pytest.mark.parametrize("keys", [{"body": True}, {"comment": True}, {"label": "health:"}], ids=str)


@PLACES
def test_an_error_names_the_issue_and_what_to_mend(
    lab: Sandbox, issue: Issue, opened: Opener, keys: dict[str, Any]
) -> None:
    code = lab.world.github
    nowhere = {**keys, "issues": {"calls": "acme/none#7"}}
    assert sentence(opened(**nowhere)) == "acme/none#7 is not found, or the token may not see it"
    assert sentence(opened("github_readonly", **keys)).startswith(
        f"the token may not write issues of {LAB} (Resource not accessible by personal access token; see https://docs."
    )
    assert sentence(opened("github_readonly", **keys)).endswith("; the request needs the permission Issues: write")
    pull = {**keys, "issues": {"calls": f"{LAB}#{code.add_pull(LAB).number}"}}
    assert sentence(opened(**pull)).startswith(f"the token may not write issues of {LAB} (Resource")
    code.repo(LAB).archived = True
    assert sentence(opened(**keys)) == f"{LAB} is archived: nothing can be written there"
    code.repo(LAB).archived = False
    code.delete_issue(LAB, 1)
    assert sentence(opened(**keys)) == f"{LAB}#1 was deleted"


@PLACES
@pytest.mark.parametrize(
    ("status", "message", "explanation"),
    [
        (404, "Not Found", f"the token may not write issues of {LAB}, or {LAB}#1 was deleted just now"),
        (403, "Unable to create comment because issue is locked.", f"{LAB}#1 is locked, and the token may not write"),
        (403, "User is blocked.", f"the token may not write issues of {LAB} (User is blocked"),
        (403, "Unlocked by the prearchived", f"the token may not write issues of {LAB} (Unlocked"),
        (410, "Issues has been disabled in this repository.", f"{LAB} has its issues disabled"),
        (409, "Conflict", f"{LAB}#1: HTTP 409"),
        (401, "Bad credentials", f"{LAB}#1: the credentials were refused (HTTP 401"),
        (422, "Validation Failed", f"GitHub does not accept what is to be written to {LAB}#1 (Validation Failed: too"),
    ],
)
def test_a_refused_write_is_explained(
    lab: Sandbox, issue: Issue, opened: Opener, keys: dict[str, Any], status: int, message: str, explanation: str
) -> None:
    refused(lab, status, message, errors=[{"message": "too long"}] if status == 422 else None)
    assert sentence(opened(**keys)).startswith(explanation)


@PLACES
@pytest.mark.parametrize("status", [422, 403])
def test_what_was_submitted_too_quickly_waits(
    lab: Sandbox, issue: Issue, opened: Opener, keys: dict[str, Any], status: int, slept: list[float]
) -> None:
    lab.fault(Fault("github", "too_quickly", method="POST", status=status))
    lab.fault(Fault("github", "too_quickly", method="PATCH", status=status))
    with pytest.raises(RetryLater, match="was submitted too quickly") as caught:
        written(opened(**keys))
    assert caught.value.after == 120
    assert slept == []
    lab.heal()
    written(opened(**keys))


def test_a_text_without_room_is_left_as_it_is(issue: Issue, opened: Opener) -> None:
    issue.body = full = "x" * 65_500
    assert "body is too long (maximum is 65536 characters)" in sentence(opened(body=True))
    assert issue.body == full


# -- with syncd around it


@dataclass
class Desk:
    """syncd's outbox and its delivery, with a single entry of `publish:`."""

    folder: Path
    lab: Sandbox
    ledger: Ledger
    slept: list[float] = field(default_factory=list)

    def deliver(self, *check_ins: Statement, retry: bool = False) -> Delivered:
        """Queues these statements, if any, and delivers everything that waits."""
        config = load_config(self.folder / "syncd.yaml")
        due = [
            NewDelivery("code", f"{LAB}#1 (calls)", "2026-Q4", "calls", f"{check_in.value}", as_json(check_in))
            for check_in in check_ins
        ]
        with self.ledger.engine.begin() as connection:
            post(connection, 1, NOW, due)
        if retry:
            retry_stuck(self.ledger, NOW)
        request = CycleRequest(config, self.ledger, lambda: NOW, RetryPolicy(sleep=self.slept.append))
        (delivered,) = deliver(request).delivered
        return delivered

    def publishes(self, keys: str, timeout: float = 30) -> Desk:
        """Writes the project's files, with these keys of the entry."""
        (self.folder / "okrs.yaml").write_text(
            "period: 2026-Q4\nobjectives:\n  - id: o\n    title: O\n    key_results:\n"
            "      - {id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600}\n"
        )
        (self.folder / "syncd.yaml").write_text(
            "mappings: okrs.yaml\ntimezone: Europe/Berlin\nconnections:\n"
            f'  code: {{type: github, url: "{self.lab.github_url}", token: "${{GITHUB_TOKEN}}", timeout: {timeout}}}\n'
            f'publish:\n  - {{to: code, issues: {{calls: "{LAB}#1"}}, {keys}}}\n'
        )
        return self


@pytest.fixture
def desk(tmp_path: Path, lab: Sandbox, issue: Issue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("GITHUB_TOKEN", lab.credentials["github_issues"])
    ledger = open_ledger(f"sqlite:///{tmp_path / 'syncd.db'}")
    assert ledger is not None
    ledger.cycles.begin(NOW)
    yield Desk(tmp_path, lab, ledger)
    ledger.close()


FAULTS = {
    "401": Fault("github", "unauthorized"),
    "403": Fault("github", status=403, body='{"message": "Resource not accessible by personal access token"}'),
    "404": Fault("github", status=404, body='{"message": "Not Found"}'),
    "409": Fault("github", status=409, body='{"message": "Conflict"}'),
    "429": Fault("github", status=429),
    "429 for 7 s": Fault("github", status=429, headers={"Retry-After": "7"}),
    "a quota that is used up": Fault("github", "primary_limit", seconds=900),
    "a secondary limit": Fault("github", "secondary_limit", seconds=7),
    "500": Fault("github", status=500),
    "502": Fault("github", "html"),
    "a reset before": Fault("github", "reset"),
    "a reset after": Fault("github", "reset_after"),
    "slow": Fault("github", "hang"),
    "malformed": Fault("github", "malformed"),
}
ENDS = dict.fromkeys(("401", "403", "404", "409"), "dead") | {"a quota that is used up": "waiting"}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize(
    ("keys", "method"), [("comment: true", "POST"), ("comment: true", "PATCH"), ("body: true", "PATCH")]
)
def test_a_check_in_is_there_once_after_each_fault(desk: Desk, issue: Issue, name: str, keys: str, method: str) -> None:
    desk.publishes(keys, timeout=1 if name == "slow" else 30)
    if method == "PATCH":
        desk.deliver(CALLS)
    desk.lab.requests.clear()
    desk.lab.fault(replace(FAULTS[name], method=method, times=1))

    delivered = desk.deliver(BETTER)

    effects = [status for asked, status in writes(desk.lab) if status in (200, 201)]
    if name in ENDS:
        assert (delivered.state, len(writes(desk.lab)), effects) == (ENDS[name], 1, [])
        delivered = desk.deliver(retry=True)
    elif name == "a reset after":
        assert writes(desk.lab) == [(method, 0)], "what took effect is not sent again"
    else:
        assert len(writes(desk.lab)) == 2
    assert delivered.state == "delivered"
    texts = [comment.body for comment in issue.comments] if "comment" in keys else [issue.body or ""]
    assert [text.count("700 calls/week") for text in texts] == [1]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("name", "method"),
    [(name, method) for name in FAULTS for method in ("DELETE", "POST") if (name, method) != ("404", "DELETE")],
)
def test_a_label_is_there_once_after_each_fault(desk: Desk, issue: Issue, name: str, method: str) -> None:
    desk.publishes('label: "health:"', timeout=1 if name == "slow" else 30).deliver(CALLS)
    desk.lab.fault(replace(FAULTS[name], method=method, times=1))

    delivered = desk.deliver(BETTER)

    if name in ENDS:
        assert delivered.state == ENDS[name]
        delivered = desk.deliver(retry=True)
    assert delivered.state == "delivered"
    assert issue.labels == ["bug", "health: on track"]


@pytest.mark.parametrize(
    ("keys", "types"),
    [
        ("body: true", lambda code, issue: code.edit_item(LAB, 1, body=issue.body.replace("off track", "fine"))),
        ("comment: true", lambda code, issue: code.edit_comment(LAB, issue.comments[0].id, f"{START}\nfine")),
        ('label: "health:"', lambda code, issue: code.edit_item(LAB, 1, labels=["health: fine"])),
    ],
)
def test_edits_in_syncds_places_stay_until_people_allow_a_write(
    desk: Desk, issue: Issue, keys: str, types: Callable[[Any, Issue], None]
) -> None:
    desk.publishes(keys).deliver(CALLS)
    types(desk.lab.world.github, issue)
    shown = (issue.body, list(issue.labels), [comment.body for comment in issue.comments])

    delivered = desk.deliver(BETTER)

    assert delivered.state == "refused"
    assert f"{LAB}#1 holds " in (delivered.reason or "")
    assert "which syncd did not write; `syncd approve calls` writes over it" in (delivered.reason or "")
    assert (issue.body, list(issue.labels), [comment.body for comment in issue.comments]) == shown
    desk.publishes(f"{keys}, override: true")
    assert desk.deliver(retry=True).state == "delivered"
    assert "fine" not in str((issue.body, issue.labels, [comment.body for comment in issue.comments]))


@pytest.mark.parametrize("place", ["body", "comment"])
def test_what_stands_under_a_former_id_goes_on_under_the_new_one(issue: Issue, opened: Opener, place: str) -> None:
    issues = {"calls": f"{LAB}#1", "rings": f"{LAB}#1"}
    written(opened(issues=issues, **{place: True}), CALLS)
    rings = replace(BETTER, key_result="rings", former=("calls",))
    for check_in in (rings, replace(rings, value=5.0)):
        publisher = opened(issues=issues, **{place: True})
        assert stands(publisher, check_in)[place] is not None
        written(publisher, check_in)
        texts = [issue.body or ""] if place == "body" else [comment.body for comment in by("syncd-bot", issue)]
        assert len(texts) == 1
        assert texts[0].count("<!-- syncd:rings -->") == 1
        assert "syncd:calls" not in texts[0]


@pytest.mark.parametrize("place", ["body", "comment"])
def test_what_stands_under_an_id_of_long_ago_goes_on_under_the_new_one(
    issue: Issue, opened: Opener, place: str
) -> None:
    issues = {"calls": f"{LAB}#1", "bells": f"{LAB}#1"}
    written(opened(issues=issues, **{place: True}), CALLS)
    written(opened(issues=issues, **{place: True}), replace(BETTER, key_result="bells", former=("rings", "calls")))
    texts = [issue.body or ""] if place == "body" else [comment.body for comment in by("syncd-bot", issue)]
    assert [text.count("syncd:bells -->") for text in texts] == [2 if place == "body" else 1]
    assert "syncd:calls" not in texts[0]
