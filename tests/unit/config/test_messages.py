"""Messages that the corpus of tests/fixtures/bad does not cover."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_bad_files import MAPPING, PROJECT

from syncd.config import load_config
from syncd.config.document import parse_document
from syncd.config.messages import nearest
from syncd.config.number_advice import instead_of
from syncd.okr.goals import Target
from syncd.sdk import ConfigError


def test_a_hint_lists_twenty_of_many_names() -> None:
    hint = nearest("zzz", [f"calls-{number:04}" for number in range(2000)])
    assert hint.startswith("; known here: calls-0000, calls-0001, ")
    assert hint.endswith(", calls-0019 and 1,980 more")


def test_a_hint_lists_all_of_twenty_names() -> None:
    assert nearest("zzz", "abcdefghijklmnopqrst").endswith("r, s, t")


@example("%")
@example("k€")
@example("@home")
@example("calls: all")
@example("a #b")
@example("null")
@example("[x], y")
@example('"x"')
@example("- x")
@given(st.text(st.characters(codec="ascii", categories=("L", "P", "S")) | st.sampled_from("€°µ "), max_size=15))
def test_an_advised_unit_is_the_unit_when_it_is_typed(name: str) -> None:
    advice = instead_of(f"95 {name}")
    written = re.fullmatch(r"write (?P<number>\S+), and (?P<unit>unit: .+)", advice.split("; or ")[0])
    if written is None:  # another number, or none
        return
    typed = parse_document(f"{{target: {written['number']}, {written['unit']}}}\n", "okrs.yaml").data
    assert isinstance(typed, dict)
    assert set(typed) == {"target", "unit"}
    assert isinstance(typed["unit"], str)
    assert not instead_of(f"95 {name}", unit=False).count("unit")


@pytest.mark.parametrize("written", ["15", "28", "1.5", "90"])
@pytest.mark.parametrize(
    ("place", "key"),
    [
        ("project", "schedule"),
        ("project", "settle"),
        ("key result", "stale_after"),
        ("measure", "window"),
        ("window", "settled"),
    ],
)
def test_an_advised_duration_is_taken_when_it_is_typed(place: str, key: str, written: str, tmp_path: Path) -> None:
    def load(text: str) -> None:
        entry = f"{key}: {text}"
        window = f"window: {{{entry}}}" if place == "window" else entry
        measure = (
            ""
            if place not in ("measure", "window")
            else (f", measure: {{from: code, repo: acme/web, what: closed_issues, {window}}}")
        )
        more = f", {entry}" if place == "key result" else measure
        (tmp_path / "syncd.yaml").write_text(PROJECT + (f"{entry}\n" if place == "project" else ""))
        (tmp_path / "okrs.yaml").write_text(MAPPING.replace("600}", f"600{more}}}"))
        load_config(tmp_path / "syncd.yaml")

    with pytest.raises(ConfigError) as caught:
        load(written)
    message = caught.value.problems[0].message
    assert message.startswith(f"{key} is {written}, but of what? write ")
    if "." not in written:  # parts of a day are refused in days
        for advised in re.split(", | or ", message.partition("? write ")[2]):
            load(advised)


@pytest.mark.parametrize(
    "text", ["9007199254740992", '"9007199254740992"', "-9007199254740992", '"-9007199254740992.0"']
)
def test_a_number_of_exactly_2_to_the_53_is_taken(text: str, tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    (tmp_path / "okrs.yaml").write_text(MAPPING.replace("target: 600", f"target: {text}"))
    goal = load_config(tmp_path / "syncd.yaml").periods[0].key_results[0].goal
    assert isinstance(goal, Target)
    assert abs(goal.target) == 2**53


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("9007199254740993", "9,007,199,254,740,993"),
        ("-9007199254740993", "-9,007,199,254,740,993"),
        ('"9007199254740993"', "'9007199254740993'"),
        ('"9007199254740992.5"', "'9007199254740992.5'"),
        ("9007199254740992.0", "9,007,199,254,740,992"),  # the digits that the file had are gone
        ('"1e99999999999999999999"', "'1e99999999999999999999'"),
    ],
)
def test_a_number_beyond_2_to_the_53_is_shown_as_the_file_has_it(text: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    (tmp_path / "okrs.yaml").write_text(MAPPING.replace("target: 600", f"target: {text}"))
    with pytest.raises(ConfigError, match=re.escape(f"target is {shown}, beyond 2^53")):
        load_config(tmp_path / "syncd.yaml")


@pytest.mark.parametrize("baseline", [1200, 0, 10])
@pytest.mark.parametrize("levels", [(500, 600), (12, 10), (12, 11, 10), (1400, 1300), (5, 11, 12), (9, 11), (1, 2, 3)])
def test_advised_levels_are_taken_when_they_are_typed(baseline: int, levels: tuple[int, ...], tmp_path: Path) -> None:
    def load(text: str) -> None:
        (tmp_path / "syncd.yaml").write_text(PROJECT)
        goal = f"baseline: {baseline}, {text}"
        (tmp_path / "okrs.yaml").write_text(MAPPING.replace("baseline: 1200, target: 600", goal))
        load_config(tmp_path / "syncd.yaml")

    named = zip(("commit", "target", "stretch"), levels, strict=False)
    try:
        load(f"levels: {{{', '.join(f'{name}: {level}' for name, level in named)}}}")
    except ConfigError as error:
        message = error.problems[0].message
        assert ("on both sides" in message) == (min(levels) < baseline < max(levels))
        if "come back towards" in message:
            load(message.partition(", as in ")[2])
        else:
            assert "on both sides" in message or "which is its baseline" in message


def test_a_given_number_of_a_test_is_judged_as_a_target_is(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    test = "tests:\n  - {name: Large, at: 2026-11-20, given: {calls: %s}, expect: {calls: {health: done}}}\n"
    (tmp_path / "okrs.yaml").write_text(MAPPING + test % (2**53 + 1))
    with pytest.raises(ConfigError, match="calls is 9,007,199,254,740,993, beyond 2"):
        load_config(tmp_path / "syncd.yaml")
    (tmp_path / "okrs.yaml").write_text(MAPPING + test % 2**53)
    assert load_config(tmp_path / "syncd.yaml").tests
