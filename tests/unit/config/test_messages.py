"""Messages that the corpus of tests/fixtures/bad does not cover."""

from __future__ import annotations

from syncd.config.messages import nearest


def test_a_hint_lists_twenty_of_many_names() -> None:
    hint = nearest("zzz", [f"calls-{number:04}" for number in range(2000)])
    assert hint.startswith("; known here: calls-0000, calls-0001, ")
    assert hint.endswith(", calls-0019 and 1,980 more")


def test_a_hint_lists_all_of_twenty_names() -> None:
    assert nearest("zzz", "abcdefghijklmnopqrst").endswith("r, s, t")
