"""The contract of publishers, for those that send check-ins to APIs: any by a template, Tability, Quantive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from check_in_api import check_in_api

from connectors.http import Http
from connectors.quantive import Quantive
from connectors.tability import Tability
from syncd.sdk.testing import Fake, PublisherContract

TOKEN = "check-ins-token-41c7"


@pytest.mark.unmeasured
class _Api(PublisherContract):
    secrets = (TOKEN,)
    libraries = ("httpx", "jinja2")

    @contextmanager
    def fake(self) -> Iterator[Fake]:
        with check_in_api() as api:
            yield Fake(api.url, api.items)


class _Http(_Api):
    connector = Http

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": f"{url}/v1", "headers": {"X-Api-Key": TOKEN}}


BODY = {"value": "{{ value }}", "health": "{{ health }}", "note": "{{ note or 'none' }}, as of {{ as_of or '-' }}"}


class TestPost(_Http):
    appends = True
    publish = {"path": "/check-ins/{{ key_result }}", "body": BODY}


@pytest.mark.sibling
class TestPostWhoseAnswerIsRead(_Http):
    appends = True
    publish = {"path": "/check-ins/{{ key_result }}", "body": BODY, "success": {"status": [200], "json": "ok"}}


@pytest.mark.sibling
class TestPatchOfText(_Http):
    appends = True
    publish = {
        "method": "PATCH",
        "ids": {"calls": "kr 1/2", "articles": 7},
        "path": "/check-ins?of={{ id }}",
        "text": "{{ title }}: {{ value }} ({{ health }}) {{ note }}",
        "headers": {"X-Title": "{{ title }} {{ note }}"},
    }


@pytest.mark.sibling
class TestPut(_Http):
    """What a PUT replaces is not read: it may be sent again, whatever came of the first request."""

    publish = {"method": "PUT", "path": "/key-results/{{ key_result }}", "body": BODY, "success": {"json": "ok"}}

    def test_what_is_written_is_read_back(self, changes: Mapping[str, Any]) -> None:
        """It is there once, although it was written three times."""
        with self.fake() as fake:
            for version in ({}, changes, {}):
                with self._lab(fake) as lab:
                    assert lab.attempt(*self._statements(**version)) is None
            with self._lab() as calm:
                assert calm.attempt(*self._statements()) is None
                assert fake.items() == calm.items()

    test_a_part_of_the_places_is_written_and_no_other_is_touched = None  # a request has no parts


@pytest.mark.sibling
class TestTability(_Api):
    appends = True
    connector = Tability
    publish: Mapping[str, Any] = {}

    def settings(self, url: str) -> dict[str, Any]:
        outcomes = {name: f"{TOKEN}-{name}" for name in self.key_results}
        return {"url": url, "personal_api_token": TOKEN, "outcomes": outcomes}


@pytest.mark.sibling
class TestQuantive(_Api):
    appends = True
    connector = Quantive
    publish = {"metrics": {"calls": "5e8c/1", "articles": "5e8c2"}}

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": f"{url}/results", "account": "5be2", "token": TOKEN}
