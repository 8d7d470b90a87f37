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
    assert written in str(caught.value)
