"""The environment of the templates, with the functions for texts and drawings that templates may call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from syncd.okr import words
from syncd.okr.goals import KeyResult
from syncd.review.environment import TEMPLATES, environment
from syncd.sdk.figures import exact
from syncd.sdk.language import gettext
from syncd.status import checkin_words, verdicts
from syncd.web import charts
from syncd.web.places import ALONE, Place

HERE = Path(__file__).parent
_FRACTION = re.compile(r"[.,](\d{1,2})$")


def figure(key_result: KeyResult, value: float | None) -> Markup:
    """A value as HTML: a formatted number for people, and the exact number for programs. None is shown as the word
    unknown.
    """
    if value is None:
        return Markup(f'<span class="unknown">{escape(gettext("unknown"))}</span>')  # noqa: S704
    return Markup(f'<data value="{value!r}">{escape(words.value_figure(key_result, value))}</data>')  # noqa: S704


def places(key_result: KeyResult, value: float | None) -> int:
    """The number of digits after the decimal point of a formatted value, at most two. Templates use it to align
    columns.
    """
    digits = None if value is None else _FRACTION.search(words.value_figure(key_result, value))
    return len(digits[1]) if digits else 0


def points(change: float) -> str:
    """A change of a score in percentage points, such as `+3`, `−12` or `±0`."""
    rounded = round(change * 100)
    return "±0" if rounded == 0 else f"{'+' if rounded > 0 else '−'}{abs(rounded)}"


_PAGES = environment(HERE / "templates", TEMPLATES)
_PAGES.globals.update(
    verdicts=verdicts,
    checkin_words=checkin_words,
    charts=charts,
    figure=figure,
    exact=exact,
    places=places,
    points=points,
)


def frame_of(place: Place) -> Mapping[str, Any]:
    """The data of a page's frame, without the data that depend on a period."""
    return {"place": place, "here": "", "past": False, "query": ""}


def render(template: str, **data: Any) -> str:
    """Renders a page. Commands that the page suggests are written for its workspace."""
    place = data.get("place", ALONE)
    return _PAGES.get_template(template).render(data, advised_workspace=place.workspace)
