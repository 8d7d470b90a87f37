"""A YAML file as data with lines: the parser, the line of each place, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.config import composing
from syncd.config.composing import MAX_DEPTH, MAX_VALUES, Lines, line_of
from syncd.config.document import parse_document
from syncd.sdk import ConfigError

MAPPINGS = sorted((Path(__file__).parents[3] / "mappings").glob("*.yaml"))
SHAPES = """\
# a comment
period: {start: 2026-10-01, end: 2026-12-31}
title: "Customers: \\u00e9\\/\\
  find"
folded: >
  one
  two
kept: |+
  one

list:
  - &first {a: 1, b: [x, -1.5, .5]}
  - *first
  -
  - - nested
    - 'it''s'
again: *first
? asked
: answered
"quoted": plain # not this
https://acme.example/a#b: http://x:80
"""


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "okrs.yaml")
    return str(caught.value)


def test_the_parser_is_libyamls_if_pyyaml_has_it() -> None:
    """Without libyaml a thousand mapping files take more than two seconds: docs/decisions/0019-pyyaml.md."""
    assert yaml.__with_libyaml__
    assert composing.Loader is yaml.CSafeLoader


@pytest.mark.parametrize("text", [SHAPES, *(path.read_text() for path in MAPPINGS)])
def test_pyyamls_own_parser_reads_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    by_c = parse_document(text, "okrs.yaml")
    monkeypatch.setattr(composing, "Loader", yaml.SafeLoader)
    assert parse_document(text, "okrs.yaml") == by_c
    assert by_c.data


def test_shapes_are_read_with_the_line_of_each_place() -> None:
    document = parse_document(SHAPES, "okrs.yaml")
    first = {"a": 1, "b": ["x", -1.5, 0.5]}
    assert document.data == {
        "period": {"start": "2026-10-01", "end": "2026-12-31"},
        "title": "Customers: é/find",
        "folded": "one two\n",
        "kept": "one\n\n",
        "list": [first, first, None, ["nested", "it's"]],
        "again": first,
        "asked": "answered",
        "quoted": "plain",
        "https://acme.example/a#b": "http://x:80",
    }
    lines = {
        (): 2, ("period",): 2, ("period", "end"): 2, ("title",): 3, ("folded",): 5, ("kept",): 8, ("list",): 11,
        ("list", 0): 12, ("list", 0, "b", 2): 12, ("list", 1): 12, ("list", 3, 1): 16, ("again",): 17,
        ("again", "a"): 12, ("asked",): 18, ("quoted",): 20,
    }  # fmt: skip
    assert {place: document.line(place) for place in lines} == lines


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "null"])
def test_a_file_without_content_is_none(text: str) -> None:
    assert parse_document(text, "okrs.yaml").data is None


def test_an_anchor_may_be_set_again() -> None:
    assert parse_document("a: &x 1\nb: *x\nc: &x 2\nd: *x\n", "okrs.yaml").data == {"a": 1, "b": 1, "c": 2, "d": 2}


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
def test_no_depth_crashes_the_process(opening: str) -> None:
    assert "okrs.yaml:1: nests lists or blocks more than 100 levels deep" in refusal(
        opening * (900_000 // len(opening))
    )


def test_aliases_cannot_exceed_the_depth() -> None:
    lines = ["x: &a0 x", *(f"b{n}: &a{n} {'[' * 40}*a{n - 1}{']' * 40}" for n in range(1, 4))]
    assert parse_document("\n".join(lines[:3]), "okrs.yaml").data
    assert "okrs.yaml:4: nests lists or blocks more than 100 levels deep" in refusal("\n".join(lines))


def test_a_file_just_within_the_bounds_is_read() -> None:
    assert parse_document("[" * MAX_DEPTH + "]" * MAX_DEPTH, "okrs.yaml").data
    items = "- &a x\n" + "- *a\n" * (MAX_VALUES - 2)
    assert len(parse_document(items, "okrs.yaml").data) == MAX_VALUES - 1
    assert "holds more than 100,000 values" in refusal(items + "- *a\n")


@pytest.mark.parametrize("text", ["{a: 1, a: 2}", "a: 1\n'a': 2", "&x a: 1\n*x : 2"])
def test_a_repeated_key_is_refused_however_it_is_written(text: str) -> None:
    assert "'a' is here a second time (first in line 1)" in refusal(text)


@pytest.mark.parametrize(
    "text", ["!x 1", "a: !!str 1", "a: !x [1]", "!x {a: 1}", "a: ! 1", "a: !!python/name:os.system"]
)
def test_a_tag_is_refused(text: str) -> None:
    assert "okrs.yaml:1: the tag '!" in refusal(text)


@pytest.mark.parametrize("character", ["\0", "\a", "\x7f", "\x85", "\u2028", "\ud83d", "\ufffe"])
def test_an_invisible_character_is_refused_with_its_line(character: str) -> None:
    message = f"okrs.yaml:2: the invisible character U+{ord(character):04X} is here; delete it"
    assert refusal(f"a: 1\nb: x{character}y\nc: 1") == message


def all_lines(entry: int | Lines) -> Iterator[int]:
    yield line_of(entry)
    for inner in entry.inside.values() if isinstance(entry, Lines) else ():
        yield from all_lines(inner)


PIECES = st.sampled_from([*"ab0.~'\"\\[]{}:,-?&*!|>%@`# \t\n\x85é", "\n  ", "\n- ", ": ", "\n---\n"])


@example("---")
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        lines = list(all_lines(parse_document(text, "okrs.yaml").lines))
    except ConfigError as error:
        lines = [problem.line for problem in error.problems]
    last = text.count("\n") + 2  # the empty document after a last `---` is one line further
    assert all(1 <= line <= last for line in lines)
