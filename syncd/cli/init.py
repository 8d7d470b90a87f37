"""`syncd init`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from syncd.cli.init_files import SCHEMAS, example, of_workspace
from syncd.cli.output import say
from syncd.config import load_config
from syncd.config.deployment import deployment_for
from syncd.okr.spans import Period, parse_period
from syncd.sdk import ConfigError


def run(folder: Path, *, yes: bool = True) -> None:
    """Writes the first files of a project. If one of them exists, raises ConfigError and writes none.

    On a terminal, asks questions first, unless `yes` is true. Without answers, or without a terminal, writes the
    example.
    """
    now = datetime.now(UTC)
    period = parse_period(f"{now.year}-Q{(now.month + 2) // 3}", ZoneInfo("UTC"))
    for name in ("syncd.yaml", "mappings/okrs.yaml", *SCHEMAS, "data/calls.csv", "data/articles.csv"):
        _refuse_existing(folder / name)
    files = None if yes or not _on_a_terminal() else _answered(folder, period, now)
    if files is not None:
        check(files)
    files = files or example(period, now.date())
    deployment = deployment_for(folder / "syncd.yaml")
    write(folder, files if deployment is None else of_workspace(files))
    where = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    if deployment is None:
        say(f"next: {where}syncd validate && syncd sync && syncd status")
        return
    above, name = deployment.path.parent, shlex.quote(folder.absolute().name)
    steps = " && ".join(f"syncd {command} --workspace {name}" for command in ("validate", "sync", "status"))
    say(f"next: cd {shlex.quote(str(above))} && {steps}")


def _on_a_terminal() -> bool:
    """Whether a person can answer. A standard stream that was closed before the start is None."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _answered(folder: Path, period: Period, now: datetime) -> Mapping[str, str] | None:
    from syncd.cli.init_questions import Questions  # imported here, because the questions load the connectors

    return Questions(folder.absolute(), period, now).ask()


def check(files: Mapping[str, str]) -> None:
    """Raises ConfigError if the files are not a valid project, for example because a title is too long."""
    with TemporaryDirectory() as folder:
        write(Path(folder), files, silent=True)
        try:
            load_config(Path(folder) / "syncd.yaml")
        except ConfigError as error:  # its temporary folder is gone when a person reads it
            named = [replace(problem, file=problem.file.removeprefix(f"{folder}/")) for problem in error.problems]
            raise ConfigError(str(error).replace(f"{folder}/", ""), named) from None


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise ConfigError(f"{path} exists already, and init overwrites nothing; name an empty folder")


def write(folder: Path, files: Mapping[str, str], *, silent: bool = False) -> None:
    """Writes all of the files or none: after any failure it removes the files that it wrote."""
    made: list[Path] = []
    try:
        for name, text in files.items():
            path = folder / name
            missing = [parent for parent in path.parents if not parent.exists()]
            for parent in reversed(missing):
                made.append(parent)
                parent.mkdir()
            path.parent.mkdir(exist_ok=True)  # raises an error if a file has this name
            made.append(path)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except BaseException as error:
        _take_back(made)
        if not isinstance(error, OSError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{path} cannot be written: {reason}; name another folder") from None
    for name in files if not silent else ():
        say(f"wrote {folder / name}")


def _take_back(made: list[Path]) -> None:
    """Removes these files and folders, the last one first."""
    for path in reversed(made):
        try:
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        except OSError:
            continue  # it was never created, or somebody else has put a file into the folder
