"""The body of a request that changes data: the fields of a form, or the keys of a JSON object."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from syncd.config.messages import nearest
from syncd.sdk.language import gettext as _
from syncd.web.bodies import FORM, BodyRefused, check_once, form_fields, whole_body
from syncd.web.bounded import Bounded
from syncd.web.forms import FIELD
from syncd.web.typed import keep_typed

Posted = Mapping[str, str | None]
"""The text of each field, by its name. Numbers have all their digits; an empty or null field is None."""

_JSON = "application/json"


def post_endpoint(act: Callable[[Request, Posted], Response], bounded: Bounded) -> Callable[[Request], Any]:
    """The endpoint that passes the body to `act`, in a thread of `bounded`."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await whole_body(request)
            posted = _posted(request.headers.get("content-type", ""), body)
            keep_typed(request, posted)
            _check_texts(posted)
        except BodyRefused as error:
            raise HTTPException(error.status, str(error)) from None
        return await bounded(lambda same: act(same, posted))(request)

    return endpoint


def check_names(posted: Posted, names: Collection[str]) -> None:
    """HTTPException 400 for an unknown field, which may be a misspelt one."""
    for name in posted:
        if name not in names:
            hint = nearest(name, names)
            listed = ", ".join(sorted(names))
            raise HTTPException(400, _("there is no field %(name)s", name=repr(name)) + (hint or f"; {listed}"))


def _check_texts(posted: Posted) -> None:
    for name, text in posted.items():
        if text is not None and "\0" in text:
            raise HTTPException(400, _("%(name)s holds a character that no ledger keeps (NUL)", name=repr(name)))


def _posted(content_type: str, body: bytes) -> Posted:
    """The fields of a body. An empty body has no fields, whatever its type."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return {}
    if kind == FORM:
        return {name: text or None for name, text in form_fields(body).items() if name != FIELD}
    if kind != _JSON:
        raise HTTPException(415, _("send %(json)s or %(form)s", json=_JSON, form=FORM))
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, _("the body is no JSON: %(why)s", why=error)) from None
    if not isinstance(sent, dict):
        raise HTTPException(400, _("the body must be a JSON object, such as %(example)s", example='{"value": 1050}'))
    posted = {name: _text(name, value) for name, value in sent.items()}
    check_once(_names(body))
    return posted


def _names(body: bytes) -> Sequence[str]:
    """The names of the keys of a JSON object, each as often as it is in the body. orjson keeps only the last value of
    each name.
    """
    try:  # numbers stay texts, because Python limits the digits of an integer
        names: Sequence[str] = json.loads(
            body, object_pairs_hook=lambda pairs: [name for name, _ in pairs], parse_int=str, parse_float=str
        )
    except RecursionError:  # in a value of a repeated key, or `_text` would have refused the value
        raise BodyRefused(400, "the body is nested too deep; write each field once, as a text or a number") from None
    return names


def _text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    raise HTTPException(400, _("%(name)s must be a text or a number", name=name))
