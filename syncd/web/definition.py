"""How a key result is defined now, and each earlier definition as a difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import inf
from typing import Any

import yaml

from syncd.config.periods import Origin
from syncd.explain.edit import Edit
from syncd.sdk.language import gettext as _

_WIDTH = 100  # letters in a line of YAML


@dataclass(frozen=True, slots=True)
class Written:
    """A definition as its file has it: the file with the line, and the YAML."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class KeyDifference:
    """A key that got another value: in words, and the lines that were removed and added; None where there was none."""

    words: str
    removed: str | None
    added: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a file changed of a definition at a moment."""

    at: datetime
    file: str
    keys: Sequence[KeyDifference]


def written(origin: Origin | None) -> Written | None:
    """The definition that is in force now; None if it is in no file any more."""
    if origin is None:
        return None
    problem = origin.problem("")
    data = origin.document.at(origin.place)
    return Written(f"{problem.file}:{problem.line}", _yaml(data))


def differences(edits: Iterable[Edit]) -> Iterator[Difference]:
    """The edits of each moment and file, the latest first."""
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
    """A value as a file has it, on a line; None if there is none."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=inf).removesuffix("...\n").rstrip()


def _yaml(data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=_WIDTH).rstrip()
