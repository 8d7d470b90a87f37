"""Turns the errors of paths that cannot be accessed into messages: a folder that this user may not read, a circle of
links, a path that is too long.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd.config.document import shown_path
from syncd.sdk import ConfigError

_OF_PATHS = (
    errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EIO, errno.ESTALE,
)  # fmt: skip
_CIRCLE = "Symlink loop from "  # pathlib's message about a circle, before Python 3.13


def path_error(error: Exception) -> ConfigError | None:
    """The error for people about a path that cannot be accessed; None for any other error."""
    if isinstance(error, RuntimeError) and str(error).startswith(_CIRCLE):
        return ConfigError(f"{str(error).removeprefix(_CIRCLE)} cannot be read: its links lead in a circle")
    if isinstance(error, OSError) and error.errno in _OF_PATHS and isinstance(error.filename, str | Path):
        return ConfigError(f"{shown_path(Path(error.filename))} cannot be read: {str(error.strerror).lower()}")
    return None


@contextmanager
def path_errors() -> Iterator[None]:
    """Raises a ConfigError in place of the error of a path that cannot be accessed."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if (sentence := path_error(error)) is None:
            raise
        raise sentence from None
