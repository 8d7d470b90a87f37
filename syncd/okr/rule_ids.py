"""The ids of the rules of lint, which `ignore` can name. Most commands import only these ids, and not the rules."""

from __future__ import annotations

from typing import Literal

LintRule = Literal[
    "no-outcome",
    "key-result-count",
    "no-owner",
    "no-unit",
    "no-baseline",
    "no-end",
    "drives-nothing",
    "no-lag",
    "no-guard",
    "outcome-worded-as-work",
    "outcome-worded-as-upkeep",
    "output-worded-as-change",
    "met-by-baseline",
    "title-against-numbers",
    "never-matches",
    "excludes-nothing",
    "counts-undelivered",
    "implausible-goal",
    "thousands-point",
    "unused-ignore",
]
