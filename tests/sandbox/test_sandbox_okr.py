"""The OKR service takes check-ins from every client with its key, and keeps them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from syncd.sandbox import Fault, Received, Sandbox

CHECK_IN = {"key_result": "calls", "value": 1092, "note": "Fewer, and still late"}


def keys(box: Sandbox) -> list[dict[str, Any]]:
    """The three ways to send the secret."""
    secret = box.credentials["okr_key"]
    return [
        {"headers": {"X-Api-Key": secret}},
        {"headers": {"Authorization": f"Bearer {secret}"}},
        {"params": {"remote_checkins_token": secret, "dry": "no"}},
    ]


def test_service_keeps_check_ins_without_the_secret(box: Sandbox) -> None:
    for method, key in zip(("POST", "PUT", "PATCH"), keys(box), strict=True):
        answer = httpx.request(method, f"{box.okr_url}/key-results/7/check-ins", json=CHECK_IN, **key)
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert [(received.method, received.path, received.by, received.json) for received in box.received] == [
        ("POST", "/key-results/7/check-ins", "x-api-key", CHECK_IN),
        ("PUT", "/key-results/7/check-ins", "bearer", CHECK_IN),
        ("PATCH", "/key-results/7/check-ins", "query", CHECK_IN),
    ]
    assert box.received[2].query == {"dry": "no"}
    assert box.received[0].headers["content-type"] == "application/json"
    assert box.credentials["okr_key"] not in repr(box.received)
    assert [(request.service, request.method) for request in box.requests] == [
        ("okr", "POST"),
        ("okr", "PUT"),
        ("okr", "PATCH"),
    ]


def test_body_must_be_json_or_absent(box: Sandbox) -> None:
    key = keys(box)[0]
    assert httpx.get(f"{box.okr_url}/key-results", **key).status_code == 200
    assert httpx.post(box.okr_url, content=b"{", **key).status_code == 400
    assert box.received == [Received("GET", "/key-results", {}, box.received[0].headers, None, "x-api-key")]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"headers": {"X-Api-Key": "wrong"}},
        {"headers": {"Authorization": "Bearer wrong"}},
        {"params": {"remote_checkins_token": "wrong"}},
    ],
)
def test_service_takes_nothing_without_the_key(box: Sandbox, wrong: dict[str, Any]) -> None:
    assert httpx.post(box.okr_url, json=CHECK_IN, **wrong).status_code == 401
    assert box.received == []


def test_service_sends_the_response_that_was_set(box: Sandbox) -> None:
    box.okr.answer({"id": 7}, 201, {"Location": "/check-ins/7"})
    answer = httpx.post(box.okr_url, json=CHECK_IN, **keys(box)[1])
    assert (answer.status_code, answer.json(), answer.headers["Location"]) == (201, {"id": 7}, "/check-ins/7")


def test_service_keeps_no_check_in_that_a_fault_refuses(box: Sandbox) -> None:
    def send(key: dict[str, Any]) -> int:
        return httpx.post(f"{box.okr_url}/check-ins", json=CHECK_IN, **key).status_code

    box.fault(Fault("okr", "reset_after", method="POST", times=1))
    with pytest.raises(httpx.ReadError):
        send(keys(box)[0])
    assert len(box.received) == 1
    box.fault(Fault("okr", status=503, times=1))
    box.fault(Fault("okr", "too_many", seconds=2, after=1, times=1))
    assert [send(keys(box)[0]) for _ in range(3)] == [503, 429, 200]
    assert len(box.received) == 2
    box.fault(Fault("okr", "unauthorized"))
    assert [send(key) for key in keys(box)] == [401, 401, 401]
    assert len(box.received) == 2


def test_control_sets_the_response_and_shows_what_was_received(box: Sandbox) -> None:
    assert httpx.post(f"{box.url}/control/answer", json={"content": {"id": 8}, "status": 202}).json() == {"ok": True}
    assert httpx.post(f"{box.url}/control/answer", json={"colour": "red"}).status_code == 400
    assert httpx.post(f"{box.okr_url}/check-ins", json=CHECK_IN, **keys(box)[0]).status_code == 202
    (shown,) = httpx.get(f"{box.url}/control/received").json()
    assert (shown["path"], shown["json"]) == ("/check-ins", CHECK_IN)
