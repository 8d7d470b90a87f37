"""The catalogue of texts is what the code says, and each translation has all of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import texts  # noqa: E402

PLACEHOLDER = re.compile(r"%\(\w+\)[sr]|%%")
TRANSLATIONS = sorted(path.stem for path in texts.LOCALES.glob("*.po"))


@pytest.fixture(scope="module")
def english() -> Catalog:
    return texts.catalogue()


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_catalogue_is_current(english: Catalog) -> None:
    assert (texts.LOCALES / "messages.pot").read_text(encoding="utf-8") == texts.as_text(english), "run: make texts"


@pytest.mark.parametrize("language", TRANSLATIONS)
class TestTranslation:
    @pytest.fixture
    def translation(self, language: str) -> Catalog:
        with (texts.LOCALES / f"{language}.po").open("rb") as file:
            return read_po(file, locale=language, abort_invalid=True)

    def test_has_every_text(self, translation: Catalog, english: Catalog) -> None:
        translated = {(message.id, message.context) for message in translation if message.id and all(forms(message))}
        assert [
            message.id for message in english if message.id and (message.id, message.context) not in translated
        ] == []

    def test_has_no_text_that_is_gone(self, translation: Catalog, english: Catalog) -> None:
        assert {message.id for message in translation} <= {message.id for message in english}
        assert not translation.obsolete

    def test_has_no_guess(self, translation: Catalog) -> None:
        assert [message.id for message in translation if message.fuzzy] == []

    def test_keeps_placeholders(self, translation: Catalog) -> None:
        assert [error for message in translation if message.id for error in message.check(translation)] == []
        for message in translation:
            if message.id:
                originals = [message.id] if isinstance(message.id, str) else [*message.id]
                allowed = [
                    {*PLACEHOLDER.findall(original)} for original in originals
                ]  # the singular may lack the number
                assert all({*PLACEHOLDER.findall(form)} in allowed for form in forms(message)), message.id
