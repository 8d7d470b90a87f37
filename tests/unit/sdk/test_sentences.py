"""What a server says in an answer: its sentence, whole, on one line, with the links to follow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.sentences import LONGEST_SENTENCE, is_page, sentence


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": "Not Found", "status": "404"}, "Not Found"),
        ({"message": "No.", "documentation_url": "https://d/x"}, "No; see https://d/x"),
        ({"message": "Look at https://d/x.", "documentation_url": "https://d/x"}, "Look at https://d/x."),
        ({"message": "Failed", "errors": ["a", "b"]}, "Failed: a; b"),
        ({"message": "Failed", "errors": [{"message": "Failed"}]}, "Failed"),
        ({"errors": [{"message": "no field x"}, {"message": "no field y"}]}, "no field x; no field y"),
        ({"errors": [{"status": "401", "title": "Unauthorized", "detail": "It expired"}]}, "Unauthorized; It expired"),
        ({"errors": "all of it"}, "all of it"),
        ({"errorMessages": ["First.", "Second."]}, "First. Second."),
        ({"errorMessages": [], "errors": {"a": "is required", "b": ["x", "y"]}}, "a: is required; b: x; b: y"),
        ({"error": "nope"}, "nope"),
        ({"error": True, "message": "nope"}, "nope"),
        ({"error": {"code": 403, "message": "No.", "status": "PERMISSION_DENIED"}}, "No (PERMISSION_DENIED)"),
        ({"title": "About", "status": 404, "type": "about:blank"}, "About"),
        ({"detail": [{"loc": ["body", "x"], "msg": "field required"}]}, "field required"),
        ({"code": "rest_forbidden", "message": "Sorry.", "data": {"status": 401}}, "Sorry (rest_forbidden)"),
        ({"values": [1]}, '{"values": [1]}'),
        ({"message": {"text": "deep"}}, '{"message": {"text": "deep"}}'),
        ([{"message": "in a list"}], "in a list"),
        ("text alone", "text alone"),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_sentence_is_read_from_the_names_that_services_use(body: Any, text: str) -> None:
    assert sentence(json.dumps(body)) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<html><head><title>502 Bad</title></head><body><h1>502 Bad</h1></body></html>", "502 Bad"),
        ("<!-- x --><!DOCTYPE html><title>A &amp; B</title><h1>Sorry,\n no</h1>", "A & B: Sorry, no"),
        ("<html><body><p>Only words</p></body></html>", "Only words"),
        ("Unauthorized\n", "Unauthorized"),
        ("one\x1b[31m\r\ntwo", "one\x1b[31m two"),
        ('{"message": "cut o', '{"message": "cut o'),
        ("", ""),
    ],
)  # fmt: skip
def test_page_is_named_by_its_title_and_a_text_stays(body: str, text: str) -> None:
    assert sentence(body) == text


def test_long_sentence_is_whole_and_an_endless_one_is_not() -> None:
    whole = "word " * 190
    assert sentence(json.dumps({"message": whole})) == whole.strip()
    assert len(sentence(json.dumps({"message": whole * 9}))) == LONGEST_SENTENCE
    assert len(sentence(json.dumps({"rows": [whole] * 9}))) < 200


def test_body_without_bottom_is_no_trouble() -> None:
    assert sentence("[" * 900 + '"x"' + "]" * 900).startswith("[[")
    assert sentence("[" * 90_000)


@given(
    body=st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["message", "error", "errors", "detail", "title", "code", "status", "errorMessages", "links"]
                ),
                inner,
            )
        ),
    )
)
def test_any_json_makes_one_line(body: Any) -> None:
    text = sentence(json.dumps(body))
    assert len(text) <= LONGEST_SENTENCE
    assert len(text.splitlines()) <= 1


@pytest.mark.parametrize("body", ["{}", "ok", "", '"<html>"', "<xml/>", "a <html>"])
def test_what_is_no_page(body: str) -> None:
    assert not is_page(body)
