"""The rules of the JSON Schema about which keys of a measure go together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syncd.sdk.key_rules import Rule, both, each_of, fits, has, holds, is_empty, refuse, text

SINGLE_ENVIRONMENT = "the date is that of a single environment; write its whole name, such as environment: staging"
_DEPLOYED = "deployed_pull_requests"
_NAME = text(r"^[^*]+$", SINGLE_ENVIRONMENT)
_SINGLE_NAME = {
    "if": {"type": "array"},
    "then": {"items": _NAME, "minItems": 1, "maxItems": 1, "errorMessage": SINGLE_ENVIRONMENT},
    "else": _NAME,
}


def measure_rules(kinds: Iterable[str]) -> Sequence[Rule]:
    """The rules; `kinds` are all values of `what`."""
    others = [kind for kind in kinds if kind != _DEPLOYED]
    no_date = refuse({"required": ["not_environment"]}, f"has not_environment, and {SINGLE_ENVIRONMENT}")
    return (
        refuse(is_empty("repo"), "names no repository; write OWNER/NAME"),
        refuse(
            both(has("environment"), holds("what", *others)),
            f"has an environment, which belongs to what: {_DEPLOYED}; of deployments write it under 'where'",
        ),
        *(
            fits("where", fits(key, each_of(("bot", "person"), "write bot or person")))
            for key in ("author_is", "not_author_is")
        ),
        {
            "if": holds("what", _DEPLOYED),
            "then": fits("where", {"allOf": [no_date, fits("environment", _SINGLE_NAME)]}),
        },
    )
