"""Functions that most commands share. They open the configuration, the clock and the ledger, and print a document.

The code of ledgers is imported only when a command opens a ledger. `validate` mostly opens none, and then starts a
third faster.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.cli.output import advised_document, say_json
from syncd.config import Config, load_config
from syncd.config.connections import short_secrets
from syncd.config.document import shown_path
from syncd.config.load import read_ledger_url
from syncd.config.project import clock_of
from syncd.sdk import ConfigError, Problem

if TYPE_CHECKING:
    from syncd.ledger import Ledger

Clock = Callable[[], datetime]


def open_config(path: Path, workspace: str | None = None, *, thorough: bool = True) -> tuple[Config, Clock]:
    """Loads the configuration of a project or, in a deployment, of a workspace. Returns it with the clock of the
    command.

    If syncd.yaml sets the clock of a rehearsal, the command uses that clock. For `thorough`, see `load_config`.
    """
    check_is_file(path)
    config = load_config(path, workspace, thorough=thorough)
    return config, clock_of(config.settings)


def check_is_file(path: Path) -> None:
    """Raises ConfigError if there is no syncd.yaml at this path."""
    if not path.exists():
        raise ConfigError(f"there is no {path}; name the file with --config, or write a first one with `syncd init`")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name the file in it, such as {path / 'syncd.yaml'}")


def writing_ledger(config: Config, *, new: bool = False) -> Ledger:
    """Opens the ledger, and creates it if there is none. With `new`, creates it even if an earlier ledger is missing.

    Raises ConfigError, before it touches anything, like `check_may_write`, or if a connection has a secret that is too
    short to be masked.
    """
    from syncd.ledger import open_ledger

    check_may_write(config.path, config.workspace.name if config.workspace is not None else None)
    if problems := list(short_secrets(config.connections.values())):
        raise ConfigError(problems=problems)
    ledger = open_ledger(config.ledger_url(), new=new, address=config.ledger_url)
    assert ledger is not None  # open_ledger creates it
    return ledger


def written_ledger_url(path: Path, workspace: str | None) -> str:
    """The URL of the ledger for a command that writes to it, and does not read the mapping files. Raises ConfigError
    like `check_may_write`.
    """
    check_is_file(path)
    url = read_ledger_url(path, workspace)
    check_may_write(path, workspace)
    return url


def check_may_write(path: Path, workspace: str | None) -> None:
    """Raises ConfigError if the project at this path may not write to the ledger that it names.

    If a deployment in a folder above has the project as a workspace, the deployment names the ledger of the workspace,
    and the ledger of the project would be a second one.
    """
    from syncd.config.deployment import deployment_above

    if workspace is None and (owner := deployment_above(path)) is not None:
        above = shown_path(owner.deployment)
        message = f"is the workspace {owner.name!r} of {above}, which names its ledger; write "
        message += f"--config {above} --workspace {owner.name}"
        raise ConfigError(problems=[Problem(shown_path(path.absolute()), 0, message)])


def reading_ledger(config: Config) -> Ledger | None:
    """The ledger for a command that only reads, closed when the process ends; None if there is no ledger yet."""
    from syncd.ledger import open_ledger

    ledger = open_ledger(config.ledger_url(), create=False)
    if ledger is not None:
        atexit.register(ledger.close)  # an open connection would leave SQLite's journal beside the file
    return ledger


def print_json(data: object) -> None:
    """Prints one JSON document on standard output."""
    import orjson

    say_json(orjson.dumps(advised_document(data), option=orjson.OPT_INDENT_2).decode())
