"""Any JSON API: the connector through httpx, answered by pytest-httpx."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import ValidationError
from pytest_httpx import HTTPXMock

from connectors.http import Http, HttpSource
from syncd.sdk import Context, RetryLater, Snapshot, Stream

URL = "https://metrics.example"
BERLIN = ZoneInfo("Europe/Berlin")


def opened(context: Context, **keys: Any) -> HttpSource:
    settings = {"type": "http", "url": URL, **keys}
    return Http.open(Http.Settings.model_validate(settings, context={"resolved": True}), context)


def read(context: Context, *measures: dict[str, Any], **settings: Any) -> list[Snapshot]:
    """What measures of one stream read."""
    models = [Http.Measure.model_validate(keys) for keys in measures]
    (key,) = {stream for model in models for stream in model.streams()}
    parts = [model.part() for model in models]
    (page,) = opened(context, **settings).pull(Stream(key, "readings", frozenset(parts)), None)
    return [page.readings[part] for part in parts]


def number(context: Context, httpx_mock: HTTPXMock, answer: Any, path: str = "v", **keys: Any) -> tuple[Any, Any]:
    httpx_mock.add_response(json=answer)
    (snapshot,) = read(context, {"json": path, **keys})
    assert snapshot.problem is None
    (reading,) = snapshot.readings
    assert reading.at is None
    return reading.number, reading.problem


@pytest.mark.parametrize(
    ("value", "expected", "problem"),
    [
        (12, 12, None),
        (0, 0, None),
        (-1.5, -1.5, None),
        ("12", None, "the text '12'"),
        ("n/a", None, "the text"),
        (True, None, "TRUE"),
        ({"a": 1}, None, "a structure"),
    ],
)
def test_a_json_number_is_read_and_nothing_else_is(
    context: Context, httpx_mock: HTTPXMock, value: Any, expected: float | None, problem: str | None
) -> None:
    read, why = number(context, httpx_mock, {"v": value})
    assert read == expected
    assert (problem is None) == (why is None)
    assert (problem or "") in (why or "")


@pytest.mark.parametrize(
    ("value", "how", "expected"),
    [
        ("12", {"decimal": "."}, 12),
        ("1.315,80", {"decimal": ",", "thousands": "."}, 1315.8),
        ("85%", {"percent": True}, 85),
        (0.85, {"percent": True}, 85),
        ("85 points", {"percent": True}, None),
    ],
)
def test_as_says_how_to_read_a_text(
    context: Context, httpx_mock: HTTPXMock, value: Any, how: Any, expected: float | None
) -> None:
    assert number(context, httpx_mock, {"v": value}, **{"as": how})[0] == expected


def test_a_bare_number_is_json(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(content=b"42")
    (snapshot,) = read(context, {"json": "@"})
    assert [reading.number for reading in snapshot.readings] == [42]


def test_a_series_is_read_from_pairs(context: Context, httpx_mock: HTTPXMock) -> None:
    points = [
        {"day": "2026-10-05", "up": 99.9},
        {"day": "2026-10-06", "up": None},
        {"day": "2026-10-07", "up": 0},
        {"day": "2026-10-08T14:30:00Z", "up": "down"},
        {"day": 1791763200, "up": 5},
        {"day": "yesterday", "up": 7},
        {"day": None, "up": 8},
    ]
    httpx_mock.add_response(json={"points": points})

    (snapshot,) = read(context, {"json": "points[].[day, up]"})

    assert [(reading.at, reading.number) for reading in snapshot.readings] == [
        (datetime(2026, 10, 5, tzinfo=BERLIN), 99.9),
        (datetime(2026, 10, 7, tzinfo=BERLIN), 0),
        (datetime(2026, 10, 8, 14, 30, tzinfo=UTC), None),
        (datetime(2026, 10, 12, 0, 0, tzinfo=UTC), 5),
    ]
    left_out = "2 with no date that can be read, left out: points[].[day, up] #6 ('yesterday'), points[].[day, up] #7"
    assert snapshot.notes == [left_out]
    assert snapshot.warning == left_out  # one of them may be the newest


def test_epoch_dates_in_milliseconds_are_not_the_year_58000(context: Context, httpx_mock: HTTPXMock) -> None:
    """Grafana and JavaScript give milliseconds. Read as seconds they lie in the future and are ignored, unseen."""
    httpx_mock.add_response(json=[[1791763200000, 5], [1791849600000, 6]])
    (snapshot,) = read(context, {"json": "@"})
    assert [reading.at for reading in snapshot.readings] == [
        datetime(2026, 10, 12, 0, 0, tzinfo=UTC),
        datetime(2026, 10, 13, 0, 0, tzinfo=UTC),
    ]


def test_as_says_how_to_read_a_date(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=[["05.10.2026", 5]])
    (snapshot,) = read(context, {"json": "@", "as": {"date": "%d.%m.%Y"}})
    assert [reading.at for reading in snapshot.readings] == [datetime(2026, 10, 5, tzinfo=BERLIN)]


@pytest.mark.parametrize("written", ["1791763200", "1791763200.0", "1791763200000"])
def test_epoch_in_a_text_is_read_as_asked(context: Context, httpx_mock: HTTPXMock, written: str) -> None:
    """Seconds and milliseconds, with a number in a text beside them, as Prometheus and Datadog write them."""
    httpx_mock.add_response(json=[[written, "1,250.5"]])
    (snapshot,) = read(context, {"json": "@", "as": {"date": "epoch", "decimal": ".", "thousands": ","}})
    assert [(reading.at, reading.number) for reading in snapshot.readings] == [
        (datetime(2026, 10, 12, tzinfo=UTC), 1250.5)
    ]


def test_a_series_without_a_readable_date_is_unknown(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=[["05.10.2026", 5]])
    (snapshot,) = read(context, {"json": "@"})
    assert [reading.number for reading in snapshot.readings] == [None]
    assert "as: {date" in (snapshot.readings[0].problem or "")


@pytest.mark.parametrize("pairs", [[1, 2], [[1, 2, 3]], [{"a": 1}]])
def test_a_list_without_pairs_is_a_problem(context: Context, httpx_mock: HTTPXMock, pairs: Any) -> None:
    httpx_mock.add_response(json=pairs)
    (snapshot,) = read(context, {"json": "@"})
    assert "no [date, value] pair" in (snapshot.problem or "")


def test_an_empty_series_is_empty(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"points": []})
    (snapshot,) = read(context, {"json": "points[].[day, up]"})
    assert (len(snapshot.readings), snapshot.problem) == (0, None)


def test_an_expression_that_fails_on_this_answer_fails_its_own_part(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"a": "text", "b": 3})
    broken, whole = read(context, {"json": "sum(a)"}, {"json": "b"})
    assert "sum(a)" in (broken.problem or "")
    assert whole.readings[0].number == 3


def test_measures_of_the_same_request_share_it(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{URL}/v1/nps?team=a", json={"a": 1, "b": 2})
    snapshots = read(context, {"path": "/v1/nps?team=a", "json": "a"}, {"path": "/v1/nps?team=a", "json": "b"})
    assert [snapshot.readings[0].number for snapshot in snapshots] == [1, 2]
    assert len(httpx_mock.get_requests()) == 1


def test_a_body_is_posted_as_json(context: Context, httpx_mock: HTTPXMock) -> None:
    body = {"query": "sum(calls)", "days": 7}
    httpx_mock.add_response(method="POST", url=f"{URL}/query", match_json=body, json={"v": 4})
    (snapshot,) = read(context, {"path": "/query", "method": "POST", "body": body, "json": "v"}, post=True)
    assert snapshot.readings[0].number == 4


def test_post_is_sent_once(context: Context, httpx_mock: HTTPXMock) -> None:
    """It may write after all, so no failure is a reason to send it again."""
    httpx_mock.add_response(method="POST", status_code=503)
    with pytest.raises(RetryLater):
        read(context, {"path": "/query", "method": "POST", "json": "v"}, post=True)
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "/../admin",
        "/v1/%2e%2e/admin",
        "/v1/%252E%252e/admin",
        "/v1\\..\\admin",
        "/v1/..;a/admin",
        "/./x",
        "admin",
    ],
)
def test_path_never_leaves_the_url(path: str) -> None:
    with pytest.raises(ValidationError):
        Http.Measure.model_validate({"path": path, "json": "v"})
    assert Http.Measure.model_validate({"path": "/v1..2/a...b?range=../7d", "json": "v"})


def test_bodies_tell_streams_apart() -> None:
    streams, other, again = (
        Http.Measure.model_validate({"method": "POST", "body": body, "json": "v"}).streams()
        for body in ({"a": 1, "b": 2}, {"a": 1}, {"b": 2, "a": 1})
    )
    assert streams != other
    assert streams == again


def test_headers_and_token_are_sent(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"v": 1})
    read(context, {"json": "v"}, headers={"X-Api-Key": "k-1", "Accept": "application/vnd.x+json"}, token="t-1")
    (request,) = httpx_mock.get_requests()
    assert request.headers["x-api-key"] == "k-1"
    assert request.headers["authorization"] == "Bearer t-1"
    assert request.headers.get_list("accept") == ["application/vnd.x+json"]


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"X-Api-Key": "k-1"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"token": "t-1"},
        {"url": "metrics.example"},
        {"url": URL, "path": "/x"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Http.Settings.model_validate({"type": "http", "url": URL, **settings})


@pytest.mark.parametrize(
    "keys", [{}, {"json": "a["}, {"json": "a", "path": "v1"}, {"json": "a", "body": {}}, {"json": "a", "method": "PUT"}]
)
def test_senseless_measures_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Http.Measure.model_validate(keys)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.ConnectTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("cut"),
    ],
)
def test_a_connection_that_breaks_is_tried_again(
    context: Context, httpx_mock: HTTPXMock, slept: list[float], failure: httpx.HTTPError
) -> None:
    httpx_mock.add_exception(failure, is_reusable=True)
    with pytest.raises(RetryLater):
        read(context, {"json": "v"})
    assert len(slept) == 2


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"v": 1', b"NaN", b'{"v": NaN}', b"\xff\xfe"])
def test_an_answer_that_is_not_json_is_no_number(context: Context, httpx_mock: HTTPXMock, body: bytes) -> None:
    httpx_mock.add_response(content=body, is_reusable=True)
    with pytest.raises(RetryLater, match=r"not JSON|a web page in place of JSON"):
        read(context, {"json": "v"})


def test_no_error_names_a_secret_of_the_address(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=500, text="oops", is_reusable=True)
    with pytest.raises(RetryLater) as caught:
        read(context, {"json": "v"}, url=f"{URL}/?key=s3cret")
    assert "s3cret" not in str(caught.value)


def test_the_doctor_sees_refused_credentials(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=404)
    httpx_mock.add_response(status_code=401)
    assert {check.name: check.ok for check in opened(context).check()} == {"reachable": True, "authenticated": True}
    assert not {check.name: check.ok for check in opened(context).check()}["authenticated"]
