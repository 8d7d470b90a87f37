"""Sentences about new ids, for `sync` and `plan`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncd.cycle.model import Moved, Result
from syncd.okr.words import count


def moves(result: Result) -> Iterator[str]:
    """Sentences about the histories that continue under a new id, the histories that cannot, and the key results that
    look renamed.
    """
    for moved in result.carried_over.moved:
        yield f"{moved.move.new}: the history of {moved.move.old} goes on here{_held(moved)}"
    for sentence in result.carried_over.refused:
        yield f"! {sentence}"
    for renamed in result.renames:
        yield f"? {renamed}"


def moves_document(result: Result) -> dict[str, Any]:
    """The same information as in `moves`, in the form of `plan --json`."""
    return {
        "moved": [
            {
                "period": moved.move.period,
                "key_result": moved.move.key_result or None,
                "from": moved.move.old,
                "to": moved.move.new,
                "carried_over": {
                    "values": moved.held.values,
                    "checkins": moved.held.checkins,
                    "approvals": moved.held.approvals,
                }
                if moved.held
                else None,
            }
            for moved in result.carried_over.moved
        ],
        "not_moved": list(result.carried_over.refused),
        "look_renamed": [
            {"period": renamed.period, "from": renamed.old, "to": renamed.new} for renamed in result.renames
        ],
    }


def _held(moved: Moved) -> str:
    if moved.held is None:
        return ""
    parts = ((moved.held.values, "value"), (moved.held.checkins, "check-in"), (moved.held.approvals, "approval"))
    return f" ({', '.join(count(number, name) for number, name in parts if number) or 'nothing was measured yet'})"
