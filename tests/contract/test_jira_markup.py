"""Plain text as Jira's wiki markup and back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.jira.markup import decoded, encoded, unescaped

TEXTS = st.text(st.sampled_from("ab _*{}[]|\\-#^~!+&;9 2:/.\nżh") | st.characters(codec="utf-8"))


@given(TEXTS)
@example("[a|http://b.example/x_y]")
@example("http://b.example/{x}")
@example("&#92;*")
@example("\\\\_")
def test_a_normalized_text_stays_the_same(text: str) -> None:
    once = decoded(encoded(text))
    assert decoded(encoded(once)) == once


@given(st.lists(st.text(st.sampled_from("ab_*{}[]|\\-#^~!+ż'(),.→%"), min_size=1), min_size=1))
def test_a_text_of_punctuation_is_read_as_it_was_written(lines: list[str]) -> None:
    assert decoded(encoded("\n".join(lines))) == "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("*bold* {code}", r"\*bold\* \{code\}"),
        ("[~accountid:712020:rita] look", r"\[\~accountid:712020:rita\] look"),
        ("-12.5, search-shipped", r"\-12.5, search-shipped"),
        ("why: https://okr.example/a_b?period=2026-Q4#calls", "why: https://okr.example/a_b?period=2026-Q4#calls"),
        ("C:\\new", "C:&#92;new"),
    ],
)
def test_texts_of_people_are_not_markup_and_addresses_stay_links(text: str, markup: str) -> None:
    assert encoded(text) == markup


@pytest.mark.parametrize(
    "markup",
    [
        "goal: 1,200 → 600\nwhy: https://okr.example/?p=a_b#calls\nsearch-shipped (done)",
        "goal: 1,200 → 600 \r\n\r\nwhy: https://okr.example/?p=a_b#calls\r\nsearch-shipped (done)\r\n",
        "goal: 1,200 → 600\n\nwhy: [https://okr.example/?p=a_b#calls|https://okr.example/?p=a_b#calls]"
        "\nsearch\\-shipped \\(done\\)",
        "goal: 1,200 → 600\nwhy: [https://okr.example/?p=a_b#calls|https://okr.example/?p=a_b#calls|smart-link]"
        "\nsearch-shipped (done)",
    ],
)
def test_markup_that_a_site_rewrote_has_the_same_text(markup: str) -> None:
    assert decoded(markup) == "goal: 1,200 → 600\nwhy: https://okr.example/?p=a_b#calls\nsearch-shipped (done)"


def test_backslashes_before_signs_are_no_part_of_a_field() -> None:
    assert unescaped(r"a\_b \{c\} C:\new") == r"a_b {c} C:\new"
