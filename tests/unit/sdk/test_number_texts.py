"""Texts that hold a number: which `as:` reads them, and which is named where none does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.as_keys import As
from syncd.sdk.number_texts import needs_decimal_comma, number_advice, read_number

ACCOUNTS, MONEY = As(accounting=True), As(currency=True)
BOTH = As(accounting=True, currency=True)


@pytest.mark.parametrize(
    ("rules", "text", "number"),
    [
        (ACCOUNTS, "(1,234)", "-1234"),
        (ACCOUNTS, "( 1,234.50 )", "-1234.5"),
        (ACCOUNTS, "1,234-", "-1234"),
        (ACCOUNTS, "1,234", "1234"),
        (ACCOUNTS, "-12", "-12"),
        (ACCOUNTS, "(0)", "0"),
        (ACCOUNTS, "(1.234,50)", "-1234.5"),
        (As(accounting=True, decimal=",", thousands="."), "(1.234)", "-1234"),
        (As(accounting=True, percent=True), "(5%)", "-0.05"),
        (MONEY, "$1,234.50", "1234.5"),
        (MONEY, "€ 1.234,50", "1234.5"),
        (MONEY, "€ 1 234,50", "1234.5"),
        (MONEY, "CHF 1'234.50", "1234.5"),
        (MONEY, "USD 12", "12"),
        (MONEY, "12 EUR", "12"),
        (MONEY, "12,50 €", "12.5"),
        (MONEY, "US$12", "12"),
        (MONEY, "R$ 12", "12"),
        (MONEY, "1 200 kr", "1200"),
        (MONEY, "-$12", "-12"),
        (MONEY, "$-12", "-12"),
        (MONEY, "12", "12"),
        (MONEY, "$0.125", "0.125"),
        (As(currency=True, decimal=","), "€ 1.234", "1234"),
        (BOTH, "($1,234.50)", "-1234.5"),
        (BOTH, "$(1,234.50)", "-1234.5"),
        (BOTH, "(1,234.50) €", "-1234.5"),
    ],
)
def test_text_is_read_by_as(rules: As, text: str, number: str) -> None:
    assert read_number(text, rules) == Decimal(number)


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (ACCOUNTS, "(-12)"),
        (ACCOUNTS, "(12"),
        (ACCOUNTS, "12)"),
        (ACCOUNTS, "-12-"),
        (ACCOUNTS, "($12)"),
        (ACCOUNTS, "-"),
        (MONEY, "(12)"),
        (MONEY, "$120k"),
        (MONEY, "12 MIO"),
        (MONEY, "12 k€ and more"),
        (MONEY, "$12 USD"),
        (MONEY, "12¢"),
        (MONEY, "8h"),
        (MONEY, "$1.2.3"),
        (MONEY, "$12 %"),
        (MONEY, "$"),
        (As(decimal=","), "$12"),
    ],
)
def test_other_text_is_no_number(rules: As, text: str) -> None:
    assert read_number(text, rules) is None


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("12", 'write as: {decimal: "."}'),
        ("3.5", 'write as: {decimal: "."}'),
        ("42,50", 'write as: {decimal: ","}'),
        ("1.234,50", 'write as: {decimal: ",", thousands: "."}'),
        ("1,234.50", 'write as: {thousands: ","}'),
        ("1 050", 'write as: {thousands: " "}'),
        ("1,092", 'write as: {decimal: ","} if it means 1.092, or as: {thousands: ","} if it means 1092'),
        (
            "1.180",
            'write as: {decimal: "."} if it means 1.18, or as: {decimal: ",", thousands: "."} if it means 1180',
        ),
        ("18%", "write as: {percent: true}"),
        ("18,5 %", 'write as: {percent: true, decimal: ","}'),
        ("$120", "write as: {currency: true}"),
        ("€ 1.234,50", "write as: {currency: true}"),
        ("(1,234.50)", "write as: {accounting: true}"),
        ("($12)", "write as: {accounting: true, currency: true}"),
        ("$120k", "let the cell hold the number alone"),
        ("8h", "let the cell hold the number alone"),
        (">= 80", "let the cell hold the number alone"),
        ("n/a", ""),
        ("soon", ""),
    ],
)
def test_advice_names_the_as_that_reads_a_text(text: str, advice: str) -> None:
    assert number_advice(text) == advice


@pytest.mark.parametrize("text", ["12", "3.5", "42,50", "1.234,50", "1 050,5", "18%", "18,5 %", "$1,234", "(12)"])
def test_advised_as_reads_the_text(text: str) -> None:
    for keys in number_advice(text).removeprefix("write ").split(", or "):
        written = keys.partition("as: {")[2].partition("}")[0]
        pairs = (pair.split(": ") for pair in written.split(", "))
        rules = As.model_validate({name: value == "true" or value.strip('"') for name, value in pairs})
        assert read_number(text, rules) is not None


@pytest.mark.parametrize("text", ["42,50", "1.234,5", "0,5", "0,500", "1234,567", "-3,1", "18,5%", "€ 3,20", "(3,2)"])
def test_decimal_comma_is_told(text: str) -> None:
    assert needs_decimal_comma(text)


@pytest.mark.parametrize("text", ["1.234.567", "€ 1.234.567", "-12.345.678,00", "1.234.567 %", "(1.234.567)"])
def test_points_that_can_only_group_digits_need_a_decimal_comma(text: str) -> None:
    assert needs_decimal_comma(text)


@given(
    groups=st.lists(st.integers(0, 999), min_size=1, max_size=4),
    first=st.integers(1, 999),
    mark=st.sampled_from(",.' "),
)
def test_points_alone_need_a_decimal_comma_where_two_groups_follow(first: int, groups: list[int], mark: str) -> None:
    text = mark.join([str(first), *(f"{group:03}" for group in groups)])
    assert needs_decimal_comma(text) == (mark == "." and len(groups) > 1)


@pytest.mark.parametrize(
    "text",
    [
        "1,234",
        "1,234,567",
        "1'234'567",
        "1.2.3",
        "1.234",
        "9.11.2026",
        "1,234.50",
        "12",
        "3.5",
        "a, 5",
        "5 Oct, 2026",
        "1,2,3",
        ",",
    ],
)
def test_comma_that_may_group_digits_is_no_decimal_comma(text: str) -> None:
    assert not needs_decimal_comma(text)
