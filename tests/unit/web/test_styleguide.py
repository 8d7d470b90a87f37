"""The page of the design system has every colour of the style sheet."""

from __future__ import annotations

import re

from syncd.web.pages import HERE
from syncd.web.styleguide import TOKENS


def test_every_colour_has_a_sample() -> None:
    samples = (HERE / "static" / "styleguide.css").read_text()
    assert len(TOKENS) > 10
    assert re.findall(r"\.token-([\w-]+) \{ background: var\(--\1\); \}", samples) == list(TOKENS)


def test_dark_theme_has_every_colour_but_those_it_shares() -> None:
    css = (HERE / "static" / "syncd.css").read_text()
    light, dark = (
        set(re.findall(r"--([\w-]+): #", part)) for part in css.split("@media (prefers-color-scheme: dark)")[:2]
    )
    assert dark == light
