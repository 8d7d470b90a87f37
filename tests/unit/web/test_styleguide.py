"""The page of the design system has every colour of the style sheet."""

from __future__ import annotations

import re

import pytest

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


SURFACES = ("paper", "raised", "sepia", "red-wash", "amber-wash", "green-wash")
TEXT, LINES = ("ink", "soft", "accent", "red", "amber", "green"), ("faint", "grey")


def luminance(colour: str) -> float:
    """Relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_colour_has_the_contrast_of_level_aa_on_every_surface(theme: int) -> None:
    """4.5 for text, 3 for lines, bars and the borders of fields."""
    css = (HERE / "static" / "syncd.css").read_text().split("@media (prefers-color-scheme: dark)")[theme]
    colours = dict(re.findall(r"--([\w-]+): #(\w{6});", css))
    for name in (*TEXT, *LINES):
        for surface in SURFACES:
            darker, lighter = sorted(luminance(colours[each]) for each in (name, surface))
            contrast = (lighter + 0.05) / (darker + 0.05)
            assert contrast >= (4.5 if name in TEXT else 3), (name, surface, round(contrast, 2))
