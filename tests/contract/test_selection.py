"""SQL and the plain evaluator give the same answer to a measure of records, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from syncd.explain.items import RowsAfter, items_of
from syncd.ledger import Ledger, open_ledger, selection
from syncd.okr.measures import Filter, RecordMeasure, RecordTake, evaluate_records
from syncd.okr.spans import Period, Span
from syncd.sdk import Page, Record, Scalar
from syncd.sdk.numbers import rounded

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
QUARTER = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), ZoneInfo("UTC"))
FRESH = count(1)

# Every text of JSON except NUL and half surrogate pairs, which databases do not accept.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
likely_texts = st.sampled_from(
    [
        "",
        "5",
        "5.0",
        "05",
        "1e1",
        "10",
        "-0",
        "nan",
        "inf",
        "Bug",
        "bug",
        "é",
        "e\u0301",
        "2026-10-01",
        "2026-11",
        "%",
        "'",
        '"',
        "*",
        "b*g",
        "Straße",
        "STRASSE",
        "\u212a",
        "2026-10-01T23:30:00.000-0200",
        "2026-10-02T00:30",
    ]
)
numbers = st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.3, 1.0, 5.0, 10.0, -3.5, 1e15, 1e22, 1e-7, 1 / 3, 2.0**53])
finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100)
scalars = likely_texts | numbers | texts | finite | st.integers(-(10**6), 10**6)
names = st.sampled_from(
    ["label", "Story Points", "it's", 'a "b"', "größe", "a.b", "$.a", "0", "#", "a\\b", "日本", "\n"]
)
inside = st.sampled_from([START, START + timedelta(days=29), START + timedelta(days=30, microseconds=-1), NOW])
outside = st.sampled_from(
    [None, START - timedelta(microseconds=1), START + timedelta(days=30), NOW + timedelta(microseconds=1)]
)
spans = st.sampled_from([Span(START, START + timedelta(days=30)), Span(START, START + timedelta(days=92))])
OF_NO_FIELD = ("count", "share")


@dataclass(frozen=True)
class Case:
    """`copies` are records of a second stream. Some have the id of a record of the first stream."""

    measure: RecordMeasure
    span: Span
    records: list[Record]
    copies: list[Record] = field(default_factory=list)


def _with_wildcard(value: Scalar) -> Scalar:
    return f"{value[:1]}*{value[2:]}" if isinstance(value, str) else value


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draws from a few names and scalars, so that filters often match."""
    name = st.sampled_from(draw(st.lists(names, min_size=1, max_size=2)))
    scalar = st.sampled_from(draw(st.lists(scalars, min_size=1, max_size=5)))
    fields = st.dictionaries(name, st.lists(scalar, max_size=3), max_size=2)
    row = st.tuples(inside | inside | outside, outside, fields)
    first, second = draw(st.lists(row, min_size=1, max_size=6)), draw(st.lists(row, max_size=2))
    any_of = st.lists(st.none() | scalar | scalar.map(_with_wildcard), min_size=1, max_size=3).map(tuple)
    zone, in_any_case = st.sampled_from(["UTC", "Asia/Tokyo"]), st.booleans()
    filters = (
        st.builds(Filter, name, any_of=any_of, negated=st.booleans(), ignores_case=in_any_case, zone=zone)
        | st.builds(Filter, name, at_least=scalar, zone=zone)
        | st.builds(Filter, name, at_most=scalar, zone=zone)
    )
    take = draw(st.sampled_from(get_args(RecordTake)))
    of = None if take in OF_NO_FIELD else draw(name)
    else_of = () if of is None else tuple(draw(st.lists(name, max_size=1)))
    wanted = tuple(draw(st.lists(filters, max_size=2)))
    keys = tuple(f"pulls {next(FRESH)}" for _ in range(1 + bool(second)))
    measure = RecordMeasure("code", keys, take, of, wanted, else_of=else_of)
    records, copies = (
        [
            Record(str(number), f"#{number}", "", "", START, created, done_at, fields=values)
            for number, (done_at, created, values) in enumerate(drawn)
        ]
        for drawn in (first, second)
    )
    return Case(replace(measure, of_ignores_case=draw(in_any_case)), draw(spans), records, copies)


_LARGE = 4.595728045457017e16  # JSONB returns its shortest digits as a whole number, which is larger than the float
BEYOND_EXACT = Case(
    RecordMeasure("code", ("pulls",), "count", filters=(Filter("label", at_most=_LARGE),)),
    Span(START, START + timedelta(days=30)),
    [Record("0", "#0", "", "", START, None, START, fields={"label": [_LARGE]})],
)


def assert_same_answer(ledger: Ledger, case: Case) -> None:
    for key, records in zip(case.measure.streams, (case.records, case.copies), strict=False):
        ledger.streams.store(ledger.streams.add(case.measure.connection, key, NOW), 1, NOW, Page(records))
    answer = ledger.answers.answer(case.measure, case.span, NOW)
    assert answer == evaluate_records(case.measure, case.span, NOW, [*case.records, *case.copies])
    assert_items_explain(ledger, case.measure)


def assert_items_explain(ledger: Ledger, measure: RecordMeasure) -> None:
    """The items list each record once, and those that count make the number."""
    rows = RowsAfter(ledger, QUARTER, 1, NOW)
    answer, items = rows.answer(measure), list(items_of(rows, measure))
    assert len({item.key for item in items}) == len(items)
    brought = [item.brings or "" for item in items if item.left_out is None]
    assert len(brought) == (answer.counted or 0)
    if measure.take == "count":
        assert answer.number == len(brought)
    elif measure.take == "share":
        assert answer.number == (rounded(brought.count("1") * 100 / len(brought)) if brought else None)
    elif measure.take in ("min", "max") and answer.number is not None:
        assert answer.number == rounded({"min": min, "max": max}[measure.take](map(float, brought)))


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('selection')}/ledger.db")
    assert ledger is not None
    yield ledger
    ledger.close()


@pytest.fixture(scope="module")
def postgres(new_postgres: Callable[[], str]) -> Iterator[Ledger]:
    ledger = open_ledger(new_postgres())
    assert ledger is not None
    yield ledger
    ledger.close()


@settings(max_examples=examples(40, nightly=2000))
@given(case=cases())
def test_sqlite_answers_as_the_plain_evaluator_does(sqlite: Ledger, case: Case) -> None:
    assert_same_answer(sqlite, case)


@settings(max_examples=examples(15, nightly=600))
@given(case=cases())
@example(case=BEYOND_EXACT)
def test_postgresql_answers_as_the_plain_evaluator_does(postgres: Ledger, case: Case) -> None:
    assert_same_answer(postgres, case)


TABLE = {  # the elements of a field, by the record's id
    "bug": ["bug"],
    "both": ["chore", "bug"],
    "chore": ["chore"],
    "none": [],
    "five": [5.0],
    "text-five": ["5"],
    "six": [6],
    "day": ["2026-10-05"],
    "big": ["Bug"],
    "accents": ["cafe\u0301"],
    "star": ["b*g"],
    "kelvin": ["\u212a"],
    "late": ["2026-10-05T23:30:00.000-0200"],  # the sixth in Berlin
    "zulu": ["2026-10-04T22:00:00Z"],  # the fifth in Berlin
}


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    ("rule", "passing"),
    [
        (Filter("f", ("bug",)), "bug both"),
        (Filter("f", ("bug", None)), "bug both none lacking"),
        (Filter("f", (None,)), "none lacking"),
        (
            Filter("f", ("bug", "*e*"), negated=True),
            "none five text-five six day big accents star kelvin late zulu lacking",
        ),
        (Filter("f", (None, "*-*", "b*"), negated=True), "chore five text-five six big accents kelvin"),
        (Filter("f", ("BUG",), ignores_case=True), "bug both big"),
        (Filter("f", ("Caf\u00c9",), ignores_case=True), "accents"),
        (Filter("f", ("caf\u00e9",)), "accents"),
        (Filter("f", ("K",)), "kelvin"),
        (Filter("f", ("B*G",), ignores_case=True), "bug both big star"),
        (Filter("f", ("b*g",)), "bug both star"),
        (Filter("f", ("b*u*g",)), "bug both"),
        (Filter("f", ("b*bug",)), ""),
        (Filter("f", ("b?g", "[b]ug", "b.g", "b%", "_ug")), ""),
        (
            Filter("f", ("*",)),
            "bug both chore five text-five six day big accents star kelvin late zulu",
        ),
        (Filter("f", ("2026-10-05",), zone="Europe/Berlin"), "day zulu"),
        (Filter("f", (5,)), "five text-five"),
        (Filter("f", ("5",)), "five text-five"),
        (Filter("f", ("5.0",)), ""),
        (Filter("f", at_least=5), "five six"),
        (Filter("f", at_most=5.5), "five"),
        (Filter("f", at_least="2026-10-05"), "bug both chore text-five day big accents star kelvin late"),
        (
            Filter("f", at_least="2026-10-05", zone="Europe/Berlin"),
            "bug both chore text-five day big accents star kelvin late zulu",
        ),
        (Filter("f", at_most="2026-10-05"), "day zulu"),
        (Filter("f", at_most="2026-10-05", zone="Europe/Berlin"), "day zulu"),
        (Filter("f", at_most="2026-10-05", zone="America/New_York"), "day zulu late"),
        (Filter("f", at_most="2026-10-05T00:00+02:00", zone="Europe/Berlin"), "day zulu"),
        (Filter("f", at_most="2026-10-04T21:59:59Z", zone="Europe/Berlin"), ""),
    ],
    ids=str,
)
def test_a_filter_passes_the_same_records_in_sql(
    request: pytest.FixtureRequest, database: str, rule: Filter, passing: str
) -> None:
    ledger: Ledger = request.getfixturevalue(database)
    rows = [Record("lacking", "", "", "", START, done_at=START, fields={"name": ["lacking"]})]
    rows += [replace(rows[0], id=name, fields={"name": [name], "f": values}) for name, values in TABLE.items()]
    measure = RecordMeasure("code", (f"pulls {next(FRESH)}",), take="distinct", of="name", filters=(rule,))
    assert {record.id for record in rows if rule.accepts(record.fields.get("f", ()))} == set(passing.split())
    assert_same_answer(ledger, Case(measure, Span(START, NOW), rows))


@pytest.mark.parametrize(("take", "judged"), [("count", ["this quarter"]), ("share", ["last year", "this quarter"])])
def test_texts_are_judged_only_of_records_that_can_count(
    sqlite: Ledger, monkeypatch: pytest.MonkeyPatch, take: RecordTake, judged: list[str]
) -> None:
    """A stream of years has many more texts than its quarter. A share is of all records, whenever they were done."""
    asked: list[Scalar] = []
    admits = Filter.admits

    def noted(rule: Filter, value: Scalar) -> bool:
        asked.append(value)
        return admits(rule, value)

    monkeypatch.setattr(Filter, "admits", noted)
    ends = {"last year": START - timedelta(days=300), "this quarter": START}
    rows = [Record(when, "", "", "", at, done_at=at, fields={"f": [when]}) for when, at in ends.items()]
    key = f"pulls {next(FRESH)}"
    sqlite.streams.store(sqlite.streams.add("code", key, NOW), 1, NOW, Page(rows))
    measure = RecordMeasure("code", (key,), take=take, filters=(Filter("f", ("th*",)),))
    sqlite.answers.answer(measure, Span(START, NOW), NOW)
    assert sorted(map(str, asked)) == judged


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    ("take", "of", "number"), [("count", None, 2), ("sum", "f", 8), ("distinct", "f", 3), ("share", None, 100)]
)
def test_a_record_of_two_streams_counts_once(
    request: pytest.FixtureRequest, database: str, take: RecordTake, of: str | None, number: float
) -> None:
    """It is in the streams of `acme/*` and of `acme/web`."""
    ledger: Ledger = request.getfixturevalue(database)
    first = Record("first", "#1", "", "", START, done_at=START, fields={"f": [1, 2]})
    second = Record("second", "#2", "", "", START, done_at=START, fields={"f": [5]})
    keys = (f"pulls {next(FRESH)}", f"pulls {next(FRESH)}")
    for key, records in zip(keys, ([first, second], [first]), strict=True):
        ledger.streams.store(ledger.streams.add("code", key, NOW), 1, NOW, Page(records))
    measure = RecordMeasure("code", keys, take=take, of=of)
    answer = ledger.answers.answer(measure, Span(START, NOW), NOW)
    assert (answer.number, answer.counted) == (number, 2)
    assert answer == evaluate_records(measure, Span(START, NOW), NOW, [first, second, first])
    assert_items_explain(ledger, measure)


@pytest.mark.parametrize(
    ("take", "of", "copies", "brings"),
    [
        ("sum", "f", [{"f": [1]}, {"f": [2]}], "2"),
        ("sum", "f", [{"f": [1]}, {}], "1"),
        ("sum", "f", [{"f": [1]}, {"f": ["two"]}], "1"),
        ("distinct", "f", [{"f": ["a", "b"]}, {"f": ["b", "c"]}], "b, c"),
        ("distinct", "f", [{"f": ["a"]}, {}], "a"),
        ("count", None, [{"open": ["no"]}, {"open": ["yes"]}], "1"),
        ("sum", "f", [{"f": [1]}, {"f": [2], "open": ["yes"]}], "1"),
    ],
)
def test_of_two_copies_of_a_record_a_single_one_counts_and_is_explained(
    sqlite: Ledger, take: RecordTake, of: str | None, copies: list[dict[str, list[Scalar]]], brings: str
) -> None:
    """The record changed after the first of its two streams was pulled."""
    records = [Record("a", "#1", "", "", START, done_at=START, fields=fields) for fields in copies]
    keys = (f"pulls {next(FRESH)}", f"pulls {next(FRESH)}")
    measure = RecordMeasure("code", keys, take, of, (Filter("open", ("yes",), negated=True),))
    assert_same_answer(sqlite, Case(measure, Span(START, NOW), records[:1], records[1:]))
    rows = RowsAfter(sqlite, QUARTER, 1, NOW)
    (item,) = items_of(rows, measure)
    assert (item.brings, item.left_out) == (brings, None)
    if take != "distinct":
        assert rows.answer(measure).number == float(brings)


def test_postgresql_compares_texts_by_code_point_whatever_its_collation() -> None:
    rule = RecordMeasure("code", ("pulls",), filters=(Filter("day", at_least="2026-10-01"),))
    query = selection.how_many(rule, "postgresql", past=False, several=False)
    assert 'COLLATE "C"' in str(query.compile(dialect=postgresql.dialect()))
