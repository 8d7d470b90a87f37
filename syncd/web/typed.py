"""The text that a person typed into the form of a key result. If the form could not be stored, the response shows the
text again.

Only fields that people fill in are kept, so no secret of a form is ever shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request

from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.bodies import BodyRefused, form_fields, is_form, whole_body
from syncd.web.places import path_within

_TYPED = "syncd.typed"
_LABELS = {
    "value": marked("Value"),
    "confidence": marked("Confidence"),
    "note": marked("Note"),
    "date": marked("Day"),
    "author": marked("Your name"),
}


def keep_typed(request: Request, fields: Mapping[str, str | None]) -> None:
    """Keeps what a person typed into a form of a key result, so that the answer can show it again."""
    if _is_of_a_key_result(request):
        request.scope[_TYPED] = {name: text for name in _LABELS if (text := fields.get(name))}


async def read_typed(request: Request) -> None:
    """Reads and keeps the text of a form whose sender was refused before the body was read. The function may be called
    twice, because a deployment checks access twice.
    """
    if not (_is_of_a_key_result(request) and is_form(request)) or _TYPED in request.scope:
        return
    request.scope[_TYPED] = {}
    try:
        keep_typed(request, form_fields(await whole_body(request)))
    except BodyRefused:
        return  # the request is refused in any case


def typed_of(request: Request) -> Sequence[tuple[str, str]]:
    """The label and the text of each field that the person filled in."""
    return [(_(_LABELS[name]), text) for name, text in request.scope.get(_TYPED, {}).items()]


def _is_of_a_key_result(request: Request) -> bool:
    return request.method == "POST" and path_within(request.scope).startswith("/key-results/")
