"""`syncd status --all`: every workspace of a deployment in one table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from syncd.cli.lines import cut, wrapped
from syncd.cli.opening import check_is_file, print_json
from syncd.cli.output import say, styled
from syncd.config.deployment import read_deployment
from syncd.okr.words import HEALTH_WORDS, age
from syncd.sdk import ConfigError
from syncd.status.overview import WORST_FIRST
from syncd.workspaces.overview import WorkspaceOverview, overviews_of, workspaces_document

_NAME = 20
_COLUMNS = {name: max(len(HEALTH_WORDS[name]) + 1, 5) for name in WORST_FIRST}


def run(path: Path, workspace: str | None, *, period: str | None, as_json: bool) -> None:
    """Prints a row for each workspace. A broken workspace has a row with its problem, and the exit code is still 0."""
    if workspace is not None:
        raise ConfigError(f"--all shows every workspace; leave it out, or leave out --workspace {workspace}")
    check_is_file(path)
    deployment = read_deployment(path.absolute())
    if deployment is None:
        raise ConfigError(f"{path} has no `workspaces:`, of which --all would show each; leave out --all")
    overviews = overviews_of(deployment.with_workspaces(), period)
    if as_json:
        print_json(workspaces_document(overviews))
        return
    heads = "".join(HEALTH_WORDS[name].rjust(width) for name, width in _COLUMNS.items())
    say(styled(f"{'workspace':<{_NAME}}{heads}  watermelons synced", bold=True))
    for overview in overviews:
        for line in _row(overview):
            say(line)


def _row(overview: WorkspaceOverview) -> Iterator[str]:
    name = f"{cut(overview.name, _NAME):<{_NAME}}"
    if overview.problem is not None or overview.as_of is None:
        yield name.rstrip()
        for problem in (overview.problem or "").splitlines():
            yield from wrapped(f"✗ {problem}", "  ", "    ")
        return
    figures = "".join(str(overview.objectives[health]).rjust(width) for health, width in _COLUMNS.items())
    synced = age(overview.synced_at, overview.as_of) or "never"
    yield f"{name}{figures}{overview.watermelons:>13}{synced:>7}"
    if overview.failing:
        yield from wrapped(f"✗ the last pull failed: {', '.join(overview.failing)}", "  ", "    ")
