"""Computes a measure of records in SQL. The result is the same as that of `okr.measures.evaluate_records`, but also
fast for a million records.

The fields of a record are stored as JSON: each field's name with the list of its elements. SQLite and PostgreSQL unnest
such a list in different ways; all other SQL is the same. The SQL does not apply filters to texts. `Filter.admits`
decides which stored texts pass, and the statement gets these texts as a parameter (decision 0030).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    cast,
    collate,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.types import ARRAY, Float, Integer, Text

from syncd.ledger.column_types import Document, Moment
from syncd.ledger.schema import records
from syncd.ledger.versions import held_at
from syncd.okr.measures import Filter, RecordMeasure, scalar_text
from syncd.okr.spans import Span, Window

_PLAIN = re.compile(r"[ !#-\[\]-~]+")  # printable ASCII without the quote and the backslash
_DONE = records.c.done_at >= bindparam("start", type_=Moment), records.c.done_at < bindparam("end", type_=Moment)


@dataclass(frozen=True, slots=True)
class _Elements:
    """A record's field in SQL: the tables that unnest the field, and columns for each element as text and as number."""

    sources: tuple[FromClause, ...]
    of_field: ColumnElement[bool]
    is_text: ColumnElement[bool]
    is_number: ColumnElement[bool]
    text: ColumnElement[str]
    number: ColumnElement[float]


def listed(measure: RecordMeasure, streams: Sequence[int]) -> ColumnElement[bool]:
    """The condition for the records of a measure's streams and kind, counted or not."""
    return and_(records.c.stream.in_(streams), *_of_kind(measure.kind))


def _of_kind(kind: str | None) -> Sequence[ColumnElement[bool]]:
    return () if kind is None else (records.c.kind == kind,)


def _in_streams(kind: str | None, past: bool) -> Sequence[ColumnElement[bool]]:
    return (
        records.c.stream.in_(bindparam("streams", expanding=True)),
        held_at(records, bindparam("cycle", type_=Integer) if past else None),
        *_of_kind(kind),
    )


def form(measure: RecordMeasure) -> RecordMeasure:
    """The measure without its streams and window, because these are parameters of the statement.

    Statements are cached by form, because building a statement takes longer than running it on a small stream.
    """
    return replace(measure, connection="", streams=(), window=Window(), per=None)


def parameters(
    streams: Sequence[int], span: Span, cycle: int | None, admitted: Mapping[int, Sequence[str]]
) -> Mapping[str, Any]:
    """The parameters that all statements about a measure need.

    `admitted` has, by the position of a filter, the stored texts that pass the filter. Filters with a single spelling
    are left out.
    """
    texts = {_texts_name(position): list(texts) for position, texts in admitted.items()}
    past = {} if cycle is None else {"cycle": cycle}
    return {"streams": streams, "start": span.start, "end": span.end} | texts | past


def _texts_name(position: int) -> str:
    return f"texts_{position}"


@lru_cache(maxsize=1000)
def texts_in(field: str, kind: str | None, dialect: str, *, past: bool, done: bool) -> Select[Any]:
    """Selects each distinct text that a field has in the records of some streams and of a kind; with `done`, only in
    the records that were done in the window.
    """
    elements = _elements(field, dialect)
    return (
        select(elements.text)
        .distinct()
        .select_from(_joined(records, *elements.sources))
        .where(*_in_streams(kind, past), *(_DONE if done else ()), elements.of_field, elements.is_text)
    )


@lru_cache(maxsize=1000)
def how_many(form: RecordMeasure, dialect: str, *, past: bool, several: bool) -> Select[Any]:
    """Selects how many records count. With `several` streams, a record that is in more than one stream counts once."""
    ids = func.count(func.distinct(records.c.id)) if several else func.count()
    return select(ids).select_from(records).where(_counting(form, dialect, past))


@lru_cache(maxsize=1000)
def done_of_all(form: RecordMeasure, dialect: str, *, past: bool) -> Select[Any]:
    """Selects two numbers: the records that pass the filters and were done by the window's end, and all records that
    pass and were created by then.
    """
    done = case((records.c.done_at < bindparam("end", type_=Moment), records.c.id), else_=None)
    ids: tuple[ColumnElement[Any], ...] = (func.count(func.distinct(done)), func.count(func.distinct(records.c.id)))
    there = or_(records.c.created_at.is_(None), records.c.created_at < bindparam("end", type_=Moment))
    return select(*ids).select_from(records).where(*_passing(form, dialect, past), there)


@lru_cache(maxsize=1000)
def elements_of(
    form: RecordMeasure, field: str, dialect: str, *, past: bool, texts: bool, dated: bool = False
) -> Select[Any]:
    """Selects each element of a field of the records that count: the record's id and stream, the element's number and,
    with `texts`, its text.

    With `dated`, the last column is the time at which the record was done. An element is a number or a text; the other
    column is null. A record without elements has one row in which both columns are null.
    """
    elements = _elements(field, dialect)
    unnested: FromClause = records
    for index, source in enumerate(elements.sources):
        unnested = unnested.outerjoin(source, elements.of_field if index == 0 else true())
    columns = [elements.number.label("number"), *([elements.text.label("text")] if texts else [])]
    if dated:
        columns.append(records.c.done_at)
    return select(records.c.id, records.c.stream, *columns).select_from(unnested).where(_counting(form, dialect, past))


@lru_cache(maxsize=1000)
def done_times(form: RecordMeasure, dialect: str, *, past: bool) -> Select[Any]:
    """Selects the id of each record that counts, and the time at which the record was done."""
    return select(records.c.id, records.c.done_at).where(_counting(form, dialect, past))


@lru_cache(maxsize=1000)
def labels_of(form: RecordMeasure, dialect: str, *, past: bool) -> Select[Any]:
    """Selects the id and label of each record that counts."""
    return select(records.c.id, records.c.label).where(_counting(form, dialect, past))


@lru_cache(maxsize=1000)
def remarks_on(form: RecordMeasure, dialect: str) -> Select[Any]:
    """Selects each remark on the records that count, with the number of these records. For a share, these are all
    records done by the window's end.
    """
    done = records.c.done_at < bindparam("end", type_=Moment)
    counting = and_(*_passing(form, dialect, False), done) if form.take == "share" else _counting(form, dialect, False)
    remark = records.c.remark
    columns = remark, func.count(func.distinct(records.c.id)).label("records")
    return select(*columns).where(counting, remark.is_not(None)).group_by(remark).order_by(remark)


def _counting(form: RecordMeasure, dialect: str, past: bool) -> ColumnElement[bool]:
    return and_(*_passing(form, dialect, past), *_DONE)


def _passing(form: RecordMeasure, dialect: str, past: bool) -> Sequence[ColumnElement[bool]]:
    rules = (_passes(rule, position, dialect) for position, rule in enumerate(form.filters))
    return (*_in_streams(form.kind, past), *rules)


def _passes(rule: Filter, position: int, dialect: str) -> ColumnElement[bool]:
    elements = _elements(rule.field, dialect)
    some = partial(_some, elements)
    if isinstance(rule.bound, int | float):
        value, bound = elements.number, rule.bound
        return some(and_(elements.is_number, value >= bound if rule.at_least is not None else value <= bound))
    texts = [scalar_text(value) for value in rule.any_of if value is not None]
    numbers = [number for text in texts if (number := _number(text)) is not None]
    same = elements.text.in_(texts) if rule.has_single_spelling else elements.text.in_(_listed(position, dialect))
    met = some(
        or_(
            and_(elements.is_text, same),
            elements.is_number if rule.matches_every_number else false(),
            and_(elements.is_number, elements.number.in_(numbers)) if numbers else false(),
        )
    )
    if None in rule.any_of:
        met = or_(met, not_(some(true())))
    return not_(met) if rule.negated else met


def _listed(position: int, dialect: str) -> Select[Any]:
    unnest = func.jsonb_array_elements_text if dialect == "postgresql" else func.json_each
    return select(unnest(bindparam(_texts_name(position), type_=Document)).table_valued("value").c.value)


def _some(elements: _Elements, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    inner = select(literal(1)).select_from(_joined(*elements.sources)).where(elements.of_field, condition)
    return exists(inner.correlate(records))


def _number(text: str) -> float | None:
    """The number that a filter's text spells exactly; None if the text is not a number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if scalar_text(number) == text else None


def _elements(field: str, dialect: str) -> _Elements:
    if dialect == "postgresql":
        each = func.jsonb_array_elements(records.c.fields[field]).table_valued("value").lateral()
        kind = func.jsonb_typeof(each.c.value)
        text = each.c.value.op("#>>")(cast(literal("{}", Text), ARRAY(Text)))
        is_number = kind == "number"
        # The cast must not see texts: PostgreSQL promises an order of evaluation only for CASE.
        number = _case(is_number, cast(text, Float(53)))
        return _Elements(
            (each,), true(), kind == "string", is_number, _case(kind == "string", collate(text, "C")), number
        )
    sources: tuple[FromClause, ...]
    of_field: ColumnElement[bool]
    if _PLAIN.fullmatch(field):
        each = func.json_each(records.c.fields, f'$."{field}"').table_valued("value", "type")
        sources, of_field = (each,), true()
    else:  # SQLite's JSON path has no escapes and compares a name with the text of the document
        pair = func.json_each(records.c.fields).table_valued("key", "value")
        each = func.json_each(pair.c.value).table_valued("value", "type")
        sources, of_field = (pair, each), pair.c.key == field
    is_text, is_number = each.c.type == "text", each.c.type.in_(["integer", "real"])
    return _Elements(
        sources,
        of_field,
        is_text,
        is_number,
        _case(is_text, cast(each.c.value, Text)),
        _case(is_number, cast(each.c.value, Float)),
    )


def _joined(first: FromClause, *others: FromClause) -> FromClause:
    """The tables joined in order, in SQL without brackets. A table may thus unnest a column of an earlier table."""
    joined = first
    for other in others:
        joined = joined.join(other, true())
    return joined


def _case(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((condition, value), else_=None)
