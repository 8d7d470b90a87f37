"""`syncd try`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import typer

from syncd.cli.log import set_up_log
from syncd.cli.opening import check_is_file, print_json, reading_ledger
from syncd.cli.output import say
from syncd.cli.progress import print_failures, watcher
from syncd.cli.try_view import render
from syncd.config.connections import short_secrets
from syncd.config.document import MAX_BYTES
from syncd.config.draft import Draft, draft_of_key_result, draft_of_measure
from syncd.config.load import read_chosen
from syncd.config.project import clock_of
from syncd.cycle.try_measure import MOST_PAGES, Tried, try_measure
from syncd.explain.documents import item_document, window_document
from syncd.okr.goals import guard_id, is_guard
from syncd.okr.measures import leaves
from syncd.sdk import ConfigError, RetryPolicy
from syncd.status.document import period_document


def run(path: Path, target: str, *, as_json: bool, workspace: str | None = None) -> None:
    """Computes a measure, and prints the number and its evidence. The exit code is 1 if a source failed."""
    set_up_log("text", logging.ERROR)
    check_is_file(path)
    clock = clock_of(read_chosen(path.absolute(), workspace).settings)
    if target == "-":
        draft = draft_of_measure(path, _standard_input(), clock(), workspace)
    else:
        file, name = _file_and_name(target)
        if not file or not name:
            raise ConfigError(
                f"{target!r} names no key result of a file; write FILE:KR, such as mappings/okrs.yaml:calls, "
                "FILE:KR:guard for its guard, or - for a measure on standard input"
            )
        draft = draft_of_key_result(path, Path(file), name, workspace)
    if problems := list(short_secrets(_connections(draft))):
        raise ConfigError(problems=problems)
    few = RetryPolicy(attempts=2, longest_wait=5, deadline=20)  # tries: a person waits at the terminal
    with watcher(sys.stderr, kept=False) as progress:
        tried = try_measure(draft, reading_ledger(draft.config), clock, few, progress)
    if as_json:
        print_json(document(tried))
    else:
        for line in render(tried):
            say(line)
    if tried.failed:
        print_failures(tried.result)
        raise typer.Exit(1)


def _file_and_name(target: str) -> tuple[str, str]:
    """The file of a target, and the id of its key result or guard; the id is empty if the target names none."""
    file, _, name = target.rpartition(":")
    if is_guard(target) and not Path(file).is_file():  # if this file exists, `guard` is the id of a key result
        file, _, guarded = file.rpartition(":")
        name = guard_id(guarded) if guarded else ""
    return file, name


def _standard_input() -> str:
    """Reads all of standard input, up to the size of a mapping file. The text is empty if standard input was closed
    before the start.
    """
    if sys.stdin is None:
        return ""
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigError("standard input holds more than 1 MB; write a single measure")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("standard input is not UTF-8 text; write a measure in YAML") from None


def _connections(draft: Draft) -> list[Any]:
    names = dict.fromkeys(leaf.connection for leaf in leaves(draft.measure))
    return [draft.config.connections[name] for name in names]


def document(tried: Tried) -> dict[str, Any]:
    """The result of a tried measure as `try --json` prints it. Times are RFC 3339; lists are complete."""
    draft, zone = tried.draft, tried.draft.config.zone
    return {
        "as_of": tried.at.astimezone(zone).isoformat(timespec="seconds"),
        "key_result": None if draft.is_bare else draft.key_result.id,
        "title": None if draft.is_bare else draft.key_result.title,
        "period": period_document(draft.period),
        "value": tried.answer.number,
        "unit": draft.key_result.unit,
        "progress": tried.standing.progress if tried.standing is not None else None,
        "quality": tried.quality,
        "reason": tried.reason,
        "pages": {"read": tried.pages, "at_most": MOST_PAGES},
        "parts": [
            {
                "name": part.name,
                "measure": part.words,
                "window": window_document(part.window, zone),
                "arithmetic": part.arithmetic,
            }
            for part in tried.parts
        ],
        "counted": [item_document(item, zone) for item in tried.items if item.left_out is None],
        "left_out": [
            {**item_document(item, zone), "rule": item.left_out} for item in tried.items if item.left_out is not None
        ],
        "lacking": tried.answer.lacking,
        "failures": [
            {"connection": pull.connection, "stream": pull.stream.key, "reason": reason}
            for pull, reason in tried.result.failures
        ],
        "not_sent": [
            {"connection": result.pull.connection, "stream": result.pull.stream.key, "reason": result.not_sent}
            for result in tried.result.pulls
            if result.not_sent is not None
        ],
    }
