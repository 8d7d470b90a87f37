"""Pseudo-languages, made from the English catalogue: every text is longer, and none has a letter of English.

`python tests/pseudo_language.py FILE` writes one for trying: `el.po` has accents, `he.po` is from right to left.
They take the place of Greek and Hebrew, whose own words for months have no letter of English either.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import texts

ACCENTED, FROM_RIGHT_TO_LEFT = "el", "he"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALPHABETS = {
    ACCENTED: "åƀçďéƒğĥíĵķłɱñöƥɋřšťüṽŵẋýžÅƁÇĎÉƑĞĤÍĴĶŁṀÑÖƤɊŘŠŤÜṼŴẊÝŽ",
    FROM_RIGHT_TO_LEFT: "אבגדהופקחטכלמנעפקרסתוואסיז" * 2,
}
_KEPT = re.compile(r"(%\(\w+\)[sr]|%%|<[^>]*>|`[^`]*`)")  # placeholders, elements and commands
_LONGER = 0.4


def write(path: Path) -> None:
    """Writes the pseudo-language that has the file's name."""
    path.write_text(texts.as_text(pseudo(path.stem)), encoding="utf-8")


def pseudo(language: str) -> Catalog:
    """The whole catalogue in a pseudo-language."""
    letters = str.maketrans(_LETTERS, _ALPHABETS[language])
    catalog = Catalog(locale=language, charset="utf-8", fuzzy=False)
    for message in texts.catalogue():
        if message.id:
            if isinstance(message.id, str):
                catalog.add(message.id, _worded(message.id, letters))
            else:
                one, many = (_worded(form, letters) for form in message.id)
                catalog.add(message.id, (one, *[many] * (catalog.num_plurals - 1)))
    return catalog


def _worded(text: str, letters: dict[int, int]) -> str:
    """The text in other letters, in brackets, and 40 % longer; spaces at its ends stay there."""
    core = text.strip()
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    parts = [part if _KEPT.fullmatch(part) else part.translate(letters) for part in _KEPT.split(core)]
    padding = " ·····" * round(_LONGER * len(core) / len(" ·····"))
    return f"{before}⟦{''.join(parts)}{padding}⟧{after}"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
