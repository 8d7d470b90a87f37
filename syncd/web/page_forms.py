"""The forms of pages: each form is sent to the address of its page, which then shows the result.

If the request was stored, the answer is a redirect to the page, so that a reload sends nothing twice. If the request
was not stored, the answer is the page with the reason and the typed text.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from syncd.cycle.stuck import Decision
from syncd.ledger.requests import Request as Stored
from syncd.sdk.language import gettext as _
from syncd.web import key_result, sources
from syncd.web.actions import NeedsForce, approve, check_in, check_operator, decide, delivery_of
from syncd.web.bounded import Bounded
from syncd.web.daemon import Daemon
from syncd.web.people import Sent
from syncd.web.posted import Posted, post_endpoint
from syncd.web.publishers import seen_of
from syncd.web.view import View, view_at

_ANSWERED_BY_THE_PAGE = (400, 409)
ACTION = "do"
"""The field that names the purpose of a form."""

_ACTIONS = {"check-in": check_in, "approve": approve}


def page_form_routes(daemon: Daemon, bounded: Bounded) -> list[BaseRoute]:
    """The routes that receive forms."""

    def endpoint(act: Callable[[View, Request, Posted], Response]) -> Callable[[Request], object]:
        # A form on the page of a past day is about today.
        return post_endpoint(lambda request, posted: act(view_at(daemon, request, None), request, posted), bounded)

    return [
        Route("/key-results/{id}", endpoint(_on_key_result), methods=["POST"]),
        Route("/sources", endpoint(_on_sources), methods=["POST"]),
    ]


def _on_key_result(view: View, request: Request, posted: Posted) -> Response:
    name, action = request.path_params["id"], posted.get(ACTION) or ""
    fields = {field: text for field, text in posted.items() if field != ACTION}
    act = _ACTIONS.get(action)
    if act is None:
        raise HTTPException(400, _("this form has no button that says what to do"))
    try:
        stored = act(view, name, fields)
    except HTTPException as error:
        if error.status_code not in _ANSWERED_BY_THE_PAGE:
            raise
        sent = Sent(action, fields, error.detail, may_force=isinstance(error, NeedsForce))
        return HTMLResponse(key_result.page(view, name, request.query_params, sent), error.status_code)
    return _see(f"/key-results/{quote(name)}", view, done=str(stored.id))


def _on_sources(view: View, _request: Request, posted: Posted) -> Response:
    """The pressed button names the decision, and the deliveries in the state in which the person saw them."""
    decision: Decision = "allow" if "allow" in posted else "retry"
    seen = list(filter(None, (posted.get(decision) or "").split(",")))
    if not seen:
        raise HTTPException(400, _("this form has no button that says what to do"))
    check_operator(view)
    stored: list[Stored] = []
    refused: dict[str, int] = {}
    for each in seen:
        try:
            stored.append(_decide(view, decision, each))
        except HTTPException as error:
            if error.status_code not in _ANSWERED_BY_THE_PAGE:
                raise
            refused[error.detail] = error.status_code
    if refused:
        return HTMLResponse(sources.page(view, problem="; ".join(refused)), next(iter(refused.values())))
    return _see("/sources", view, done=str(stored[-1].id))


def _decide(view: View, decision: Decision, seen: str) -> Stored:
    delivery, form = delivery_of(view, seen.partition("-")[0]), f"page-{decision}-{seen}"
    asked = view.daemon.ledger.requests.of_delivery(delivery.id) if view.daemon.ledger else ()
    if seen != seen_of(delivery, asked) and all(request.form != form for request in asked):
        raise HTTPException(409, _("%(target)s has changed since; look at it once more", target=delivery.target))
    return decide(view, str(delivery.id), decision, {"form": form})


def _see(path: str, view: View, **query: str) -> Response:
    return RedirectResponse(view.link(path, **query), 303)
