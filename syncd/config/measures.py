"""Reads measures that are written out or given by name, adds the file's defaults, and makes domain measures of them."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, cast
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from syncd.config.catalogue import OTHERS
from syncd.config.conditions import compared_text, misread, parts_of_condition, read_bound, read_values
from syncd.config.connections import Connection
from syncd.config.document import Document, Place
from syncd.config.measure_keys import (
    AnyMeasureKeys,
    FormulaKeys,
    ReadingMeasureKeys,
    RecordMeasureKeys,
    measure_model,
)
from syncd.config.messages import nearest, validation_problems
from syncd.okr.asked_days import asked_window
from syncd.okr.formula import NoFormula, names
from syncd.okr.measures import Filter, FormulaMeasure, Leaf, Measure, ReadingMeasure, RecordMeasure
from syncd.okr.spans import Period, Window
from syncd.sdk import MeasureKeys, Problem, ReadingKeys, RecordKeys, can_pull, measure_keys, stream_name

Written = str | dict[str, Any]
"""A measure as it is written: its keys, or the name of a measure in `measures:`."""

_NOTHING: Mapping[str, Place] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Named:
    """A named measure: its keys, with its file's defaults."""

    document: Document
    place: Place
    data: dict[str, Any]


@dataclass(slots=True)
class MeasureReader:
    """Reads the measures of a mapping file and collects their problems.

    `defaults` holds keys of measures by connection; `named` holds the named measures of all files. `period` is the
    period of the key results, None while named measures are read without a key result. Without `thorough`, queries
    are not checked.
    """

    document: Document
    connections: Mapping[str, Connection | None]
    zone: ZoneInfo
    named: Mapping[str, Named]
    defaults: Mapping[str, Mapping[str, Any]]
    problems: list[Problem] = field(default_factory=list)
    period: Period | None = None
    thorough: bool = True

    def read(self, written: Written, place: Place, unit: str | None = None) -> Measure | None:
        """The measure at a place, for a key result with this unit. None if the measure is not valid."""
        data = self._resolved(written, place)
        if data is None:
            return None
        before = len(self.problems)
        measure = self._formula(data, place) if "formula" in data or "parts" in data else self._leaf(data, place, unit)
        self._drop_repeated(written, before)
        return measure

    def _drop_repeated(self, written: Written, before: int) -> None:
        """Drops the problems from the index `before` on if the named measure reports the same problems at its own
        place.
        """
        if isinstance(written, str) and len(self.problems) > before:
            named = self.named[written]
            own = replace(self, document=named.document, defaults={}, problems=[])
            own.read(named.data, named.place)
            if own.problems:
                del self.problems[before:]

    def _resolved(self, written: Written, place: Place) -> dict[str, Any] | None:
        """All keys of a measure: its own keys, and the keys of the measure that it names. The named measure may itself
        name another measure.
        """
        data = {"use": written} if isinstance(written, str) else written
        seen: list[Any] = []
        while "use" in data:
            name = data["use"]
            if name in seen:
                circle = " → ".join([*seen[seen.index(name) :], name])
                self.problems.append(
                    self._problem((*place, "use"), f"measures use each other in a circle: {circle}; drop one 'use'")
                )
                return None
            if not isinstance(name, str) or name not in self.named:
                message = f"there is no measure {name!r} in `measures:`{nearest(str(name), self.named)}"
                self.problems.append(self._problem((*place, "use"), message))
                return None
            seen.append(name)
            data = {**self.named[name].data, **{key: value for key, value in data.items() if key != "use"}}
        return data

    def _formula(self, data: dict[str, Any], place: Place) -> FormulaMeasure | None:
        try:
            keys = FormulaKeys.model_validate(data)
        except ValidationError as error:
            self.problems.extend(validation_problems(error, FormulaKeys, self.document, place))
            return None
        shared = {key: value for key, value in data.items() if key not in ("formula", "parts")}
        parts = {name: self._part(name, written, shared, place) for name, written in keys.parts.items()}
        if not all(map(_is_valid_part_name, parts)):
            return None
        try:
            used = names(keys.formula)
        except NoFormula as error:
            self.problems.append(self._problem((*place, "formula"), str(error)))
            return None
        for name in sorted(used - keys.parts.keys()):
            message = f"formula names {name!r}, which is none of its parts{nearest(name, keys.parts)}"
            self.problems.append(self._problem((*place, "formula"), message))
        for name in keys.parts:
            if name not in used:
                message = f"part {name!r} is not in the formula {keys.formula!r}; use it, or drop it"
                self.problems.append(self._problem((*place, "parts", name), message))
        valid = tuple((name, part) for name, part in parts.items() if part is not None)
        return FormulaMeasure(keys.formula, valid) if len(valid) == len(parts) else None

    def _part(self, name: str, written: Written, shared: dict[str, Any], place: Place) -> Leaf | None:
        where = (*place, "parts", name)
        if not _is_valid_part_name(name):
            message = f"part {name!r} cannot be used in a formula; write letters, digits and '_', such as open_bugs"
            self.problems.append(self._problem(where, message))
            return None
        data = self._resolved(written, where)
        if data is None:
            return None
        if "formula" in data:
            self.problems.append(self._problem(where, f"part {name!r} is a formula itself; write it out in this one"))
            return None
        before = len(self.problems)
        measure = self._leaf({**shared, **data}, where, lent=dict.fromkeys(shared.keys() - data.keys(), place))
        self._drop_repeated(written, before)
        return measure

    def _leaf(
        self, data: dict[str, Any], place: Place, unit: str | None = None, lent: Mapping[str, Place] = _NOTHING
    ) -> Leaf | None:
        """The measure of these keys. `lent` has the keys of the formula whose part the measure is, each with the place
        of the formula.
        """
        name = data.get("from")
        if not isinstance(name, str):
            where, wrong = (place, "'from' is missing") if name is None else ((*place, "from"), "from must be a text")
            connections = ", ".join(self.connections) or "none yet: add one to syncd.yaml"
            self.problems.append(self._problem(where, f"{wrong}; the connections are: {connections}"))
            return None
        if name not in self.connections:
            message = f"there is no connection {name!r} in syncd.yaml{nearest(name, self.connections)}"
            if name == OTHERS:
                message = "from: workspace reads from other workspaces of a deployment, and this project is in none"
            self.problems.append(self._problem((*place, "from"), message))
            return None
        connection = self.connections[name]
        if connection is None:  # the problems of the connection are reported at its own place
            return None
        defaults = self.defaults.get(name, {})
        lent = {**lent, **dict.fromkeys(defaults.keys() - data.keys(), ("defaults", "measures", name))}
        data = {**defaults, **data}
        connector = connection.connector
        if not can_pull(connector):
            pulling = [other.name for other in self.connections.values() if other and can_pull(other.connector)]
            message = f"nothing can be measured from a {connection.kind} connection{nearest(name, pulling)}"
            self.problems.append(self._problem((*place, "from"), message))
            return None
        keys_model = measure_keys(connector, data)
        model = measure_model(connection.kind, keys_model)
        try:
            parsed = model.model_validate(data)
        except ValidationError as error:
            self._report(*validation_problems(error, model, self.document, place, lent))
            return None
        refusal = cast("MeasureKeys", parsed).refusal(connection.settings) if self.thorough else None
        if refusal is not None:
            key, why = refusal
            self._report(self._problem((*lent.get(key, place), key), f"{key} {why}"))
            return None
        for path in keys_model.as_texts:
            block = (*lent.get(path[0], place), *path)
            self._report(
                *misread(self.document, block, lambda _, value: None if isinstance(value, bool) else str(value))
            )
        if isinstance(parsed, RecordMeasureKeys):
            record_keys = cast("RecordKeys", parsed)  # `measure_model` makes it both
            filters = tuple(self._filters(parsed, record_keys, place, lent))
            of = parsed.of_fields()
            measure = RecordMeasure(
                name, (), parsed.take, of[0] if of else None, filters, parsed.time(), record_keys.record_kind(),
                parsed.per, else_of=of[1:], of_ignores_case=any(map(record_keys.ignores_case, of)),
                never=record_keys.never({rule.field: rule.texts for rule in filters if rule.asks_for_values}),
                idle=record_keys.idle({rule.field: rule.texts for rule in filters if rule.negated}),
                is_work=record_keys.is_work(), restriction=record_keys.restriction(connection.settings),
            )  # fmt: skip
            streams = record_keys.streams(measure.fields)
            if record_keys.asks_days:
                streams = [self._with_days(stream, measure.window, many=True) for stream in streams]
                measure = replace(measure, asks_days=True)
            return replace(measure, streams=tuple(streams))
        # The keys of readings identify their part of a stream, so the keys that every measure may have are left out.
        own = keys_model.model_fields.keys() - AnyMeasureKeys.model_fields.keys()
        values = {name: getattr(parsed, name) for name in own}
        keys = keys_model.model_construct(parsed.model_fields_set & own, **values)  # the keys were checked already
        if isinstance(parsed, ReadingMeasureKeys) and isinstance(keys, ReadingKeys):
            keys = keys.in_unit(unit)
            (stream,) = keys.streams()
            window, many, asks_days = parsed.time(), keys.many, keys.asks_days
            if asks_days:
                stream = self._with_days(stream, window, many=many)
            return ReadingMeasure(name, stream, keys.part(), parsed.take, window, many, parsed.per, asks_days)
        raise TypeError(f"{keys_model} is neither of records nor of readings")

    def _with_days(self, stream: str, window: Window, *, many: bool) -> str:
        """The key of a stream whose request names days. The first line of this key has the window."""
        if self.period is None:
            return stream
        name = stream_name(stream)
        return f"{name} ({asked_window(window, self.period, many=many)}){stream.removeprefix(name)}"

    def _filters(
        self, parsed: RecordMeasureKeys, keys: RecordKeys, place: Place, lent: Mapping[str, Place]
    ) -> Iterator[Filter]:
        fields = keys.fields()
        for of in parsed.of_fields():
            self._check_field(of, fields, (*lent.get("of", place), "of"))
        block = (*lent.get("where", place), "where")

        def text_of(key: str, value: Any) -> str | None:
            name, _, bound = parts_of_condition(key, fields)
            is_truth = isinstance(value, bool) and keys.field_types.get(name) == "truth"  # however it is spelt
            return None if bound or is_truth else compared_text(value)

        self._report(*misread(self.document, block, text_of))
        for key, given in parsed.where.items():
            field_name, _, bound = parts_of_condition(key, fields)
            if not self._check_field(field_name, fields, (*block, key)):
                continue
            rule = (read_bound if bound else read_values)(key, given, keys, self.zone.key)
            if isinstance(rule, Filter):
                yield rule
            else:
                self._report(self._problem((*block, key), rule))

    def _check_field(self, name: str, fields: Collection[str] | None, place: Place) -> bool:
        if fields is None or name in fields:
            return True
        self._report(self._problem(place, f"there is no field {name!r}{nearest(name, fields)}"))
        return False

    def _report(self, *problems: Problem) -> None:
        """Adds problems. A problem of a default, or of a formula's keys, is met by several measures."""
        self.problems.extend(problem for problem in problems if problem not in self.problems)

    def _problem(self, place: Place, message: str) -> Problem:
        return self.document.problem(place, message)


def _is_valid_part_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)
