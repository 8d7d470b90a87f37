"""Opens the files that a configuration names, if they are regular files.

A named pipe, a terminal or a socket may keep its reader waiting for ever, so syncd does not open them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a named pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def open_regular(path: Path | str) -> BinaryIO:
    """Opens a file for reading. Raises OSError if the file cannot be read, or is not a regular file."""
    refuse_irregular(path, os.stat(path).st_mode)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe put there meanwhile cannot block
    try:
        refuse_irregular(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path | str) -> bytes:
    """The content of a regular file. Raises OSError like `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def refuse_irregular(path: Path | str, mode: int) -> None:
    """Raises OSError if `mode`, from a stat, is not the mode of a regular file. The error's `strerror` names the kind
    of file.
    """
    if stat.S_ISREG(mode):
        return
    what = next((text for is_kind, text in _KINDS if is_kind(mode)), "it is no regular file")
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(number, f"{what}; name a regular file", str(path))
