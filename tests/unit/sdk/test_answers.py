"""What an HTTP answer means: which failures are tried again, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk import (
    RetryLater,
    SourceBroken,
    SourceError,
    failure,
    parse_link,
    quota_and_clock,
    quota_reset,
    single_line,
)
from syncd.sdk import retry_after as asked

NOW = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
IN_30_S = NOW + timedelta(seconds=30)
EPOCH = str(int(IN_30_S.timestamp()))
EXHAUSTED = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": EPOCH}
LIMIT = '{"message": "API rate limit exceeded for installation"}'
SECONDARY = '{"message": "You have exceeded a secondary rate limit"}'


def wait(status: int, headers: dict[str, str] | None = None, body: str = "") -> float | None:
    error = failure(status, headers or {}, body, NOW)
    assert type(error) is RetryLater
    return error.after


@pytest.mark.parametrize(
    ("status", "headers", "body", "after"),
    [
        # the server is ill
        (500, {}, "", None),
        (502, {}, "", None),
        (503, {}, "", None),
        (504, {}, "", None),
        (599, {}, "", None),
        (408, {}, "", None),
        (425, {}, "", None),
        (503, {"Retry-After": "7"}, "", 7),
        (503, {"retry-after": format_datetime(IN_30_S, usegmt=True)}, "", 30),
        (503, EXHAUSTED, LIMIT, None),  # an outage, whatever the quota
        # too many requests
        (429, {"Retry-After": "7"}, "", 7),
        (429, {"Retry-After": "0"}, "", 0),
        (429, {"Retry-After": format_datetime(IN_30_S, usegmt=True)}, "", 30),
        (429, {"Retry-After": "7", **EXHAUSTED}, "", 7),
        (429, {"X-RateLimit-Reset": EPOCH}, "", 31),
        (429, {"X-RateLimit-Reset": "2026-11-20T10:15:30Z"}, "", 31),
        (429, {"X-RateLimit-Reset": "2026-11-20T10:15Z"}, "", 1),
        (429, {"X-RateLimit-Reset": "2026-11-20T11:15:30+01:00"}, "", 31),
        (429, {"X-RateLimit-Reset": "2026-11-20T10:15:30"}, "", 31),
        (429, {"X-RateLimit-Reset": "soon"}, "", 60),
        # as GitLab writes it, and as the IETF's draft does: in seconds from now
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": EPOCH}, "", 31),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "30"}, "", 31),
        (429, {"RateLimit-Remaining": "12", "RateLimit-Reset": "30"}, "", 60),  # another limit than that of the quota
        (403, {"RateLimit-Remaining": "0", "RateLimit-Reset": EPOCH}, "", 31),
        (429, {}, "", 60),
        # GitHub says so with 403
        (403, EXHAUSTED, LIMIT, 31),
        (403, {"Retry-After": "7"}, "", 7),
        (403, {}, SECONDARY, 60),
        (403, {"X-RateLimit-Remaining": "4999"}, SECONDARY, 60),
        (403, {}, "abuse detection mechanism", 60),
    ],
)
def test_an_answer_that_may_pass_is_tried_again(
    status: int, headers: dict[str, str], body: str, after: float | None
) -> None:
    assert wait(status, headers, body) == after


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (401, {}, "credentials were refused"),
        (401, {"Retry-After": "7"}, "credentials were refused"),
        (403, {}, "lack a permission"),
        (403, {"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": EPOCH}, "lack a permission"),
        (404, {}, "not found, or not visible"),
        (410, {}, "not found, or not visible"),
        (400, {}, "HTTP 400"),
        (422, EXHAUSTED, "HTTP 422"),
        (451, {}, "HTTP 451"),
        (301, {}, "HTTP 301"),
        (304, {}, "HTTP 304"),
    ],
)
def test_an_answer_that_will_not_pass_ends_it(status: int, headers: dict[str, str], message: str) -> None:
    error = failure(status, headers, "", NOW)
    assert type(error) is SourceBroken
    assert message in str(error)
    assert str(status) in str(error)


@pytest.mark.parametrize("body", ["accelerate limits are off", "corporate limit", "the operate limitation"])
def test_piece_of_a_word_is_no_limit(body: str) -> None:
    assert type(failure(403, {}, body, NOW)) is SourceBroken


@given(
    status=st.integers(300, 599),
    headers=st.dictionaries(
        st.sampled_from(["Retry-After", "X-RateLimit-Reset", "X-RateLimit-Remaining"]), st.text(max_size=12)
    ),
    body=st.text(),
)
def test_every_answer_is_an_error(status: int, headers: dict[str, str], body: str) -> None:
    error = failure(status, headers, body, NOW)
    assert isinstance(error, SourceError)
    assert "\n" not in str(error)
    if isinstance(error, RetryLater):
        assert error.after is None or error.after >= 0


def test_a_rate_limit_is_called_so_and_an_outage_is_not() -> None:
    assert "rate limit" in str(failure(429, {}, "", NOW))
    assert "rate limit" not in str(failure(503, EXHAUSTED, "", NOW))


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7),
            (" 7 ", 7),
            ("1.5", 1.5),
            ("-3", 0),
            (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0),
            ("Fri, 20 Nov 2026 11:15:30 +0100", 30),
            ("", None),
            ("soon", None),
        ],
    )
    def test_a_wait_is_in_seconds_or_until_a_date(self, value: str, seconds: float | None) -> None:
        assert asked({"retry-after": value}, NOW) == seconds

    def test_a_missing_header_is_none(self) -> None:
        assert asked({}, NOW) is None

    @pytest.mark.parametrize("value", ["nan", "inf", "1e400"])
    def test_a_text_that_is_no_time_is_none(self, value: str) -> None:
        assert asked({"retry-after": value}, NOW) is None


class TestQuotaReset:
    def test_a_reset_that_has_passed_waits_a_second_for_skew(self) -> None:
        assert quota_reset({"x-ratelimit-reset": "1000000000"}, NOW) == 1

    def test_a_small_number_counts_from_now(self) -> None:
        assert quota_reset({"ratelimit-reset": "30"}, NOW) == 31
        assert quota_reset({"x-ratelimit-reset": "0"}, NOW) == 1
        assert quota_reset({"x-ratelimit-reset": "-5"}, NOW) == 1

    @pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "1e30"])
    def test_a_text_that_is_no_time_is_none(self, value: str) -> None:
        assert quota_reset({"x-ratelimit-reset": value}, NOW) is None


class TestSingleLine:
    def test_a_page_is_cut_to_a_single_line(self) -> None:
        page = (
            "<!DOCTYPE html>\n<html><head><title>502</title><style>\nbody { color: red }\n</style>"
            "<script>\nalert('x < y')\n</script></head>\n<body>\n<h1>Bad\n gateway</h1>" + "<p>sorry</p>" * 900
        )
        line = single_line(page)
        assert line.startswith("502 Bad gateway sorry")
        assert line.endswith("…")
        assert len(line) <= 160
        assert "\n" not in line

    @given(body=st.text(max_size=300))
    def test_any_text_is_cut_to_a_single_line(self, body: str) -> None:
        assert len(single_line(body)) <= 160
        assert len(single_line(body).splitlines()) <= 1

    def test_a_short_text_stays(self) -> None:
        assert single_line('{"message": "Not Found"}') == '{"message": "Not Found"}'
        assert str(failure(500, {}, "", NOW)) == "HTTP 500"
        assert str(failure(500, {}, "broken", NOW)) == "HTTP 500: broken"


class TestHeaders:
    def test_links_are_read_by_their_relation(self) -> None:
        header = '<https://h/x?page=2&per=1>; rel="next", <https://h/x?page=9>; rel="last"'
        assert parse_link(header) == {"next": "https://h/x?page=2&per=1", "last": "https://h/x?page=9"}
        assert parse_link("") == {}

    def test_an_address_may_hold_a_comma(self) -> None:
        assert parse_link('<https://h/x?fields=a,b>; rel="next"') == {"next": "https://h/x?fields=a,b"}

    @pytest.mark.parametrize(("remaining", "ok"), [("12", True), ("0", False)])
    def test_the_quota_is_a_finding(self, remaining: str, ok: bool) -> None:
        checks = list(quota_and_clock({"x-ratelimit-remaining": remaining, "x-ratelimit-limit": "5000"}, NOW))
        assert [(check.name, check.ok) for check in checks] == [("quota", ok)]
        assert f"{remaining} of 5000" in checks[0].detail
        without_x = list(quota_and_clock({"ratelimit-remaining": remaining, "ratelimit-limit": "5000"}, NOW))
        assert without_x == checks

    @pytest.mark.parametrize(("seconds", "ok"), [(0, True), (119, True), (-119, True), (121, False), (-121, False)])
    def test_a_clock_that_differs_is_a_finding(self, seconds: int, ok: bool) -> None:
        date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
        assert [(check.name, check.ok) for check in quota_and_clock({"date": date}, NOW)] == [("clock", ok)]

    def test_missing_headers_are_no_finding(self) -> None:
        assert list(quota_and_clock({}, NOW)) == []
