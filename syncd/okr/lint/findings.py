"""Rules of lint, and their findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syncd.okr.goals import KeyResult, LintRule, Objective
from syncd.okr.spans import Period

Check = Callable[[Objective, Period], Iterator[tuple[str, str]]]
"""Checks an objective: yields the id of an objective or key result, and a message about it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its id, the reason for it, its check, and the YAML key that its findings are mostly about."""

    id: LintRule
    reason: str
    check: Check
    key: str = "id"


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: the rule, the id of the objective or key result, and a sentence about it without its subject."""

    rule: Rule
    subject: str
    message: str


def each(check: Callable[[KeyResult], str | None]) -> Check:
    """A check of an objective that runs `check` on each of its key results."""

    def check_all(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
        for key_result in objective.key_results:
            if message := check(key_result):
                yield key_result.id, message

    return check_all
