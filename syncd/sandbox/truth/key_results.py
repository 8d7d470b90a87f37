"""The example key results. `counting` computes their numbers.

syncd reads the same key results from `mappings/*.yaml`, and their numbers over HTTP. The sandbox computes the numbers
without code of syncd, so that tests can compare its numbers with syncd's. A test compares this list with the YAML
files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from syncd.sandbox.truth import counting
from syncd.sandbox.truth.counting import Value
from syncd.sandbox.world import World


@dataclass(frozen=True)
class Outcome:
    """An outcome, either with a `keep` band (at least, at most) or with a baseline and a target.

    The outcome's value is stale once `stale_after` days have passed since `last_reading`.
    """

    id: str
    value: Value
    baseline: float = 0.0
    target: float = 0.0
    keep: tuple[float, float] | None = None
    weight: float = 1.0
    stale_after: int | None = None
    last_reading: Callable[[World, datetime], datetime | None] | None = None


@dataclass(frozen=True)
class Output:
    """An output. `drives` has pairs (outcome, lag in days). With the pace `end`, the expected score is 0 until the
    period's end.
    """

    id: str
    value: Value
    target: float
    drives: tuple[tuple[str, int], ...]
    pace: str = "linear"
    baseline: float = 0.0
    keep: None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Objective:
    """An objective with its key results."""

    id: str
    outcomes: tuple[Outcome, ...]
    outputs: tuple[Output, ...]
    rollup: str = "outcomes"

    @property
    def key_results(self) -> tuple[Outcome | Output, ...]:
        """The objective's outcomes, then its outputs."""
        return (*self.outcomes, *self.outputs)


OBJECTIVES = (
    Objective(
        "self-service",
        (
            Outcome("calls", counting.calls, 1200, 600, stale_after=10, last_reading=counting.calls_reading),
            Outcome("deflection", counting.deflection, 60, 80, weight=0),
            Outcome("dead-ends", counting.dead_ends, 30, 18, weight=0),
        ),
        (
            Output("articles", counting.articles, 40, (("calls", 21),)),
            Output("search-shipped", counting.search_shipped, 25, (("calls", 14),)),
        ),
    ),
    Objective(
        "checkout",
        (
            Outcome("error-rate", counting.error_rate, 1.2, 0.3),
            Outcome("uptime", counting.uptime, keep=(99.5, float("inf"))),
            Outcome("cloud-cost", counting.cloud_cost, 1500, 1200),
        ),
        (
            Output("checkout-releases", counting.releases("acme/checkout"), 12, (("error-rate", 7),)),
            Output("reliability-bugs", counting.reliability_bugs, 40, (("uptime", 0),)),
        ),
        rollup="weakest",
    ),
    Objective(
        "delivery",
        (Outcome("lead-time", counting.lead_time, 3, 1.5), Outcome("incident-p90", counting.incident_p90, 8, 3)),
        (
            Output("story-points", counting.story_points, 300, (("lead-time", 56),), pace="end"),
            Output("contributors", counting.contributors, 12, (("lead-time", 0),)),
            Output("checkout-deployed", counting.checkout_deployed, 40, (("incident-p90", 7),), weight=0),
        ),
    ),
    Objective(
        "growth",
        (
            Outcome("customers", counting.customers, 0, 130),
            Outcome("launch-conversion", counting.launch_conversion, 2.8, 4.0),
            Outcome("satisfaction", counting.satisfaction, 70, 78),
            Outcome("renewals", counting.renewals, 800, 1200),
        ),
        (Output("mobile-releases", counting.app_releases, 6, (("customers", 0), ("satisfaction", 14))),),
    ),
)
