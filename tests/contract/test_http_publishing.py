"""Check-ins to any API: the http publisher through httpx, answered by pytest-httpx."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from check_in_api import check_in_api
from pydantic import ValidationError
from pytest_httpx import HTTPXMock

from connectors.http import Http, HttpPublisher
from syncd.sdk import Context, RetryLater, SourceBroken, SourceError, Unsure
from syncd.sdk.testing import statement as complete

URL = "https://okrs.example/api"
BERLIN = ZoneInfo("Europe/Berlin")
CHECK_IN = replace(
    complete("calls"),
    as_of=datetime(2026, 11, 20, 9, tzinfo=BERLIN),
    updated=datetime(2026, 11, 21, 10, 15, tzinfo=BERLIN),
)


def opened(context: Context, keys: dict[str, Any], **settings: Any) -> HttpPublisher:
    connection = {"type": "http", "url": URL, **settings}
    model = Http.Settings.model_validate(connection, context={"resolved": True})
    return Http.publisher(model, context, Http.Publish.model_validate(keys))


def sent(
    context: Context, mock: HTTPXMock, statement: Any = CHECK_IN, settings: Any = None, **keys: Any
) -> httpx.Request:
    """The request that a check-in becomes."""
    mock.add_response()
    publisher = opened(context, {"path": "/check-ins", **keys}, **(settings or {}))
    publisher.write({statement.key_result: publisher.content(statement)})
    (request,) = mock.get_requests()
    return request


def failed(context: Context, method: str = "POST", **keys: Any) -> SourceError:
    publisher = opened(context, {"method": method, "path": "/check-ins", "body": {"v": "{{ value }}"}, **keys})
    with pytest.raises(SourceError) as caught:
        publisher.write({"calls": publisher.content(CHECK_IN)})
    return caught.value


# -- what is sent


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ value }}", 1092),
        ("{{ value / 8 }}", 136.5),
        ("{{ (progress * 100) | round }}", 18.0),
        ("{{ value | string }}", "1092"),
        ("at {{ value }}", "at 1092"),
        ("{{ value }}{{ unit }}", "1092calls/week"),
        ("{{ progress }} ", "0.18 "),
        ("{{ note }}", None),
        ("note: {{ note }}", "note: "),
        ("{{ value > 1000 }}", True),
        ("{{ [value, health] }}", [1092, "off_track"]),
        ("{{- value -}}", 1092),
        ("{{ -1 }}", -1),
        ("{{ as_of }}", "2026-11-20T09:00:00+01:00"),
        ("{{ updated[:10] }}", "2026-11-21"),
        ('{{ {"off_track": "OFF TRACK"}[health] if health == "off_track" else "" }}', "OFF TRACK"),
        ("{% if note %}{{ note }}{% else %}no note{% endif %}", "no note"),
        ("{{ title | tojson }}", '"The number of calls falls"'),
        ("plain {text} 100%", "plain {text} 100%"),
        ("", ""),
        (7, 7),
        (None, None),
        (True, True),
    ],
)
def test_a_text_of_the_body_is_a_template(
    context: Context, httpx_mock: HTTPXMock, template: Any, expected: Any
) -> None:
    request = sent(context, httpx_mock, replace(CHECK_IN, note=None), body={"deep": [{"it": template}]})
    assert json.loads(request.content) == {"deep": [{"it": expected}]}
    assert request.headers["content-type"] == "application/json"


def test_a_number_stays_a_number_without_needless_decimals(context: Context, httpx_mock: HTTPXMock) -> None:
    assert sent(context, httpx_mock, body=["{{ value }}", "{{ score }}"]).content == b"[1092,0.18]"


def test_values_in_a_path_are_quoted_and_the_rest_is_not(context: Context, httpx_mock: HTTPXMock) -> None:
    request = sent(context, httpx_mock, path="/a/{{ id }}?t={{ title }}&d={{ as_of[:10] }}", ids={"calls": "k/1&?ü"})
    expected = b"/api/a/k%2F1%26%3F%C3%BC?t=The%20number%20of%20calls%20falls&d=2026-11-20"
    assert request.url.raw_path == expected


def test_no_value_leads_out_of_a_path(context: Context) -> None:
    publisher = opened(context, {"path": "/a/{{ title }}/b"})
    with pytest.raises(SourceBroken, match=r"a path cannot hold '\.\.' in place of a value"):
        publisher.content(replace(CHECK_IN, title=".."))


def test_headers_of_the_connection_and_of_the_entry_are_sent(context: Context, httpx_mock: HTTPXMock) -> None:
    request = sent(
        context,
        httpx_mock,
        settings={"headers": {"X-Api-Key": "k-1", "X-Both": "theirs"}, "token": "t-1"},
        headers={"X-Note": "{{ note }}", "Idempotency-Key": "{{ key_result }}-{{ updated }}", "X-Both": "ours"},
        statement=replace(CHECK_IN, note="two\nlines, Größe"),
    )
    assert request.headers["x-api-key"] == "k-1"
    assert request.headers["authorization"] == "Bearer t-1"
    assert request.headers["idempotency-key"] == "calls-2026-11-21T10:15:00+01:00"
    assert request.headers.get_list("x-both") == ["ours"]
    assert dict(request.headers.raw)[b"X-Note"].decode() == "two lines, Größe"


@pytest.mark.parametrize("body", [{"body": {"a": 1}}, {"text": "a=1"}])
def test_a_content_type_of_the_entry_replaces_ours_whatever_its_case(
    context: Context, httpx_mock: HTTPXMock, body: dict[str, Any]
) -> None:
    request = sent(context, httpx_mock, headers={"content-type": "application/vnd.okr+json"}, **body)
    assert request.headers.get_list("content-type") == ["application/vnd.okr+json"]


def test_a_body_may_be_text(context: Context, httpx_mock: HTTPXMock) -> None:
    request = sent(context, httpx_mock, text="okr.{{ key_result }} {{ value }}\n", content_type="text/x-graphite")
    assert request.content == b"okr.calls 1092"
    assert request.headers["content-type"] == "text/x-graphite"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_the_method_is_a_key(context: Context, httpx_mock: HTTPXMock, method: str) -> None:
    assert sent(context, httpx_mock, method=method, body={"v": "{{ value }}"}).method == method


# -- a number that is not known


def test_a_check_in_is_not_sent_without_the_number_it_shows(context: Context, httpx_mock: HTTPXMock) -> None:
    unknown = replace(CHECK_IN, value=None, progress=None, score=None, health="unknown")
    for template in ("{{ value }}", "about {{ score }}", "{{ (progress * 100) | round }}"):
        publisher = opened(context, {"path": "/check-ins", "body": {"v": template}})
        publisher.write({"calls": publisher.content(unknown)})
    no_baseline = replace(CHECK_IN, progress=None, score=None)
    assert publisher.content(no_baseline) == {}
    assert httpx_mock.get_requests() == []


def test_a_check_in_that_shows_no_number_is_sent(context: Context, httpx_mock: HTTPXMock) -> None:
    unknown = replace(CHECK_IN, value=None, progress=None, score=None, health="unknown")
    request = sent(context, httpx_mock, statement=unknown, body={"state": "{{ health }}"})
    assert json.loads(request.content) == {"state": "unknown"}


# -- which key results, where, and what is worth a request


def test_ids_say_which_key_results_are_sent_and_where() -> None:
    keys = Http.Publish.model_validate({"method": "PUT", "path": "/kr/{{ id }}/on/{{ as_of[:10] }}", "ids": {"a": 7}})
    assert set(keys.names() or ()) == {"a"}
    assert keys.target("a") == "PUT /kr/7/on/{{ as_of[:10] }}"
    assert Http.Publish.model_validate({"path": "/kr"}).names() is None
    assert Http.Publish.model_validate({"path": "/kr"}).target("a") == "POST /kr (a)"


def test_templates_say_which_fields_are_used() -> None:
    keys = {
        "path": "/{{ id }}/{{ period }}",
        "headers": {"X-N": "{{ note }}"},
        "body": [{"a": "{{ value if health != 'done' else target }}"}],
        "ids": {"calls": "k"},
    }
    assert set(Http.Publish.model_validate(keys).uses()) == {"period", "note", "value", "health", "target"}


def test_another_id_or_success_changes_no_other_request() -> None:
    keys = {"path": "/{{ id }}", "ids": {"a": 1}}
    keys_of_a, more_keys = (Http.Publish.model_validate({**keys, "ids": ids}) for ids in ({"a": 1}, {"a": 1, "b": 2}))
    assert keys_of_a.how("a") == more_keys.how("a")
    assert keys_of_a.how("a") == Http.Publish.model_validate({**keys, "success": {"json": "ok"}}).how("a")
    assert keys_of_a.how("a") != Http.Publish.model_validate({"path": "/x/{{ id }}", "ids": {"a": 1}}).how("a")


# -- doubt


@pytest.mark.parametrize(
    ("broken", "post", "put"),
    [
        (httpx.ConnectError("refused"), RetryLater, RetryLater),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), SourceBroken, SourceBroken),
        (httpx.ConnectTimeout("slow"), RetryLater, RetryLater),
        (httpx.PoolTimeout("busy"), RetryLater, RetryLater),
        (httpx.ProxyError("no"), RetryLater, RetryLater),
        (httpx.LocalProtocolError("ours"), SourceBroken, SourceBroken),
        (httpx.ReadTimeout("slow"), Unsure, RetryLater),
        (httpx.WriteTimeout("slow"), Unsure, RetryLater),
        (httpx.ReadError("reset"), Unsure, RetryLater),
        (httpx.WriteError("reset"), Unsure, RetryLater),
        (httpx.CloseError("reset"), Unsure, RetryLater),
        (httpx.RemoteProtocolError("cut"), Unsure, RetryLater),
        (httpx.DecodingError("gzip"), Unsure, RetryLater),
    ],
    ids=lambda value: getattr(value, "__name__", None) or f"{type(value).__name__} {value}",
)
def test_a_request_that_breaks_leaves_doubt_only_once_it_was_sent(
    context: Context, httpx_mock: HTTPXMock, broken: httpx.HTTPError, post: type, put: type
) -> None:
    httpx_mock.add_exception(broken, is_reusable=True)
    errors = {
        method: type(failed(replace(context, retry=replace(context.retry, attempts=1)), method)) for method in METHODS
    }
    assert errors == {"POST": post, "PATCH": post, "PUT": put}


METHODS = ("POST", "PATCH", "PUT")


def test_every_error_of_httpx_is_mapped(context: Context, httpx_mock: HTTPXMock) -> None:
    def below(error: type[Exception]) -> list[type[Exception]]:
        return [error, *(inner for child in error.__subclasses__() for inner in below(child))]

    for error in below(httpx.RequestError):
        httpx_mock.add_exception(error("it broke"))  # type: ignore[arg-type]
        assert isinstance(failed(replace(context, retry=replace(context.retry, attempts=1))), SourceError)


@pytest.mark.parametrize(
    ("status", "headers", "post", "put", "after"),
    [
        (400, {}, SourceBroken, SourceBroken, None),
        (401, {}, SourceBroken, SourceBroken, None),
        (403, {}, SourceBroken, SourceBroken, None),
        (404, {}, SourceBroken, SourceBroken, None),
        (409, {}, SourceBroken, SourceBroken, None),
        (422, {}, SourceBroken, SourceBroken, None),
        (429, {}, RetryLater, RetryLater, 60),
        (429, {"Retry-After": "7"}, RetryLater, RetryLater, 7),
        (408, {}, RetryLater, RetryLater, None),
        (503, {}, RetryLater, RetryLater, None),
        (503, {"Retry-After": "7"}, RetryLater, RetryLater, 7),
        (500, {}, Unsure, RetryLater, None),
        (502, {}, Unsure, RetryLater, None),
        (504, {}, Unsure, RetryLater, None),
        (599, {}, Unsure, RetryLater, None),
        (302, {"Location": "/login"}, SourceBroken, SourceBroken, None),  # it was not let through
        (303, {"Location": "/check-ins/7"}, Unsure, SourceBroken, None),
    ],
)
def test_an_answer_says_whether_a_check_in_arrived(
    context: Context,
    httpx_mock: HTTPXMock,
    status: int,
    headers: dict[str, str],
    post: type,
    put: type,
    after: float | None,
) -> None:
    httpx_mock.add_response(status_code=status, headers=headers, text="no", is_reusable=True)
    impatient = replace(context, retry=replace(context.retry, attempts=1))
    errors = {method: failed(impatient, method) for method in METHODS}
    assert {method: type(error) for method, error in errors.items()} == {"POST": post, "PATCH": post, "PUT": put}
    assert len(httpx_mock.get_requests()) == 3
    for error in errors.values():
        assert str(status) in str(error)
        if isinstance(error, RetryLater):
            assert error.after == after


@pytest.mark.parametrize(
    ("answer", "success", "error"),
    [
        ({"ok": True}, {"json": "ok"}, None),
        ({"ok": False, "error": "no such key"}, {"json": "ok"}, SourceBroken),
        ({"ok": "true"}, {"json": "ok"}, SourceBroken),
        ({}, {"json": "ok"}, SourceBroken),
        ({"errors": []}, {"json": "!errors"}, None),
        ({"status": "OK"}, {"json": "status == 'OK'"}, None),
        ({"n": "a"}, {"json": "abs(n) > `1`"}, SourceBroken),
        ({"ok": True}, {"status": [200, 409], "json": "ok"}, None),
        ({}, {"status": [201]}, SourceBroken),
        (b"<html>", {"json": "ok"}, Unsure),
        (b'{"ok": tr', {"json": "ok"}, Unsure),
        (b"<html>", {}, None),
    ],
)
def test_success_json_decides_over_an_answer_of_200(
    context: Context, httpx_mock: HTTPXMock, answer: Any, success: dict[str, Any], error: type | None
) -> None:
    httpx_mock.add_response(content=answer if isinstance(answer, bytes) else json.dumps(answer).encode())
    if error is None:
        publisher = opened(context, {"path": "/", "success": success})
        publisher.write({"calls": publisher.content(CHECK_IN)})
    else:
        assert type(failed(context, success=success)) is error


def test_an_accepted_status_is_a_success(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=409)
    publisher = opened(context, {"path": "/", "success": {"status": [200, 409]}})
    publisher.write({"calls": publisher.content(CHECK_IN)})


def test_a_connection_is_used_once(context: Context) -> None:
    """A server that closes a kept one just as it is used again would leave doubt for nothing."""
    with check_in_api() as api, closing(opened(context, {"path": "/"}, url=api.url)) as publisher:
        for _ in range(3):
            publisher.write({"calls": publisher.content(CHECK_IN)})
        assert (api.requests, api.connections) == (3, 3)


def test_no_error_names_a_secret_of_the_address(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ReadError("https://okrs.example/api?key=s3cret"))
    publisher = opened(context, {"path": "/"}, url=f"{URL}?key=s3cret")
    with pytest.raises(Unsure) as caught:
        publisher.write({"calls": publisher.content(CHECK_IN)})
    assert "s3cret" not in str(caught.value)


# -- templates that cannot serve


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"body": {"a": "{{ valu }}"}}, r"has \{\{ valu \}\}, which no check-in says; did you mean 'value'\?"),
        ({"body": {"a": "{{ cycler }}"}}, "which no check-in says; known here: as_of, baseline"),
        ({"body": {"a": "{{ id }}"}}, "say what each key result is called there, as in 'ids:"),
        ({"path": "/{{ id }}"}, "say what each key result is called there"),
        ({"body": {"a": "{{ value"}}, "which is no template: unexpected end of template"),
        ({"body": {"a": "{{ value | nosuch }}"}}, "which is no template: No filter named 'nosuch'"),
        ({"body": {"a": "{{ title.upper() }}"}}, "with a call"),
        ({"body": {"a": "{{ title.__class__ }}"}}, "with a getattr"),
        ({"body": {"a": "{{ title['__class__'] }}"}}, "for a check-in with everything known it fails"),
        ({"body": {"a": "{{ title | attr('x') }}"}}, "No filter named 'attr'"),
        ({"body": {"a": "{% for a in title %}{{ a }}{% endfor %}"}}, "with a for"),
        ({"body": {"a": "{% set a = 1 %}"}}, "with a assign"),
        ({"body": {"a": "{% include 'x' %}"}}, "with a include"),
        ({"body": {"a": "{{ 9 ** 9 }}"}}, "with a pow"),
        ({"body": {"a": "{{ 'x' * 999999999 }}"}}, "only numbers can be multiplied"),
        ({"body": {"a": "{{ title + value }}"}}, "for a check-in with everything known it fails"),
        ({"body": {"a": "{{ note[:3] }}"}}, "for a check-in with no note, unit, owner, target or address it fails"),
        ({"body": {"a": "{{ value / 0 }}"}}, "division by zero"),
        ({"body": {"a": "{{ {'on_track': 1}[health] }}"}}, "for a check-in with health 'at_risk' it fails"),
        ({"path": "/{{ note }}"}, "with no note.*a path cannot hold nothing"),
        ({"body": {"a": "${TOKEN}"}}, r"has \$\{TOKEN\}, which is replaced in connections only"),
        ({"headers": {"Authorization": "Bearer abc"}}, "a secret by its name; write it into the connection's headers"),
        ({"headers": {"X Y": "a"}}, "no name of a header; write such as X-Api-Version"),
        (
            {"headers": {"Content-Length": "3"}},
            "has Content-Length, which follows from the request itself; leave it out",
        ),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "has X-A twice"),
        ({"body": "{{ value }}"}, "write a block of keys or a list, or 'text' for what is no JSON"),
        ({"text": "a", "content_type": "text/plain\nX-A: b"}, "write a type such as text/plain"),
        ({"text": "a", "content_type": "tëxt"}, "write a type such as text/plain"),
        ({"body": {}, "text": "a"}, "goes without 'body'"),
        ({"path": "check-ins"}, "begin it with '/'"),
        ({"method": "DELETE"}, "POST"),
        ({"success": {"json": "a["}}, "no JMESPath"),
        ({"success": {"ok": 1}}, "Extra inputs"),
        ({"ids": {}}, "at least 1"),
        ({"text": "{{ '%s' % title }}"}, "with a mod"),
        ({"text": "x" * 100_001}, "more than 100,000 characters"),
        ({"body": ["x" * 60_000, "{{ title }}" + "y" * 60_000]}, "a body of more than 100,000 characters"),
    ],
)
def test_keys_that_cannot_work_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        Http.Publish.model_validate({"path": "/check-ins", **keys})
    assert "abc" not in str(caught.value.errors(include_input=False))


def test_a_text_that_grows_too_long_is_not_sent(context: Context) -> None:
    publisher = opened(context, {"path": "/", "body": {"a": "{{ title }}"}})
    with pytest.raises(SourceBroken, match="more than 100,000 characters"):
        publisher.content(replace(CHECK_IN, title="x" * 100_001))
