"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syncd.okr.goals import KeyResult, Objective
from syncd.okr.spans import Period

Check = Callable[[Objective, Period], Iterator[tuple[str, str]]]
"""What is found in an objective: the id of the objective or key result, and what to say of it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its id, why it matters, how to find what breaks it, and the key that a finding is mostly about."""

    id: str
    reason: str
    check: Check
    key: str = "id"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: the rule, the id of the objective or key result, and a sentence about it without its subject."""

    rule: Rule
    subject: str
    message: str


def each(check: Callable[[KeyResult], str | None]) -> Check:
    """A check of an objective that asks the same of each of its key results."""

    def of_all(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
        for key_result in objective.key_results:
            if message := check(key_result):
                yield key_result.id, message

    return of_all
