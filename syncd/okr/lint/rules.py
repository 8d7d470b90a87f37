"""The rules of lint. To add a rule, write its check, list it in RULES, and give it an entry in docs/lint.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from syncd.okr.goals import Band, KeyResult, Milestones, Objective, Target
from syncd.okr.lint.findings import Finding, PulledRows, Rule, each
from syncd.okr.lint.matching import excludes_nothing, nothing_matches
from syncd.okr.lint.titles import direction, from_to, may_be_thousands, says_change, says_upkeep, says_work
from syncd.okr.measures import Leaf, RecordMeasure, leaves, so_far
from syncd.okr.plausible import Plausible
from syncd.okr.spans import Period
from syncd.okr.words import count
from syncd.sdk.figures import full_number

_VOLUME = ("count", "sum", "distinct")


def check_objective(
    rules: Iterable[Rule], objective: Objective, period: Period, rows: PulledRows | None = None
) -> Iterator[Finding]:
    """All findings of these rules about an objective, including findings that `ignore:` covers. With `rows`, the result
    includes findings about the objective's records.
    """
    for rule in rules:
        for subject, message in rule.check(objective, period):
            yield Finding(rule, subject, message)
        for subject, message in rule.of_rows(objective, period, rows) if rows and rule.of_rows else ():
            yield Finding(rule, subject, message)


# -- objectives


def _no_outcome(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
    if objective.key_results and all(kr.kind == "output" for kr in objective.key_results):
        yield objective.id, "has no outcome, so nothing shows whether its work helps; add an outcome"


def _key_result_count(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
    count = len(objective.key_results)
    if count and not 3 <= count <= 5:
        yield objective.id, f"has {count} key result{'s' * (count != 1)}; three to five keep a focus"


# -- missing keys of a key result


def _no_owner(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
    for kr in objective.key_results:
        if not kr.owner and not objective.owner:
            yield kr.id, "has no owner, nor has its objective; say `owner:`"


def _no_unit(kr: KeyResult) -> str | None:
    if kr.unit or isinstance(kr.goal, Milestones):
        return None
    if kr.kind == "outcome":
        return "has no unit, so nobody knows what its number counts; say `unit:`"
    if isinstance(kr.measure, RecordMeasure) and kr.measure.take == "sum":
        return f"sums {kr.measure.of_text} and has no unit; say `unit:`"
    return None


def _no_baseline(kr: KeyResult) -> str | None:
    if kr.kind == "outcome" and isinstance(kr.goal, Target) and kr.goal.baseline is None:
        return "has no baseline, so its progress stays unknown; say `baseline:`"
    return None


def _no_end(kr: KeyResult) -> str | None:
    if not isinstance(kr.goal, Milestones):
        return None
    undated = [step.title for step in kr.goal.steps if step.by is None]
    if not undated or len(undated) == len(kr.goal.steps):  # if no milestone has a date, progress is expected evenly
        return None
    return f"has due dates for some milestones, but not for {' and '.join(undated)}; say `by:`"


# -- links


def _drives_nothing(kr: KeyResult) -> str | None:
    if kr.kind == "output" and not kr.drives:
        return "drives no outcome; name the outcome that this work is for in `drives:`"
    return None


def _no_lag(kr: KeyResult) -> str | None:
    without_lag = [link.outcome for link in kr.drives if link.lag is None]
    if not without_lag:
        return None
    return f"has no lag for {' and '.join(without_lag)}; say `lag:`, with 0d if the outcome follows at once"


def _no_guard(kr: KeyResult) -> str | None:
    counts_volume = isinstance(kr.measure, RecordMeasure) and kr.measure.take in _VOLUME
    if kr.kind == "output" and counts_volume and kr.guard is None:
        return "counts volume, and nothing guards its quality; give it a `guard:`"
    return None


# -- titles that contradict the numbers


def _outcome_worded_as_work(kr: KeyResult) -> str | None:
    if kr.kind == "outcome" and says_work(kr.title):
        return "is an outcome, but its title names work; name the change that the work is for, or make it an output"
    return None


def _outcome_worded_as_upkeep(kr: KeyResult) -> str | None:
    if kr.kind == "outcome" and isinstance(kr.goal, Target) and says_upkeep(kr.title):
        return "is to stay as it is by its title, but goes to a target; say `keep:` with the bound instead of `target:`"
    return None


def _output_worded_as_change(kr: KeyResult) -> str | None:
    if kr.kind == "output" and says_change(kr.title):
        return "is an output, but its title names a change; name the work, or make it an outcome"
    return None


def _met_by_baseline(kr: KeyResult) -> str | None:
    if not isinstance(kr.goal, Target) or kr.goal.baseline is None:
        return None
    if level := kr.goal.level(kr.goal.baseline):
        return f"starts with its level {level} reached, at the baseline {full_number(kr.goal.baseline)}"
    way = direction(kr.title)
    if way is None or kr.goal.baseline == 0:  # the title may be about a fall that is counted up from 0
        return None
    if (kr.goal.target < kr.goal.baseline) == (way == "down"):
        return None
    numbers = f"{full_number(kr.goal.baseline)} to {full_number(kr.goal.target)}"
    return f"goes {way} by its title, but from {numbers} by its numbers, so its goal is met at the start"


def _title_against_numbers(kr: KeyResult) -> str | None:
    """Compares the ratio of the title's two numbers with the ratio of the goal's baseline and target. Title and goal
    may have different units: hours and minutes, or 5 % and 0.05.
    """
    named = from_to(kr.title)
    if named is None or not isinstance(kr.goal, Target) or kr.goal.baseline is None or _met_by_baseline(kr):
        return None
    if _thousands_point(kr):  # another rule explains the difference
        return None
    (first, last), baseline = named, kr.goal.baseline
    for target in {kr.goal.target, *(number for _, number in kr.goal.levels)}:
        counted = [abs(last - first), *([abs(last - first) / abs(first) * 100] if first else [])]
        if math.isclose(first * target, last * baseline) and (first == 0) == (baseline == 0):
            return None
        if baseline == 0 and any(math.isclose(target, number) for number in counted):  # the goal counts the distance
            return None
    numbers = f"{full_number(baseline)} to {full_number(kr.goal.target)}"
    by_title = f"{full_number(first)} to {full_number(last)}"
    return f"goes from {by_title} by its title, but from {numbers} by its numbers; correct one"


# -- unreachable numbers


def _leaves(objective: Objective) -> Iterator[tuple[str, Leaf]]:
    for kr in objective.key_results:
        for leaf in (*leaves(kr.measure), *(leaves(kr.guard.measure) if kr.guard else ())):
            yield kr.id, leaf


def _never_matches(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
    for subject, leaf in _leaves(objective):
        if reason := nothing_matches(leaf, period):
            yield subject, reason


def _cannot_exclude(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
    for subject, leaf in _leaves(objective):
        if isinstance(leaf, RecordMeasure) and leaf.idle:
            yield subject, leaf.idle


def _excludes_nothing(objective: Objective, period: Period, rows: PulledRows) -> Iterator[tuple[str, str]]:
    for subject, leaf in _leaves(objective):
        if isinstance(leaf, RecordMeasure) and leaf.idle is None:
            yield from ((subject, reason) for reason in excludes_nothing(leaf, rows))


def _none(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
    """Finds nothing. A rule that needs a ledger's records has this function as its `check`."""
    yield from ()


def _counts_undelivered(objective: Objective, period: Period, rows: PulledRows) -> Iterator[tuple[str, str]]:
    for subject, leaf in _leaves(objective):
        if isinstance(leaf, RecordMeasure):
            window = so_far(leaf.window.span(period, rows.now), rows.now)
            for remark, records in rows.facts.remarks(leaf, window).items():
                yield subject, f"counts {count(records, 'record')} {remark}"


def _implausible_goal(kr: KeyResult) -> str | None:
    bounds = kr.plausible
    if bounds is None:
        return None
    beyond = [f"{name} {full_number(number)}" for name, number in _aims(kr, bounds) if bounds.outside(number)]
    return f"has the {' and the '.join(beyond)} outside `plausible:`; reaching it would be held" if beyond else None


def _thousands_point(kr: KeyResult) -> str | None:
    written = [(key, text) for key, text in kr.grouped if may_be_thousands(text, kr.title, kr.unit)]
    if not written:
        return None
    key, text = written[0]
    also = f" and {', '.join(f'{name} {other}' for name, other in written[1:])}" if written[1:] else ""
    meant = f"write {text.replace('.', '')} for the thousands, or {float(text):g}"
    return f"has {key} {text}{also}, and YAML reads {text} as {float(text):g}; {meant}"


def _aims(kr: KeyResult, bounds: Plausible) -> Iterator[tuple[str, float]]:
    """The numbers that a key result aims at. A band may extend beyond the plausible bounds if a part of the band is
    within the bounds.
    """
    goal = kr.goal
    if isinstance(goal, Target):
        if goal.baseline is not None:
            yield "baseline", goal.baseline
        yield "target", goal.target
    elif isinstance(goal, Band):
        low, high = goal.at_least, goal.at_most
        if low is not None and bounds.at_most is not None and low > bounds.at_most:
            yield "band from", low
        if high is not None and bounds.at_least is not None and high < bounds.at_least:
            yield "band up to", high


_OKR_RULES = (
    Rule("no-outcome", "An objective has outputs only, so nothing shows whether they help.", _no_outcome),
    Rule("key-result-count", "An objective has fewer than three or more than five key results.", _key_result_count),
    Rule("no-owner", "Neither a key result nor its objective has an owner, so nobody is responsible.", _no_owner),
    Rule("no-unit", "An outcome, or an output that sums a field, has no unit.", each(_no_unit)),
    Rule("no-baseline", "An outcome has no baseline, so its progress stays unknown.", each(_no_baseline)),
    Rule(
        "no-end",
        "Some milestones of a key result have a due date, and others do not.",
        each(_no_end),
        "milestones",
    ),
    Rule("drives-nothing", "An output names no outcome that it drives.", each(_drives_nothing)),
    Rule("no-lag", "A link does not say how long its outcome takes to follow.", each(_no_lag), "drives"),
    Rule("no-guard", "An output counts volume, and nothing guards its quality.", each(_no_guard)),
    Rule(
        "outcome-worded-as-work",
        "An outcome's title names or counts work, such as launch, hire or number of deployments.",
        each(_outcome_worded_as_work),
        "title",
    ),
    Rule(
        "outcome-worded-as-upkeep",
        "An outcome's title says to keep a number as it is, but its goal is a target.",
        each(_outcome_worded_as_upkeep),
        "title",
    ),
    Rule(
        "output-worded-as-change",
        "An output's title says how a number changes.",
        each(_output_worded_as_change),
        "title",
    ),
    Rule(
        "met-by-baseline",
        "By the direction in the title, the baseline already meets the target.",
        each(_met_by_baseline),
        "target",
    ),
    Rule(
        "title-against-numbers",
        "The numbers in a title are not those of its baseline and target.",
        each(_title_against_numbers),
        "title",
    ),
    Rule("never-matches", "Nothing can ever pass the filters or the window of a measure.", _never_matches, "measure"),
    Rule(
        "excludes-nothing",
        "A `not_` filter of a measure excludes no record.",
        _cannot_exclude,
        "measure",
        _excludes_nothing,
    ),
    Rule(
        "counts-undelivered",
        "A measure counts records that were probably not delivered, such as issues resolved as Won't Do.",
        _none,
        "measure",
        _counts_undelivered,
    ),
    Rule(
        "implausible-goal",
        "A baseline, target or band lies outside `plausible`, so reaching it would be held.",
        each(_implausible_goal),
        "plausible",
    ),
    Rule("thousands-point", "A number is written as `4.000`, which YAML reads as 4.", each(_thousands_point)),
)


def _unused_ignore(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
    """Finds each `ignore:` that suppresses no finding. An `ignore:` of a rule about records is not checked, because the
    findings of such a rule may vary.
    """
    findings = {(finding.rule.id, finding.subject) for finding in check_objective(_OKR_RULES, objective, period)}
    for subject, ignore in [(objective.id, objective.ignore), *((kr.id, kr.ignore) for kr in objective.key_results)]:
        for rule in dict.fromkeys(rule for rule in ignore if rule not in _OF_ROWS):
            subjects = {name for rule_id, name in findings if rule_id == rule}
            if not (subjects if subject == objective.id else subject in subjects):
                yield subject, f"ignores {rule}, which finds nothing here; drop it from `ignore:`"


_OF_ROWS = frozenset(rule.id for rule in _OKR_RULES if rule.of_rows)

RULES = (
    *_OKR_RULES,
    Rule("unused-ignore", "An `ignore:` covers no finding.", _unused_ignore, "ignore"),
)
