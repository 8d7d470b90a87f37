"""Controls the sandbox over HTTP: sets faults, changes the company's data, and returns the log of requests and the
truth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from syncd.sandbox.faults import Fault, Faults
from syncd.sandbox.http import Request, Response, json_response
from syncd.sandbox.okr_api import OkrApi
from syncd.sandbox.truth.figures import truth
from syncd.sandbox.world import World

CHANGES = {
    "github": (
        "add_issue", "add_pull", "add_release", "publish_release", "close_issue", "reopen_issue", "delete_issue",
        "transfer_issue", "merge_pull", "close_pull", "reopen_pull", "label", "unlabel", "touch", "rename_repo",
        "transfer_repo", "set_repo", "edit_item", "add_comment", "edit_comment", "delete_comment",
        "set_type", "deploy", "set_deployment", "delete_deployment", "lose_commit", "add_run", "complete_run", "rerun",
        "delete_run", "tag", "delete_tag",
    ),
    "gitlab": (
        "add_project", "add_merge_request", "add_issue", "add_release", "deploy", "merge", "close", "reopen",
        "close_as_duplicate", "move_issue", "edit", "delete", "set_deployment", "set_project",
        "move_project", "delete_project",
    ),
    "jira": (
        "create", "transition", "resolve", "reopen", "move", "delete", "set_field", "add_comment", "edit_comment",
        "delete_comment", "rename_field", "hide_field", "forbid_edits",
    ),
    "sheets": (
        "set_cell", "append_row", "sort_rows", "insert_row", "delete_row", "rename_sheet", "insert_column",
        "delete_column", "rename_column",
    ),
}  # fmt: skip
"""The changes that `POST /control/change` can make, which are methods of `World`'s systems. `"site": "jira-dc"` selects
the Data Center site of Jira.
"""


class Control:
    """`POST /control/fault`, `/heal`, `/change`, `/answer`; `GET /control/requests`, `/received`.

    No request needs credentials. `/answer` sets the response of the OKR service: `content`, `status`, `headers`.
    """

    def __init__(self, world: World, faults: Faults, requests: Callable[[], Sequence[Any]], okr: OkrApi) -> None:
        self._world = world
        self._faults = faults
        self._requests = requests
        self._okr = okr

    def __call__(self, request: Request) -> Response:
        """Handles one of the routes above. An invalid body gets 400 with the reason."""
        try:
            match request.method, request.path:
                case "POST", "/fault":
                    self._faults.add(Fault(**request.json()))
                case "POST", "/heal":
                    self._faults.heal()
                case "POST", "/change":
                    self._change(**request.json())
                case "POST", "/answer":
                    self._okr.answer(**request.json())
                case "GET", "/received":
                    return json_response([dataclasses.asdict(received) for received in list(self._okr.received)])
                case "GET", "/requests":
                    return json_response([dataclasses.asdict(logged) for logged in list(self._requests())])
                case _:
                    return json_response({"error": "not found"}, 404)
        except (TypeError, ValueError, KeyError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        return json_response({"ok": True})

    def _change(self, do: str, **arguments: Any) -> None:
        """Makes a change such as `{"do": "close_issue", "repo": "acme/web", "number": 7}`."""
        systems = [name for name, changes in CHANGES.items() if do in changes]
        if not systems:
            changes = ", ".join(dict.fromkeys(name for names in CHANGES.values() for name in names))
            raise ValueError(f"no such change: {do}; write one of {changes}")
        # Several systems have comments, issues and releases: `repo` is GitHub's, `path` GitLab's.
        named = "github" if "repo" in arguments else "gitlab" if "path" in arguments else systems[-1]
        if named not in systems:
            raise ValueError(f"{do} takes {'repo' if 'github' in systems else 'path'}")
        system = named
        if "repo" in arguments:
            arguments["full_name"] = arguments.pop("repo")
        for name in {"at", "done", "released_at"} & arguments.keys() if system != "sheets" else ():
            arguments[name] = datetime.fromisoformat(arguments[name])
        if system == "jira" and arguments.pop("site", "jira") == "jira-dc":
            system = "jira_dc"
        if system == "sheets":
            arguments = {name: _cells(value) for name, value in arguments.items()}
        getattr(getattr(self._world, system), do)(**arguments)


def _cells(value: Any) -> Any:
    """A value, or a list of values, in the form of cells: an ISO day becomes a date, because JSON has no dates."""
    if isinstance(value, list):
        return [_cells(part) for part in value]
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Truth:
    """`GET /truth[?at=TIME]`: the correct state of every key result in the example mappings."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, request: Request) -> Response:
        """`at` is an ISO 8601 time with an offset. The default is now."""
        try:
            at = request.time_param("at")
        except ValueError:
            error = "at must be an ISO 8601 time with an offset, such as 2026-11-21T10:15:00+01:00"
            return json_response({"error": error}, 400)
        return json_response(truth(self._world, at))
