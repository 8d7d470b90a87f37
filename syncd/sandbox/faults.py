"""Faults on demand: which request one hits, and what becomes of the answer."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from syncd.sandbox.http import JSON, Answer, Asked, Service, answer_json

ServiceName = Literal["github", "jira", "jira-dc", "sheets", "token", "metrics", "okr"]
Kind = Literal[
    "status", "html", "reset", "reset_after", "truncate", "drip", "delay", "malformed", "wrong_types", "page_loop",
    "page_flood", "skew", "primary_limit", "secondary_limit", "too_many", "unauthorized", "hang",
]  # fmt: skip

FLOOD = 300  # pages, so that a test of one who does not notice ends nevertheless
LOOP_TOKEN = "c2FuZGJveC1sb29w"  # noqa: S105  where a page stands, no secret


@dataclass(frozen=True)
class Fault:
    """One way in which a service misbehaves, until healed.

    `path` is a regular expression searched in `/github/repos/…?page=2` (prefix and query included), `method` one verb
    (None: every one); both hold for any kind. `after` matching requests pass first, then it hits `times` of them (None:
    all). What the rest means depends on `kind`:

    status           `status`, `body`, `headers`
    html             a proxy's page: `status` (502 unless set otherwise) and HTML
    reset            the connection ends in a TCP reset, with nothing answered and nothing done
    reset_after      the request is carried out, then the connection ends in a TCP reset: only the answer is lost
    truncate         the whole Content-Length promised, the half of it sent
    drip             the real answer at `rate` bytes a second
    delay            the real answer after `seconds`
    malformed        200 with broken JSON
    wrong_types      200 with valid JSON of another type: by `form` an object for each list, or null_rows in it
    page_loop        the next page is this page, for ever
    page_flood       one more page like the first, each time at a new place, until nobody can have the patience
    skew             the real answer, its Date and X-RateLimit-Reset `seconds` off (ahead where above 0)
    primary_limit    403, GitHub's quota used up; it resets in `seconds`
    secondary_limit  403 with GitHub's message and Retry-After, `seconds` from now (left out when None)
    too_many         429 with Retry-After `seconds` (left out when None; as an HTTP date when `http_date`)
    unauthorized     401, as if the credential had been revoked
    hang             accepts and never answers
    """

    service: ServiceName
    kind: Kind = "status"
    path: str = ""
    times: int | None = None
    after: int = 0
    method: str | None = None
    status: int = 500
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    rate: int = 200
    form: Literal["object", "null_rows"] = "object"
    http_date: bool = False

    def __post_init__(self) -> None:
        if self.service not in get_args(ServiceName) or self.kind not in get_args(Kind):
            raise ValueError(f"no such fault: {self.service} {self.kind}")
        re.compile(self.path)


class Faults:
    """The faults in force. The first one that matches a request hits it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        """Behind the others: the first that matches a request hits it."""
        with self._lock:
            self._active.append((fault, [0]))

    def heal(self) -> None:
        """Takes back every fault."""
        with self._lock:
            self._active.clear()

    def strike(self, service: str, method: str, target: str) -> Fault | None:
        """Counts this request with every fault that it matches and answers the one that hits it."""
        hit: Fault | None = None
        with self._lock:
            for fault, seen in self._active:
                if fault.service != service or fault.method not in (None, method) or not re.search(fault.path, target):
                    continue
                seen[0] += 1
                due = seen[0] > fault.after and (fault.times is None or seen[0] <= fault.after + fault.times)
                hit = hit or (fault if due else None)
        return hit


def answer_with(fault: Fault, asked: Asked, service: Service) -> Answer:
    """What is answered under `fault`; those of the connection (reset, truncate, drip, delay, hang) change nothing."""
    match fault.kind:
        case "status":
            return Answer(fault.status, fault.body.encode(), {"Content-Type": JSON, **fault.headers})
        case "html":
            status = 502 if fault.status == 500 else fault.status
            page = f"<html>\r\n<head><title>{status} Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>"
            return Answer(status, page.encode(), {"Content-Type": "text/html", **fault.headers})
        case "malformed":
            return Answer(200, b'{"values": [1, 2', {"Content-Type": JSON})
        case "wrong_types":
            real = service(asked)
            body = json.dumps(_retyped(json.loads(real.body or b"null"), fault.form)).encode()
            return replace(real, body=body)
        case "page_loop":
            return _looped(fault.service, asked, service)
        case "page_flood":
            return _flooded(fault.service, asked, service)
        case "skew":
            return _skewed(service(asked), timedelta(seconds=fault.seconds or 0))
        case "primary_limit" | "secondary_limit" | "too_many":
            return _limited(fault, asked)
        case "unauthorized":
            if fault.service == "token":
                return answer_json({"error": "unauthorized_client", "error_description": "Unauthorized"}, 401)
            revoked = {"authorization": "Bearer revoked", "x-api-key": "revoked"}
            query = urlencode([pair for pair in parse_qsl(asked.query) if pair[0] != "remote_checkins_token"])
            return service(replace(asked, headers={**asked.headers, **revoked}, query=query))
        case _:
            return service(asked)


def _retyped(content: Any, form: str) -> Any:
    if isinstance(content, list):
        return [None] * max(1, len(content)) if form == "null_rows" else {"0": content[0] if content else None}
    if isinstance(content, dict):
        return {key: _retyped(value, form) if isinstance(value, list) else value for key, value in content.items()}
    return content


def _looped(service_name: str, asked: Asked, service: Service) -> Answer:
    if service_name == "github":
        real = service(asked)
        link = f'<{asked.base}{asked.path}?{asked.query}>; rel="next"'
        return replace(real, headers={**real.headers, "Link": link})
    if service_name == "jira":
        asked = _without(asked, "nextPageToken")
        real = service(asked)
        content = {**json.loads(real.body), "nextPageToken": LOOP_TOKEN, "isLast": False}
        return answer_json(content, real.status)
    real = service(_without(asked, "startAt"))
    content = json.loads(real.body)
    if "total" in content:
        content["total"] += 10_000
    return answer_json(content, real.status)


def _flooded(service_name: str, asked: Asked, service: Service) -> Answer:
    place = {"github": "page", "jira": "nextPageToken"}.get(service_name, "startAt")
    said = asked.param(place) if asked.method == "GET" else str(asked.json().get(place) or "")
    number = int(said.removeprefix(LOOP_TOKEN) or 0)
    real = service(_without(asked, place))
    if number > FLOOD * (100 if service_name == "jira-dc" else 1):
        return real
    if service_name == "github":
        query = urlencode([*parse_qsl(_without(asked, "page").query), ("page", max(1, number) + 1)])
        return replace(real, headers={**real.headers, "Link": f'<{asked.base}{asked.path}?{query}>; rel="next"'})
    content = json.loads(real.body)
    if "issues" not in content:
        return real
    if service_name == "jira":
        more = {"nextPageToken": f"{LOOP_TOKEN}{number + 1}", "isLast": False}
    else:
        more = {"startAt": number, "total": number + 10_000}
    return answer_json({**content, **more}, real.status)


def _skewed(real: Answer, by: timedelta) -> Answer:
    headers = {**real.headers, "Date": f"{datetime.now(UTC) + by:%a, %d %b %Y %H:%M:%S} GMT"}
    if "X-RateLimit-Reset" in headers:
        headers["X-RateLimit-Reset"] = str(int(headers["X-RateLimit-Reset"]) + int(by.total_seconds()))
    return replace(real, headers=headers)


def _without(asked: Asked, name: str) -> Asked:
    query = urlencode([pair for pair in parse_qsl(asked.query, keep_blank_values=True) if pair[0] != name])
    body = asked.body
    if asked.method == "POST":
        body = json.dumps({key: value for key, value in asked.json().items() if key != name}).encode()
    return replace(asked, query=query, body=body)


def _limited(fault: Fault, asked: Asked) -> Answer:
    now = datetime.now(UTC)
    wait = fault.seconds
    retry: dict[str, str] = {}
    if wait is not None and fault.kind != "primary_limit":
        until = now + timedelta(seconds=wait)
        retry["Retry-After"] = f"{until:%a, %d %b %Y %H:%M:%S} GMT" if fault.http_date else str(int(wait))
    if fault.service == "github":
        docs = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
        if fault.kind == "secondary_limit":
            message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        else:
            message = "API rate limit exceeded for user ID 501."
        quota = {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "0" if fault.kind != "secondary_limit" else "4711",
            "X-RateLimit-Reset": str(int((now + timedelta(seconds=wait or 3600)).timestamp())),
            "X-RateLimit-Resource": "core",
        }
        body = {"message": message, "documentation_url": docs}
        return answer_json(body, 429 if fault.kind == "too_many" else 403, {**quota, **retry, **fault.headers})
    if fault.service == "sheets":
        kind = "Read" if asked.method == "GET" else "Write"
        message = f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute per user'"
        body_of_error = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}
        return answer_json({"error": body_of_error}, 429, {**retry, **fault.headers})
    reset = (now + timedelta(seconds=wait or 60)).isoformat(timespec="seconds")
    extra = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "RateLimit-Reason": "jira-burst-based"}
    message = "Rate limit exceeded."
    return answer_json({"errorMessages": [message], "errors": {}}, 429, {**extra, **retry, **fault.headers})
