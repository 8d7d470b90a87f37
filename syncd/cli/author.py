"""Who types a command: by the name that they give, and by the user that they are."""

from __future__ import annotations

import getpass
import os
import pwd
import socket

from syncd.sdk import ConfigError


def author_name(given: str | None, what: str) -> str:
    """The given name, or else the login name. ConfigError if the name is missing everywhere; `what` is the action that
    needs it.
    """
    name = (given if given is not None else _login_name()).strip()
    if not name:
        raise ConfigError(f"{what} needs a name; write --author NAME")
    return name


def process_owner() -> str:
    """The user who runs this process and the machine, whatever the environment says: `ops@build-3`.

    A user without a login name, as containers have them, is named by number.
    """
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have a number and no name
        return ""
