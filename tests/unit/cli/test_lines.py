"""Lines of text for a terminal of 80 columns."""

from __future__ import annotations

import pytest

from syncd.cli.lines import cut, labelled, rounded, wrapped


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert cut("x" * 80) == "x" * 80
    assert cut("x" * 81) == "x" * 79 + "…"
    assert cut("abcdef", 4) == "abc…"


def test_a_text_is_wrapped_after_its_indents() -> None:
    words = " ".join(["four"] * 20)
    first, second = wrapped(words, "- ", "    ")
    assert first.startswith("- four")
    assert second.startswith("    four")
    assert max(len(first), len(second)) <= 80
    assert [line[:3] for line in wrapped(words, "  ")] == ["  f", "  f"]
    assert list(wrapped("")) == []


def test_an_address_and_an_option_stay_whole() -> None:
    address = "https://acme.example/" + "a" * 80
    assert list(wrapped(f"see {address}", "  ")) == ["  see", f"  {address}"]
    lines = list(wrapped("x" * 70 + " publish --retry"))
    assert lines[-1].split()[-1] == "--retry"


def test_a_label_has_a_column_of_its_own() -> None:
    first, second = labelled("edited", " ".join(["four"] * 20))
    assert first.startswith("edited    four")
    assert second.startswith("          four")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.977384259259259", "4.98"),
        ("1315.8", "1315.8"),
        ("1000000", "1000000"),
        ("ana, bo, chidi", "ana, bo, chidi"),
        ("unknown: the error #REF!", "unknown: the error #REF!"),
    ],
)
def test_a_number_with_many_digits_is_rounded_and_any_other_text_stays(text: str, expected: str) -> None:
    assert rounded(text) == expected
