"""The status as a page of text, made for a terminal of 80 columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from textwrap import wrap

import typer

from syncd.okr.words import HEALTH_SIGNS, HEALTH_STYLES, HEALTH_WORDS, age, clock_time, goal, number, percent, steps
from syncd.status.checkin_words import sentences
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report
from syncd.status.unwritten import Trouble, in_short
from syncd.status.verdicts import VERDICT_SIGNS, VERDICT_WORDS, ordered

_NOTE_LINES = 2  # `explain` shows the whole of a long note
_VERDICT_STYLES = {"watermelon": "bold red", "too_early": "cyan", "working": "green", "unknown": "bright_black"}


def print_status(found: Report, unwritten: Sequence[Trouble]) -> None:
    """Prints a report; objectives with a watermelon come first, and it comes first in them."""
    width = min(get_terminal_size().columns, 100)
    colourless = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    typer.echo("\n".join(render(found, unwritten, width)), color=False if colourless else None)


def render(found: Report, unwritten: Sequence[Trouble], width: int) -> Iterator[str]:
    """The lines of a report, none wider than `width` where its ids allow."""
    period = found.period
    passed = period.day_number(found.as_of)
    where = f"day {passed} of {period.days}" if passed else "not begun"
    if found.as_of >= period.span.end:
        where = "over"
    yield _styled(f"{period.id}   {where}   as of {clock_time(found.as_of)} ({period.zone.key})", "bold")
    ids = [line.key_result.id for block in found.objectives for line in block.key_results]
    id_width = min(max(map(len, ids), default=10), 24)
    for block in found.watermelons_first:
        yield ""
        yield from _objective(block, found, width, id_width)
    if found.synced_at is None:
        yield ""
        yield _styled("Nothing was pulled yet: run `syncd sync`.", "yellow")
    if unwritten:
        yield ""
        yield _styled("Check-ins that are not written", "bold")
    for trouble in in_short(unwritten):
        first, *rest = wrap(trouble.sentence, width - 4, break_on_hyphens=False, break_long_words=False)
        yield _styled(f"  {trouble.sign} ", "yellow") + first
        yield from (f"    {part}" for part in rest)


def _objective(block: ObjectiveBlock, found: Report, width: int, id_width: int) -> Iterator[str]:
    objective, stands = block.objective, block.standing
    owner = objective.owner or ""
    title, *more = wrap(objective.title, max(20, width - len(owner) - 2)) or [""]
    yield _styled(title, "bold") + _styled(owner.rjust(width - len(title)), "bright_black")
    for part in more:
        yield _styled(part, "bold")
    head = f"  outcome {percent(stands.score)}"
    if stands.expected is not None:
        head += f" ({percent(stands.expected)} expected)"
    head += "  " + _styled(HEALTH_WORDS[stands.health], HEALTH_STYLES[stands.health])
    if stands.scored < stands.counted:
        head += _styled(f"  {stands.scored} of {stands.counted} known", "yellow")
    if stands.activity is not None:
        head += f"     activity {percent(stands.activity)}"
    yield head
    if block.supporting:
        made_of = ", ".join(f"{name} {percent(found.block(name).standing.score)}" for name in block.supporting)
        for part in wrap(f"supported by {made_of}", width - 2):
            yield _styled(f"  {part}", "bright_black")
    for link in ordered(block.alignment):
        verdict = link.alignment.verdict
        style = _VERDICT_STYLES.get(verdict, "yellow")
        label = f"  {VERDICT_SIGNS[verdict]} {VERDICT_WORDS[verdict]}  "
        first, *rest = wrap(link.brief, max(30, width - len(label)))
        yield _styled(label, style) + first
        for part in rest:
            yield " " * len(label) + part
    for line in block.key_results:
        yield from _key_result(line, found, width, id_width)


def _key_result(line: KeyResultLine, found: Report, width: int, id_width: int) -> Iterator[str]:
    kr, health = line.key_result, line.standing.health
    space = max(12, width - id_width - 41)
    aim = goal(kr)
    yield (
        f"  {_styled(HEALTH_SIGNS[health], HEALTH_STYLES[health])} {_cut(kr.id, id_width):<{id_width}} "
        + _styled(f"{number(line.value):>8}", "bold")
        + f"  {_cut(aim, space):<{space}}{percent(line.standing.progress):>7}  "
        + _styled(f"{HEALTH_WORDS[health]:<9}", HEALTH_STYLES[health])
        + _styled(f" {age(line.as_of, found.as_of):>7}", "bright_black")
    )
    if said_of_steps := steps(kr, line.value, found.period.zone):
        yield from (_styled(" " * 6 + part, "bright_black") for part in wrap(said_of_steps, width - 6))
    if line.reason or line.quality in ("failed", "partial", "stale", "held"):
        said = f"{line.quality}: " if line.quality not in (None, "complete") else ""
        indent = " " * 6
        for part in wrap(f"{said}{line.reason or ''}", max(30, width - len(indent))):
            yield _styled(indent + part, "yellow" if said else "bright_black")
    for sentence_said in sentences(line, found.as_of):
        shown = wrap(sentence_said, width - 6, max_lines=_NOTE_LINES, placeholder=" …")
        yield from (_styled(" " * 6 + part, "cyan") for part in shown)


def _styled(text: str, style: str) -> str:
    """A text in one of the styles that go with words, such as `bold red`; `typer.echo` shows it on a terminal only."""
    words = style.split()
    colour = next((word for word in words if word != "bold"), None)
    return typer.style(text, fg=colour, bold="bold" in words or None)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
