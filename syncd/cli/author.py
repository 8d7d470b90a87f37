"""Who it is that types a command."""

from __future__ import annotations

import getpass

from syncd.sdk import ConfigError


def author_name(given: str | None, what: str) -> str:
    """The name given, else the login name. ConfigError says that `what` needs one, where there is neither."""
    name = (given if given is not None else _login_name()).strip()
    if not name:
        raise ConfigError(f"{what} needs a name; write --author NAME")
    return name


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user has a number and no name
        return ""
