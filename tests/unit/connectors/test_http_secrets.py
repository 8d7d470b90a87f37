"""Secrets in the request of a measure: none is sent, logged or kept, whoever writes the mapping."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.http import Http

GRAPHQL = "query ($key: String!) { v(key: $key) }"


@pytest.mark.parametrize(
    "keys",
    [
        {"path": "/v1/${KEY}"},
        {"path": "/v1?key=${KEY}"},
        {"params": {"api_key": "${KEY}"}},
        {"params": {"any": ["x", "a ${KEY}"]}},
        {"params": {"${KEY}": "x"}},
        {"method": "POST", "body": {"auth": [{"by": "${KEY}"}]}},
        {"graphql": GRAPHQL, "variables": {"key": "${KEY}"}},
        {"graphql": 'query { v(key: "${KEY}") }'},
    ],
)
def test_references_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="replaced in connections only; secrets go into 'headers' of the connec"):
        Http.Measure.model_validate({**keys, "json": "v"})


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"params": {"api_key": "literal9876"}}, "api_key"),
        ({"params": {"apiKey": ["literal9876"]}}, "apiKey"),
        ({"params": {"access_token": 12345678}}, "access_token"),
        ({"params": {"key": "AIzaSyA1234567890abcdefg"}}, "key"),
        ({"path": "/v1?n=1&api_key=literal9876"}, "api_key"),
        ({"path": "/v1?password=hunter"}, "password"),
        ({"method": "POST", "body": {"login": {"client_secret": "literal9876"}}}, "client_secret"),
        ({"graphql": GRAPHQL.replace("key", "token"), "variables": {"token": "literal9876"}}, "token"),
    ],
)
def test_written_secrets_are_refused_and_not_repeated(keys: dict[str, Any], name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Http.Measure.model_validate({**keys, "json": "v"})
    (error,) = caught.value.errors()
    assert f"has a secret written out, by its name {name}; secrets go into 'headers'" in error["msg"]
    for secret in ("literal9876", "12345678", "AIza", "hunter"):
        assert secret not in error["msg"]


@pytest.mark.parametrize(
    "params",
    [
        {"author": "kim", "sort_key": "created", "keyword": "q4", "session_type": "paid", "accessible": True},
        {"project_key": "shop-2026-backend-api", "metricKeys": "coverage,bugs", "key": "calls", "code": "DE"},
        {"page_token": "", "pageToken": "abc123def456ghi789", "next_token": "x", "api_key": ""},
        {"q": "price in $ {a} and ${1}"},
    ],
)
def test_names_and_places_are_no_secrets(params: dict[str, Any]) -> None:
    Http.Measure.model_validate({"params": params, "json": "v"})
