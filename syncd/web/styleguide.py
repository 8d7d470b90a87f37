"""The page of the design system, for developers who add a page: the tokens, and each component with its classes.

Only `syncd demo --serve` has this page. Its texts are not translated, because they are for developers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import HTMLResponse

from syncd.okr import words
from syncd.web.charts import Band, Chart, Level, Mark, draw
from syncd.web.pages import HERE, frame_of, render
from syncd.web.places import place_of
from syncd.web.svg import Line

TOKENS = tuple(dict.fromkeys(re.findall(r"--([\w-]+): #", (HERE / "static" / "syncd.css").read_text(encoding="utf-8"))))
"""The names of the colours, in the order of the style sheet."""

_FIRST = date(2026, 10, 1)
_SHARES: Mapping[str, float | None] = {
    "off_track": 0.18,
    "at_risk": 0.61,
    "on_track": 0.87,
    "done": 1.0,
    "unknown": None,
}


async def styleguide(request: Request) -> HTMLResponse:
    """The HTML of the page."""
    page = render(
        "styleguide.html",
        **frame_of(place_of(request.scope)),
        tokens=TOKENS,
        shares=_SHARES,
        chart=draw(_chart(), words.number),
    )
    return HTMLResponse(page)


def _chart() -> Chart:
    """A chart with each thing that a chart can show: a gap, a held number, a pace, a target, a band of days, a mark."""
    days = [_FIRST + timedelta(days=offset) for offset in range(46)]
    values = [(day, None if 20 <= index < 27 else 100 - index) for index, day in enumerate(days)]
    return Chart(
        title="An example: day by day",
        description="From 100 on 1 October to 56 on 14 November, with a week without a number.",
        first=_FIRST,
        last=_FIRST + timedelta(days=91),
        lines=[
            Line([(_FIRST, 100.0), (_FIRST + timedelta(days=91), 20.0)], "pace"),
            Line(
                [(day, None if value is None else float(value)) for day, value in values], "value", frozenset(days[-1:])
            ),
        ],
        levels=[Level(100, "baseline 100"), Level(20, "target 20", "goal")],
        bands=[Band("lag", first=days[10], last=days[31])],
        marks=[Mark(days[5], "✎", "5 Oct: target 30 → 20"), Mark(days[30], "●", "31 Oct: check-in 70 by Dana")],
        today=days[-1],
    )
