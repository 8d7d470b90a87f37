"""The Jinja environment of templates. It escapes every text, translates to the reader's language, and offers the
wording of reviews.
"""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from syncd.config.advised_commands import for_workspace
from syncd.okr import words
from syncd.review import moments, wording
from syncd.sdk.language import ISOLATED, language, original

TEMPLATES = Path(__file__).parent / "templates"
"""The folder of a review's templates. `review_rest.html` is a part of each page that shows a review."""

_CODE = re.compile(r"`([^`]*)`")
_ISOLATED = re.compile("{}(.*?){}".format(*ISOLATED), re.DOTALL)


def _with_languages(value: object) -> object:
    """The result of a template's expression. Sentences in the result that are not translated are marked as English, for
    screen readers.
    """
    if not isinstance(value, str) or ISOLATED[0] not in value:
        return value
    return Markup(_ISOLATED.sub(r'<bdi lang="en">\1</bdi>', str(escape(value))))  # noqa: S704 - escaped


def _unmarked(text: str) -> str:
    """A text without language marks, for an HTML attribute or a title, which cannot contain elements."""
    return _ISOLATED.sub(r"\1", text)


def with_commands(text: str, workspace: str | None) -> Markup:
    """A sentence of syncd, escaped; commands between backticks become code elements, and name the workspace."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(for_workspace(text, workspace)))))  # noqa: S704


@pass_context
def _with_commands(context: Context, text: str) -> Markup:
    return with_commands(text, context.get("advised_workspace"))


def environment(*folders: Path) -> Environment:
    """The environment for the templates in these folders. Templates write `_("…")`, `ngettext` and `{% trans %}`.
    Templates can use `words`, `moments`, the `wording` of reviews and the filter `with_commands`, which writes commands
    for the workspace `advised_workspace` in the data of a template.
    """
    made = Environment(
        loader=FileSystemLoader(folders),
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
    made.filters.update(unmarked=_unmarked, with_commands=_with_commands)
    made.globals.update(words=words, moments=moments, wording=wording, language=language, original=original)
    return made
