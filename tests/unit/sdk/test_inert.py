"""A text from outside is made inert: one line, without what commands a terminal or turns texts around."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.figures import spreadsheet_cell
from syncd.sdk.inert import inert, inert_json, inert_lines

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_inert(line: str) -> bool:
    return not any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") or sign in OVERRIDES for sign in line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fewer calls — 12 % מענה", "Fewer calls — 12 % מענה"),
        ("a\x1b[2Jb\x1b]0;title\x07", "a[2Jb]0;title"),
        ("a\r\nb\tc\u2028d\x85e\x0bf", "a  b c d e f"),
        ("a\x9b31mb\x7f\x00", "a31mb"),
        ("\u202eabc\u2069", "abc"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_a_line_holds_nothing_that_acts(text: str, expected: str) -> None:
    assert inert(text) == expected


@given(st.text())
def test_any_text_becomes_one_inert_line(text: str) -> None:
    assert is_inert(inert(text))
    assert inert(inert(text)) == inert(text)
    assert all(is_inert(line) for line in inert_lines(text).replace("\r\n", "\n").split("\n"))


def test_a_document_keeps_its_own_line_breaks() -> None:
    assert inert_lines("a\x1b\r\nb\rc\n\nd\u2028e\n") == "a\r\nb c\n\nd e\n"


@given(st.text())
def test_a_json_document_means_the_same(text: str) -> None:
    document = inert_json(json.dumps({"title": text}, ensure_ascii=False, indent=2))
    assert json.loads(document) == {"title": text}
    assert all(is_inert(line) for line in document.split("\n"))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "＝", "＠"])
def test_no_cell_is_a_formula_by_any_separator(separator: str, begins: str) -> None:
    for text in (f"{begins}1+1", f"a;{begins}1+1", f'a;"{begins}1"', f"a\t{begins}1", f"a|{begins}1", f"a\n{begins}1"):
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerow(["x", spreadsheet_cell(text), "y"])
        (row,) = csv.reader(io.StringIO(file.getvalue()), delimiter=separator)
        assert not [cell for cell in row if cell.lstrip('"').startswith(begins)]


def test_a_sentence_with_a_dash_stays() -> None:
    assert spreadsheet_cell("fell by 12 %; - see the note, -3 in all") == "fell by 12 %; - see the note, -3 in all"
