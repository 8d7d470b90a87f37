"""The status as text for a terminal of 80 columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from textwrap import wrap

from syncd.cli.lines import cut
from syncd.cli.output import say, styled
from syncd.okr.words import (
    HEALTH_SIGNS,
    HEALTH_STYLES,
    HEALTH_WORDS,
    SCORE_WORDS,
    activity_figure,
    age,
    clock_time,
    goal,
    percent,
    progress_figure,
    score_figure,
    steps,
    value_figure,
)
from syncd.okr.work import Work
from syncd.status.checkin_words import sentences
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report, nothing_pulled
from syncd.status.unwritten import Trouble, in_short
from syncd.status.verdicts import VERDICT_SIGNS, ordered
from syncd.status.work_words import work_sentences

_NOTE_LINES = 2  # `explain` shows a long note in full
_VERDICT_STYLES = {"watermelon": "bold red", "too_early": "cyan", "working": "green", "unknown": "bright_black"}


def print_status(report: Report, unwritten: Sequence[Trouble], work: Work | None) -> None:
    """Prints a report, and where the work went. Objectives with a watermelon come first; in each objective, watermelons
    come first.
    """
    width = min(get_terminal_size().columns, 100)
    colourless = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    for line in render(report, unwritten, work, width):
        say(line, color=False if colourless else None)


def render(report: Report, unwritten: Sequence[Trouble], work: Work | None, width: int) -> Iterator[str]:
    """The lines of a report, at most `width` columns wide unless ids are too long."""
    period = report.period
    passed = period.day_number(report.as_of)
    where = f"day {passed} of {period.days}" if passed else "not begun"
    if report.moment >= period.span.end:
        where = "over"
    yield _styled(f"{period.id}   {where}   as of {clock_time(report.as_of)} ({period.zone.key})", "bold")
    ids = [line.key_result.id for line in report.lines]
    id_width = min(max(map(len, ids), default=10), 24)
    for block in report.watermelons_first:
        yield ""
        yield from _objective(block, report, width, id_width)
    if work is not None and report.synced_at is not None:
        yield ""
        yield _styled("Where the work went", "bold")
        for sentence in work_sentences(work):
            yield from (f"  {part}" for part in wrap(sentence, width - 2, break_on_hyphens=False))
    if (hint := nothing_pulled(report)) is not None:
        yield ""
        yield _styled(hint, "yellow")
    if unwritten:
        yield ""
        yield _styled("Check-ins that are not written", "bold")
    for trouble in in_short(unwritten):
        first, *rest = wrap(trouble.sentence, width - 4, break_on_hyphens=False, break_long_words=False)
        yield _styled(f"  {trouble.sign} ", "yellow") + first
        yield from (f"    {part}" for part in rest)


def _objective(block: ObjectiveBlock, report: Report, width: int, id_width: int) -> Iterator[str]:
    objective, stands = block.objective, block.standing
    owner = objective.owner or ""
    title, *more = wrap(objective.title, max(20, width - len(owner) - 2)) or [""]
    yield _styled(title, "bold") + _styled(owner.rjust(width - len(title)), "bright_black")
    for part in more:
        yield _styled(part, "bold")
    head = f"  {SCORE_WORDS[objective.rollup]} {score_figure(stands)}"
    if stands.expected is not None:
        head += f" ({percent(stands.expected)} expected)"
    head += "  " + _styled(HEALTH_WORDS[stands.health], HEALTH_STYLES[stands.health])
    if stands.scored < stands.counted:
        head += _styled(f"  {stands.scored} of {stands.counted} known", "yellow")
    if stands.activity is not None:
        head += f"     activity {activity_figure(stands)}"
    yield head
    if block.supporting:
        made_of = ", ".join(f"{name} {score_figure(standing)}" for name, standing in block.supporting)
        for part in wrap(f"supported by {made_of}", width - 2):
            yield _styled(f"  {part}", "bright_black")
    for link in ordered(block.alignment):
        verdict = link.alignment.verdict
        style = _VERDICT_STYLES.get(verdict, "yellow")
        label = f"  {VERDICT_SIGNS[verdict]} {link.words}  "
        first, *rest = wrap(link.brief, max(30, width - len(label)))
        yield _styled(label, style) + first
        for part in rest:
            yield " " * len(label) + part
    for line in block.key_results:
        yield from _key_result(line, report, width, id_width)


def _key_result(line: KeyResultLine, report: Report, width: int, id_width: int) -> Iterator[str]:
    kr, health = line.key_result, line.standing.health
    progress = progress_figure(line.standing)
    space = max(12, width - id_width - 41 - max(0, len(progress) - 6))  # a long progress takes space from the goal
    yield (
        f"  {_styled(HEALTH_SIGNS[health], HEALTH_STYLES[health])} {cut(kr.id, id_width):<{id_width}} "
        + _styled(f"{value_figure(kr, line.value):>8}", "bold")
        + f"  {cut(goal(kr, line.value), space):<{space}} {progress:>6}  "
        + _styled(f"{HEALTH_WORDS[health]:<9}", HEALTH_STYLES[health])
        + _styled(f" {age(line.as_of, report.as_of):>7}", "bright_black")
    )
    if next_steps := steps(kr, line.value, report.period.zone):
        yield from _beneath(next_steps, width, "bright_black")
    if line.reason or line.quality in ("failed", "partial", "stale", "held"):
        quality = f"{line.quality}: " if line.quality not in (None, "complete") else ""
        yield from _beneath(f"{quality}{line.reason or ''}", width, "yellow" if quality else "bright_black")
    for sentence in sentences(line, report.as_of):
        yield from _beneath(sentence, width, "cyan", max_lines=_NOTE_LINES)


def _beneath(text: str, width: int, style: str, max_lines: int | None = None) -> Iterator[str]:
    """A text in indented lines below a key result's line."""
    for part in wrap(text, max(30, width - 6), max_lines=max_lines, placeholder=" …"):
        yield _styled(" " * 6 + part, style)


def _styled(text: str, style: str) -> str:
    """A text in a style that words describe, such as `bold red`. `say` shows styles only on a terminal."""
    words = style.split()
    colour = next((word for word in words if word != "bold"), None)
    return styled(text, fg=colour, bold="bold" in words or None)
