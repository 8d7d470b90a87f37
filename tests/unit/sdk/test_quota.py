"""What a credential may still request: the reserve, fair shares among its users, and what answers tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncd.sdk import RetryLater
from syncd.sdk.quota import Credential, ProcessQuotas, Quota, Seen

TOKEN = Credential("github", "https://api.github.com", secret=("a-token",))


class Server:
    """Counts requests as GitHub does: a window of an hour, and an answer 304 counts for nothing."""

    def __init__(self, limit: int = 100) -> None:
        self.limit, self.left = limit, limit
        self.now = datetime(2026, 11, 21, 9, tzinfo=UTC)
        self.reset = self.now + timedelta(hours=1)

    def clock(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)
        if self.now >= self.reset:
            self.left, self.reset = self.limit, self.now + timedelta(hours=1)

    def answer(self, cost: int = 1) -> Seen:
        self.left -= cost
        assert self.left >= 0
        return Seen(self.left, self.limit, (self.reset - self.now).total_seconds())


@pytest.fixture
def server() -> Server:
    return Server()


def requests(server: Server, quota: Quota, most: int = 1000) -> int:
    """How many of so many requests the quota lets through."""
    for number in range(most):
        try:
            quota.begin(waited=False)
        except RetryLater:
            return number
        quota.end(server.answer())
    return most


def test_requests_stop_at_the_reserve_and_go_on_in_the_next_window(server: Server) -> None:
    quota = ProcessQuotas(server.clock).of(TOKEN)
    assert requests(server, quota) == 90
    with pytest.raises(RetryLater, match="10 of 100 requests are left, which are kept for people") as caught:
        quota.begin(waited=False)
    assert caught.value.after == 3600
    server.passes(minutes=61)
    assert requests(server, quota) == 90


def test_server_that_shows_no_quota_for_a_while_uses_none_up(server: Server) -> None:
    """As in an outage: no answer tells what is left of the new window, however many requests fail."""
    quotas = ProcessQuotas(server.clock)
    quota, other = (quotas.for_user(name).of(TOKEN) for name in ("a", "b"))
    requests(server, quota, 50)
    server.passes(minutes=61)
    for _ in range(1000):
        quota.begin(waited=False)
        quota.end(None)
    other.begin(waited=False)
    other.end(server.answer())
    assert requests(server, other, 30) == 30


def test_connections_and_workspaces_with_a_credential_share_its_quota(server: Server) -> None:
    quotas = ProcessQuotas(server.clock)
    first, second = (
        quotas.for_user("a").of(TOKEN),
        quotas.for_user("b").of(Credential(*("github", TOKEN.server), secret=("a-token",))),
    )
    assert requests(server, first, 30) == 30
    assert requests(server, second) + requests(server, first) == 60
    assert server.left == 10


def test_another_credential_has_a_quota_of_its_own(server: Server) -> None:
    quotas = ProcessQuotas(server.clock)
    assert requests(server, quotas.of(TOKEN)) == 90
    other = Server()
    assert requests(other, quotas.of(Credential("github", TOKEN.server, secret=("another",)))) == 90


def test_greedy_workspace_leaves_another_its_equal_share(server: Server) -> None:
    quotas = ProcessQuotas(server.clock)
    greedy, modest = (quotas.for_user(name).of(TOKEN) for name in ("greedy", "modest"))
    assert requests(server, modest, 1) == 1
    assert requests(server, greedy) == 45
    with pytest.raises(RetryLater, match="other workspaces with the same credentials need theirs"):
        greedy.begin(waited=False)
    assert requests(server, modest) == 44
    assert server.left == 10


def test_what_nobody_needed_in_the_last_window_goes_to_whoever_asks(server: Server) -> None:
    quotas = ProcessQuotas(server.clock)
    greedy, modest = (quotas.for_user(name).of(TOKEN) for name in ("greedy", "modest"))
    requests(server, modest, 5)
    requests(server, greedy)
    server.passes(minutes=61)
    assert requests(server, greedy) == 85
    assert requests(server, modest) == 5


def test_a_workspace_that_was_refused_gets_its_share_in_the_next_window(server: Server) -> None:
    quotas = ProcessQuotas(server.clock)
    greedy, late = (quotas.for_user(name).of(TOKEN) for name in ("greedy", "late"))
    assert requests(server, greedy) == 90
    assert requests(server, late) == 0
    server.passes(minutes=61)
    assert requests(server, greedy) == 45
    assert requests(server, late) == 45


def test_a_workspace_that_left_holds_back_nothing(server: Server) -> None:
    quotas = ProcessQuotas(server.clock)
    left, stays = (quotas.for_user(name).of(TOKEN) for name in ("left", "stays"))
    requests(server, left, 20)
    for _ in range(2):
        server.passes(minutes=61)
        requests(server, stays, 1)
    assert requests(server, stays) == 89


def test_answers_that_cost_nothing_use_up_nothing(server: Server) -> None:
    quota = ProcessQuotas(server.clock).of(TOKEN)
    for _ in range(500):
        quota.begin(waited=False)
        quota.end(server.answer(cost=0))
    assert requests(server, quota) == 90


def test_requests_on_their_way_count_before_an_answer_does(server: Server) -> None:
    quota = ProcessQuotas(server.clock).of(TOKEN)
    requests(server, quota, 80)
    answers = []
    for _ in range(10):
        quota.begin(waited=False)
        answers.append(server.answer())
    with pytest.raises(RetryLater):
        quota.begin(waited=False)
    for seen in reversed(answers):  # the newest first
        quota.end(seen)
    assert server.left == 10


def test_people_who_use_the_credential_are_seen_by_the_answers(server: Server) -> None:
    quota = ProcessQuotas(server.clock).of(TOKEN)
    requests(server, quota, 10)
    server.left -= 50
    assert requests(server, quota) == 31 - 1
    assert server.left == 10


def test_a_request_that_waited_as_the_server_asked_is_made(server: Server) -> None:
    quota = ProcessQuotas(server.clock).of(TOKEN)
    requests(server, quota)
    quota.begin(waited=True)


def test_a_server_that_tells_no_quota_holds_back_nothing() -> None:
    quota = ProcessQuotas().of(TOKEN)
    for _ in range(1000):
        quota.begin(waited=False)
        quota.end(None)


def test_secrets_are_in_no_text_of_a_credential() -> None:
    assert "a-token" not in repr(TOKEN)
