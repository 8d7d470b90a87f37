"""The environment of templates: every text escaped, and in the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from syncd.okr import words
from syncd.sdk.language import ISOLATED, language, original

_ISOLATED = re.compile("{}(.*?){}".format(*ISOLATED), re.DOTALL)


def _with_languages(value: object) -> object:
    """What an expression gives; a sentence in it that stayed English is marked so, for screen readers."""
    if not isinstance(value, str) or ISOLATED[0] not in value:
        return value
    return Markup(_ISOLATED.sub(r'<bdi lang="en">\1</bdi>', str(escape(value))))  # noqa: S704 - escaped


def _unmarked(text: str) -> str:
    """A text for an attribute or a title, which hold no elements."""
    return _ISOLATED.sub(r"\1", text)


def environment(folder: Path) -> Environment:
    """The templates in a folder. They write `_("…")`, `ngettext` and `{% trans %}`, and know the `words`."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=_with_languages,
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        lambda message: language().gettext(message),
        lambda singular, plural, number: language().ngettext(singular, plural, number),
        newstyle=True,
    )
    made.filters["unmarked"] = _unmarked
    made.globals.update(words=words, language=language, original=original)
    return made
