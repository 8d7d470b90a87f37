"""Days in a request: each way to write one, and what cannot be filled in exactly."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connectors.http import Http
from connectors.http.dates import Dates
from syncd.sdk import Days

QUARTER = Days(date(2026, 10, 1), date(2026, 12, 31), date(2026, 11, 21))
DATES = Dates(QUARTER, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("{start}", "2026-10-01"),
        ("{end}", "2026-12-31"),
        ("{today}", "2026-11-21"),
        ("{start}/{end}", "2026-10-01/2026-12-31"),
        ("{end:%d.%m.%Y}", "31.12.2026"),
        ("{start:%Y%m%d}", "20261001"),
        ("{today:%G-W%V}", "2026-W47"),
        ("{start:seconds}", "1790805600"),
        ("{start:milliseconds}", "1790805600000"),
        ("{start:utc}", "2026-09-30T22:00:00Z"),
        ("{start:%Y-%m-%dT%H:%M:%S%z}", "2026-10-01T00:00:00+0200"),
        ("{end+1d}", "2027-01-01"),
        ("{today-7d}", "2026-11-14"),
        ("{end+1d:utc}", "2026-12-31T23:00:00Z"),
        ("{end+1d-1s:seconds}", "1798757999"),
        ("{end+1d-1s:%H:%M:%S}", "23:59:59"),
    ],
)
def test_days_are_filled_in(written: str, sent: str) -> None:
    assert DATES.text(f"from {written}!") == f"from {sent}!"
    Http.Measure.model_validate({"params": {"q": written}, "json": "v"})


def test_a_day_on_which_clocks_change_has_the_seconds_that_it_has() -> None:
    october = Dates(Days(date(2026, 10, 25), date(2026, 10, 25), date(2026, 10, 25)), ZoneInfo("Europe/Berlin"))
    start, end = int(october.text("{start:seconds}")), int(october.text("{end+1d:seconds}"))
    assert end - start == 25 * 3600
    assert october.text("{start+5400s:%H:%M%z} {start+9000s:%H:%M%z} {start+12600s:%H:%M%z}") == (
        "01:30+0200 02:30+0200 02:30+0100"
    )


def test_a_path_quotes_what_is_filled_in() -> None:
    assert DATES.path("/v1/{start:%Y/%m}/x?day={start:%d %b}") == "/v1/2026%2F10/x?day=01%20Oct"


def test_a_number_alone_in_a_body_is_a_number() -> None:
    body = {"from": "{start:milliseconds}", "days": ["{start}", "to {end}"], "top": 5, "text": "at {start:seconds}"}
    assert DATES.value(body) == {
        "from": 1790805600000,
        "days": ["2026-10-01", "to 2026-12-31"],
        "top": 5,
        "text": "at 1790805600",
    }


@pytest.mark.parametrize(
    "text",
    [
        'sum(rate(http_requests_total{job="api"}[5m]))',
        "avg:system.cpu.user{env:prod} by {host}",
        "up{start_time='x'}",
        "{state:open}",
        "{ value }",
        "AND({End} > 3, {Start} < 5)",  # fields of Airtable
        "AND({End},{Start}) = {End}",
        "{ start: 5 } {Start:open}",
        "{ rows { start end } meta { start } }",  # GraphQL in a body
        "{startTime} {END_OF} {ends}",
        "{}",
        "{{start}",
    ],
)
def test_other_braces_are_left_alone(text: str) -> None:
    Http.Measure.model_validate({"params": {"q": text}, "json": "v"})
    assert DATES.text(text) == text.replace("{start}", "2026-10-01")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{strat}", "did you mean {start}?"),
        ("{start+1w}", "add days or seconds, such as {start+1d}"),
        ("{start 1}", "add days or seconds"),
        ("{start+9999d}", "add at most 3660 days"),
        ("{start+60s}", "a day and no moment"),
        ("{start+60s:%d.%m.%Y}", "a day and no moment"),
        ("{start:}", "no part of a date"),
        ("{start:iso}", "no part of a date"),
        ("{start:%Q}", "%Q, which is none of strftime's"),
        ("{start:%}", "which is none of strftime's"),
        ("{start:%s}", "%s, which is none of strftime's"),
        ("{start:%Y-%m-%dT%H:%M:%SZ}", "write utc for a time in UTC"),
        ("{START}", "sent as it is; write {start}"),
        ("since {START}", "write {start}"),
        ("{ start }", "write {start}"),
        ("since { start}", "write {start}"),
        ("{Start}", "write {start}"),
        ("{ End+1d:utc}", "write {end+1d:utc}"),
        ("from {Start:%Y}", "write {start:%Y}"),
        ("{{ start }}", "write {start}"),
        ("{{start}}", "write {start}"),
        ("{start}T00:00:00Z", "write utc for a time in UTC: {start:utc}"),
        ("[{start} 00:00Z TO x]", "write utc for a time in UTC: {start:utc}"),
        ("{start:%Y-%m-%d}T00%3A00%3A00.000Z", "{start:utc}"),
        ("{start}T00:00:00+00:00", "whose zone would stand behind a local time"),
        ("{start}Z", "whose Z would stand behind a local time"),
        ("{end}T23:59:59Z", "{end+1d-1s:utc} for its last second"),
        ("{end:%Y-%m-%dT23:59:59Z}", "{end+1d-1s:utc} for its last second"),
        ("{start:%Y-%m-%dT00:00:00+00:00}", "{start:utc}"),
        ("{end:seconds}", "{end+1d-1s:seconds} for its last second"),
        ("{end:utc}", "{end+1d:utc} for the first instant after it"),
        ("{today:%Y-%m-%dT%H:%M:%S}", "the first instant of a day that is to be included"),
    ],
)
@pytest.mark.parametrize("place", ["path", "params", "body", "variables"])
def test_what_cannot_be_filled_in_is_refused(written: str, says: str, place: str) -> None:
    keys: dict[str, Any] = {
        "path": {"path": f"/v1?from={written}"},
        "params": {"params": {"from": ["x", written]}},
        "body": {"method": "POST", "body": {"range": [{"from": written}]}},
        "variables": {"graphql": "query ($from: String!) { v(from: $from) }", "variables": {"from": written}},
    }[place]
    with pytest.raises(ValidationError) as caught:
        Http.Measure.model_validate({**keys, "json": "v"})
    assert says in str(caught.value)
    assert written.removeprefix("since ").removeprefix("from ").removeprefix("[").removesuffix(" TO x]") in str(
        caught.value
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"params": {"{start}": "x"}},
        {"params": {"{ START }": "x"}},
        {"method": "POST", "body": {"range": [{"{start}": "x"}]}},
        {"graphql": "query ($from: String!) { v(from: $from) }", "variables": {"from": {"{start}": 1}}},
    ],
)
def test_days_in_a_name_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="in a name, and days stand in values"):
        Http.Measure.model_validate({**keys, "json": "v"})


@pytest.mark.parametrize("text", ['"{start}"', '"since {end:%Y}"', '"{ START }"', '"""{start}"""', '["{today}"]'])
def test_days_in_the_text_of_a_query_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="declare a variable, and write such as variables"):
        Http.Measure.model_validate({"graphql": f"query {{ n(since: {text}) }}", "json": "data.n"})


@pytest.mark.parametrize("path", ["/v1?from={Start}&n=1", "/v1/{Start}/x", "/v1/{ start }"])
def test_what_looks_like_a_day_in_a_path_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match=r"sent as it is; write \{start\}"):
        Http.Measure.model_validate({"path": path, "json": "v"})


def test_selection_of_a_query_is_no_day() -> None:
    Http.Measure.model_validate({"graphql": "{events{start}} # {start}", "json": "data.events[].[start, n]"})
