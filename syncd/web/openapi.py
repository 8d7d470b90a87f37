"""The OpenAPI document of the API, made from its table of operations and the types of its documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from syncd.web.errors import JSON, ErrorDocument
from syncd.web.operations import ACTIONS, OPERATIONS, Action, Operation, Parameter, StoredDocument

_ERRORS = {
    "400": ("BadRequest", "A parameter is wrong."),
    "401": ("Unauthorized", "A login is set, and the request has no valid token."),
    "403": (
        "Forbidden",
        "The visitor has no right to this, or the request comes under a foreign host name or from a foreign page.",
    ),
    "404": ("NotFound", "There is no such period, key result or address."),
    "405": ("WrongMethod", "The address does not accept this method. `Allow` names the methods that it accepts."),
    "429": ("TooManyAttempts", "Too many wrong tokens came from this address. `Retry-After` has the seconds to wait."),
    "500": ("Broken", "syncd has a bug."),
    "503": ("Unavailable", "The ledger cannot be read now."),
}
_ERRORS_OF_ACTIONS = {
    "408": ("TooSlow", "The body did not arrive in time."),
    "409": ("Conflict", "The request cannot be carried out now. `error` says why."),
    "413": ("TooLarge", "The body is too large."),
    "415": ("WrongType", "The body is neither JSON nor a form."),
}
_HEADERS = {
    "ETag": {
        "description": "A weak tag of everything except `as_of`. `If-None-Match` with it gets 304 if nothing changed.",
        "schema": {"type": "string"},
    },
    "Cache-Control": {"description": "`no-cache, private`", "schema": {"type": "string"}},
}
_INDEX = {"type": "object", "additionalProperties": {"type": "string"}}
_SUFFIX = "Document"


@cache
def openapi() -> Mapping[str, Any]:
    """The OpenAPI 3.1 document of a project's API."""
    paths = {operation.path: {"get": _operation(operation)} for operation in OPERATIONS}
    return description(paths | {action.path: {"post": _action(action)} for action in ACTIONS}, _documents())


def description(paths: Mapping[str, Any], documents: Sequence[type[Any]]) -> Mapping[str, Any]:
    """The OpenAPI document of an API with these paths. `documents` are the types of its responses."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "syncd",
            "version": version("syncd"),
            "description": "The data of the dashboard, in the JSON documents that the commands print with `--json`.",
        },
        "paths": {
            "/api/": {"get": reads("index", "The documents of the API by name, each with its address.", [], _INDEX)},
            "/api/openapi.json": {"get": reads("openapi", "This document.", [], {"type": "object"})},
            **paths,
        },
        "components": {
            "schemas": schemas([*documents, ErrorDocument]),
            "responses": {name: _error(meaning) for name, meaning in (_ERRORS | _ERRORS_OF_ACTIONS).values()},
            "headers": _HEADERS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def schemas(documents: Sequence[type[Any]]) -> dict[str, Any]:
    """The JSON Schema of each document, and of the documents within it, by the name of the type."""
    together: Any = tuple[tuple(documents)]  # type: ignore[misc]  # one type, so that documents share nested schemas
    adapter: TypeAdapter[Any] = TypeAdapter(together, config=ConfigDict(use_attribute_docstrings=True))
    definitions = adapter.json_schema(ref_template="#/components/schemas/{model}")["$defs"]
    return {_name(name): _plain(schema) for name, schema in sorted(definitions.items())}


def _documents() -> list[type[Any]]:
    bodies = [action.body for action in ACTIONS]
    return [*(operation.document for operation in OPERATIONS), *bodies, StoredDocument]


def _action(action: Action) -> dict[str, Any]:
    what = "delivery" if "deliveries" in action.path else "key result"
    return {
        "operationId": action.id,
        "summary": action.meaning,
        "parameters": [*_path_parameters(action.path, what), *map(_parameter, action.parameters)],
        "requestBody": {"required": action.needs_body, "content": {JSON: {"schema": reference(action.body)}}},
        "responses": {
            "202": {
                "description": "The request is stored. The next cycle carries it out.",
                "content": {JSON: {"schema": reference(StoredDocument)}},
            },
            **_errors(_ERRORS | _ERRORS_OF_ACTIONS),
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [*_path_parameters(operation.path), *map(_parameter, operation.parameters)]
    return reads(operation.id, operation.meaning, parameters, reference(operation.document))


def reads(name: str, meaning: str, parameters: list[dict[str, Any]], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a GET operation whose response is a document of this schema."""
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    return {
        "operationId": name,
        "summary": meaning,
        "parameters": parameters,
        "responses": {
            "200": {"description": "The document.", "headers": headers, "content": {JSON: {"schema": schema}}},
            "304": {"description": "The document has not changed.", "headers": headers},
            **_errors(_ERRORS),
        },
    }


def _path_parameters(path: str, what: str = "key result") -> list[dict[str, Any]]:
    if "{id}" not in path:
        return []
    return [
        {
            "name": "id",
            "in": "path",
            "required": True,
            "description": f"The id of the {what}.",
            "schema": {"type": "string"},
        }
    ]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {"name": parameter.name, "in": "query", "description": parameter.meaning, "schema": parameter.schema}


def _errors(errors: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    return {status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in errors.items()}


def _error(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "content": {JSON: {"schema": reference(ErrorDocument)}}}


def reference(document: type[Any]) -> dict[str, str]:
    """A reference to the schema of a document, by its name."""
    return {"$ref": f"#/components/schemas/{_name(document.__name__)}"}


def _name(name: str) -> str:
    return name.removesuffix(_SUFFIX)


def _plain(schema: Any) -> Any:
    """A schema in the form that people write: without generated titles, and with `null` among the types."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return schema | {"$ref": schema["$ref"].removesuffix(_SUFFIX)}
    plain = {key: _plain(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    match plain.get("anyOf"):
        case [{"type": str(name), **rest}, {"type": "null"}] if "enum" not in rest:
            del plain["anyOf"]
            return plain | rest | {"type": [name, "null"]}
    return plain
