"""Finds the key results that one workspace of a deployment exports and another workspace may read.

If a key result cannot be read, the message reveals only the exported key results of the other workspace. Other names in
the message come from the reader's own file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

from syncd.config import Config
from syncd.config.catalogue import OTHERS
from syncd.config.deployment import Deployment, read_deployment
from syncd.config.load import load_workspace
from syncd.config.messages import nearest
from syncd.okr.goals import KeyResult
from syncd.okr.measures import ReadingMeasure, leaves
from syncd.sdk import ConfigError
from syncd.workspaces.exported_keys import ExportedKeys


class NotReadable(Exception):
    """A key result of another workspace cannot be read; the message says why, and what to do."""


class BrokenFiles(NotReadable):
    """The files of the other workspace, or the deployment's own file, are not valid."""


class Exports:
    """Reads the files of a deployment. The files of each workspace are read only once."""

    def __init__(self, deployment: Path) -> None:
        self._path = deployment
        self._load = cache(self._loaded)

    def config(self, keys: ExportedKeys) -> Config:
        """The configuration of the workspace that exports a key result. Raises NotReadable."""
        config = self._load(keys.name)
        exported = config.settings.export
        if keys.key_result not in exported:
            advice = f"; `export: [{keys.key_result}]` in its syncd.yaml lets others read it"
            advice = _renamed(config, keys.key_result) or nearest(keys.key_result, exported) or advice
            raise NotReadable(f"the workspace {keys.name!r} exports no key result {keys.key_result!r}{advice}")
        units = [another_unit(keys, key_result) for key_result in _of(config, keys.key_result)]
        if units and all(units):
            raise NotReadable(units[-1])
        if self._is_circle((keys.name, keys.key_result)):
            raise NotReadable(
                f"{keys.key_result} of the workspace {keys.name!r} is measured from itself, in a circle of workspaces; "
                f"measure one of them from its own sources"
            )
        return config

    def _loaded(self, name: str) -> Config:
        deployment = self._deployment
        if name not in deployment.workspaces:
            raise NotReadable(f"there is no workspace {name!r} in this deployment")
        try:
            return load_workspace(deployment, name, thorough=False)
        except ConfigError:
            raise BrokenFiles(
                f"the files of the workspace {name!r} are not valid; `syncd validate --workspace {name}` says why"
            ) from None

    @cached_property
    def _deployment(self) -> Deployment:
        try:
            deployment = read_deployment(self._path)
        except ConfigError:
            deployment = None
        if deployment is None:
            raise BrokenFiles(f"{self._path.name} of the deployment is not valid; `syncd validate` says why")
        return deployment

    def _is_circle(self, start: tuple[str, str]) -> bool:
        """Whether a key result is measured from itself, through any number of workspaces."""
        seen, left = set[tuple[str, str]](), [start]
        while left:
            name, key_result = left.pop()
            try:
                config = self._load(name)
            except NotReadable:  # a key result that cannot be read closes no circle
                continue
            for read in _read_by(config, key_result):
                if read == start:
                    return True
                if read not in seen:
                    seen.add(read)
                    left.append(read)
        return False


def another_unit(keys: ExportedKeys, key_result: KeyResult) -> str | None:
    """The problem if a key result of the other workspace has another unit than the expected one; else None."""
    if keys.unit is None or key_result.unit in (None, keys.unit):
        return None
    return (
        f"the workspace {keys.name!r} counts {keys.key_result} in {key_result.unit!r}, and {keys.unit!r} is expected; "
        f"write the same unit, or convert it by a formula"
    )


def _of(config: Config, name: str) -> Iterator[KeyResult]:
    """The key results with this id in all periods."""
    return (key_result for okrs in config.periods for key_result in okrs.key_results if key_result.id == name)


def _read_by(config: Config, name: str) -> Iterator[tuple[str, str]]:
    """The key results of other workspaces that a key result is measured from."""
    for key_result in _of(config, name):
        for leaf in leaves(key_result.measure):
            if isinstance(leaf, ReadingMeasure) and leaf.connection == OTHERS:
                keys = ExportedKeys.of_part(leaf.part)
                yield keys.name, keys.key_result


def _renamed(config: Config, name: str) -> str | None:
    """A sentence with the new id of a renamed key result; None if it was not renamed, or is no longer exported."""
    for okrs in config.periods:
        for key_result in okrs.key_results:
            if key_result.moved_from == name and key_result.id in config.settings.export:
                return f"; it is called {key_result.id!r} now"
    return None
