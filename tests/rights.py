"""What another user may do: a folder that everybody may look into, and a process without root's rights."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into; those of pytest are for this user alone."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    try:
        yield made
    finally:
        for place, folders, _ in os.walk(made):
            for folder in folders:
                (Path(place) / folder).chmod(0o755)
        shutil.rmtree(made)


def as_nobody(promise: Callable[[], bool]) -> bool:
    """Whether a promise holds in a process of its own without root's rights, which may read and write everywhere."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            code = 0 if promise() else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0
