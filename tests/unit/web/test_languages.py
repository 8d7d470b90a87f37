"""Which language a reader gets, and how it writes numbers and dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from syncd.okr import words
from syncd.sdk.figures import exact, full_number, number, percent
from syncd.sdk.language import ENGLISH, gettext, language, ngettext, speaking
from syncd.web.languages import Languages
from syncd.web.pages import HERE

LANGUAGES = Languages(HERE / "locales")
HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de-AT"),
        ("DE-ch", "de-CH"),
        ("fr-CA,fr;q=0.9,de;q=0.8,en;q=0.7", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("en;q=0.3, de;q=0.7", "de"),
        ("de;q=0, en", "en"),
        ("de;q=0", "en"),
        ("de ; q = 0.5", "de"),
        ("*", "en"),
        ("xx,tlh,de", "de"),
        ("de;q=nonsense, \x00, ;;;, -, de--, 12, ä", "en"),
        ("de_DE", "en"),
        (",".join(f"a{letter}" for letter in "abcdefghijklmnopqrstuvwxyz") + ",de", "en"),
        ("../../de", "en"),
    ],
)
def test_reader_gets_the_first_wanted_language_that_there_is(accepted: str, tag: str) -> None:
    assert LANGUAGES.of(accepted).tag == tag


def test_a_translation_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "he.po").write_text(f'{HEADER}\nmsgid "off track"\nmsgstr "לא בכיוון"\n', encoding="utf-8")
    hebrew = Languages(tmp_path).of("he-IL")
    assert (hebrew.tag, hebrew.direction) == ("he-IL", "rtl")
    with speaking(hebrew):
        assert gettext("off track") == "לא בכיוון"
        assert gettext("on track") == "on track"  # what the file lacks stays English
    assert Languages(tmp_path).of("de").tag == "en"


def test_a_guess_in_a_file_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "de.po").write_text(f'{HEADER}\n#, fuzzy\nmsgid "done"\nmsgstr "getan"\n', encoding="utf-8")
    assert Languages(tmp_path).of("de").gettext("done") == "done"


def test_plural_forms_are_those_of_the_language(tmp_path: Path) -> None:
    forms = "".join(f'msgstr[{index}] "%(num)s {text}"\n' for index, text in enumerate(("dzień", "dni", "dni*")))
    plural = (
        '"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"\n'
    )
    text = f'{HEADER}{plural}\nmsgid "%(num)s day"\nmsgid_plural "%(num)s days"\n{forms}'
    (tmp_path / "pl.po").write_text(text, encoding="utf-8")
    with speaking(Languages(tmp_path).of("pl")):
        shown = [ngettext("%(num)s day", "%(num)s days", number) for number in (1, 3, 5, 12, 22)]
    assert shown == ["1 dzień", "3 dni", "5 dni*", "12 dni*", "22 dni"]


def test_numbers_and_dates_are_those_of_the_reader() -> None:
    moment = datetime(2026, 10, 2, 9, 5, tzinfo=UTC)
    with speaking(LANGUAGES.of("de")):
        assert number(1092.5) == "1.092,5"
        assert number(599.999, bounds=[600]) == "599,999"  # still on its side of the target
        assert number(-1234567) == "-1.234.567"
        assert number(0.0042) == "0,0042"
        assert number(None) == "–"
        assert full_number(1500.004) == "1.500,004"
        assert percent(0.8996, [0.9]) == "89,9\N{NO-BREAK SPACE}%"
        assert exact("1092.5") == "1092,5"
        assert exact("ABC-1") == "ABC-1"
        assert words.day(date(2026, 10, 2)) == "2. Okt"
        assert words.full_day(date(2026, 10, 2)) == "02.10.2026"
        assert words.clock_time(moment) == "2. Okt, 09:05"
        assert words.ago(moment - timedelta(minutes=14), moment) == "vor 14 Min."
    with speaking(LANGUAGES.of("de-CH")):
        assert number(1092.5).replace("’", "'") == "1'092.5"


def test_english_is_what_the_commands_print() -> None:
    assert language() is ENGLISH
    with speaking(LANGUAGES.of("en-GB")):
        assert (number(1092.5), percent(0.18), exact("1092.5")) == ("1,092.5", "18 %", "1092.5")
        assert words.clock_time(datetime(2026, 10, 2, 9, 5, tzinfo=UTC)) == "2 Oct 09:05"


def test_texts_are_formatted_by_their_parts_alone() -> None:
    assert gettext("100 % of it") == "100 % of it"  # a sentence from elsewhere, that no catalogue has
    assert gettext("%(share)s of it", share="100 %(x)s") == "100 %(x)s of it"
