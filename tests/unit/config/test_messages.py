"""What messages say beside the corpus of tests/fixtures/bad."""

from __future__ import annotations

from syncd.config.messages import nearest


def test_of_many_names_twenty_are_listed() -> None:
    hint = nearest("zzz", [f"calls-{number:04}" for number in range(2000)])
    assert hint.startswith("; known here: calls-0000, calls-0001, ")
    assert hint.endswith(", calls-0019 and 1,980 more")


def test_twenty_names_are_all_listed() -> None:
    assert nearest("zzz", "abcdefghijklmnopqrst").endswith("r, s, t")
