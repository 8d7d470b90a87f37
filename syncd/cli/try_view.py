"""The output of `syncd try`, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from syncd.cli.explain import part_lines
from syncd.cli.lines import cut, labelled, rounded, wrapped
from syncd.cli.output import styled
from syncd.cli.progress import not_sent
from syncd.cycle.try_measure import Tried
from syncd.explain.items import Item
from syncd.okr.measures import FormulaMeasure
from syncd.okr.words import HEALTH_WORDS, clock_time, count, day, goal, goal_bounds, progress_figure, value_figure

_COUNTED = 5  # rows shown of those that count
_LEFT_OUT = 3  # rows shown for each rule


def render(tried: Tried) -> Iterator[str]:
    """The number, the rows behind it, and a line that says that nothing was stored."""
    zone = tried.draft.config.zone
    yield from _heading(tried)
    yield from _quality(tried, zone)
    for part in tried.parts:
        yield from part_lines(part, zone)
    measure = tried.draft.measure
    if isinstance(measure, FormulaMeasure):
        yield ""
        result = value_figure(tried.draft.key_result, tried.answer.number, "unknown")
        yield from labelled("formula", f"{measure.expression} = {result}")
    if tried.answer.lacking:
        verb = "lacks" if tried.answer.lacking == 1 else "lack"
        yield from labelled("", f"{count(tried.answer.lacking, 'record')} {verb} the field: left out")
    for name in [part.name for part in tried.parts]:
        yield from _items(tried, name, [item for item in tried.items if item.part == name], zone)
    yield ""
    yield "nothing was kept"


def _heading(tried: Tried) -> Iterator[str]:
    key_result, number = tried.draft.key_result, tried.answer.number
    value = styled(value_figure(key_result, number, "unknown"), bold=True)
    if tried.draft.is_bare:
        yield f"the measure on standard input, in {tried.draft.period.id}"
        yield f"  {value}"
        return
    yield from wrapped(f"{key_result.id}: {key_result.title}", rest="  ")
    stands = tried.standing
    assert stands is not None  # the draft has a goal
    way = f"   {progress_figure(stands)} of the way" if stands.progress is not None else ""
    health = f", {HEALTH_WORDS[stands.health]}" if way and tried.quality == "complete" else ""
    yield f"  {value}  {goal(key_result, number)}{way}{health}"


def _quality(tried: Tried, zone: ZoneInfo) -> Iterator[str]:
    pages = count(tried.pages, "page") if tried.pages else "no page"
    if tried.held_at is not None:
        synced = clock_time(tried.held_at.astimezone(zone))
        pages = f"what the ledger holds, synced {synced}, and {pages}"
    reason = f": {tried.reason}" if tried.reason else ""
    yield from wrapped(f"{tried.quality}{reason}", "  ")
    yield from wrapped(f"from {pages} read now", "  ")
    for line in not_sent(tried.result):
        yield from wrapped(line, "  ", "    ")


def _items(tried: Tried, name: str | None, items: Sequence[Item], zone: ZoneInfo) -> Iterator[str]:
    of = f" in {name}" if name else ""
    counted = [item for item in items if item.left_out is None]
    yield from _block(f"counts{of} ({len(counted):,})", counted, _COUNTED, tried, zone)
    rules: dict[str, list[Item]] = {}
    for item in items:
        if item.left_out is not None:
            rules.setdefault(item.left_out, []).append(item)
    for rule, left_out in sorted(rules.items(), key=lambda pair: -len(pair[1])):
        yield from _block(f"left out{of} ({len(left_out):,}): {rule}", left_out, _LEFT_OUT, tried, zone)


def _block(heading: str, items: Sequence[Item], most: int, tried: Tried, zone: ZoneInfo) -> Iterator[str]:
    bounds = goal_bounds(tried.draft.key_result.goal)
    yield ""
    yield from wrapped(heading, rest="  ")
    for item in items[:most]:
        when = day(item.at.astimezone(zone)) if item.at else ""
        brings = f"{rounded(item.brings, bounds):>8}  " if item.brings is not None and item.brings != "1" else ""
        yield cut(f"  {when:>6}  {brings}{item.label}  {item.title}")
    if len(items) > most:
        yield f"  … {len(items) - most:,} more"
