"""`syncd token`."""

from __future__ import annotations

import secrets
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from syncd.cli.author import process_owner
from syncd.cli.opening import open_config, print_json, writing_ledger
from syncd.cli.output import say
from syncd.ledger.sessions import ON_THIS_MACHINE, Session
from syncd.sdk import ConfigError


def run(path: Path, *, as_json: bool, workspace: str | None = None) -> None:
    """Makes a token for the person who types the command, stores the token's digest in the ledger, and prints the
    token.
    """
    config, _ = open_config(path, workspace, thorough=False)
    if config.settings.web.login is not None:
        problem = config.document.problem(
            ("web", "login"),
            "people and programs log in here; make a secret of your own, and name it under login: tokens:",
        )
        raise ConfigError(problems=[problem])
    token, name = secrets.token_urlsafe(32), process_owner()
    with closing(writing_ledger(config)) as ledger:
        ledger.sessions.replace(token, Session(name, ON_THIS_MACHINE), datetime.now(UTC))
    if as_json:
        print_json({"name": name, "token": token})
    else:
        say(token)
