"""The values of plain scalars: the table of ruamel.yaml 0.19 for YAML 1.2, which syncd used at first."""

from __future__ import annotations

import pytest

from syncd.config.document import parse_document

TABLE = {
    # nothing
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "nULL": "nULL",
    "none": "none",
    "~x": "~x",
    # truth values, and texts that YAML 1.1 read as truth values
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "tRUE": "tRUE",
    "yes": "yes",
    "No": "No",
    "on": "on",
    "OFF": "OFF",
    "y": "y",
    "n": "n",
    # integers
    "0": 0,
    "-0": 0,
    "1200": 1200,
    "+12": 12,
    "-12": -12,
    "012": 12,
    "08": 8,
    "1_000": 1000,
    "1__0": 10,
    "-_1": -1,
    "_1": "_1",
    "1,200": "1,200",
    "1 000": "1 000",
    "0x1F": 31,
    "-0x1f": -31,
    "0x1_F": 31,
    "0X1F": "0X1F",
    "0xG": "0xG",
    "0x": "0x",
    "0o17": 15,
    "+0o17": 15,
    "0o8": "0o8",
    "0o": "0o",
    "0b101": "0b101",
    "+": "+",
    "-": None,  # an item without a value
    "--1": "--1",
    "+-1": "+-1",
    "9" * 308: int("9" * 308),
    "9" * 309: "9" * 309,  # too large for a float
    "9" * 4301: "9" * 4301,
    # floats
    "1.5": 1.5,
    "-1.5": -1.5,
    "+1.5": 1.5,
    "1.": 1.0,
    "01.5": 1.5,
    ".5": 0.5,
    "-.5": -0.5,
    "+.5": 0.5,
    "1_0.5_0": 10.5,
    "._5": 0.5,
    ".": ".",
    "._": "._",
    "-.": "-.",
    "...1": "...1",
    "1.2.3": "1.2.3",
    "1e3": 1000.0,
    "1E3": 1000.0,
    "1e+3": 1000.0,
    "1e-3": 0.001,
    "1.5e3": 1500.0,
    "1.e3": 1000.0,
    ".5e+3": 500.0,
    "-.5e-1": -0.05,
    ".5e3": ".5e3",
    "1e": "1e",
    "e3": "e3",
    "1e3.5": "1e3.5",
    "1_0e3": 10000.0,
    "1e999": "1e999",
    "-0x" + "f" * 400: "-0x" + "f" * 400,
    ".inf": ".inf",
    "-.inf": "-.inf",
    "+.Inf": "+.Inf",
    ".INF": ".INF",
    ".nan": ".nan",
    ".NaN": ".NaN",
    "inf": "inf",
    "nan": "nan",
    # texts that look like something else
    "12:30:45": "12:30:45",
    "1:30": "1:30",
    "2026-10-01": "2026-10-01",
    "2026-11-21T10:15+01:00": "2026-11-21T10:15+01:00",
    "2026-Q4": "2026-Q4",
    "2026": 2026,
    "10d": "10d",
    "50%": "50%",
    "=": "=",
    "<<": "<<",
    "1AbC": "1AbC",
    "٣": "٣",  # a digit, but not in YAML
    "1٣": "1٣",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=text[:20] or "nothing") for text in TABLE])
def test_a_plain_scalar_keeps_its_value(text: str) -> None:
    data = parse_document(f"a: {text}" if text != "-" else "- ", "okrs.yaml").data
    value = data["a"] if isinstance(data, dict) else data[0]
    assert (type(value), value) == (type(TABLE[text]), TABLE[text])


@pytest.mark.parametrize("written", ["'{}'", '"{}"', "|-\n  {}", ">-\n  {}"])
@pytest.mark.parametrize("text", ["null", "true", "12", "1.5", "~"])
def test_a_scalar_in_quotes_or_in_a_block_is_a_text(written: str, text: str) -> None:
    assert parse_document("a: " + written.format(text), "okrs.yaml").data == {"a": text}


@pytest.mark.parametrize("text", ["null", "true", "012", "1.50", "~", "yes"])
def test_a_key_is_the_text_that_is_written(text: str) -> None:
    assert parse_document(f"{text}: 1", "okrs.yaml").data == {text: 1}


def test_a_directive_does_not_bring_back_yaml_1_1() -> None:
    assert parse_document("%YAML 1.1\n---\na: yes\nb: 010\n", "okrs.yaml").data == {"a": "yes", "b": 10}
