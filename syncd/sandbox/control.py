"""Steering the sandbox over HTTP: faults, changes to the company, the log of requests, and the truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from syncd.sandbox.faults import Fault, Faults
from syncd.sandbox.http import Answer, Asked, answer_json
from syncd.sandbox.okr_api import OkrApi
from syncd.sandbox.truth.figures import truth
from syncd.sandbox.world import World

CHANGES = {
    "github": (
        "add_issue", "add_pull", "add_release", "publish_release", "close_issue", "reopen_issue", "delete_issue",
        "transfer_issue", "merge_pull", "close_pull", "reopen_pull", "label", "unlabel", "touch", "rename_repo",
        "edit_item", "add_comment", "edit_comment", "delete_comment",
    ),
    "jira": (
        "create", "transition", "resolve", "reopen", "move", "delete", "set_field", "add_comment", "edit_comment",
        "delete_comment", "rename_field", "hide_field", "forbid_edits",
    ),
    "sheets": ("set_cell", "append_row", "rename_sheet", "insert_column", "delete_column", "rename_column"),
}  # fmt: skip
"""What `POST /control/change` may do: the mutations of `World`'s systems; `"site": "jira-dc"` picks that Jira."""


class Control:
    """Without credentials, on loopback alone.

    `POST /control/fault|heal|change|answer` (the last is what the OKR service says: `content`, `status`, `headers`) and
    `GET /control/requests|received`.
    """

    def __init__(self, world: World, faults: Faults, requests: Callable[[], Sequence[Any]], okr: OkrApi) -> None:
        self._world = world
        self._faults = faults
        self._requests = requests
        self._okr = okr

    def __call__(self, asked: Asked) -> Answer:
        """One of the routes above; 400 with the reason where the body makes no sense."""
        try:
            match asked.method, asked.path:
                case "POST", "/fault":
                    self._faults.add(Fault(**asked.json()))
                case "POST", "/heal":
                    self._faults.heal()
                case "POST", "/change":
                    self._change(**asked.json())
                case "POST", "/answer":
                    self._okr.answer(**asked.json())
                case "GET", "/received":
                    return answer_json([dataclasses.asdict(one) for one in list(self._okr.received)])
                case "GET", "/requests":
                    return answer_json([dataclasses.asdict(one) for one in list(self._requests())])
                case _:
                    return answer_json({"error": "not found"}, 404)
        except (TypeError, ValueError, KeyError, StopIteration) as error:
            return answer_json({"error": f"{type(error).__name__}: {error}"}, 400)
        return answer_json({"ok": True})

    def _change(self, do: str, **arguments: Any) -> None:
        """`{"do": "close_issue", "repo": "acme/web", "number": 7}`; names as in the mutation, but `repo`."""
        systems = [name for name, known in CHANGES.items() if do in known]
        if not systems:
            known = ", ".join(dict.fromkeys(name for names in CHANGES.values() for name in names))
            raise ValueError(f"no such change: {do}; there are {known}")
        # Comments are made in two systems.
        system = systems[0] if "repo" in arguments else systems[-1]
        if "repo" in arguments:
            arguments["full_name"] = arguments.pop("repo")
        if "at" in arguments and system != "sheets":
            arguments["at"] = datetime.fromisoformat(arguments["at"])
        if system == "jira" and arguments.pop("site", "jira") == "jira-dc":
            system = "jira_dc"
        if system == "sheets":
            arguments = {name: _cells(value) for name, value in arguments.items()}
        getattr(getattr(self._world, system), do)(**arguments)


def _cells(value: Any) -> Any:
    """JSON has no dates: text that is an ISO day is one."""
    if isinstance(value, list):
        return [_cells(one) for one in value]
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Truth:
    """`GET /truth[?at=ISO]`: what every key result of the example mappings really is."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, asked: Asked) -> Answer:
        """`at` needs an offset: `2026-11-21T10:15:00+01:00`."""
        try:
            at = datetime.fromisoformat(asked.param("at").replace(" ", "+")) if asked.param("at") else None
        except ValueError:
            return answer_json({"error": "at is an ISO 8601 time with an offset"}, 400)
        if at is not None and at.tzinfo is None:
            return answer_json({"error": "at needs an offset"}, 400)
        return answer_json(truth(self._world, at))
