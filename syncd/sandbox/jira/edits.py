"""Edits an issue in Jira: defines the fields that can be set, the values that each field accepts, and the errors.

The messages are Jira's own. An account without the permission to edit gets edit screens without fields, and no 403.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.jira import rows
from syncd.sandbox.jira.ticket import CustomField, Ticket, Value
from syncd.sandbox.jira.tickets import Tickets

_SYSTEM = {"summary": "Summary", "description": "Description", "labels": "Labels"}
"""The names of Jira's own fields that can be set in this sandbox, by id."""


class EditRefused(ValueError):
    """An edit is refused, and nothing is changed. `messages` are about the request, and `errors` about its fields, by
    the field's id.
    """

    def __init__(self, errors: Mapping[str, str], *messages: str) -> None:
        super().__init__(*messages)
        self.messages = list(messages)
        self.errors = dict(errors)


def editmeta(site: Tickets, ticket: Ticket, base: str, *, may_edit: bool) -> dict[str, Any]:
    """The fields that `/issue/KEY/editmeta` returns; empty for an account that may not edit."""
    api, fields = f"{base}/rest/api/2", {}
    for name in _SYSTEM if may_edit and not site.projects[ticket.project].read_only else ():
        kind = {"type": "array", "items": "string"} if name == "labels" else {"type": "string"}
        operations = ["add", "set", "remove"] if name == "labels" else ["set"]
        shape = {"required": name == "summary", "schema": {**kind, "system": name}}
        fields[name] = {**shape, "name": _SYSTEM[name], "key": name, "operations": operations}
    for own in _on_screen(site, ticket).values() if fields else ():
        shape = {"required": False, "schema": rows.schema(own)}
        fields[own.id] = {**shape, "name": own.name, "key": own.id, "operations": ["set"]}
        if own.options:
            fields[own.id]["allowedValues"] = [rows.option(own, value, api) for value in own.options]
    return {"fields": fields}


def edit(site: Tickets, ticket: Ticket, body: Mapping[str, Any]) -> None:
    """Makes all changes in `fields` and `update` together. If any change is wrong, makes no change and raises
    EditRefused.
    """
    fields, update = body.get("fields") or {}, body.get("update") or {}
    if not fields and not update:
        raise EditRefused({}, "one of 'fields' or 'update' required")
    wanted = dict(fields)
    errors: dict[str, str] = {}
    for field, operations in update.items():
        if field in fields:
            errors[field] = f"Field '{field}' cannot appear in both 'fields' and 'update'"
        elif field != "comment":
            wanted[field] = _updated(ticket, field, operations)
    values: dict[str, Value] = {}
    for field, value in wanted.items():
        try:
            values[field] = _value(site, ticket, field, value)
        except ValueError as error:
            errors[field] = str(error)
    if errors:
        raise EditRefused(errors)
    if values:
        site.edit(ticket.key, values, by=site.me)
    for operation in update.get("comment") or ():
        site.add_comment(ticket.key, str(operation["add"]["body"]), author=site.me.name)


def _on_screen(site: Tickets, ticket: Ticket) -> dict[str, CustomField]:
    """The custom fields that can be set, by id. Sprints are omitted, because the API of Jira Software sets them."""
    project = site.projects[ticket.project]
    if project.read_only:
        return {}
    return {own.id: own for own in site.fields.values() if own.id not in project.off_screen and own.kind != "array"}


def _updated(ticket: Ticket, field: str, operations: Any) -> Any:
    """The field's value after these operations. The operation `set` works for every field; `add` and `remove` work for
    labels.
    """
    value: Any = list(ticket.labels) if field == "labels" else None
    for operation in operations:
        for verb, operand in operation.items():
            match verb:
                case "set":
                    value = operand
                case "add" if field == "labels":
                    value = [*value, operand]
                case "remove" if field == "labels":
                    value = [label for label in value if label != operand]
    return value


def _value(site: Tickets, ticket: Ticket, field: str, value: Any) -> Value:
    own = _on_screen(site, ticket).get(field)
    if own is None and (field not in _SYSTEM or site.projects[ticket.project].read_only):
        raise ValueError(f"Field '{field}' cannot be set. It is not on the appropriate screen, or unknown.")
    match own.kind if own else field, value:
        case "labels", None:
            return []
        case "labels", list():
            return _labels(value)
        case "labels", _:
            raise ValueError("data was not an array")
        case "summary", None | "":
            raise ValueError("You must specify a summary of the issue.")
        case "description", None:
            return ""
        case _, None:
            return None
        case "number", int() | float() if not isinstance(value, bool):
            return float(value)
        case "number", _:
            raise ValueError("Operation value must be a number")
        case "option", _ if own:
            return _choice(own, value)
        case _, str():
            return value
    raise ValueError("Operation value must be a string")


def _labels(value: list[Any]) -> list[str]:
    if not all(isinstance(label, str) for label in value):
        raise ValueError("Operation value must be a string")
    spaced = [label for label in value if " " in label]
    if spaced:
        raise ValueError(f"The label '{spaced[0]}' contains spaces which is invalid.")
    return list(dict.fromkeys(value))


def _choice(own: CustomField, value: Any) -> str:
    match value:
        case {"value": str(text)}:
            if text not in own.options:
                raise ValueError(f"Option value '{text}' is not valid")
            return text
        case {"id": str(id)}:
            options = {own.option_id(option): option for option in own.options}
            if id not in options:
                raise ValueError(f"Option id '{id}' is not valid")
            return options[id]
    raise ValueError("Could not find valid 'id' or 'value' in the Parent Option object.")
