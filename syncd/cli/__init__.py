"""Commands: the only place where an error becomes a sentence, and an outcome an exit code.

0 all well; 1 a source or a publisher failed and the rest went on, or a check found something; 2 usage or configuration
wrong, nothing was touched. Each command imports what it needs only when it runs, so that a short command starts
quickly.
"""

from __future__ import annotations

import gc
import os
from typing import NoReturn

_OBJECTS = (
    200_000  # new objects before Python collects garbage; with its default, 700, a start collects hundreds of times
)


def main() -> NoReturn:
    """The entry point of `syncd`: runs the command that its arguments name, and exits."""
    gc.set_threshold(_OBJECTS)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # pydantic would search every installed package
    from syncd.cli.boundary import run  # imports typer and pydantic, which are no garbage either

    run()
