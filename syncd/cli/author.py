"""The names of the person who types a command: the name that the person gives, and the user who runs the process."""

from __future__ import annotations

import getpass
import os
import pwd
import socket

from syncd.sdk import ConfigError


def author_name(given: str | None, what: str) -> str:
    """The given name, or else the login name. Raises ConfigError if there is neither; `what` is the action that needs a
    name.
    """
    name = (given if given is not None else _login_name()).strip()
    if not name:
        raise ConfigError(f"{what} needs a name; write --author NAME")
    return name


def process_owner() -> str:
    """The user who runs this process, and the machine, such as `ops@build-3`. Does not depend on the environment.

    If the user has no login name, as in a container, the name is the user's number.
    """
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # in a container, the user may have a number and no name
        return ""
