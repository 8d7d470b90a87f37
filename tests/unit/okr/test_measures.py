"""The plain evaluator: worked examples of how records and readings become one number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.okr.answer import aggregate, answer_numbers
from syncd.okr.measures import (
    Filter,
    ReadingTake,
    RecordMeasure,
    RecordTake,
    answer_share,
    contribution,
    evaluate_readings,
    evaluate_records,
    left_out,
    scalar_text,
)
from syncd.okr.spans import Span
from syncd.sdk import Reading, Record
from syncd.sdk.numbers import BEYOND

START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = Span(START, START + timedelta(days=92))
NOW = START + timedelta(days=50)
TICK = timedelta(microseconds=1)
numbers = st.floats(-1e9, 1e9)


def record(id: str = "1", done_at: datetime | None = START, **fields: list[str | float]) -> Record:
    return Record(id, f"#{id}", "", "", START, done_at=done_at, fields=fields)


def evaluate(records: list[Record], take: RecordTake = "count", of: str | None = None, *rules: Filter) -> float | None:
    return evaluate_records(RecordMeasure("code", ("pulls",), take, of, rules), SPAN, NOW, records).number


def test_a_sum_over_records_is_rounded_once() -> None:
    number = 1.0997902045336745  # rounded to 15 digits before it is added, twice the number would end in 34
    records = [record(name, f=[number]) for name in "ab"]
    assert evaluate(records, "sum", "f") == 2.19958040906735


class TestScalars:
    @pytest.mark.parametrize(
        ("value", "text"),
        [("5", "5"), (5, "5"), (5.0, "5"), (-0.0, "0"), (0.1, "0.1"), (1e22, "1e+22"), ("", ""), (-3.5, "-3.5")],
    )
    def test_a_number_becomes_the_shortest_text_that_reads_back(self, value: str | float, text: str) -> None:
        assert scalar_text(value) == text

    @given(number=st.floats(allow_nan=False, allow_infinity=False))
    def test_a_text_reads_back_as_its_number(self, number: float) -> None:
        assert float(scalar_text(number)) == number


class TestFilters:
    @pytest.mark.parametrize(
        ("rule", "accepted", "refused"),
        [
            (Filter("f", ("bug",)), [["bug"], ["chore", "bug"]], [["chore"], [], ["Bug"]]),
            (Filter("f", ("bug", "chore")), [["bug"], ["chore"]], [["docs"], []]),
            (Filter("f", ("bug",), negated=True), [["chore"], []], [["bug"], ["chore", "bug"]]),
            (Filter("f", (None,)), [[]], [["x"], [0.0], [""]]),
            (Filter("f", (None,), negated=True), [["x"], [0.0]], [[]]),
            (Filter("f", ("bug", None)), [["bug"], []], [["chore"]]),
            (Filter("f", (5,)), [[5.0], ["5"]], [[5.5], ["5.0"]]),
            (Filter("f", at_least=5), [[5], [1, 9]], [[4.9], ["9"], []]),
            (Filter("f", at_most=5), [[5], [1, 9]], [[5.1], ["1"], []]),
            (Filter("f", at_least="2026-10-01"), [["2026-10-01"], ["2027"]], [["2026-09-30"], [9999], []]),
            (Filter("f", at_most="2026-10-01"), [["2026-10-01"], ["2026"]], [["2026-10-02"], [1], []]),
            (Filter("f", at_least=0), [[0.0]], [[-1.0]]),
        ],
        ids=str,
    )
    def test_a_filter_accepts_its_values_and_refuses_others(
        self, rule: Filter, accepted: list[list[str]], refused: list[list[str]]
    ) -> None:
        assert [rule.accepts(values) for values in accepted] == [True] * len(accepted)
        assert [rule.accepts(values) for values in refused] == [False] * len(refused)

    @given(
        values=st.lists(numbers | st.text(max_size=2), max_size=3),
        any_of=st.lists(st.none() | numbers | st.text(max_size=2), min_size=1, max_size=3),
    )
    def test_a_record_passes_a_filter_or_its_opposite(
        self, values: list[str | float], any_of: list[str | float | None]
    ) -> None:
        rule = Filter("f", tuple(any_of))
        assert rule.accepts(values) is not replace(rule, negated=True).accepts(values)

    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            (Filter("label", ("bug", None)), "label is bug or none"),
            (Filter("author", ("bot",), negated=True), "author is not bot"),
            (Filter("size", at_least=5.0), "size ≥ 5"),
            (Filter("size", at_most=0.5), "size ≤ 0.5"),
        ],
    )
    def test_a_filter_describes_itself(self, rule: Filter, text: str) -> None:
        assert str(rule) == text


class TestRecords:
    @pytest.mark.parametrize(
        ("done_at", "counts"),
        [(None, 0), (START - TICK, 0), (START, 1), (SPAN.end - TICK, 1), (SPAN.end, 0)],
    )
    def test_a_record_counts_on_the_day_it_was_done(self, done_at: datetime | None, counts: int) -> None:
        measure = RecordMeasure("code", ("pulls",))
        assert evaluate_records(measure, SPAN, SPAN.end, [record(done_at=done_at)]).number == counts

    def test_every_filter_must_pass(self) -> None:
        records = [record("1", base=["main"], author=["ann"]), record("2", base=["main"], author=["bot"]), record("3")]
        rules = (Filter("base", ("main",)), Filter("author", ("bot",), negated=True))
        assert evaluate(records, "count", None, *rules) == 1

    def test_an_id_counts_once(self) -> None:
        assert evaluate([record("1", size=[3]), record("1", size=[3])], "sum", "size") == 3

    @pytest.mark.parametrize(
        ("take", "number"),
        [("sum", 20), ("average", 5), ("median", 3.5), ("p90", 9.6), ("min", 1), ("max", 12), ("distinct", 4)],
    )
    def test_each_take(self, take: RecordTake, number: float) -> None:
        records = [record(str(size), size=[size]) for size in (3, 12, 1, 4)]
        assert evaluate(records, take, "size") == pytest.approx(number)

    @pytest.mark.parametrize("take", get_args(RecordTake))
    def test_an_empty_set_has_count_and_sum_0_and_the_rest_unknown(self, take: RecordTake) -> None:
        expected = 0 if take in ("count", "sum") else None
        assert evaluate([], take, None if take == "count" else "size") == expected

    def test_a_record_that_lacks_the_field_is_left_out_and_counted_as_lacking(self) -> None:
        records = [record("1", size=[3]), record("2", size=[]), record("3"), record("4", size=["large"])]
        answer = evaluate_records(RecordMeasure("code", ("pulls",), "average", "size"), SPAN, NOW, records)
        assert (answer.number, answer.counted, answer.lacking) == (3, 1, 3)

    def test_the_reason_says_that_all_records_lack_the_field(self) -> None:
        measure = RecordMeasure("code", ("pulls",), "median", "size")
        answer = evaluate_records(measure, SPAN, NOW, [record("1"), record("2")])
        assert (answer.number, answer.reason) == (None, "none of 2 records has size")

    def test_distinct_counts_texts_of_every_element(self) -> None:
        records = [record("1", who=["ann", "bob"]), record("2", who=["bob"]), record("3", who=[5.0, "5"]), record("4")]
        answer = evaluate_records(RecordMeasure("code", ("pulls",), "distinct", "who"), SPAN, NOW, records)
        assert (answer.number, answer.counted, answer.lacking) == (3, 3, 1)

    def test_a_record_contributes_the_sum_of_its_numbers(self) -> None:
        summed = RecordMeasure("code", ("pulls",), "sum", "size")
        assert contribution(summed, record(size=[1, 2, "x"])) == 3
        assert contribution(summed, record(size=["x"])) is None
        assert contribution(summed, record(size=[0])) == 0

    def test_of_several_fields_the_first_with_a_value_is_read(self) -> None:
        """As of Story Points and Story point estimate, which a Jira site with both kinds of projects has."""
        measure = RecordMeasure("code", ("pulls",), "sum", "points", else_of=("estimate",))
        records = [
            record("1", points=[3], estimate=[100]),
            record("2", points=[], estimate=[5]),
            record("3", estimate=[0]),
            record("4", points=["large"], estimate=[100]),
        ]
        answer = evaluate_records(measure, SPAN, NOW, records)
        assert (answer.number, answer.counted, answer.lacking) == (8, 3, 1)
        assert measure.fields == {"points", "estimate"}
        none = evaluate_records(replace(measure, take="average"), SPAN, NOW, [record()])
        assert none.reason == "none of 1 records has points or estimate"

    @pytest.mark.parametrize(
        ("left", "reason"),
        [
            (record(done_at=None), "not done"),
            (replace(record(done_at=None), not_done="closed as not planned"), "closed as not planned"),
            (record(done_at=START - TICK), "done before the window"),
            (record(done_at=SPAN.end), "done after the window"),
            (record(label=["docs", 5.0]), "label is docs, 5, not as asked: label is bug"),
            (record(label=[0.1 + 0.2]), "label is 0.3, not as asked: label is bug"),
            (record(), "label is none, not as asked: label is bug"),
            (record(label=["bug"]), None),
        ],
    )
    def test_a_record_is_left_out_for_a_reason(self, left: Record, reason: str | None) -> None:
        measure = RecordMeasure("code", ("pulls",), filters=(Filter("label", ("bug",)),))
        assert left_out(measure, SPAN, SPAN.end, left) == reason

    def test_record_done_after_now_does_not_count_yet(self) -> None:
        pulls = RecordMeasure("code", ("pulls",))
        skewed, of_now = record(done_at=NOW + TICK), record("2", done_at=NOW)
        assert left_out(pulls, SPAN, NOW, skewed) == "done after now"
        assert left_out(pulls, SPAN, NOW, of_now) is None
        assert evaluate([skewed, of_now]) == 1

    def test_share_looks_at_now_too(self) -> None:
        created_later = replace(record("3", done_at=None), created_at=NOW + TICK)
        assert evaluate([record(done_at=NOW + TICK), record("2", done_at=NOW), created_later], "share") == 50
        assert left_out(RecordMeasure("code", ("pulls",), "share"), SPAN, NOW, created_later) == "created after now"

    def test_fields_are_those_of_the_aggregate_and_the_filters(self) -> None:
        measure = RecordMeasure(
            "code", ("pulls",), "sum", "size", (Filter("label", ("bug",)), Filter("size", at_least=1))
        )
        assert measure.fields == {"size", "label"}


class TestAggregates:
    @given(values=st.lists(numbers, min_size=1, max_size=9))
    def test_aggregates_lie_between_their_bounds(self, values: list[float]) -> None:
        low, high = min(values), max(values)
        aggregates = {take: aggregate(take, values) for take in ("min", "median", "p90", "max", "average", "sum")}
        assert aggregates["min"] == low
        assert aggregates["max"] == high
        assert all(low - 1e-6 <= (aggregates[take] or 0.0) <= high + 1e-6 for take in ("median", "p90", "average"))
        assert (aggregates["median"] or 0.0) <= (aggregates["p90"] or 0.0) + 1e-6
        assert aggregates["sum"] == pytest.approx((aggregates["average"] or 0.0) * len(values), abs=1e-3)

    @given(
        values=st.lists(numbers, max_size=6),
        take=st.sampled_from([t for t in get_args(RecordTake) if t not in ("distinct", "share")]),
    )
    def test_order_does_not_matter(self, values: list[float], take: str) -> None:
        assert aggregate(take, values) == aggregate(take, values[::-1])

    @pytest.mark.parametrize("take", ["sum", "average"])
    def test_record_with_a_number_beyond_2_to_the_53_is_unknown(self, take: RecordTake) -> None:
        answer = answer_numbers(take, "size", [1.0, 2.0**53], 0)
        reason = f"a record's size holds a number {BEYOND}"
        assert (answer.number, answer.reason) == (None, reason)

    def test_sum_beyond_2_to_the_53_is_unknown(self) -> None:
        large = 2.0**53 - 1
        assert answer_numbers("sum", "size", [large, 1.0], 0).number == 2**53
        reason = f"it is {BEYOND}"
        for numbers in ([large, 2.0], [large, large], [-large, -2.0], [large, large, large, -1.0]):
            answer = answer_numbers("sum", "size", numbers, 0)
            assert (answer.number, answer.reason) == (None, reason)
        assert answer_numbers("sum", "size", [large, large, -large], 0).number == large
        assert answer_numbers("average", "size", [large, large - 2], 0).number == large - 1

    @pytest.mark.parametrize(
        ("take", "numbers", "result"),
        [
            ("sum", [0.1] * 10, 1),
            ("sum", [0.1, 0.2], 0.3),
            ("sum", [100.3, -100.1], 0.2),
            ("sum", [41.0, 40.999999999999996, 41.0], 123),
            ("average", [0.1, 0.2], 0.15),
            ("average", [100.3, -100.1, 0.1], 0.1),
            ("average", [1.0, 1.0, 0.0], 0.666666666666667),
            ("median", [0.1, 0.3], 0.2),
            ("p90", [float(number) for number in range(71)], 63),
            ("max", [0.30000000000000004], 0.3),
        ],
    )
    def test_measured_number_has_15_significant_digits(
        self, take: RecordTake, numbers: list[float], result: float
    ) -> None:
        assert answer_numbers(take, "size", numbers, 0).number == result

    def test_share_of_29_in_50_is_58_percent(self) -> None:
        assert answer_share(29, 50).number == 58

    def test_p90_equals_that_of_spreadsheets(self) -> None:
        assert aggregate("p90", [float(number) for number in range(1, 11)]) == pytest.approx(9.1)


def reading(day: float, number: float | None, problem: str | None = None) -> Reading:
    return Reading(number, f"C{day}", str(number), START + timedelta(days=day), problem)


def taken(take: ReadingTake, *readings: Reading, now: datetime = NOW) -> float | None:
    return evaluate_readings(take, SPAN, now, readings).number


class TestReadings:
    @pytest.mark.parametrize(
        ("take", "number"),
        [("latest", 7), ("first", 10), ("change", -3), ("sum", 21), ("average", 7), ("min", 4), ("max", 10)],
    )
    def test_each_take(self, take: ReadingTake, number: float) -> None:
        assert taken(take, reading(7, 10), reading(21, 7), reading(14, 4)) == number

    @pytest.mark.parametrize("take", get_args(ReadingTake))
    def test_an_empty_series_is_unknown_and_its_sum_0(self, take: ReadingTake) -> None:
        answer = evaluate_readings(take, SPAN, NOW, [])
        assert answer.number == (0 if take == "sum" else None)
        assert (answer.reason is None) == (take == "sum")

    @pytest.mark.parametrize("take", get_args(ReadingTake))
    @given(place=st.integers(0, 2), values=st.lists(numbers, min_size=3, max_size=3))
    def test_a_reading_without_a_number_makes_every_answer_that_uses_it_unknown(
        self, take: ReadingTake, place: int, values: list[float]
    ) -> None:
        readings = [reading(day, value) for day, value in enumerate(values)]
        readings[place] = reading(place, None, "the error #REF!")
        answer = evaluate_readings(take, SPAN, NOW, readings)
        used = {"latest": {2}, "first": {0}, "change": {0, 2}}.get(take, {0, 1, 2})
        if place in used:
            assert answer.number is None
            assert answer.reason == f"C{place} holds the error #REF!"
        else:
            assert answer.number is not None

    def test_rows_after_now_are_ignored_and_rows_of_now_are_not(self) -> None:
        readings = [reading(1, 10), reading(2, 20), reading(3, 30)]
        assert taken("latest", *readings, now=START + timedelta(days=2)) == 20
        assert taken("latest", *readings, now=START + timedelta(days=2) - TICK) == 10
        assert taken("sum", *readings, reading(4, None, "the text 'soon'"), now=START + timedelta(days=3)) == 60

    def test_rows_outside_the_window_are_ignored(self) -> None:
        assert taken("sum", reading(-1, 1), reading(0, 2), reading(92, 4), now=SPAN.end + timedelta(days=9)) == 2

    def test_the_later_of_two_rows_with_the_same_time_is_newer(self) -> None:
        assert taken("latest", reading(1, 10), reading(1, 20)) == 20
        assert taken("first", reading(1, 10), reading(1, 20)) == 10

    def test_a_change_needs_two_readings(self) -> None:
        answer = evaluate_readings("change", SPAN, NOW, [reading(1, 10)])
        assert answer.number is None
        assert "two readings" in (answer.reason or "")

    def test_zero_is_a_number(self) -> None:
        assert taken("latest", reading(1, 10), reading(2, 0)) == 0
        assert taken("min", reading(1, 10), reading(2, 0)) == 0

    def test_an_answer_has_the_time_of_the_newest_reading(self) -> None:
        answer = evaluate_readings("latest", SPAN, NOW, [reading(1, 10), reading(2, 20), reading(60, 30)])
        assert answer.at == START + timedelta(days=2)
        # The first reading does not grow old while newer ones come: the series is as of its newest.
        assert evaluate_readings("first", SPAN, NOW, [reading(1, 10), reading(2, 20)]).at == START + timedelta(days=2)
