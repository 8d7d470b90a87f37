"""Opens files that somebody else names: regular files alone.

A named pipe, a terminal or a socket may keep its reader waiting for ever, so none of them is opened.
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
    """The file, opened for reading. OSError if it cannot be read, or is no regular file."""
    refuse_irregular(path, os.stat(path).st_mode)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # so that even a swapped-in pipe cannot wait
    try:
        refuse_irregular(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path | str) -> bytes:
    """The content of a regular file. OSError like `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def refuse_irregular(path: Path | str, mode: int) -> None:
    """OSError unless `mode`, from a stat, is that of a regular file; `strerror` says what it is instead."""
    if stat.S_ISREG(mode):
        return
    what = next((text for is_kind, text in _KINDS if is_kind(mode)), "it is no regular file")
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(number, f"{what}; name a regular file", str(path))
