"""The definition of a key result, now or on a past day, and each earlier definition as a difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import inf
from typing import Any

import yaml

from syncd.config.periods import Origin
from syncd.explain.definition_keys import keys_of
from syncd.explain.edit import Edit
from syncd.ledger import DefinitionVersion
from syncd.ledger.definitions import definition
from syncd.okr.goals import KeyResult
from syncd.sdk.language import gettext as _
from syncd.web.view import View

_WIDTH = 100  # letters in a line of YAML


@dataclass(frozen=True, slots=True)
class Written:
    """A definition as YAML, with its file, and with the line if the file still has this definition.

    `kept` is true if the file has another definition now. The text then comes from the ledger, with a line for each
    dotted key.
    """

    where: str
    text: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class KeyDifference:
    """A key whose value changed: a sentence, the removed line and the added line. A line is None if nothing was removed
    or added.
    """

    words: str
    removed: str | None
    added: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes of a definition in a file at one moment."""

    at: datetime
    file: str
    keys: Sequence[KeyDifference]


def definition_of(view: View, key_result: KeyResult) -> Written | None:
    """The definition of a key result of the view's snapshot; None if no file has it any more."""
    origin = view.daemon.config.origins.get((view.okrs.period.id, key_result.id))
    version = _version_then(view, key_result) if view.day is not None else None
    if version is None or (origin is not None and version.definition.digest == _digest_now(view, key_result.id)):
        return _written(origin)
    keys = keys_of(version.definition.body).items()
    return Written(version.definition.file, "\n".join(f"{key}: {_value(value)}" for key, value in keys), kept=True)


def _version_then(view: View, key_result: KeyResult) -> DefinitionVersion | None:
    """The definition that was in force on a past day; for a day before the first definition, the first one."""
    if view.daemon.ledger is None:
        return None
    zone = view.okrs.period.zone
    versions = view.daemon.ledger.definitions.of(view.okrs.period.id, key_result.id)
    days = [version.ended_at.astimezone(zone).date() for version in versions]
    by_then = [
        version
        for version, day in zip(versions, days, strict=True)
        if version.cycle <= view.snapshot.cycle or day == days[0]
    ]
    return by_then[-1] if by_then else None


def _digest_now(view: View, name: str) -> str | None:
    """The digest of the definition in the files."""
    key_result = view.okrs.by_id.get(name)
    if key_result is None:
        return None
    return definition(key_result, view.okrs.period, view.daemon.config.shares, "").digest


def _written(origin: Origin | None) -> Written | None:
    if origin is None:
        return None
    problem = origin.problem("")
    data = origin.document.at(origin.place)
    return Written(f"{problem.file}:{problem.line}", _yaml(data))


def differences(edits: Iterable[Edit]) -> Iterator[Difference]:
    """The edits, grouped by moment and file, the latest first."""
    by_time = sorted(edits, key=lambda edit: edit.at, reverse=True)
    for (at, file), alike in groupby(by_time, key=lambda edit: (edit.at, edit.file)):
        yield Difference(at, file, [_key_difference(edit) for edit in alike])


def _key_difference(edit: Edit) -> KeyDifference:
    key, old, new = edit.key, _value(edit.old), _value(edit.new)
    removed, added = (None if value is None else f"{key}: {value}" for value in (old, new))
    if old is None:
        words = _("%(key)s is new: %(value)s", key=key, value=new)
    elif new is None:
        words = _("%(key)s was taken out; it was %(value)s", key=key, value=old)
    else:
        words = _("%(key)s went from %(old)s to %(new)s", key=key, old=old, new=new)
    return KeyDifference(words, removed, added)


def _value(value: Any) -> str | None:
    """A value as YAML on one line; None if the value is None."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=inf).removesuffix("...\n").rstrip()


def _yaml(data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=_WIDTH).rstrip()
