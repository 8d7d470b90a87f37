"""The configuration that the service uses: the last valid content of the files."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncd.config import Config, load_config
from syncd.sdk import ConfigError
from syncd.service.metrics import Metrics

log = logging.getLogger("syncd.service")
_NAMED = 20  # names of one kind in one line of the log

Load = Callable[[Config], Config]
"""A function that reads the files. Files that have not changed since the last configuration are not parsed again."""


def loaded_by_path(path: Path, config: Config) -> Load:
    """A function that reads the syncd.yaml at a path or, in a deployment, the syncd.yaml of the same workspace."""
    workspace = config.workspace.name if config.workspace else None
    return lambda last: load_config(path, workspace, last=last)


class Configuration:
    """The last valid configuration (`config`), and the reason why later files were refused (`problem`; None if they
    were not).

    Any thread may reload it.
    """

    def __init__(self, config: Config, load: Load, metrics: Metrics) -> None:
        self.config = config
        self.problem: str | None = None
        self._load = load
        self._metrics = metrics
        self._reading = threading.Lock()
        metrics.keep(config.connections)
        metrics.reloaded(time.time(), good=True)

    def reload(self) -> bool:
        """Reads the files, and uses them if they are valid. Returns whether the configuration has changed."""
        with self._reading:
            try:
                config = self._load(self.config)
            except ConfigError as error:
                self._refuse(str(error))
                return False
            except Exception:  # a bug of syncd must not pass for files that were read
                log.exception("configuration cannot be read")
                self._refuse("internal error (see the log)")
                return False
            changes = {name: _some(names) for name, names in _changes(self.config, config) if names}
            if "ledger" in changes.get("keys", ()):
                log.warning("the configuration names another ledger: restart syncd to use it; the present one stays")
            if changes or self.problem is not None:
                log.info("configuration taken over", extra=changes)
            self.config, self.problem = config, None
            self._metrics.keep(config.connections)
            self._metrics.reloaded(time.time(), good=True)
            return bool(changes)

    def _refuse(self, problem: str) -> None:
        if self.problem != problem:
            log.error("configuration is wrong; the last good one stays", extra={"problems": problem.splitlines()})
        self.problem = problem
        self._metrics.reloaded(time.time(), good=False)


def _changes(old: Config, new: Config) -> Iterator[tuple[str, list[str]]]:
    """The differences: keys of syncd.yaml and connections; objectives; added, changed and removed key results."""
    settings = [dict(config.settings) for config in (old, new)]
    yield "keys", _differing(*settings)
    yield "objectives", _differing(*(_objectives(config) for config in (old, new)))
    before, after = _key_results(old), _key_results(new)
    yield "added", [name for name in after if name not in before]
    yield "changed", [name for name in after if name in before and after[name] != before[name]]
    yield "removed", [name for name in before if name not in after]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name in {**old, **new} if old.get(name) != new.get(name) or (name in old) != (name in new)]


def _objectives(config: Config) -> dict[str, Any]:
    """Each objective without its key results, and each period without its objectives."""
    periods = {okrs.period.id: okrs.period for okrs in config.periods}
    objectives = {
        f"{objective.id} ({okrs.period.id})": replace(objective, key_results=())
        for okrs in config.periods
        for objective in okrs.objectives
    }
    return {**periods, **objectives}


def _key_results(config: Config) -> dict[str, Any]:
    return {
        f"{key_result.id} ({okrs.period.id})": (objective.id, key_result)
        for okrs in config.periods
        for objective in okrs.objectives
        for key_result in objective.key_results
    }


def _some(names: Iterable[str]) -> list[str]:
    listed = list(names)
    more = len(listed) - _NAMED
    return [*listed[:_NAMED], f"{more:,} more"] if more > 0 else listed
