"""Simulates faults: decides which requests a fault hits, and changes their responses."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from syncd.sandbox.http import JSON, Request, Response, Service, json_response

ServiceName = Literal["github", "gitlab", "jira", "jira-dc", "sheets", "token", "metrics", "okr"]
Kind = Literal[
    "status", "html", "reset", "reset_after", "truncate", "drip", "delay", "malformed", "wrong_types", "page_loop",
    "page_flood", "skew", "headers", "primary_limit", "secondary_limit", "too_quickly", "too_many", "unauthorized",
    "hang", "login", "moved", "sso",
]  # fmt: skip

FLOOD = 300
"""The number of pages of the fault `page_flood`. The number is limited, so that a test ends even if the client does not
notice the fault.
"""
LOOP_TOKEN = "c2FuZGJveC1sb29w"  # noqa: S105  a page token, not a secret


@dataclass(frozen=True)
class Fault:
    """One way in which a service misbehaves, until `heal`.

    `path` is a regular expression that is searched in addresses such as `/github/repos/…?page=2`, with prefix and
    query. `method` is one verb; None means every verb. `path` and `method` can be used with every kind. The first
    `after` matching requests get normal responses. The fault then hits the next `times` matching requests (None: all).
    The meaning of the other arguments depends on `kind`:

    status sends `status`, `body` and `headers` html sends a proxy's HTML page with `status` (default 502) reset ends
    the connection with a TCP reset, without carrying out or answering the request reset_after carries the request out,
    then ends the connection with a TCP reset: only the response is lost truncate sends the full Content-Length but only
    half of the body drip sends the real response at `rate` bytes a second delay sends the real response after `seconds`
    malformed sends 200 with broken JSON wrong_types sends 200 with valid JSON of another type: `form` picks an object
    in place of each list, or null
                     in place of each row
    page_loop always names the same page as the next page page_flood sends the first page again and again, each time
    under a new page's address, for `FLOOD` pages skew sends the real response with its Date and X-RateLimit-Reset
    `seconds` ahead (behind if negative) headers sends the real response with `headers` added primary_limit sends 403:
    GitHub's quota is used up and resets in `seconds` secondary_limit sends 403 with GitHub's message and Retry-After:
    `seconds` (None: without Retry-After) too_quickly sends 422, or 403 if `status` is 403: GitHub's limit of how fast
    content is created too_many sends 429 with Retry-After: `seconds` (None: without; with `http_date`: as an HTTP date)
    unauthorized sends 401, as if the credential had been revoked hang accepts the request and never answers login sends
    a login page; with a `status` of 302, a redirect to one moved redirects to the same path below `to`, the address of
    another server (default 301) sso sends GitHub's 403 for a token that single sign-on has not accepted
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
    to: str = ""

    def __post_init__(self) -> None:
        if self.service not in get_args(ServiceName) or self.kind not in get_args(Kind):
            raise ValueError(f"no such fault: {self.service} {self.kind}")
        re.compile(self.path)


class Faults:
    """The active faults. If several faults match a request, the first of these faults hits it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        """Adds a fault at the end."""
        with self._lock:
            self._active.append((fault, [0]))

    def heal(self) -> None:
        """Removes every fault."""
        with self._lock:
            self._active.clear()

    def strike(self, service: str, method: str, target: str) -> Fault | None:
        """Counts the request for every fault that matches it. Returns the fault that hits the request; None if none
        does.
        """
        hit: Fault | None = None
        with self._lock:
            for fault, seen in self._active:
                if fault.service != service or fault.method not in (None, method) or not re.search(fault.path, target):
                    continue
                seen[0] += 1
                due = seen[0] > fault.after and (fault.times is None or seen[0] <= fault.after + fault.times)
                hit = hit or (fault if due else None)
        return hit


def respond(fault: Fault, request: Request, service: Service) -> Response:
    """The response under `fault`. For faults of the connection (truncate, drip, delay), returns the real response."""
    match fault.kind:
        case "status":
            return Response(fault.status, fault.body.encode(), {"Content-Type": JSON, **fault.headers})
        case "html":
            status = 502 if fault.status == 500 else fault.status
            page = f"<html>\r\n<head><title>{status} Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>"
            return Response(status, page.encode(), {"Content-Type": "text/html", **fault.headers})
        case "login":
            return _login(fault, request)
        case "moved":
            location = f"{fault.to.rstrip('/')}{request.path}" + (f"?{request.query}" if request.query else "")
            status = 301 if fault.status == 500 else fault.status
            return Response(status, b"", {"Location": location, **fault.headers})
        case "sso":
            message = (
                "Resource protected by organization SAML enforcement. You must grant your Personal Access token access "
                "to this organization."
            )
            link = "https://github.com/orgs/acme/sso?authorization_request=A1B2"
            refusal = {
                "message": message,
                "documentation_url": "https://docs.github.com/articles/authenticating-to-sso",
            }
            return json_response(refusal, 403, {"X-GitHub-SSO": f"required; url={link}", **fault.headers})
        case "malformed":
            return Response(200, b'{"values": [1, 2', {"Content-Type": JSON})
        case "wrong_types":
            real = service(request)
            body = json.dumps(_retyped(json.loads(real.body or b"null"), fault.form)).encode()
            return replace(real, body=body)
        case "page_loop":
            return _looped(fault.service, request, service)
        case "page_flood":
            return _flooded(fault.service, request, service)
        case "skew":
            return _skewed(service(request), timedelta(seconds=fault.seconds or 0))
        case "headers":
            real = service(request)
            return replace(real, headers={**real.headers, **fault.headers})
        case "too_quickly":
            return _too_quickly(403 if fault.status == 403 else 422)
        case "primary_limit" | "secondary_limit" | "too_many":
            return _limited(fault, request)
        case "unauthorized":
            if fault.service == "token":
                return json_response({"error": "unauthorized_client", "error_description": "Unauthorized"}, 401)
            revoked = {"authorization": "Bearer revoked", "x-api-key": "revoked", "private-token": "revoked"}
            query = urlencode([pair for pair in parse_qsl(request.query) if pair[0] != "remote_checkins_token"])
            return service(replace(request, headers={**request.headers, **revoked}, query=query))
        case _:
            return service(request)


def _login(fault: Fault, request: Request) -> Response:
    if fault.status == 302:
        return Response(302, b"", {"Location": f"/login?return_to={request.path}", **fault.headers})
    page = (
        "<!DOCTYPE html>\n<html><head><title>Sign in to your account</title></head>\n<body><form method=post>"
        '<input name=user><input type="password" name=password></form></body></html>'
    )
    return Response(200, page.encode(), {"Content-Type": "text/html; charset=utf-8", **fault.headers})


def _retyped(content: Any, form: str) -> Any:
    if isinstance(content, list):
        return [None] * max(1, len(content)) if form == "null_rows" else {"0": content[0] if content else None}
    if isinstance(content, dict):
        return {key: _retyped(value, form) if isinstance(value, list) else value for key, value in content.items()}
    return content


def _looped(service_name: str, request: Request, service: Service) -> Response:
    if service_name in ("github", "gitlab"):
        real = service(request)
        link = f'<{request.base}{request.path}?{request.query}>; rel="next"'
        return replace(real, headers={**real.headers, "Link": link})
    if service_name == "jira":
        request = _without(request, "nextPageToken")
        real = service(request)
        content = {**json.loads(real.body), "nextPageToken": LOOP_TOKEN, "isLast": False}
        return json_response(content, real.status)
    real = service(_without(request, "startAt"))
    content = json.loads(real.body)
    if "total" in content:
        content["total"] += 10_000
    return json_response(content, real.status)


def _flooded(service_name: str, request: Request, service: Service) -> Response:
    place = {"github": "page", "gitlab": "page", "jira": "nextPageToken"}.get(service_name, "startAt")
    text = request.param(place) if request.method == "GET" else str(request.json().get(place) or "")
    number = int(text.removeprefix(LOOP_TOKEN) or 0)
    real = service(_without(request, place))
    if number > FLOOD * (100 if service_name == "jira-dc" else 1):
        return real
    if service_name in ("github", "gitlab"):
        query = urlencode([*parse_qsl(_without(request, "page").query), ("page", max(1, number) + 1)])
        return replace(real, headers={**real.headers, "Link": f'<{request.base}{request.path}?{query}>; rel="next"'})
    content = json.loads(real.body)
    if "issues" not in content:
        return real
    if service_name == "jira":
        more = {"nextPageToken": f"{LOOP_TOKEN}{number + 1}", "isLast": False}
    else:
        more = {"startAt": number, "total": number + 10_000}
    return json_response({**content, **more}, real.status)


def _skewed(real: Response, by: timedelta) -> Response:
    headers = {**real.headers, "Date": format_datetime(datetime.now(UTC) + by, usegmt=True)}
    if "X-RateLimit-Reset" in headers:
        headers["X-RateLimit-Reset"] = str(int(headers["X-RateLimit-Reset"]) + int(by.total_seconds()))
    return replace(real, headers=headers)


def _without(request: Request, name: str) -> Request:
    query = urlencode([pair for pair in parse_qsl(request.query, keep_blank_values=True) if pair[0] != name])
    body = request.body
    if request.method == "POST":
        body = json.dumps({key: value for key, value in request.json().items() if key != name}).encode()
    return replace(request, query=query, body=body)


def _too_quickly(status: int) -> Response:
    message = "was submitted too quickly"
    if status == 403:
        return json_response({"message": message, "status": "403"}, 403)
    detail = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": message}
    return json_response({"message": "Validation Failed", "errors": [detail], "status": "422"}, 422)


def _limited(fault: Fault, request: Request) -> Response:
    now = datetime.now(UTC)
    wait = fault.seconds
    retry: dict[str, str] = {}
    if wait is not None and fault.kind != "primary_limit":
        until = now + timedelta(seconds=wait)
        retry["Retry-After"] = format_datetime(until, usegmt=True) if fault.http_date else str(int(wait))
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
        return json_response(body, 429 if fault.kind == "too_many" else 403, {**quota, **retry, **fault.headers})
    if fault.service == "gitlab":
        quota = {"RateLimit-Limit": "2000", "RateLimit-Remaining": "0", "RateLimit-Observed": "2001"}
        reset_at = {"RateLimit-Reset": str(int((now + timedelta(seconds=wait or 60)).timestamp()))}
        headers = {"Content-Type": "text/plain", **quota, **reset_at, **retry, **fault.headers}
        return Response(429, b"Retry later\n", headers)
    if fault.service == "sheets":
        kind = "Read" if request.method == "GET" else "Write"
        message = f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute per user'"
        error = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}
        return json_response({"error": error}, 429, {**retry, **fault.headers})
    reset = (now + timedelta(seconds=wait or 60)).isoformat(timespec="seconds")
    extra = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "RateLimit-Reason": "jira-burst-based"}
    message = "Rate limit exceeded."
    return json_response({"errorMessages": [message], "errors": {}}, 429, {**extra, **retry, **fault.headers})
