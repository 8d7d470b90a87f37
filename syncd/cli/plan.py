"""`syncd plan`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer

from syncd.cli.moved import moves_document
from syncd.cli.opening import print_json
from syncd.cli.output import say
from syncd.cli.plan_view import publisher_failures, render
from syncd.cli.progress import print_failures
from syncd.cli.pulling import ready_to_pull
from syncd.cycle.plan import plan_sync
from syncd.cycle.plan_changes import KeyResultChange, PeriodChanges, Planned
from syncd.explain.items import Item
from syncd.okr.rollup import ObjectiveStanding
from syncd.publishing.preview import Preview
from syncd.status.report import KeyResultLine


def run(
    path: Path, *, only: str | None, as_json: bool, exit_code: bool, log_format: str, workspace: str | None = None
) -> None:
    """Prints what a sync would change. The exit code is 1 if a source or a publisher failed. Otherwise it is 3 if there
    are changes and `exit_code` is set, else 0.

    A failed source has priority over changes, because the next sync may measure its key results differently from this
    plan.
    """
    with ready_to_pull(path, only, log_format, workspace=workspace) as request:
        zone = request.config.zone
        planned = plan_sync(request)
    if as_json:
        print_json(document(planned, zone))
    else:
        for line in render(planned, zone):
            say(line)
    print_failures(planned.result)
    for line in publisher_failures(planned):
        say(line, err=True)
    if planned.result.failures or any(preview.failed for preview in planned.publish):
        raise typer.Exit(1)
    if exit_code and planned:
        raise typer.Exit(3)


def document(planned: Planned, zone: ZoneInfo) -> dict[str, Any]:
    """The plan as `plan --json` prints it. Times are RFC 3339; lists are complete."""
    return {
        "as_of": _time(planned.as_of, zone),
        "changes": bool(planned),
        "measured": planned.measured,
        "streams": len(planned.result.pulls),
        "periods": [_period(period, zone) for period in planned.periods],
        "failures": [
            {"connection": pull.connection, "stream": pull.stream.key, "reason": reason}
            for pull, reason in planned.result.failures
        ],
        "not_sent": [
            {"connection": result.pull.connection, "stream": result.pull.stream.key, "reason": result.not_sent}
            for result in planned.result.pulls
            if result.not_sent is not None
        ],
        **moves_document(planned.result),
        "publish": [_preview(preview) for preview in planned.publish],
    }


def _preview(preview: Preview) -> dict[str, Any]:
    return {
        "to": preview.connection,
        "target": preview.target,
        "key_result": preview.key_result or None,
        "changes": [
            {
                "place": change.place,
                "where": change.where,
                "old": change.old,
                "new": change.new,
                "left_alone": change.foreign,
            }
            for change in preview.changes
        ],
        "problem": preview.problem,
        "failed": preview.failed,
    }


def _period(period: PeriodChanges, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": period.period.id,
        "days_edited": period.days_edited,
        "verdicts": [
            {
                "output": change.new.alignment.output,
                "outcome": change.new.alignment.outcome,
                "old": change.old.alignment.verdict,
                "new": change.new.alignment.verdict,
                "since": change.new.alignment.since.isoformat() if change.new.alignment.since else None,
            }
            for change in period.verdicts
        ],
        "objectives": [
            {
                "id": change.objective.id,
                "old": _standing(change.old),
                "new": _standing(change.new),
                "edits": [{"key": edit.key, "old": edit.old, "new": edit.new} for edit in change.edits],
            }
            for change in period.objectives
        ],
        "key_results": [_change(change, zone) for change in period.key_results],
        "removed": [
            {"id": removed.id, "title": removed.title, "file": removed.file, "value": removed.value.number}
            for removed in period.removed
        ],
        "waiting": [
            {"id": line.key_result.id, "candidate": line.candidate, "reason": line.reason, "approve": command}
            for line, command in period.waiting
        ],
    }


def _standing(standing: ObjectiveStanding) -> dict[str, Any]:
    return {"score": standing.score, "activity": standing.activity, "health": standing.health}


def _change(change: KeyResultChange, zone: ZoneInfo) -> dict[str, Any]:
    differences = change.differences
    return {
        "id": change.key_result.id,
        "title": change.key_result.title,
        "unit": change.key_result.unit,
        "file": change.file,
        "old": _line(change.old, zone) if change.old else None,
        "new": _line(change.new, zone),
        "remeasured": change.remeasured,
        "edits": [{"key": edit.key, "old": edit.old, "new": edit.new} for edit in change.edits],
        "enters": [_item(item, zone) for item in differences.enters],
        "leaves": [{**_item(item, zone), "why": item.left_out} for item in differences.leaves],
        "brings_another": [{**_item(new, zone), "brought": old.brings} for old, new in differences.brings],
        "approve": change.approve,
        "guard": _change(change.guard, zone) if change.guard else None,
    }


def _line(line: KeyResultLine, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "value": line.value,
        "progress": line.standing.progress,
        "score": line.standing.score,
        "health": line.standing.health,
        "quality": line.quality,
        "candidate": line.candidate,
        "as_of": _time(line.as_of, zone),
        "reason": line.reason,
    }


def _item(item: Item, zone: ZoneInfo) -> dict[str, Any]:
    fields = {
        "label": item.label,
        "title": item.title,
        "url": item.url or None,
        "at": _time(item.at, zone),
        "brings": item.brings,
    }
    return fields | ({"part": item.part} if item.part else {})


def _time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment else None
