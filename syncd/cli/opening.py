"""What most commands begin and end with: the configuration, the clock, the ledger; one JSON document.

`validate` opens no ledger, and does without the third of its start-up that importing one would take.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.config import Config, load_config
from syncd.config.messages import nearest
from syncd.config.project import clock_of
from syncd.okr.goals import KeyResult, Plan
from syncd.sdk import ConfigError

if TYPE_CHECKING:
    from syncd.ledger import Ledger

Clock = Callable[[], datetime]


def open_config(path: Path) -> tuple[Config, Clock]:
    """The configuration, and the clock that every command goes by: a rehearsal's where syncd.yaml sets one."""
    if not path.exists():
        raise ConfigError(f"there is no {path}; name it with --config, or write one with `syncd init`")
    config = load_config(path)
    return config, clock_of(config.settings)


def writing_ledger(config: Config) -> Ledger:
    """The ledger, made where there is none."""
    from syncd.ledger import open_ledger

    ledger = open_ledger(config.ledger_url())
    assert ledger is not None  # it was created
    return ledger


def reading_ledger(config: Config) -> Ledger | None:
    """The ledger for a command that only reads, closed as the process ends; None where there is none yet."""
    from syncd.ledger import open_ledger

    ledger = open_ledger(config.ledger_url(), create=False)
    if ledger is not None:
        atexit.register(ledger.close)  # SQLite's journal stays beside the file of a connection left open
    return ledger


def chosen_plan(config: Config, period: str | None, now: datetime) -> Plan:
    """The plan to show; ConfigError names the periods where there is no such."""
    from syncd.status.periods import choose_plan

    plan = choose_plan(config, period, now)
    if plan is None:
        known = ", ".join(other.period.id for other in config.plans)
        raise ConfigError(f"there is no period {period!r}; the mappings have: {known}")
    return plan


def chosen_key_result(plan: Plan, name: str) -> KeyResult:
    """The key result or guard of a plan that has this id; ConfigError names the nearest where none has."""
    by_id = {kr.id: kr for kr in plan.measured}
    if name not in by_id:
        raise ConfigError(f"there is no key result {name!r} in {plan.period.id}{nearest(name, by_id)}")
    return by_id[name]


def print_json(data: object) -> None:
    """One JSON document on standard output."""
    import orjson
    import typer

    typer.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
