"""The status as a page of text, made for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

import typer
from rich.console import Console
from rich.text import Text

from syncd.okr.words import HEALTH_SIGNS, HEALTH_STYLES, HEALTH_WORDS, age, clock_time, goal, number, percent, steps
from syncd.status.checkin_words import sentences
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report
from syncd.status.unwritten import Trouble, in_short
from syncd.status.verdicts import VERDICT_SIGNS, VERDICT_WORDS, ordered

_NOTE_LINES = 2  # `explain` shows the whole of a long note
_VERDICT_STYLES = {"watermelon": "bold red", "too_early": "cyan", "working": "green", "unknown": "bright_black"}


def print_status(found: Report, unwritten: Sequence[Trouble], console: Console) -> None:
    """Prints a report; objectives with a watermelon come first, and it comes first in them."""
    width = min(console.width, 100)
    with console.capture() as captured:
        for text in render(found, unwritten, width):
            console.print(text, soft_wrap=True, highlight=False)
    typer.echo(captured.get(), nl=False)  # rich itself takes a closed pipe for a failure


def render(found: Report, unwritten: Sequence[Trouble], width: int) -> Iterator[Text]:
    """The lines of a report, none wider than `width` where its ids allow."""
    period = found.period
    passed = period.day_number(found.as_of)
    where = f"day {passed} of {period.days}" if passed else "not begun"
    if found.as_of >= period.span.end:
        where = "over"
    yield Text(f"{period.id}   {where}   as of {clock_time(found.as_of)} ({period.zone.key})", style="bold")
    ids = [line.key_result.id for block in found.objectives for line in block.key_results]
    id_width = min(max(map(len, ids), default=10), 24)
    for block in found.watermelons_first:
        yield Text()
        yield from _objective(block, found, width, id_width)
    if found.synced_at is None:
        yield Text()
        yield Text("Nothing was pulled yet: run `syncd sync`.", style="yellow")
    if unwritten:
        yield Text()
        yield Text("Check-ins that are not written", style="bold")
    for trouble in in_short(unwritten):
        first, *rest = wrap(trouble.sentence, width - 4, break_on_hyphens=False, break_long_words=False)
        yield Text(f"  {trouble.sign} ", style="yellow").append(first, style="default")
        yield from (Text(f"    {part}") for part in rest)


def _objective(block: ObjectiveBlock, found: Report, width: int, id_width: int) -> Iterator[Text]:
    objective, stands = block.objective, block.standing
    owner = objective.owner or ""
    title, *more = wrap(objective.title, max(20, width - len(owner) - 2)) or [""]
    yield Text(title, style="bold").append(owner.rjust(width - len(title)), style="not bold bright_black")
    for part in more:
        yield Text(part, style="bold")
    head = Text("  outcome ").append(percent(stands.score))
    if stands.expected is not None:
        head.append(f" ({percent(stands.expected)} expected)")
    head.append("  ").append(HEALTH_WORDS[stands.health], style=HEALTH_STYLES[stands.health])
    if stands.scored < stands.counted:
        head.append(f"  {stands.scored} of {stands.counted} known", style="yellow")
    if stands.activity is not None:
        head.append(f"     activity {percent(stands.activity)}")
    yield head
    if block.supporting:
        made_of = ", ".join(f"{name} {percent(found.block(name).standing.score)}" for name in block.supporting)
        for part in wrap(f"supported by {made_of}", width - 2):
            yield Text(f"  {part}", style="bright_black")
    for link in ordered(block.alignment):
        verdict = link.alignment.verdict
        style = _VERDICT_STYLES.get(verdict, "yellow")
        label = f"  {VERDICT_SIGNS[verdict]} {VERDICT_WORDS[verdict]}  "
        first, *rest = wrap(link.brief, max(30, width - len(label)))
        yield Text(label, style=style).append(first, style="default")
        for part in rest:
            yield Text(" " * len(label) + part)
    for line in block.key_results:
        yield from _key_result(line, found, width, id_width)


def _key_result(line: KeyResultLine, found: Report, width: int, id_width: int) -> Iterator[Text]:
    kr, health = line.key_result, line.standing.health
    space = max(12, width - id_width - 41)
    aim = goal(kr)
    text = Text("  ").append(HEALTH_SIGNS[health], style=HEALTH_STYLES[health])
    text.append(f" {_cut(kr.id, id_width):<{id_width}} ")
    text.append(f"{number(line.value):>8}", style="bold").append(f"  {_cut(aim, space):<{space}}")
    text.append(f"{percent(line.standing.progress):>7}  ")
    text.append(f"{HEALTH_WORDS[health]:<9}", style=HEALTH_STYLES[health])
    text.append(f" {age(line.as_of, found.as_of):>7}", style="bright_black")
    yield text
    if said_of_steps := steps(kr, line.value, found.period.zone):
        yield from (Text(" " * 6 + part, style="bright_black") for part in wrap(said_of_steps, width - 6))
    if line.reason or line.quality in ("failed", "partial", "stale", "held"):
        said = f"{line.quality}: " if line.quality not in (None, "complete") else ""
        indent = " " * 6
        for part in wrap(f"{said}{line.reason or ''}", max(30, width - len(indent))):
            yield Text(indent + part, style="yellow" if said else "bright_black")
    for sentence_said in sentences(line, found.as_of):
        shown = wrap(sentence_said, width - 6, max_lines=_NOTE_LINES, placeholder=" …")
        yield from (Text(" " * 6 + part, style="cyan") for part in shown)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
