"""What the commands that pull have in common: everything checked, then the ledger, locked, with its progress shown."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syncd.cli.log import set_up_log
from syncd.cli.memory import one_arena
from syncd.cli.opening import open_config, writing_ledger
from syncd.cli.progress import watcher
from syncd.config import Config
from syncd.config.messages import nearest
from syncd.cycle.due_pulls import Watcher
from syncd.ledger import Ledger, cycle_lock
from syncd.sdk import ConfigError


@dataclass(frozen=True, slots=True)
class Ready:
    """All that a cycle needs."""

    config: Config
    ledger: Ledger
    clock: Callable[[], datetime]
    watcher: Watcher


@contextmanager
def ready_to_pull(path: Path, only: str | None, log_format: str) -> Iterator[Ready]:
    """Holds the ledger's lock for the block. ConfigError before anything is touched."""
    one_arena()
    set_up_log(log_format, logging.ERROR)
    config, clock = open_config(path)
    ids = [kr.id for plan in config.plans for kr in plan.key_results]
    if only is not None and only not in ids:
        raise ConfigError(f"there is no key result {only!r}{nearest(only, ids)}")
    config.check_references()
    ledger = writing_ledger(config)
    try:
        with cycle_lock(ledger.engine), watcher(sys.stderr) as watching:
            yield Ready(config, ledger, clock, watching)
    finally:
        ledger.close()
