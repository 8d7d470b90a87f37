"""Makes requests from check-ins by templates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from connectors.http.keys import HEADER
from connectors.http.templates import ID, LONGEST, Kind, TemplateFailed, data_of, examples, shown, template
from syncd.sdk import SourceBroken, Statement

_KINDS: Mapping[str, Kind] = {"path": "path", "body": "value"}


def try_out(field: str, value: Any, *, has_ids: bool) -> None:
    """Tries the templates of a key. Raises ValueError if a text is not a template, or fails for an example check-in."""
    for text in _texts(value):
        compiled = template(text, _KINDS.get(field, "text"))
        if ID in compiled.names and not has_ids:
            raise ValueError("has {{ id }}; say what each key result is called there, as in 'ids: {calls: kr_123}'")
        for what, statement in examples():
            try:
                compiled.render(data_of(statement, "kr_123"))
            except TemplateFailed as error:
                raise ValueError(f"has {shown(text)}; for a check-in with {what} it fails: {error}") from None
    if field == "body":
        _, statement = next(examples())
        try:
            _json(value, data_of(statement, "kr_123"))
        except TemplateFailed as error:
            raise ValueError(f"is wrong: {error}") from None


def names_in(path: str, headers: Mapping[str, str], body: Any, text: str | None) -> Collection[str]:
    """The fields of a check-in that the templates use."""
    parts: tuple[tuple[Any, Kind], ...] = ((path, "path"), (headers, "text"), (body, "value"), (text, "text"))
    return {name for part, kind in parts for source in _texts(part) for name in template(source, kind).names} - {ID}


def request(
    statement: Statement, id_: str | int | None, path: str, headers: Mapping[str, str], body: Any, text: str | None
) -> dict[str, str]:
    """The request for a check-in: a text for `path`, for `body`, and for each header."""
    data = data_of(statement, id_)
    try:
        places = {"path": str(template(path, "path").render(data))}
        if text is not None:
            places["body"] = str(template(text, "text").render(data))
        elif body is not None:
            places |= {f"{HEADER}Content-Type": "application/json", "body": _json(body, data)}
        rendered = {name: str(template(source, "text").render(data)) for name, source in headers.items()}
    except TemplateFailed as error:
        raise SourceBroken(f"its template cannot say this check-in: {error}") from None
    return places | {_header(name): " ".join(value.split()) for name, value in rendered.items()}


def _header(name: str) -> str:
    """The name under which a request stores a header.

    All spellings of Content-Type have the same name here, so that the header is not sent twice.
    """
    return HEADER + ("Content-Type" if name.lower() == "content-type" else name)


def _json(body: Any, data: Mapping[str, Any]) -> str:
    try:
        packed = orjson.dumps(_filled(body, data)).decode()
    except TypeError as error:
        raise TemplateFailed(f"{str(error).lower()} in JSON") from None
    if len(packed) > LONGEST:
        raise TemplateFailed(f"it makes a body of more than {LONGEST:,} characters")
    return packed


def _filled(part: Any, data: Mapping[str, Any]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(inner, data) for name, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, data) for inner in part]
    return template(part, "value").render(data) if isinstance(part, str) else part


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _texts(inner)
    elif isinstance(part, str):
        yield part
