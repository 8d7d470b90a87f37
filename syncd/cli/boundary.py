"""The boundary of the command line: a command is run, and an error becomes a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer

from syncd.cli.app import app


def main() -> NoReturn:
    """The entry point: runs a command and turns errors into sentences and exit codes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ✓ shows ?, and the command goes on
    command = typer.main.get_command(app)
    try:
        # Not the command's own main(), which takes a closed pipe for a failure.
        with command.make_context("syncd", sys.argv[1:]) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as ending:
        sys.exit(ending.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:  # `syncd status | head`: whoever reads has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except typer.TyperException as error:  # an option or argument that is not there
        error.show()  # type: ignore[attr-defined]
        sys.exit(2)
    except Exception as error:
        from syncd.cli.errors import exit_code, sentence

        said = sentence(error)
        if said is None:
            raise
        print(said, file=sys.stderr)
        sys.exit(exit_code(error))
    sys.exit(0)
