"""The one retry policy: what is tried again, after how long, until when. No test sleeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from syncd.sdk import ConfigError, RetryLater, RetryPolicy, SourceBroken


class Server:
    """Fails with these errors in turn, then answers; counts requests and notes what was slept."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.requests = 0
        self.slept: list[float] = []

    def __call__(self) -> str:
        self.requests += 1
        if self.requests <= len(self.errors):
            raise self.errors[self.requests - 1]
        return "answer"

    def policy(self, **limits: float) -> RetryPolicy:
        return RetryPolicy(sleep=self.slept.append, **limits)  # type: ignore[arg-type]


def ill(after: float | None = None) -> RetryLater:
    return RetryLater("it is ill", after)


def test_an_answer_is_returned_at_once() -> None:
    server = Server()
    assert server.policy().call(server) == "answer"
    assert (server.requests, server.slept) == (1, [])


@pytest.mark.parametrize("after", [0.5, 7.0, 59.9, 60.0])
def test_the_wait_is_what_the_server_asks_for(after: float) -> None:
    server = Server(ill(after))
    assert server.policy().call(server) == "answer"
    assert server.slept == [after]


def test_a_server_that_asks_for_no_wait_gets_a_moment_each_time() -> None:
    """Data Center and proxies send `Retry-After: 0`: without a floor, five requests leave within milliseconds."""
    server = Server(*[ill(0)] * 4)
    assert server.policy().call(server) == "answer"
    assert server.slept == [0.5, 1, 2, 4]


def test_each_answer_has_its_own_wait() -> None:
    server = Server(ill(3), ill(1), ill(2))
    assert server.policy().call(server) == "answer"
    assert server.slept == [3, 1, 2]


@pytest.mark.parametrize("after", [60.1, 3600.0])
def test_a_wait_beyond_the_longest_is_not_slept(after: float) -> None:
    error = ill(after)
    server = Server(error)
    with pytest.raises(RetryLater) as raised:
        server.policy().call(server)
    assert raised.value is error
    assert raised.value.after == after
    assert (server.requests, server.slept) == (1, [])


def test_the_longest_wait_is_a_setting() -> None:
    server = Server(ill(5))
    with pytest.raises(RetryLater):
        server.policy(longest_wait=4).call(server)
    assert server.slept == []


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_request_is_tried_as_often_as_allowed(attempts: int) -> None:
    errors = [ill(0) for _ in range(9)]
    server = Server(*errors)
    with pytest.raises(RetryLater) as raised:
        server.policy(attempts=attempts).call(server)
    assert raised.value is errors[attempts - 1]  # the last one
    assert server.requests == attempts
    assert len(server.slept) == attempts - 1


def test_a_wait_of_our_own_is_jittered_under_a_doubling_bound() -> None:
    waits: list[list[float]] = []
    for _ in range(50):
        server = Server(*[ill() for _ in range(4)])
        assert server.policy().call(server) == "answer"
        assert all(0 <= wait <= bound for wait, bound in zip(server.slept, [0.5, 1, 2, 4], strict=True))
        waits.append(server.slept)
    for tries in zip(*waits, strict=True):  # the first waits of many clients, their second ones, and so on
        assert len(set(tries)) > 25


def test_a_wait_of_our_own_is_never_beyond_the_longest() -> None:
    server = Server(*[ill() for _ in range(20)])
    server.policy(attempts=30, longest_wait=1, deadline=1e9).call(server)
    assert max(server.slept) <= 1


def test_a_wait_past_the_deadline_is_not_begun() -> None:
    server = Server(ill(30))
    with pytest.raises(RetryLater):
        server.policy(deadline=20).call(server)
    assert (server.requests, server.slept) == (1, [])


@pytest.mark.parametrize("error", [SourceBroken("refused"), ConfigError("wrong"), ValueError("a bug"), OSError()])
def test_nothing_else_is_tried_again(error: Exception) -> None:
    server = Server(error)
    with pytest.raises(type(error)) as raised:
        server.policy().call(server)
    assert raised.value is error
    assert server.requests == 1


def test_a_broken_source_after_an_outage_ends_the_call() -> None:
    server = Server(ill(1), SourceBroken("refused"))
    with pytest.raises(SourceBroken):
        server.policy().call(server)
    assert (server.requests, server.slept) == (2, [1])


def test_an_interrupted_sleep_ends_the_call() -> None:
    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    server: Callable[[], str] = Server(ill(1))
    with pytest.raises(KeyboardInterrupt):
        RetryPolicy(sleep=stopped).call(server)


def test_requests_after_a_failure_are_tried_once_until_success() -> None:
    tries: list[int] = []

    def down() -> None:
        tries.append(1)
        raise RetryLater("down")

    policy = RetryPolicy(attempts=3, sleep=lambda seconds: None)
    for expected in (3, 4, 5):
        with pytest.raises(RetryLater):
            policy.call(down)
        assert len(tries) == expected
    assert policy.call(lambda: "up") == "up"
    with pytest.raises(RetryLater):
        policy.call(down)
    assert len(tries) == 8
    assert policy.fresh().call(lambda: "another connection's") == "another connection's"


def test_a_limit_that_names_its_time_is_no_outage() -> None:
    slept: list[float] = []
    policy = RetryPolicy(attempts=3, sleep=slept.append)

    def limited(after: float) -> None:
        raise RetryLater("rate limit", after)

    with pytest.raises(RetryLater):
        policy.call(lambda: limited(900))
    with pytest.raises(RetryLater):
        policy.call(lambda: limited(2))
    assert slept == [2, 2]


def test_server_that_fails_for_long_is_not_asked_again() -> None:
    """Each request to a silent server takes its whole deadline, and a connection may have hundreds of streams."""
    now = 0.0

    def fail() -> None:
        nonlocal now
        now += 60.0
        raise RetryLater("it did not answer")

    policy = RetryPolicy(sleep=lambda _: None, clock=lambda: now, longest_outage=240.0)
    for _ in range(50):
        with pytest.raises(RetryLater, match=r"^it did not answer$"):
            policy.call(fail)
    assert now <= 60.0 * (policy.attempts + 1)
    assert policy.fresh().call(lambda: "an answer") == "an answer"
