"""Check-ins to Tability and Quantive, through httpx, answered by pytest-httpx."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import ValidationError
from pytest_httpx import HTTPXMock

from connectors.quantive import Quantive
from connectors.tability import Tability
from syncd.sdk import Context, Publisher, SourceBroken, Unsure
from syncd.sdk.testing import statement

BERLIN = ZoneInfo("Europe/Berlin")
CHECK_IN = replace(
    statement("calls"),
    as_of=datetime(2026, 11, 20, 9, tzinfo=BERLIN),
    updated=datetime(2026, 11, 21, 10, 15, tzinfo=BERLIN),
)
TABILITY = {"type": "tability", "personal_api_token": "person-41c7", "outcomes": {"calls": "outcome-93ab"}}
QUANTIVE = {"type": "quantive", "url": "https://app.us.quantive.com/results", "account": "5be2", "token": "t-41c7"}
COMMENT = """\
1,092 calls/week, 18 % of the way: off track
goal: 1,200 → 600 calls/week
confidence 40 %
note: The second release is out
why: https://okr.example/?period=2030-Q1#calls"""


def tability(context: Context) -> Publisher:
    settings = Tability.Settings.model_validate(TABILITY, context={"resolved": True})
    return Tability.publisher(settings, context, Tability.Publish())


def quantive(context: Context) -> Publisher:
    keys = Quantive.Publish(metrics={"calls": "5e8c"})
    settings = Quantive.Settings.model_validate(QUANTIVE, context={"resolved": True})
    return Quantive.publisher(
        settings, context, Quantive.Publish.model_validate(keys or {"metrics": {"calls": "5e8c"}})
    )


def write(publisher: Publisher, **changes: Any) -> None:
    publisher.write({"calls": publisher.content(replace(CHECK_IN, **changes))})


def test_a_check_in_reaches_tability(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(
        method="POST",
        url="https://api.tability.app/webhooks/checkins?remote_checkins_token=outcome-93ab",
        match_headers={"Content-Type": "application/json"},
        match_json={"personal_api_token": "person-41c7", "score": "1092", "body": COMMENT, "confidence": "red"},
    )
    write(tability(context))


@pytest.mark.parametrize(
    ("health", "colour"),
    [("on_track", "green"), ("done", "green"), ("at_risk", "yellow"), ("off_track", "red"), ("unknown", None)],
)
def test_tabilitys_colour_follows_health(context: Context, health: str, colour: str | None) -> None:
    assert tability(context).content(replace(CHECK_IN, health=health)).get("confidence") == colour


@pytest.mark.parametrize(("value", "score"), [(0.0, "0"), (-12.5, "-12.5"), (123456789012.25, "123456789012.25")])
def test_tabilitys_score_is_the_number_as_it_is(context: Context, value: float, score: str) -> None:
    assert tability(context).content(replace(CHECK_IN, value=value))["score"] == score


def test_tability_takes_the_key_results_that_have_an_outcome() -> None:
    settings = Tability.Settings.model_validate({**TABILITY, **references("calls", "nps")})
    keys = Tability.Publish.model_validate({}, context={"settings": settings})
    assert set(keys.names() or ()) == {"calls", "nps"}
    assert keys.target("calls") == "the outcome of calls"


def test_another_outcome_concerns_no_other_key_result() -> None:
    keys_of_calls, more_keys = (
        Tability.Publish.model_validate({}, context={"settings": Tability.Settings.model_validate(settings)})
        for settings in ({**TABILITY, **references("calls")}, {**TABILITY, **references("calls", "nps")})
    )
    assert keys_of_calls.how("calls") == more_keys.how("calls")
    few, more = (Quantive.Publish.model_validate({"metrics": m}) for m in ({"calls": "a"}, {"calls": "a", "nps": "b"}))
    assert few.how("calls") == more.how("calls")


def references(*outcomes: str) -> dict[str, Any]:
    return {
        "personal_api_token": "${TABILITY_TOKEN}",
        "outcomes": {name: f"${{TABILITY_{name.upper()}}}" for name in outcomes},
    }


@pytest.mark.parametrize(
    ("connector", "settings"),
    [
        (Tability, {**TABILITY, "personal_api_token": "${A}"}),
        (Tability, {**TABILITY, "outcomes": {"calls": "${A}"}}),
        (Tability, {**TABILITY, **references()}),
        (Quantive, QUANTIVE),
        (Quantive, {**QUANTIVE, "token": "${A}", "url": "app.quantive.com"}),
        (Quantive, {**QUANTIVE, "token": "${A}", "account": ""}),
    ],
)
def test_settings_that_cannot_work_are_refused(connector: Any, settings: dict[str, Any]) -> None:
    """A secret written out, wherever it stands, is one of them."""
    with pytest.raises(ValidationError):
        connector.Settings.model_validate(settings)


def test_a_check_in_reaches_quantive(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(
        method="POST",
        url="https://app.us.quantive.com/results/api/v1/metrics/5e8c/checkin",
        match_headers={
            "Authorization": "Bearer t-41c7",
            "gtmhub-accountId": "5be2",
            "Content-Type": "application/json",
        },
        match_json={
            "actual": 1092,
            "checkInDate": "2026-11-20T09:00:00+01:00",
            "comment": COMMENT,
            "confidence": 0.4,
        },
    )
    write(quantive(context))


def test_quantive_needs_neither_confidence_nor_time(context: Context) -> None:
    content = quantive(context).content(replace(CHECK_IN, confidence=None, as_of=None))
    assert (content["confidence"], content["checkInDate"]) == (None, "2026-11-21T10:15:00+01:00")


@pytest.mark.parametrize("opened", [tability, quantive])
def test_nothing_is_sent_without_a_number(opened: Any, context: Context, httpx_mock: HTTPXMock) -> None:
    write(opened(context), value=None, progress=None, score=None)
    assert httpx_mock.get_requests() == []


@pytest.mark.parametrize("opened", [tability, quantive])
def test_a_failed_pull_and_another_day_are_worth_no_check_in(opened: Any, context: Context) -> None:
    """Each check-in stays over there: one more of the same number is noise."""
    publisher = opened(context)
    again = replace(CHECK_IN, quality="failed", reason="HTTP 503", expected=0.6)
    assert publisher.content(again) == publisher.content(CHECK_IN)
    for keys in (Tability.Publish(), Quantive.Publish(metrics={"calls": "5e8c"})):
        assert not set(keys.uses()) & {"quality", "reason", "expected", "title"}


@pytest.mark.parametrize("opened", [tability, quantive])
@pytest.mark.parametrize("secret", ["person-41c7", "outcome-93ab", "t-41c7"])
def test_no_secret_is_kept_or_shown(opened: Any, secret: str, context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("https://api.tability.app/webhooks?remote_checkins_token=outcome-93ab"))
    httpx_mock.add_response(status_code=401)
    publisher = opened(context)
    messages = []
    for error in (Unsure, SourceBroken):
        with pytest.raises(error) as caught:
            write(publisher)
        messages.append(str(caught.value))
    assert secret not in " ".join(
        [*messages, json.dumps(dict(publisher.content(CHECK_IN))), *map(repr, vars(publisher).values())]
    )
