"""The first page: are we getting where we want to, and if not, where first?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from syncd.okr.words import QUALITY_WORDS
from syncd.sdk.language import gettext as _
from syncd.status.overview import ObjectiveOverview, Overview, overview_of
from syncd.status.unwritten import in_short
from syncd.web.pages import render
from syncd.web.view import View


@dataclass(frozen=True, slots=True)
class Notice:
    """A line of the strip at the top: what is in the way of the numbers below."""

    sentence: str
    link: str | None = None
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """What the page is narrowed to; an empty text narrows nothing."""

    owner: str = ""
    health: str = ""
    q: str = ""

    @classmethod
    def of(cls, query: QueryParams) -> Filters:
        """The filters in an address."""
        return cls(query.get("owner", ""), query.get("health", ""), query.get("q", "")[:100])

    def matches(self, each: ObjectiveOverview) -> bool:
        """Whether an objective is shown: it, or one of its key results, has all that is asked for."""
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


def page(view: View, query: QueryParams) -> str:
    """The page."""
    overview, filters = overview_of(view.snapshot, view.daemon.ledger), Filters.of(query)
    owners = {objective.owner for objective in view.okrs.objectives}
    owners |= {kr.owner for kr in view.okrs.key_results}
    return render(
        "home.html",
        **view.frame(),
        here="home",
        overview=overview,
        shown=[each for each in overview.objectives if filters.matches(each)],
        troubles=list(_notices(view, overview)),
        periods=[okrs.period.id for okrs in view.daemon.config.periods],
        owners=sorted(filter(None, owners)),
        asked=filters,
    )


def _notices(view: View, overview: Overview) -> Iterator[Notice]:
    daemon, query = view.daemon, view.frame()["query"]
    if daemon.config_problem:
        yield Notice(
            f"{_('The configuration is wrong; the last good one is in use.')}\n{daemon.config_problem}", bad=True
        )
    if daemon.cycle_problem:
        yield Notice(f"{_('The last cycle could not run.')}\n{daemon.cycle_problem}", bad=True)
    if daemon.backup_problem:
        yield Notice(f"{_('The last backup of the ledger failed.')}\n{daemon.backup_problem}", bad=True)
    for line in overview.doubtful:
        name, quality = line.key_result.id, line.quality
        if quality is None or (line.value is None and quality == "complete"):
            state = _("unknown")
        else:
            state = _(QUALITY_WORDS[quality])
        sentence = _("%(name)s is %(state)s: %(reason)s", name=name, state=state, reason=line.reason or _("no number"))
        yield Notice(sentence, f"/key-results/{name}{query}")
    for trouble in in_short(daemon.troubles()):
        yield Notice(f"{trouble.sign} {trouble.sentence}", f"/sources{query}", bad=trouble.state in ("dead", "unsure"))
