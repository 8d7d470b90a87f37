"""A page is kept without the secrets of its connection, however a server escapes them, and with all that is none."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from syncd.cycle.masked_pages import masked_page
from syncd.sdk import Page, Reading, Record, Snapshot
from syncd.sdk.redactor import Redactor

SECRET = "Pl4nt/of+the-connection"
REDACTOR = Redactor([SECRET])
CONNECTION: Any = SimpleNamespace(redactor=REDACTOR, without_secrets=REDACTOR)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ESCAPED = {
    "itself": SECRET,
    "an address": quote(SECRET, safe=""),
    "JSON": SECRET.replace("/", "\\/"),
    "code points": "".join(f"\\u{ord(character):04x}" for character in SECRET),
    "HTML": SECRET.replace("/", "&#x2f;"),
    "parted": f"{SECRET[:7]}\0{SECRET[7:]}",
}


@pytest.mark.parametrize("form", ESCAPED)
@pytest.mark.parametrize("place", ["label", "title", "url", "not_done", "remark", "fields"])
def test_record_is_kept_without_an_escaped_secret(form: str, place: str) -> None:
    plain = {"label": "#1", "title": "100 % & more", "url": "https://h/1?a=%20", "not_done": "open", "remark": "late"}
    text = f"See {ESCAPED[form]}"
    texts: dict[str, Any] = {**plain, place: {"Note": [text, 7.0]} if place == "fields" else text}
    other = Record("2", **plain, updated_at=NOW, fields={"Team": ["platform-crew"]})
    page = masked_page(Page([Record("1", **texts, updated_at=NOW), other]), CONNECTION)
    record, second = page.records
    assert getattr(record, place) == ({"Note": ["See ***", 7.0]} if place == "fields" else "See ***")
    assert second == other


def test_snapshot_is_kept_without_an_escaped_secret() -> None:
    text = f"See {ESCAPED['code points']}"
    reading = Reading(None, "A1", text, problem=text)
    kept = masked_page(Page(readings={"a": Snapshot([reading], text, [text], warning=text)}), CONNECTION).readings["a"]
    texts = [kept.problem, *kept.notes, kept.warning, kept.readings[0].problem, kept.readings[0].raw]
    assert texts == ["See ***"] * 5
