"""What a connection may still ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncd.sdk import Budget, RetryLater, RetryPolicy

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def quota(left: int, limit: int = 100, seconds: int = 600, **headers: str) -> dict[str, str]:
    reset = int((NOW + timedelta(seconds=seconds)).timestamp())
    return {
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-reset": str(reset),
        **headers,
    }


def spent(budget: Budget, most: int = 1000) -> int:
    """How many requests it lets pass."""
    for number in range(most):
        try:
            budget.spend()
        except RetryLater:
            return number
    return most


def test_nothing_is_held_back_where_no_server_counts(clock: Clock) -> None:
    budget = Budget(clock)
    budget.begin(3)
    assert spent(budget) == 1000


def test_a_tenth_is_left_to_people(clock: Clock) -> None:
    budget = Budget(clock)
    budget.begin(0)
    budget.learn(quota(30))
    assert spent(budget) == 20
    with pytest.raises(RetryLater, match="10 of 100 requests are left, which are kept for people") as caught:
        budget.spend()
    assert caught.value.after == pytest.approx(601, abs=1)


@pytest.mark.parametrize(
    "headers",
    [
        {"ratelimit-limit": "100", "ratelimit-remaining": "30", "ratelimit-reset": str(int(NOW.timestamp()) + 600)},
        {"ratelimit-limit": "100, 100;w=600", "ratelimit-remaining": "30", "ratelimit-reset": "600"},
    ],
    ids=["GitLab", "the IETF's draft"],
)
def test_a_quota_is_learned_from_headers_without_x_too(clock: Clock, headers: dict[str, str]) -> None:
    budget = Budget(clock)
    budget.begin(0)
    budget.learn(headers)
    assert spent(budget) == 20
    clock.now += timedelta(seconds=602)
    assert spent(budget) == 1000


def test_requests_go_on_after_the_reset(clock: Clock) -> None:
    budget = Budget(clock)
    budget.begin(0)
    budget.learn(quota(0))
    assert spent(budget) == 0
    clock.now += timedelta(seconds=602)
    assert spent(budget) == 1000


def test_the_reset_is_read_by_the_servers_clock(clock: Clock) -> None:
    """Its clock is ten minutes ahead of ours: its reset is in one minute, not in eleven."""
    budget = Budget(clock)
    budget.begin(0)
    budget.learn(quota(0, seconds=660, date="Sun, 22 Nov 2026 10:10:00 GMT"))
    with pytest.raises(RetryLater) as caught:
        budget.spend()
    assert caught.value.after == pytest.approx(61, abs=1)


def test_streams_share_what_is_left(clock: Clock) -> None:
    budget = Budget(clock)
    budget.learn(quota(100))
    budget.begin(2)
    assert spent(budget) == 30
    budget.begin(1)
    budget.spend()  # it needs no more: what it leaves is the next one's
    budget.begin(0)
    assert spent(budget) == 59


def test_every_stream_may_ask_once_whatever_is_left(clock: Clock) -> None:
    budget = Budget(clock)
    budget.learn(quota(12))
    budget.begin(50)
    assert spent(budget) == 1


def test_a_quota_is_forgotten_once_its_wait_was_slept(clock: Clock) -> None:
    budget = Budget(clock)
    budget.begin(0)
    budget.learn(quota(0, seconds=30))
    budget.forget()
    assert spent(budget) == 1000


@pytest.mark.parametrize(
    "headers", [{}, quota(5, 0), {**quota(5), "x-ratelimit-reset": "soon"}, {"x-ratelimit-limit": "x"}]
)
def test_senseless_headers_are_ignored(clock: Clock, headers: dict[str, str]) -> None:
    budget = Budget(clock)
    budget.begin(0)
    budget.learn(headers)
    assert spent(budget) == 1000


def test_a_passing_failure_gives_no_stream_a_greater_share(clock: Clock) -> None:
    policy = RetryPolicy(sleep=lambda seconds: None, budget=Budget(clock))
    policy.budget.learn(quota(100))
    policy.budget.begin(2)
    answers = iter([RetryLater("HTTP 502")])

    def once() -> None:
        if error := next(answers, None):
            raise error

    policy.call(once)
    assert spent(policy.budget) == 28


def test_a_reset_in_the_far_future_counts_as_a_day(clock: Clock) -> None:
    budget = Budget(clock)
    budget.begin(0)
    budget.learn({**quota(0), "x-ratelimit-reset": "253402300799"})
    with pytest.raises(RetryLater) as caught:
        budget.spend()
    assert caught.value.after == pytest.approx(86400, abs=1)
