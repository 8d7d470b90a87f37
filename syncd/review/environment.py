"""The environment of templates: every text escaped, and in the reader's language."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from syncd.okr import words
from syncd.sdk.language import language


def environment(folder: Path) -> Environment:
    """The templates in a folder. They write `_("…")`, `ngettext` and `{% trans %}`, and know the `words`."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        lambda message: language().gettext(message),
        lambda singular, plural, number: language().ngettext(singular, plural, number),
        newstyle=True,
    )
    made.globals.update(words=words, language=language)
    return made
