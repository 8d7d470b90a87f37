"""Makes the sentences of a review, as plain text. Markdown, the page and the notification use the same sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from syncd.explain.approvals import PastApproval
from syncd.explain.period_edits import OBJECTIVE
from syncd.explain.requests import whole_words
from syncd.ledger.requests import Request
from syncd.okr.alignment import Verdict
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, Milestones, Target
from syncd.okr.words import (
    HEALTH_WORDS,
    activity_figure,
    change,
    day,
    goal,
    is_counted,
    percent,
    score_figure,
    value_figure,
)
from syncd.review.model import Attention, DefinitionChange, Move, ObjectiveReview, Review
from syncd.review.movement_words import SHOWN, arrow, causes_words, movement, not_comparable
from syncd.sdk.figures import full_number
from syncd.sdk.language import ISOLATED, ngettext
from syncd.sdk.language import gettext as _
from syncd.status.report import nothing_pulled as nothing_pulled
from syncd.status.verdicts import ordered
from syncd.status.work_words import work_sentences as work_sentences

_SHOWN_VERDICTS = ("watermelon", "unexplained", "under_delivered")


class VerdictSentence(NamedTuple):
    """A verdict on a link. `words` name the verdict and its first day; `sentence` gives the reason."""

    verdict: Verdict
    words: str
    sentence: str


def title(review: Review) -> str:
    """The title, such as `2026-Q4, 15 Nov to 21 Nov`; only the period if the whole period is reviewed."""
    if review.whole:
        return _("%(period)s in review", period=review.period.id)
    first, last = day(review.days.first), day(review.days.last)
    return _("%(period)s, %(first)s to %(last)s", period=review.period.id, first=first, last=last)


def headline(review: Review) -> tuple[str, str]:
    """Two lines. The first line shows the day of the period and the health of the objectives. The second line shows how
    many key results moved, and the problems.
    """
    period, today = review.period, review.as_of
    if not review.begun:
        where = _("It begins on %(day)s", day=day(period.first))
    elif review.over:
        where = _("It ended on %(day)s", day=day(period.last))
    else:
        where = _("Day %(day)s of %(days)s", day=period.day_number(today), days=period.days)
    healths = Counter(objective.block.standing.health for objective in review.objectives)
    by_health = ", ".join(
        f"{healths[health]} {_(HEALTH_WORDS[health])}"
        for health in ("off_track", "at_risk", "on_track", "done", "unknown")
        if healths[health]
    )
    moved = sum(move.movement == "moved" for move in review.moves)
    qualities = Counter(move.line.quality for move in review.moves)
    unknown = sum(
        move.line.standing.health == "unknown" and move.line.quality not in ("stale", "held") for move in review.moves
    )
    counts = {_("stale"): qualities["stale"], _("held"): qualities["held"], _("unknown"): unknown}
    key_results = ngettext("%(num)s key result", "%(num)s key results", len(review.moves))
    parts = [
        _("%(num)s of %(key_results)s moved", num=moved, key_results=key_results),
        *(f"{number_of} {what}" for what, number_of in counts.items() if number_of),
    ]
    if review.changes:
        parts.append(ngettext("%(num)s change of definitions", "%(num)s changes of definitions", len(review.changes)))
    objectives = ngettext("%(num)s objective", "%(num)s objectives", len(review.objectives))
    state = _("%(where)s; of %(objectives)s: %(healths)s.", where=where, objectives=objectives, healths=by_health)
    return state, f"{', '.join(parts)}."


def score_sentence(objective: ObjectiveReview) -> str:
    """A sentence such as `Score 15 % → 18 %, 56 % expected: off track; activity 62 % → 79 %.`, without an arrow if the
    scores at the start and the end cannot be compared.
    """
    now, before = objective.block.standing, objective.before
    old = score_figure(before) if before else None
    score = arrow(old if objective.same_score else None, _("unknown") if now.score is None else score_figure(now))
    parts = [_("Score %(score)s", score=score)]
    if now.expected is not None:
        health = _(HEALTH_WORDS[now.health])
        parts[0] += _(", %(share)s expected: %(health)s", share=percent(now.expected), health=health)
    if now.scored < now.counted:
        parts.append(_("%(scored)s of %(counted)s known", scored=now.scored, counted=now.counted))
    if before is not None and before.score is not None and not objective.same_score:
        parts.append(_("it was %(score)s over other known key results", score=old))
    if now.activity is not None:
        old_activity = activity_figure(before) if before and objective.same_activity else None
        parts.append(_("activity %(figure)s", figure=arrow(old_activity, activity_figure(now))))
    return "; ".join(parts) + "."


def verdicts(objective: ObjectiveReview) -> Iterator[VerdictSentence]:
    """The verdicts that need an action, watermelons first. If no sync stored the output's number at the start of the
    days, the verdict's first day is left out, because it would only be the day of the first sync.
    """
    kept = {move.line.key_result.id for move in objective.moves if move.start and move.start.source == "kept"}
    for link in ordered(objective.block.alignment):
        verdict = link.alignment.verdict
        if verdict in _SHOWN_VERDICTS:
            words = link.words[0].upper() + link.words[1:]
            if link.verdict_since and link.alignment.output in kept:
                words = _("%(verdict)s since %(day)s", verdict=words, day=day(link.verdict_since))
            yield VerdictSentence(verdict, words, link.brief)


def key_result_sentences(objective: ObjectiveReview, review: Review) -> Iterator[tuple[str, str]]:
    """The key results that have a sentence of their own, as pairs of id and sentence."""
    for move in objective.moves:
        if (sentence := _own_sentence(move, review)) is not None:
            yield move.line.key_result.id, sentence


def summary_sentences(objective: ObjectiveReview, review: Review) -> Iterator[str]:
    """A sentence about the key results that did not move and have no sentence of their own, and a sentence about the
    new key results.
    """
    others = [move for move in objective.moves if _own_sentence(move, review) is None]
    if still := [move for move in others if move.movement == "still"]:
        yield _("Not moved: %(numbers)s.", numbers=", ".join(map(_not_moved, still)))
    if new := [move for move in others if move.movement == "new"]:
        numbers = ", ".join(f"{move.line.key_result.id} {movement(move, review)}" for move in new)
        yield _("Unknown on %(day)s: %(numbers)s.", day=day(review.days.before), numbers=numbers)


def _own_sentence(move: Move, review: Review) -> str | None:
    """A sentence about a key result that moved or was edited; in the review of a whole period, about every outcome."""
    if move.movement == "remeasured":
        sentence = f"{movement(move, review)}: {not_comparable(move)}"
    elif review.whole and move.line.key_result.kind == "outcome":
        sentence = _outcome(move)
    elif move.movement == "moved" or (move.movement == "still" and move.goal_edits):
        sentence = movement(move, review)
    else:
        return None
    if move.goal_edits:
        sentence += f" ({_('edited: %(edits)s', edits='; '.join(map(str, move.goal_edits)))})"
    causes = causes_words(move, review) if move.movement == "moved" else None
    return f"{sentence}. {causes}." if causes else f"{sentence}."


def _not_moved(move: Move) -> str:
    since = f" {_('since %(day)s', day=day(move.still_since))}" if move.still_since else ""
    return f"{move.line.key_result.id} {value_figure(move.line.key_result, move.line.value)}{since}"


def _outcome(move: Move) -> str:
    """The score of an outcome over a period, as in `1,200 → 1,092, the goal is 600 calls/week: score 18 %, off
    track`.
    """
    line, kr = move.line, move.line.key_result
    start = value_figure(kr, move.start.value) if move.start and not move.measured_differently else None
    score = _("no score")
    if line.standing.score is not None:
        score = _("score %(figure)s", figure=score_figure(line.standing))
    sentence = _(
        "%(value)s, the goal is %(goal)s: %(score)s, %(health)s",
        value=_("unknown") if line.value is None else arrow(start, value_figure(kr, line.value)),
        goal=_aim(kr),
        score=score,
        health=_(HEALTH_WORDS[line.standing.health]),
    )
    return f"{sentence}; {_edited(move.times_edited)}" if move.times_edited else sentence


def _aim(kr: KeyResult) -> str:
    """The number at which a goal is met, such as `600 calls/week`, `4 milestones` or `at least 99.5 %`."""
    match kr.goal:
        case Target(target):
            return f"{full_number(target)} {kr.unit}" if kr.unit else full_number(target)
        case Milestones(every) if is_counted(kr):
            return ngettext("%(num)s milestone", "%(num)s milestones", len(every))
    return goal(kr)


def _edited(times: int) -> str:
    if times == 1:
        return _("its definition was edited once")
    if times == 2:
        return _("its definition was edited twice")
    return _("its definition was edited %(num)s times", num=times)


def attention(attention: Attention) -> str:
    """The problem of some key results, and the next step."""
    reason = attention.reason[0].upper() + attention.reason[1:]
    return f"{reason}{'' if reason.rstrip(ISOLATED).endswith('.') else '.'} {attention.advice}"


def definition_change(change: DefinitionChange, review: Review) -> str:
    """A change of a definition, as in `12 Nov, mappings/support.yaml: shipped target: 20 → 8`."""
    when = day(change.at.astimezone(review.period.zone))
    if change.objective is not None:
        edit = str(change.edit).removeprefix(f"{OBJECTIVE}.")
        return f"{when}, {change.file}: {_('objective %(name)s', name=change.objective)} {edit}"
    names = ", ".join(change.key_results)
    if len(change.key_results) > SHOWN:
        names = f"{ngettext('%(num)s key result', '%(num)s key results', len(change.key_results))}:"
    if change.what == "added":
        return f"{when}, {change.file}: {_('%(names)s is new', names=names)}"
    if change.what == "removed":
        return f"{when}, {change.file}: {_('%(names)s is in no file any more', names=names)}"
    return f"{when}, {change.file}: {names} {change.edit}"


def checkin(name: str, checkin: CheckIn, review: Review) -> str:
    """A check-in, as in `21 Nov, Dana on mood: 7, confidence 60 %: the note`."""
    move = review.by_id.get(name)
    figure = full_number(checkin.value) if move is None else value_figure(move.line.key_result, checkin.value)
    parts = [figure] if checkin.value is not None else []
    if checkin.confidence is not None:
        parts.append(_("confidence %(share)s", share=percent(checkin.confidence)))
    parts += [checkin.note] if checkin.note else []
    zone = review.period.zone
    if checkin.dated is not None:
        parts[0] = f"{_('for %(day)s', day=day(checkin.dated.astimezone(zone)))}, {parts[0]}"
    if (withdrawal := checkin.withdrawn) is not None:
        on = day(withdrawal.at.astimezone(zone))
        withdrawn = _("withdrawn on %(day)s by %(person)s", day=on, person=withdrawal.by)
        parts.append(f"{withdrawn}: {withdrawal.note}" if withdrawal.note else withdrawn)
    when = day(checkin.at.astimezone(zone))
    heading = _("%(day)s, %(person)s on %(name)s", day=when, person=checkin.by, name=name)
    return f"{heading}: {', '.join(parts)}"


def approval(name: str, approval: PastApproval, review: Review) -> str:
    """An approval, as in `21 Nov, Dana on calls: 1,092 → 5`."""
    move = review.by_id.get(name)
    old, new = (
        full_number(number, _("unknown")) if move is None else value_figure(move.line.key_result, number, _("unknown"))
        for number in (approval.old, approval.new)
    )
    when = day(approval.at.astimezone(review.period.zone))
    return f"{_('%(day)s, %(person)s on %(name)s', day=when, person=approval.by, name=name)}: {change(old, new)}"


def request(asked: Request, review: Review) -> str:
    """A request of a person, as in `21 Nov on calls: approval of 1,950, by Dana: refused: calls is not held`."""
    move, zone = review.by_id.get(asked.key_result), review.period.zone
    words = whole_words(asked, move.line.key_result if move else None, zone)
    name = asked.key_result or review.period.id
    return _("%(day)s on %(name)s: %(request)s", day=day(asked.at.astimezone(zone)), name=name, request=words)


def carried_over(review: Review) -> Sequence[str]:
    """The key results to carry over or to drop. After the period's end, these are the key results that are not done;
    before its end, those that are not on pace.
    """
    wanted = ("off_track", "at_risk", "unknown") if not review.over else ("off_track", "at_risk", "unknown", "on_track")
    return [move.line.key_result.id for move in review.moves if move.line.standing.health in wanted]


def backfill_note(review: Review) -> str | None:
    """A note about the start numbers that were computed, because no sync had stored them; None if all of them were
    stored.
    """
    starts = [move for move in review.moves if move.start and move.start.source != "baseline"]
    names = [move.line.key_result.id for move in starts if move.start and move.start.source == "backfilled"]
    if not names:
        return None
    if len(names) == len(starts):
        return _("The numbers at the start are computed from their sources' own dates: no sync had kept them.")
    return _(
        "The numbers of %(names)s at the start are computed from their sources' own dates: no sync had kept them.",
        names=", ".join(names),
    )
