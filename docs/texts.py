"""Gathers the texts of the pages from the code: `make texts`.

It writes `messages.pot`, the English catalogue, and brings each translation beside it up to date: new texts are added
without a translation, and texts that are gone are dropped. A test fails if the catalogue is not current, or if a
translation lacks a text.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Container, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
LOCALES = ROOT / "syncd/web/locales"
_KEYWORDS = {"_": None, "gettext": None, "marked": None, "ngettext": (1, 2)}
_OPTIONS = {"**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
_HEADER = "# The texts of syncd's pages, by `make texts`."
_LEFT_OUT = ("Project-Id", "Report-Msgid", "POT-Creation", "PO-Revision", "Last-Tran", "Language-Team", "Generated-By")


def python_texts(
    file: BinaryIO, keywords: Container[str], _: object, options: object
) -> Iterator[tuple[int, str, Any, list[str]]]:
    """The texts in a Python module, as Babel wants them. Babel itself reads no f-string."""
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in keywords:
            texts = [part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            if texts:
                yield node.lineno, node.func.id, texts[0] if len(texts) == 1 else tuple(texts), []


_METHODS: list[tuple[str, Any]] = [("**/templates/**.html", "jinja2"), ("**.py", python_texts)]


def main() -> None:
    """Writes each file that differs from what the code says, and prints its name."""
    english = catalogue()
    for path, text in [(LOCALES / "messages.pot", as_text(english)), *translations(english)]:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")


def catalogue() -> Catalog:
    """Every text of the pages in English, with the files that show it."""
    english = Catalog(header_comment=_HEADER, charset="utf-8", fuzzy=False)
    extracted = extract_from_dir(ROOT / "syncd", _METHODS, _OPTIONS, _KEYWORDS)
    for file, _, message, comments, context in sorted(extracted, key=lambda each: (each[0], each[1])):
        english.add(message, locations=[(f"syncd/{file}", None)], auto_comments=comments, context=context)
    return english


def translations(english: Catalog) -> list[tuple[Path, str]]:
    """Each translation, brought up to date."""
    updated = []
    for path in sorted(LOCALES.glob("*.po")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.stem)
        catalog.update(english, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        updated.append((path, as_text(catalog)))
    return updated


def as_text(catalog: Catalog) -> str:
    """A catalogue as a file. It has no dates and no line numbers, so it changes with the texts alone."""
    written = BytesIO()
    write_po(written, catalog, width=120, include_lineno=False)
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(tuple(f'"{name}' for name in _LEFT_OUT)))


if __name__ == "__main__":
    main()
