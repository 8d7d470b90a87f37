"""What the commands say of each day of a story's project, put side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from stories import Midnight, Project

from syncd.okr.goals import guard_id

Document = Mapping[str, Any]
Answers = Mapping[tuple[date, str], Mapping[str, Document]]
"""By day and subject (a key result, `OUTPUT → OUTCOME`, `objective ID`), then by command: the keys that it shows."""

_FIGURES = ("value", "progress", "score", "expected", "health", "quality", "reason", "candidate")
_WORDS = ("title", "kind", "unit", "baseline", "target", "level", "confidence", "checkin")
OF_KEY_RESULT = frozenset((*_FIGURES, *_WORDS))
OF_LINK = frozenset(("verdict", "since", "verdict_since", "lag_days", "trend", "why"))
OF_OBJECTIVE = frozenset(("score", "activity", "health", "coverage"))
OF_GUARD = frozenset(("title", "value", "reason"))


@dataclass(frozen=True)
class Disagreement:
    """What the commands that show a key of a subject on a day say, where they do not all say the same."""

    day: date
    subject: str
    key: str
    answers: Mapping[str, Any]

    def __str__(self) -> str:
        answers = ", ".join(f"{command}: {answer!r}" for command, answer in self.answers.items())
        return f"{self.day:%d %b} {self.subject}, {self.key}: {answers}"


def disagreements(project: Project) -> Iterator[Disagreement]:
    """Where the commands do not say the same of a day."""
    for (day, subject), documents in sorted(answers_of(project).items()):
        for key in dict.fromkeys(key for document in documents.values() for key in document):
            answers = {command: document[key] for command, document in documents.items() if key in document}
            if any(answer != other for answer in answers.values() for other in answers.values()):
                yield Disagreement(day, subject, key, answers)


def answers_of(project: Project) -> Answers:
    """Every command's answers of each day; `that midnight` is what `status` printed when the day ended."""
    answers: defaultdict[tuple[date, str], dict[str, Document]] = defaultdict(dict)

    def note(command: str, subjects: Iterator[tuple[date, str, Document]]) -> None:
        for day, subject, document in subjects:
            answers[day, subject][command] = document

    today = project.today
    note("status", _of_report(today, project.document("status")))
    note("review", _of_report(today, project.document("review")))
    for day in _past_days(project):
        review = project.document("review", "--at", day.isoformat())
        note("review --at", _of_report(day, review))
        note("review --at a later day", _before(review))
        if day in project.midnights:
            note("that midnight", _of_midnight(day, project.midnights[day], project))
    for name, keys in ((project.id(name), keys) for name, keys in project.key_results.items()):
        note("explain", _of_explain(today, project.document("explain", name)))
        for day in (*_past_days(project), today):
            note("explain --at", _of_explain(day, project.document("explain", name, "--at", day.isoformat())))
        for subject in (name, guard_id(name)) if "guard" in keys else (name,):
            note("history", _of_history(project.document("history", subject)))
    return answers


def _past_days(project: Project) -> Iterator[date]:
    day = date.fromisoformat(project.period["start"])
    while day < project.today:
        yield day
        day += timedelta(days=1)


def _of_report(day: date, report: Document) -> Iterator[tuple[date, str, Document]]:
    for objective in report["objectives"]:
        yield day, f"objective {objective['id']}", _only(OF_OBJECTIVE, objective)
        yield from _of_links(day, objective["alignment"])
        for key_result in objective["key_results"]:
            yield day, key_result["id"], _only(OF_KEY_RESULT, key_result)
            if "guard" in key_result:
                yield day, guard_id(key_result["id"]), _only(OF_GUARD, key_result["guard"])


def _of_midnight(day: date, midnight: Midnight, project: Project) -> Iterator[tuple[date, str, Document]]:
    """What compares with later answers of that day: nothing where days are cut in another time zone since.

    An objective does where its key results are the same. A link does not: the midnight is in the next day, and on that
    day a lag may have passed.
    """
    if midnight.zone != project.zone:
        return
    same = midnight.key_results == list(project.key_results)
    now = {before: project.id(name) for before, name in midnight.ids.items()}
    now |= {guard_id(before): guard_id(name) for before, name in now.items()}
    for _, subject, document in _of_report(day, midnight.status):
        if "→" not in subject and (same or not subject.startswith("objective")):
            yield day, now.get(subject, subject), document


def _before(review: Document) -> Iterator[tuple[date, str, Document]]:
    """From where a review says that its key results moved, where a value was kept of that day."""
    for objective in review["objectives"]:
        for key_result in objective["key_results"]:
            if (before := key_result["before"]) is not None and before["source"] == "kept":
                yield date.fromisoformat(before["day"]), key_result["id"], _only({"value", "progress"}, before)


def _of_explain(day: date, evidence: Document) -> Iterator[tuple[date, str, Document]]:
    yield day, evidence["key_result"], _only(OF_KEY_RESULT, evidence)
    yield from _of_links(day, evidence.get("alignment", ()))
    if evidence["guard"] is not None:
        yield from _of_explain(day, evidence["guard"])


def _of_history(history: Document) -> Iterator[tuple[date, str, Document]]:
    for point in history["points"]:
        yield date.fromisoformat(point["day"]), history["key_result"], _only(OF_KEY_RESULT, point)


def _of_links(day: date, links: Sequence[Document]) -> Iterator[tuple[date, str, Document]]:
    for link in links:
        yield day, f"{link['output']} → {link['outcome']}", _only(OF_LINK, link)


def _only(keys: frozenset[str] | set[str], document: Document) -> Document:
    return {key: value for key, value in document.items() if key in keys}
