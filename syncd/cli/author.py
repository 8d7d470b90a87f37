"""The name of the person who types a command."""

from __future__ import annotations

import getpass

from syncd.sdk import ConfigError


def author_name(given: str | None, what: str) -> str:
    """The given name, or else the login name. ConfigError if there is neither, for `what` needs a name."""
    name = (given if given is not None else _login_name()).strip()
    if not name:
        raise ConfigError(f"{what} needs a name; write --author NAME")
    return name


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have a number and no name
        return ""
