"""Checks that each request that changes data comes from a page of this service: by `Origin`, and by a form token.

Requests that a page of another site makes also carry the browser's cookies and a proxy's login. But that page cannot
read pages of this service, and therefore cannot send the form token.
"""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.bodies import BodyRefused, again, form_fields, is_form, whole_body
from syncd.web.refusals import refusal
from syncd.web.typed import keep_typed

FIELD = "form_token"
"""The name of the form field that contains the token."""

_HEADER = "X-Form-Token"
_NO_ORIGIN = marked("this must be sent from a page of syncd; a program sends Authorization: Bearer with a token")
_OLD = marked("the page that this was sent from is too old; go back, load the page again, and send it once more")


def token_of_forms(secret: bytes, who: str, root: str = "") -> str:
    """The token of a visitor's forms on the pages below `root`. No foreign page knows `secret`."""
    return hmac.new(secret, f"form of {who} at {root}/".encode(), hashlib.sha256).hexdigest()


async def check_form(request: Request, expected: str) -> Response | Receive:
    """Returns a refusal if no page of this service sent the request; else the channel from which the next reader gets
    the body.

    `Guard` has already refused every foreign `Origin`.
    """
    if "origin" not in request.headers:
        return refusal(request, 403, _(_NO_ORIGIN))
    try:
        body = await whole_body(request)
        given = request.headers.get(_HEADER)
        if given is None and is_form(request):
            fields = form_fields(body)
            keep_typed(request, fields)
            given = fields.get(FIELD)
    except BodyRefused as error:
        return refusal(request, error.status, str(error))
    if given is None or not hmac.compare_digest(given.encode(), expected.encode()):
        return refusal(request, 403, _(_OLD))
    return again(body, request.receive)
