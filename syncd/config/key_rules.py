"""Rules of the JSON Schema about which keys and values of mapping files go together.

The models refuse the same combinations, and further combinations that JSON Schema cannot express.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.config.measure_keys import WHOLE_DAYS
from syncd.config.schema_shapes import DURATION
from syncd.sdk.key_rules import Rule, both, fits, has, has_any, holds, lacks, matches, needs, refuse, single

_GOALS = ("target", "levels", "milestones", "keep")
_DRIVES: Rule = {"required": ["drives"], "properties": {"drives": {"not": {"enum": [[], None]}}}}
_IN_STEPS: Rule = {"required": ["pace"], "properties": {"pace": {"type": "object"}}}
_SOME_AT: Rule = {"properties": {"milestones": {"type": "array", "contains": has("at")}}, "required": ["milestones"]}
_SOME_WITHOUT_AT: Rule = {"properties": {"milestones": {"contains": {"type": "object", **lacks("at")}}}}
_DAYS_OR_WEEKS = "must be whole days or weeks, such as 28d or 4w"
_STEPS_NEED = "has a pace in steps, which needs a 'target' and a 'baseline'"

OF_BLOCKS: Mapping[str, Sequence[Rule]] = {
    "KeyResultKeys": [
        needs(has_any(*_GOALS), "needs a goal: 'target', 'levels', 'milestones' or 'keep'"),
        *single(*_GOALS),
        *(
            refuse(has(goal, "baseline"), f"has {goal!r}, which takes no 'baseline'; drop one of them")
            for goal in ("keep", "milestones")
        ),
        refuse(
            both(holds("kind", "output"), holds("target", 0), lacks("baseline")),
            "has the target 0, which is its baseline; write a target that differs",
        ),
        refuse(
            both(_SOME_AT, _SOME_WITHOUT_AT), "has milestones with 'at' and some without; give each its value, or none"
        ),
        refuse(both(_IN_STEPS, lacks("target", "levels")), _STEPS_NEED),
        refuse(both(_IN_STEPS, holds("kind", "outcome"), lacks("baseline")), _STEPS_NEED),
        refuse(
            both(holds("kind", "outcome"), _DRIVES),
            "is an outcome, and only outputs drive; write 'drives' on the output, or drop it",
        ),
        refuse(both(has("lag"), {"not": _DRIVES}), "has a 'lag' but drives nothing; say 'drives' too, or drop 'lag'"),
    ],
    "ObjectiveKeys": [
        refuse(
            both(
                holds("rollup", "outcomes", "all", "weakest"),
                {"not": {"required": ["key_results"], "properties": {"key_results": {"minItems": 1}}}},
            ),
            "is rolled up by its key results and has none; add key results",
        ),
    ],
    "Keep": [needs(has_any("at_least", "at_most"), "needs at_least, at_most or both")],
    "PlausibleKeys": [needs(has_any("at_least", "at_most", "jump"), "needs at_least, at_most or jump")],
    "LevelsKeys": [
        needs(
            has_any("commit", "stretch"),
            "needs 'commit' or 'stretch' beside 'target'; with a target alone say 'target'",
        )
    ],
    "GivenReading": [
        refuse(
            has("value", "problem"),
            "has a value and a problem, which is what a cell holds in place of a number; keep one",
        )
    ],
    "WindowKeys": [
        needs(has_any("since", "until", "settled"), "needs 'since', 'until' or both, or 'settled' alone"),
        *single("since", "settled"),
        *single("until", "settled"),
        fits("settled", {"if": DURATION, "then": {"pattern": WHOLE_DAYS, "errorMessage": _DAYS_OR_WEEKS}}),
    ],
    "As": [
        refuse(both(holds("decimal", mark), holds("thousands", mark)), "has the same mark for both; they must differ")
        for mark in (",", ".", "'", " ")
    ]
    + [
        refuse(
            both(holds("thousands", "."), lacks("decimal")),
            "has '.' as the mark for thousands and for decimals; write decimal: ',' too",
        )
    ],
}
"""The rules of each block, by the name of the block's model."""

_TOO_SHORT = {
    "day": r"^\s*0*(1(\.0+)?d|24(\.0+)?h)\s*$",
    "week": r"^\s*0*([1-7](\.0+)?d|1(\.0+)?w|(24|48|72|96|120|144|168)(\.0+)?h)\s*$",
}
_SHORT_WINDOW = "takes a rate, and no whole {0} of its window ever passes; take a longer window, or drop 'per'"


def of_measures(takes: Sequence[str], amounts: Sequence[str]) -> list[Rule]:
    """The rules of every measure. `takes` are the values of `take`. Only the values in `amounts` can have a rate."""
    no_amount = [take for take in takes if take not in amounts]
    return [
        refuse(both(has("per"), holds("take", *no_amount)), f"only an amount has a rate: {', '.join(amounts)}"),
        *(
            refuse(both(holds("per", per), matches("window", windows)), _SHORT_WINDOW.format(per))
            for per, windows in _TOO_SHORT.items()
        ),
    ]


OF_RECORDS: Sequence[Rule] = [
    refuse(both(holds("take", "count"), has("of")), "counts records, and needs no 'of'; drop it, or take distinct"),
    refuse(both(holds("take", "share"), has("of")), "takes the share of records that are done; drop 'of'"),
    refuse(
        both(holds("take", "share"), has("window")),
        "takes the share of all records, whenever they were done, and needs no 'window'; drop it",
    ),
]


def of_whole_records(takes: Sequence[str]) -> list[Rule]:
    """The rules of a measure of records that inherits no keys."""
    aggregates = [take for take in takes if take not in ("count", "share")]
    return [
        refuse(
            both(holds("take", *aggregates), lacks("of")), "takes an aggregate, but of which field? say 'of: FIELD'"
        ),
        refuse(both(has("of"), lacks("take")), "counts records, and needs no 'of'; drop it, or say what to 'take'"),
    ]


OF_WHOLE_READINGS: Sequence[Rule] = [
    refuse(both(has("per"), lacks("take")), "takes the latest reading, and only an amount has a rate: sum, change"),
]

OF_FORMULAS: Sequence[Rule] = [
    refuse(both(has("formula"), lacks("parts")), "'parts' is missing; name the measures of the formula"),
    refuse(both(has("parts"), lacks("formula")), "'formula' is missing; write how the parts become a number"),
]

WHOLE: Rule = needs(
    has_any("from", "use", "formula", "parts"),
    "'from' is missing; name a connection, or a measure by 'use', or write a 'formula'",
)
