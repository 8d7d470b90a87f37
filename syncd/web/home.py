"""The first page: will we reach our objectives, and if not, which one needs attention first?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.datastructures import QueryParams

from syncd.okr import words
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext, original
from syncd.status.overview import WORST_FIRST, ObjectiveOverview, Overview, overview_of
from syncd.status.report import KeyResultLine
from syncd.status.unwritten import in_short
from syncd.web.pages import render
from syncd.web.view import View

_CROWD = 100
"""If the period has more key results than this, each objective on the page lists fewer of them. Otherwise the page
would be too long to read, and larger than 100 kB.
"""
_MOST_LINES = 8
_MOST_LINES_OF_A_CROWD = 3
_RECENTLY = timedelta(days=7)
_MOST_NOTICES = 5
"""The maximum number of notices of one kind. More would push the first objective off the screen. A line counts the
others, and links to the review of the week, which has all doubts and edits.
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """A line at the top of the page about a problem that affects the numbers below."""

    sentence: str
    link: str | None = None
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the page; an empty text does not filter."""

    owner: str = ""
    health: str = ""
    q: str = ""

    @classmethod
    def of(cls, query: QueryParams) -> Filters:
        """The filters in an address."""
        return cls(query.get("owner", ""), query.get("health", ""), query.get("q", "")[:100])

    def matches(self, each: ObjectiveOverview) -> bool:
        """Whether the page shows an objective: each filter must match the objective or one of its key results."""
        block = each.block
        owners = {block.objective.owner, *(kr.owner for kr in block.objective.key_results)}
        healths = {block.standing.health, *(line.standing.health for line in block.key_results)}
        texts = [block.objective.id, block.objective.title]
        texts += [text for kr in block.objective.key_results for text in (kr.id, kr.title)]
        return (
            (not self.owner or self.owner in owners)
            and (not self.health or self.health in healths)
            and (not self.q or any(self.q.casefold() in text.casefold() for text in texts))
        )


@dataclass(frozen=True, slots=True)
class Card:
    """An objective on the page, with the key results that the page lists. Only the objective's own page lists the
    `rest`.
    """

    overview: ObjectiveOverview
    lines: Sequence[KeyResultLine]
    rest: Sequence[KeyResultLine]


def card_of(overview: ObjectiveOverview, most: int) -> Card:
    """The card with at most `most` lines. If there are more key results, the most urgent ones are shown."""
    lines = overview.block.key_results
    if len(lines) > most:
        lines = sorted(lines, key=lambda line: WORST_FIRST.index(line.standing.health))
    return Card(overview, lines[:most], lines[most:])


def page(view: View, query: QueryParams) -> str:
    """The HTML of the page."""
    overview, filters = overview_of(view.snapshot, view.daemon.ledger), Filters.of(query)
    okrs = view.snapshot.okrs
    most = _MOST_LINES if len(okrs.key_results) <= _CROWD else _MOST_LINES_OF_A_CROWD
    owners = {objective.owner for objective in okrs.objectives} | {kr.owner for kr in okrs.key_results}
    return render(
        "home.html",
        **view.frame(),
        here="home",
        overview=overview,
        shown=[card_of(each, most) for each in overview.objectives if filters.matches(each)],
        troubles=list(_notices(view, overview)),
        periods=[okrs.period.id for okrs in view.daemon.config.periods],
        owners=sorted(filter(None, owners)),
        asked=filters,
        worst_first=WORST_FIRST,
        narrowable=filters != Filters() or len(overview.objectives) > 1 or len(view.daemon.config.periods) > 1,
    )


def _notices(view: View, overview: Overview) -> Iterator[Notice]:
    if view.day is None:
        yield from _of_the_service(view)
    yield from _doubts(view, overview)
    yield from _edits(view)
    for trouble in in_short(view.troubles):
        sentence, bad = f"{trouble.sign} {trouble.sentence}", trouble.state in ("dead", "unsure")
        yield Notice(sentence, view.link("/sources"), bad=bad)


def _of_the_service(view: View) -> Iterator[Notice]:
    """The present problems of the service; the page of a past day does not show them."""
    daemon = view.daemon
    if daemon.config_problem:
        yield Notice(
            f"{_('The configuration is wrong; the last good one is in use.')}\n{original(daemon.config_problem)}",
            bad=True,
        )
    if daemon.cycle_problem:
        yield Notice(f"{_('The last cycle could not run.')}\n{original(daemon.cycle_problem)}", bad=True)
    if daemon.backup_problem:
        yield Notice(f"{_('The last backup of the ledger failed.')}\n{original(daemon.backup_problem)}", bad=True)
    if (over := _without_period(view)) is not None:
        yield Notice(over)


def _without_period(view: View) -> str | None:
    """The reason why the page shows a period without today. None if the period contains today, or if the address names
    the period.
    """
    period, today = view.okrs.period, view.now.astimezone(view.okrs.period.zone).date()
    if view.asked or period.first <= today <= period.last:
        return None
    if today < period.first:
        return _("%(period)s begins on %(day)s", period=period.id, day=words.day(period.first))
    return _(
        "%(period)s ended on %(day)s, and no mapping file has a period with today in it: write the next one",
        period=period.id,
        day=words.day(period.last),
    )


def _doubts(view: View, overview: Overview) -> Iterator[Notice]:
    """A notice for each of the first reasons to doubt numbers, and a line that counts the remaining doubtful numbers.

    A notice links to the page of the sources if a pull failed, else to its first key result.
    """
    names: dict[tuple[str, str, bool], list[str]] = {}
    for line in overview.doubtful:
        quality = None if line.value is None and line.quality == "complete" else line.quality
        state = _(words.QUALITY_WORDS[quality]) if quality else _("unknown")
        of_its_source = view.day is None and line.quality in ("failed", "partial")
        names.setdefault((state, line.reason or _("no number"), of_its_source), []).append(line.key_result.id)
    reasons = list(names.items())
    for (state, reason, of_its_source), alike in reasons[:_MOST_NOTICES]:
        parts = {"name": alike[0], "more": len(alike) - 1, "state": state, "reason": reason}
        sentence = (
            _("%(name)s is %(state)s: %(reason)s", **parts)
            if len(alike) == 1
            else _("%(name)s and %(more)s more are %(state)s: %(reason)s", **parts)
        )
        yield Notice(sentence, view.link("/sources" if of_its_source else f"/key-results/{alike[0]}"))
    if rest := sum(len(alike) for _reason, alike in reasons[_MOST_NOTICES:]):
        sentence = ngettext("and %(num)s more number is in doubt", "and %(num)s more numbers are in doubt", rest)
        yield Notice(sentence, view.link("/reviews/week"))


def _edits(view: View) -> Iterator[Notice]:
    """A notice for each of the first key results that were edited, and a line that counts the others."""
    names = _edited(view)
    for name in names[:_MOST_NOTICES]:
        link = view.link(f"/key-results/{name}", tab="history")
        yield Notice(_("%(name)s was edited in the last seven days", name=name), link)
    if rest := len(names[_MOST_NOTICES:]):
        sentence = ngettext("and %(num)s more key result was edited", "and %(num)s more key results were edited", rest)
        yield Notice(sentence, view.link("/reviews/week"))


def _edited(view: View) -> Sequence[str]:
    """The key results on the page that were edited in the seven days before the moment that the page shows."""
    ledger, period, snapshot = view.daemon.ledger, view.okrs.period.id, view.snapshot
    if ledger is None:
        return ()
    shown = {key_result.id for key_result in snapshot.okrs.key_results}
    redefined = ledger.definitions.redefined(period, ledger.definitions.digests(period))
    by_then = {
        name: [version for version in versions if version.cycle <= snapshot.cycle]
        for name, versions in redefined.items()
    }
    return [
        name
        for name, versions in by_then.items()
        if name in shown and len(versions) > 1 and snapshot.last_instant - versions[-1].ended_at < _RECENTLY
    ]
