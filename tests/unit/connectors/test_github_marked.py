"""syncd's block in a text that belongs to somebody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.github.markdown import inert
from connectors.github.marked import TornError, block_of, with_block

START, END = "<!-- syncd:calls -->", "<!-- /syncd:calls -->"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("", f"{START}\nours\n{END}"),
        ("Why we do it.", f"Why we do it.\n\n{START}\nours\n{END}"),
        ("Why we do it.\n", f"Why we do it.\n\n{START}\nours\n{END}"),
        ("Why we do it.\n\n\n", f"Why we do it.\n\n\n{START}\nours\n{END}"),
        ("Why\r\nwe do it.", f"Why\r\nwe do it.\r\n\r\n{START}\r\nours\r\n{END}"),
        ("Why\r\nwe do it.\r\n", f"Why\r\nwe do it.\r\n\r\n{START}\r\nours\r\n{END}"),
        (f"above  \n{START}\nold\n{END}\tbelow\n", f"above  \n{START}\nours\n{END}\tbelow\n"),
        (f"above\r\n{START}\r\nold\r\n{END}\r\n", f"above\r\n{START}\r\nours\r\n{END}\r\n"),
        (f"{START}{END}", f"{START}\nours\n{END}"),
    ],
)
def test_the_block_is_added_and_the_rest_stays(text: str, becomes: str) -> None:
    assert with_block(text, "calls", "ours") == becomes
    assert block_of(becomes, "calls") == "ours"


_texts = st.text(st.sampled_from("ab <>!-/#\\\r\n") | st.characters(exclude_categories=["Cs"])).filter(
    lambda text: "syncd:" not in text
)


@given(_texts, _texts, st.text().map(lambda text: inert(" ".join(text.split()))).filter(bool))
def test_text_around_the_block_stays_byte_for_byte(above: str, below: str, ours: str) -> None:
    first = with_block(above, "calls", "first")
    assert first.startswith(above)
    second = with_block(first + below, "calls", ours)
    assert second.startswith(above)
    assert second.endswith(below)
    assert block_of(second, "calls") == ours
    assert with_block(second, "calls", "first").replace("\r\n", "\n") == (first + below).replace("\r\n", "\n")


def test_blocks_of_several_key_results_do_not_touch() -> None:
    both = with_block(with_block("Why.", "calls", "one"), "calls-2", "two")
    assert (block_of(both, "calls"), block_of(both, "calls-2")) == ("one", "two")
    assert block_of(with_block(both, "calls", "three"), "calls-2") == "two"


def test_a_missing_or_empty_block_is_none() -> None:
    assert block_of("Why we do it.", "calls") is None
    assert block_of(f"{START}\r\n\r\n{END}", "calls") is None


def test_a_quoted_mark_does_not_open_the_block() -> None:
    text = f"`{START}` stands above the numbers, which people wrote about here.\n\n{START}\nold\n{END}"
    assert block_of(text, "calls") == "old"
    assert with_block(text, "calls", "new") == text.replace("old", "new")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{START}\nold\n\nand what people wrote below", f"{START} without {END}"),
        (f"old\n{END}", f"{END} without {START}"),
        (f"{END}\nwrong way round\n{START}", f"{START} without {END}"),
    ],
)
def test_a_mark_alone_is_an_error_that_says_which_is_missing(text: str, message: str) -> None:
    with pytest.raises(TornError, match=message):
        block_of(text, "calls")
    with pytest.raises(TornError, match=message):
        with_block(text, "calls", "new")
