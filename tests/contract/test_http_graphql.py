"""GraphQL: what is taken for a read, how it is sent, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from scripted_api import ScriptedApi, measured, opened, pulled, serving, stream_of

from connectors.http import Http
from syncd.sdk import Context, Days, RetryLater, SourceBroken, SourceError, Withheld

QUERY = "query ($from: Date!, $after: String) { signups(from: $from, after: $after) { total nodes { day people } } }"
DAYS = Days(date(2026, 10, 1), date(2026, 12, 31), date(2026, 11, 21))
KEYS: dict[str, Any] = {
    "path": "/graphql",
    "graphql": QUERY,
    "variables": {"from": "{start}"},
    "json": "data.signups.total",
}
ANSWER = {"data": {"signups": {"total": 7}}}


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with serving(lambda _: ANSWER) as api:
        yield api


def test_query_is_posted_with_its_variables(api: ScriptedApi, context: Context) -> None:
    assert measured(api, context, DAYS, **KEYS) == [7]
    assert (api.last.method, api.last.path) == ("POST", "/graphql")
    assert api.last.body == {"query": QUERY, "variables": {"from": "2026-10-01"}}


def test_it_needs_no_leave_to_post_and_counts_as_a_read(api: ScriptedApi, context: Context, slept: list[float]) -> None:
    settings = Http.Settings.model_validate({"type": "http", "url": api.url})
    assert Http.Measure.model_validate(KEYS).refusal(settings) is None
    failures = iter([(503, {}, {}), (429, {}, {"Retry-After": "3"})])
    api.answer = lambda _: next(failures, ANSWER)
    source = opened(api, replace(context, rehearsal=True))  # as in a plan
    pages, error = pulled(source, stream_of(KEYS, days=DAYS))
    source.close()
    assert error is None
    assert [reading.number for reading in next(iter(pages[-1].readings.values())).readings] == [7]
    assert len(api.asked) == 3
    assert slept[-1] == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mutation { delete(id: 1) { id } }", "has a mutation, and a measure only reads"),
        ("subscription { calls { id } }", "has a subscription"),
        ("query { a } mutation { b }", "has a mutation"),
        ("fragment F on T { a } mutation M { b { ...F } }", "has a mutation"),
        ("# query\nmutation { a }", "has a mutation"),
        ("query A { a } query B { b }", "has 2 queries; write one"),
        ("fragment F on T { a }", "has 0 queries"),
        ("type T { a: Int }", "has a schema"),
        ("extend type T { a: Int } query { a }", "has a schema"),
        ("query { a ", "is no GraphQL: line 1: "),
        ("{ a\n  b(x: ) }", "is no GraphQL: line 2: "),
        ("", "is no GraphQL"),
        ("{ a }" * 3_000, "is no GraphQL: line 1: Document contains more than 5000 tokens"),
        ("{ a " + "x" * 20_000 + " }", "write at most 20,000"),
        ("{" + "a {" * 2_000 + "b" + "}" * 2_001, "nested too deep"),
    ],
)
def test_what_may_do_more_than_read_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Http.Measure.model_validate({"graphql": text, "json": "v"})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"params": {"query": "mutation{x}"}},
        {"params": {"Query": "mutation{x}"}},
        {"params": {"query[]": ["mutation{x}"]}},
        {"params": {" query": "mutation{x}"}},
        {"params": {"mutation": "{x}"}},
        {"params": {"variables": "{}"}},
        {"params": {"operationName": "x"}},
        {"params": {"extensions": "{}"}},
        {"params": {"id": "kept-mutation"}},
        {"params": {"doc_id": "123"}},
        {"params": {"documentId": "sha256:x"}},
        {"path": "/graphql?query=mutation%7Bx%7D"},
        {"path": "/graphql?%71uery=mutation%7Bx%7D"},
        {"path": "/graphql?team=a;query=mutation%7Bx%7D"},
        {"path": "/graphql?query"},
    ],
)
def test_parameter_that_a_server_may_take_for_the_query_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Http.Measure.model_validate({"path": "/graphql", "graphql": "{ a }", "json": "data.a", **keys})
    assert "which a server may take in place of the query; write the query as graphql" in str(caught.value)


def test_other_parameters_are_sent(api: ScriptedApi, context: Context) -> None:
    keys = {**KEYS, "path": "/graphql?team=a", "params": {"account_id": 7}}
    assert measured(api, context, DAYS, **keys) == [7]
    assert api.last.query == {"team": "a", "account_id": "7"}


@pytest.mark.parametrize(
    ("url", "path", "is_endpoint"),
    [
        ("", "/graphql", True),
        ("", "/graphql/", True),
        ("", "/GraphQL?team=a", True),
        ("", "/admin/api/2026-01/graphql.json", True),
        ("", "/gql", True),
        ("/graphql", "", True),
        ("/graphql", "?team=a", True),
        ("", "/api/v4/projects/1/issues?title=x", False),
        ("", "/api/v4/projects/1/issues?title=/graphql", False),
        ("", "/api/v4/projects/1/issues#/graphql", False),
        ("", "/graphql/issues", False),
        ("/graphql", "/issues", False),
        ("", "/issues;graphql", False),
        ("", "/issues%3Fgraphql", False),
        ("", "/api", False),
        ("", "", False),
    ],
)
def test_post_to_what_is_no_graphql_endpoint_needs_leave(url: str, path: str, *, is_endpoint: bool) -> None:
    measure = Http.Measure.model_validate({"path": path, "graphql": "{ a }", "json": "data.a"})
    settings = {"type": "http", "url": f"https://api.example{url}"}
    refusal = measure.refusal(Http.Settings.model_validate(settings))
    assert (refusal is None) is is_endpoint
    assert is_endpoint or (refusal is not None and "write a path that ends with /graphql, or, if" in refusal[1])
    assert measure.refusal(Http.Settings.model_validate({**settings, "post": True})) is None


def test_address_by_reference_is_judged_once_it_is_resolved(api: ScriptedApi, context: Context) -> None:
    keys = {"graphql": "{ a }", "json": "data.a"}
    measure = Http.Measure.model_validate(keys)
    assert measure.refusal(Http.Settings.model_validate({"type": "http", "url": "${API}"})) is None
    source = opened(api, context)
    _, error = pulled(source, stream_of({**KEYS, "path": "/v2"}, days=DAYS))
    source.close()
    assert isinstance(error, SourceBroken)
    assert "write a path that ends with /graphql" in str(error)
    assert api.asked == []


def test_query_elsewhere_goes_out_as_any_other_post(api: ScriptedApi, context: Context) -> None:
    source = opened(api, replace(context, rehearsal=True), post=True)
    _, error = pulled(source, stream_of({**KEYS, "path": "/v2"}, days=DAYS))
    source.close()
    assert isinstance(error, Withheld)
    assert api.asked == []


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"variables": {}}, "needs the variable $from; give it in 'variables'"),
        ({"variables": {"from": "x", "form": 1}}, "does not declare the variable $form; did you mean 'from'?"),
        ({"variables": {"from": "x", "z9": 1}}, "declare it, as in query ($z9: String)"),
        ({"pages": {"next": "data.next", "param": "cursor"}}, "does not declare the variable $cursor"),
        ({"method": "POST"}, "goes without 'method' and 'body'"),
        ({"graphql": None}, "goes with 'graphql'"),
    ],
)
def test_variables_are_checked_by_the_query(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Http.Measure.model_validate({**KEYS, **keys})
    assert says in str(caught.value)


def test_pages_go_into_a_variable(api: ScriptedApi, context: Context) -> None:
    def answer(asked: Any) -> Any:
        first = "after" not in asked.body["variables"]
        nodes = [{"day": "2026-10-05" if first else "2026-10-06", "people": 3}]
        return {"data": {"signups": {"nodes": nodes, "pageInfo": {"hasNextPage": first, "endCursor": "c1"}}}}

    api.answer = answer
    pages = {"next": "data.signups.pageInfo.hasNextPage && data.signups.pageInfo.endCursor", "param": "after"}
    keys = {**KEYS, "json": "data.signups.nodes[].[day, people]", "pages": pages}
    assert measured(api, context, DAYS, **keys) == [3, 3]
    assert [asked.body["variables"] for asked in api.asked] == [
        {"from": "2026-10-01"},
        {"from": "2026-10-01", "after": "c1"},
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        ({"errors": [{"message": "no such field"}]}, SourceBroken, "no such field"),
        ({**ANSWER, "errors": [{"message": "half of it failed"}]}, SourceBroken, "half of it failed"),
        ({"data": None, "errors": ["odd"]}, SourceBroken, "odd"),
        ({"errors": [{"type": "RATE_LIMITED", "message": "slow down"}]}, RetryLater, "slow down"),
        ({"errors": [{"message": "slow", "extensions": {"code": "THROTTLED"}}]}, RetryLater, "slow"),
        ((400, {"errors": [{"message": "bad variable"}]}, {}), SourceBroken, "bad variable"),
    ],
)
def test_errors_fail_it_even_with_status_200(
    api: ScriptedApi, context: Context, answer: Any, kind: type[SourceError], says: str
) -> None:
    api.answer = lambda _: answer
    source = opened(api, context)
    pages, error = pulled(source, stream_of(KEYS, days=DAYS))
    source.close()
    assert isinstance(error, kind)
    assert says in str(error)
    assert pages == []


def test_empty_list_of_errors_is_none(api: ScriptedApi, context: Context) -> None:
    api.answer = lambda _: {**ANSWER, "errors": []}
    assert measured(api, context, DAYS, **KEYS) == [7]


def test_measures_of_the_same_query_share_its_answer() -> None:
    spread = QUERY.replace(" ", "\n  ") + " # a comment"
    first, same, other = (
        Http.Measure.model_validate({**KEYS, **keys}).streams()
        for keys in ({}, {"graphql": spread, "json": "data.signups.nodes"}, {"variables": {"from": "2026-01-01"}})
    )
    assert first == same != other
