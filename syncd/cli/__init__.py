"""The commands. Only this package turns errors into sentences, and outcomes into exit codes.

The exit code is 0 if all went well. Exit code 1 means that a source or a publisher failed while the other work went on,
or that a check found a problem. Exit code 2 means that the usage or the configuration is wrong, and that nothing was
changed. Each command imports modules only when it runs, so that a short command starts quickly.
"""

from __future__ import annotations

import gc
import os
from typing import NoReturn

_OBJECTS = (
    200_000  # new objects before Python collects garbage; the default of 700 means hundreds of collections at a start
)


def main() -> NoReturn:
    """The entry point of `syncd`: runs the command in its arguments, and exits."""
    gc.set_threshold(_OBJECTS)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # pydantic would search every installed package
    from syncd.cli.boundary import run  # the imports of typer and pydantic leave no garbage either

    run()
