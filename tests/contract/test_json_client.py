"""The one JSON client: what it makes of answers, given by pytest-httpx, and of servers that misbehave on the wire."""

from __future__ import annotations

import gc
import gzip
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from no_thread import no_thread_begins
from pydantic import BaseModel, ValidationError
from pytest_httpx import HTTPXMock
from raw_servers import body_of, drip, server, without_end

from syncd.sdk import Answer, Context, JsonClient, RetryLater, SourceBroken, Unsure, WebSettings
from syncd.sdk.exchange import Exchange

URL = "https://api.example"


def client(context: Context, url: str = URL, **keys: Any) -> JsonClient:
    return JsonClient(WebSettings.model_validate({"type": "any", "url": url, **keys}), context)


class Row(BaseModel):
    id: int


# -- reading


def test_an_answer_is_read_as_the_type_that_is_asked_for(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{URL}/rows?state=open&name=a+b", json=[{"id": 1, "more": True}])
    assert client(context).read("/rows", list[Row], {"state": "open", "name": "a b"}) == [Row(id=1)]


def test_a_query_is_added_to_that_of_the_address(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{URL}/rows?key=1&page=2", json=[])
    assert client(context).read("/rows?key=1", list[Row], {"page": "2"}) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'[{"id": 1}, {"i', "not JSON"),
        (b"<html>sorry</html>", "a web page in place of JSON"),
        (b'[{"id": 1}, {}]', "not what was expected: 1.id: Field required"),
        (b'{"message": "no"}', "not what was expected: the whole: Input should be a valid list"),
    ],
)
def test_an_answer_of_another_shape_is_asked_for_again(
    context: Context, httpx_mock: HTTPXMock, slept: list[float], body: bytes, why: str
) -> None:
    httpx_mock.add_response(content=body)
    httpx_mock.add_response(json=[{"id": 1}])
    assert client(context).read("/rows", list[Row]) == [Row(id=1)]
    assert len(slept) == 1

    httpx_mock.add_response(content=body, is_reusable=True)
    with pytest.raises(RetryLater, match=why):
        client(context).read("/rows", list[Row])


def test_headers_of_the_caller_win_whatever_their_case(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=1)
    settings = WebSettings.model_validate({"type": "any", "url": URL})
    JsonClient(settings, context, {"accept": "text/x", "X-Name": "Größe"}).read("/", object)
    (request,) = httpx_mock.get_requests()
    assert request.headers.get_list("accept") == ["text/x"]
    assert request.headers["user-agent"] == "syncd"
    assert dict(request.headers.raw)[b"X-Name"].decode() == "Größe"


# -- pages


def linked(mock: HTTPXMock, path: str, link: str | None, rows: list[Any]) -> None:
    headers = {} if link is None else {"Link": f'<{link}>; rel="next", <{URL}/rows>; rel="first"'}
    mock.add_response(url=f"{URL}{path}", headers=headers, json=rows)


def test_pages_are_read_as_their_links_lead(context: Context, httpx_mock: HTTPXMock) -> None:
    linked(httpx_mock, "/rows?size=2", f"{URL}/rows?page=2", [1, 2])
    linked(httpx_mock, "/rows?page=2", "/rows?page=3", [3, 4])
    linked(httpx_mock, "/rows?page=3", "?page=4", [])
    linked(httpx_mock, "/rows?page=4", None, [5])
    assert list(client(context).pages("/rows", list[int], {"size": "2"})) == [[1, 2], [3, 4], [], [5]]


@pytest.mark.parametrize(
    "link",
    [
        "https://api.example.evil.example/rows",
        "https://evil.example/rows",
        "//evil.example/rows",
        "http://api.example/rows",
        "https://api.example:8443/rows",
        "https://api.example@evil.example/rows",
        "https://api.example\\@evil.example/rows",
        "https://[evil/rows",
        "https://api.example:port/rows",
    ],
)
def test_a_link_to_another_server_is_not_followed(context: Context, httpx_mock: HTTPXMock, link: str) -> None:
    """The credentials are for the configured server alone."""
    linked(httpx_mock, "/rows", link, [1])
    with pytest.raises(SourceBroken, match=r"another server|no address"):
        list(client(context).pages("/rows", list[int]))
    assert [request.url.host for request in httpx_mock.get_requests()] == ["api.example"]


def test_redirect_on_the_same_server_is_followed_once_if_asked_for(context: Context, httpx_mock: HTTPXMock) -> None:
    """Behind a proxy a server may write http in its own address: ours stays."""
    settings = WebSettings.model_validate({"type": "any", "url": URL})
    moved = {"url": f"{URL}/old", "status_code": 301, "headers": {"Location": "http://api.example/rows/7?a=b"}}
    httpx_mock.add_response(**moved, is_reusable=True)
    httpx_mock.add_response(url=f"{URL}/rows/7?a=b", json={"id": 7})
    assert JsonClient(settings, context, follows=True).read("/old", Row) == Row(id=7)
    with pytest.raises(SourceBroken, match="HTTP 301"):
        client(context).read("/old", Row)
    httpx_mock.add_response(url=f"{URL}/rows/7?a=b", status_code=302, headers={"Location": "/rows/8"})
    with pytest.raises(SourceBroken, match="redirects to"):
        JsonClient(settings, context, follows=True).read("/old", Row)


@pytest.mark.parametrize(
    "location", ["https://other.example/rows", "https://api.example:8443/rows", "/login?return_to=/"]
)
def test_redirect_to_elsewhere_or_to_a_login_is_never_followed(
    context: Context, httpx_mock: HTTPXMock, location: str
) -> None:
    settings = WebSettings.model_validate({"type": "any", "url": URL})
    httpx_mock.add_response(status_code=302, headers={"Location": location})
    with pytest.raises(SourceBroken):
        JsonClient(settings, context, follows=True).read("/old", Row)
    assert len(httpx_mock.get_requests()) == 1


def test_the_port_of_the_scheme_is_the_same_server(context: Context, httpx_mock: HTTPXMock) -> None:
    linked(httpx_mock, "/rows", "https://api.example:443/rows?page=2", [1])
    linked(httpx_mock, "/rows?page=2", None, [2])
    assert list(client(context).pages("/rows", list[int])) == [[1], [2]]


@pytest.mark.parametrize(
    ("headers", "last"),
    [
        ({"X-Next-Page": "2"}, {"X-Next-Page": ""}),
        ({"Link": f'<{URL}/rows>; rel="first"', "X-Next-Page": "2"}, {}),
        ({}, {}),  # neither says whether a page follows
    ],
)
def test_a_list_whose_links_were_taken_away_is_read_to_its_end(
    context: Context, httpx_mock: HTTPXMock, headers: dict[str, str], last: dict[str, str]
) -> None:
    httpx_mock.add_response(url=f"{URL}/rows?per_page=2&pagination=keyset", headers=headers, json=[1, 2])
    httpx_mock.add_response(url=f"{URL}/rows?per_page=2&page=2", headers=last, json=[3])
    query = {"per_page": "2", "pagination": "keyset"}
    assert list(client(context).pages("/rows", list[int], query)) == [[1, 2], [3]]


def test_a_full_page_that_is_told_to_be_the_last_is_the_last(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{URL}/rows?per_page=2", headers={"X-Next-Page": ""}, json=[1, 2])
    assert list(client(context).pages("/rows", list[int], {"per_page": "2"})) == [[1, 2]]


def test_pages_that_lead_in_a_circle_end(context: Context, httpx_mock: HTTPXMock) -> None:
    linked(httpx_mock, "/rows", f"{URL}/rows?page=2", [1])
    linked(httpx_mock, "/rows?page=2", f"{URL}/rows", [2])
    linked(httpx_mock, "/rows", f"{URL}/rows?page=2", [1])
    with pytest.raises(SourceBroken, match="circle"):
        list(client(context).pages("/rows", list[int]))


def test_pages_that_bring_the_same_again_end(context: Context, httpx_mock: HTTPXMock) -> None:
    linked(httpx_mock, "/rows", f"{URL}/rows?page=2", [1])
    linked(httpx_mock, "/rows?page=2", f"{URL}/rows?page=3", [1])
    with pytest.raises(SourceBroken, match="circle"):
        list(client(context).pages("/rows", list[int]))


# -- the quota


@pytest.mark.parametrize("prefix", ["X-RateLimit-", "RateLimit-"])
def test_the_quota_of_an_answer_holds_back_the_next_request(
    context: Context, httpx_mock: HTTPXMock, prefix: str
) -> None:
    headers = {f"{prefix}Limit": "100", f"{prefix}Remaining": "10", f"{prefix}Reset": "600"}
    httpx_mock.add_response(headers=headers, json=1)
    api = client(context)
    api.read("/", object)
    with pytest.raises(RetryLater, match="10 of 100 requests are left") as caught:
        api.read("/", object)
    assert caught.value.after == pytest.approx(601, abs=1)


def test_an_outage_tells_nothing_of_the_quota(context: Context, httpx_mock: HTTPXMock) -> None:
    """A collector that took a 503's headers for a limit slept an hour."""
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3600"}
    httpx_mock.add_response(status_code=503, headers=headers)
    httpx_mock.add_response(json=1)
    assert client(context).read("/", object) == 1


# -- writing


def outcome(context: Context, method: str = "POST", **keys: Any) -> Any:
    try:
        client(replace(context, retry=replace(context.retry, attempts=1))).write(method, "/", {"v": 1}, **keys)
    except (RetryLater, SourceBroken, Unsure) as error:
        return type(error)
    return None


def test_an_answer_that_cannot_be_checked_leaves_doubt(context: Context, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(content=b"<html>", is_reusable=True)
    assert outcome(context, check=Answer.json) is Unsure
    assert outcome(context, "PUT", check=Answer.json) is RetryLater


# -- servers that misbehave on the wire


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"", b"H"),
    ],
    ids=["body", "chunks", "headers", "status line"],
)
def test_an_answer_that_drips_ends_at_the_deadline(context: Context, head: bytes, drop: bytes) -> None:
    """Each read comes in time, so httpx's own timeouts never end it."""
    impatient = replace(context, retry=replace(context.retry, attempts=1))
    with (
        server(drip(head, drop)) as url,
        closing(client(impatient, url, timeout=0.3, deadline=timedelta(seconds=0.3))) as api,
    ):
        with pytest.raises(RetryLater, match=r"^127\.0\.0\.1:\d+ did not (end its )?answer within 0\.3 s"):
            api.read("/", object)
        with pytest.raises(Unsure, match=r"^it was sent, and 127\.0\.0\.1:\d+ did not (end its )?answer within 0\.3 s"):
            api.write("POST", "/", {})


def test_a_deadline_holds_whatever_the_timeout_is_unless_set(context: Context) -> None:
    def respond(connection: socket.socket) -> None:
        time.sleep(0.6)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7")

    impatient = replace(context, retry=replace(context.retry, attempts=1))
    with (
        server(respond) as url,
        closing(client(impatient, url, deadline=timedelta(seconds=0.2))) as api,
        pytest.raises(RetryLater, match=r"within 0\.2 s"),
    ):
        api.read("/", object)


def test_a_name_server_that_never_answers_is_not_waited_for(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it keep the process from ending: names are resolved in daemon threads."""
    asked, answered = threading.Event(), threading.Event()
    resolvers: list[threading.Thread] = []

    def getaddrinfo(*_: Any, **__: Any) -> Any:
        resolvers.append(threading.current_thread())
        asked.set()
        answered.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    slow = client(context, "http://slow.example", timeout=0.1)
    with (
        closing(slow) as api,
        pytest.raises(RetryLater, match=r"slow\.example:80 did not accept a connection within 0\.1 s"),
    ):
        api.read("/", object)
    assert asked.is_set()
    assert all(thread.daemon for thread in resolvers)
    answered.set()


@pytest.mark.parametrize(
    "error", [socket.gaierror(socket.EAI_NONAME, "not known"), UnicodeError("label too long"), MemoryError()]
)
def test_a_name_without_an_address_may_have_it_later(
    context: Context, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with (
        closing(client(context, "http://nowhere.example")) as api,
        pytest.raises(RetryLater, match=r"the name of nowhere\.example cannot be resolved"),
    ):
        api.read("/", object)


def test_a_name_is_resolved_again_after_a_thread_could_not_begin(context: Context) -> None:
    with server(body_of(b"7")) as url:
        named = url.replace("127.0.0.1", "localhost")
        with no_thread_begins("resolve"), closing(client(context, named)) as api, pytest.raises(RetryLater):
            api.read("/", object)
        with closing(client(context, named)) as api:
            assert api.read("/", object) == 7


LIST = b"[" + b"1," * 500_000 + b"1]"


@pytest.mark.parametrize(("content", "encoding"), [(LIST, ""), (gzip.compress(LIST), "gzip")])
def test_an_answer_has_a_largest_size_after_decompression(context: Context, content: bytes, encoding: str) -> None:
    with server(body_of(content, encoding)) as url:
        with closing(client(context, url)) as api:
            assert len(api.read("/", list[int])) == 500_001
        with closing(client(context, url, largest_answer="0.5 MB")) as api:
            with pytest.raises(SourceBroken, match=r"its answer is larger than 0\.5 MB"):
                api.read("/", object)
            with pytest.raises(Unsure, match=r"it was sent, and its answer is larger than 0\.5 MB"):
                api.write("POST", "/", {})


def test_an_answer_without_end_is_not_read_to_its_end(context: Context) -> None:
    with (
        server(without_end) as url,
        closing(client(context, url)) as api,
        pytest.raises(SourceBroken, match="its answer is larger than 64 MB"),
    ):
        api.read("/", object)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x-unknown"])
def test_an_answer_is_decompressed_only_as_was_asked_for(context: Context, encoding: str) -> None:
    """Layers multiply: 64 kB of gzip within gzip may be a thousand times 64 MB."""
    with (
        server(body_of(gzip.compress(gzip.compress(b"1")), encoding)) as url,
        closing(client(context, url)) as api,
        pytest.raises(SourceBroken, match="compressed in a way that was not asked for"),
    ):
        api.read("/", object)


@pytest.mark.parametrize("size", ["64", "64 mb", "64MiB", "-1 MB", 64, "0 MB", True])
def test_a_size_names_its_unit(size: Any) -> None:
    with pytest.raises(ValidationError):
        WebSettings.model_validate({"type": "any", "url": URL, "largest_answer": size})


@pytest.mark.parametrize(("size", "number"), [("500 kB", 500_000), ("1.5MB", 1_500_000), ("2 GB", 2_000_000_000)])
def test_a_size_is_a_number_of_bytes(size: str, number: int) -> None:
    assert WebSettings.model_validate({"type": "any", "url": URL, "largest_answer": size}).largest_answer == number


def test_nothing_is_opened_before_the_first_request(context: Context) -> None:
    before = threading.active_count()
    with closing(client(context, "http://127.0.0.1:9")):
        assert threading.active_count() == before


def test_exchange_that_was_closed_says_so_and_leaves_nothing_to_warn_of(
    context: Context, recwarn: pytest.WarningsRecorder
) -> None:
    """A pull that goes on beside its cycle asks on when its connection is closed, for the configuration changed."""
    exchange = Exchange(WebSettings.model_validate({"type": "any", "url": URL}), context)
    exchange.close()
    with pytest.raises(SourceBroken, match="its connection was closed meanwhile"):
        exchange("GET", URL, {}, None, repeatable=True)
    gc.collect()
    assert not any("never awaited" in str(warning.message) for warning in recwarn)
