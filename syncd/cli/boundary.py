"""Runs a command, and turns errors into sentences and exit codes."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from typing import NoReturn

import typer

from syncd.cli.app import app
from syncd.cli.output import say
from syncd.cli.unexpected import guard_errors

_PATIENCE = 25  # seconds


def run() -> NoReturn:
    """Runs the command in the process's arguments, and exits with its code."""
    guard_errors()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ✓ shows ?
    if "_SYNCD_COMPLETE" in os.environ:  # the shell asks for completions
        typer.main.get_command(app)(prog_name="syncd")
    try:
        code = _run(sys.argv[1:])
    except Exception as error:
        # Python's own exit waits for threads without a limit: a hanging process would never be restarted.
        signal.alarm(_PATIENCE)  # standard error may have no reader
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    _end(code)


def _run(arguments: Sequence[str]) -> int:
    command = typer.main.get_command(_app_for(arguments))
    try:
        # The command's own main() would treat a closed pipe as a failure.
        with command.make_context("syncd", [*arguments]) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as ending:
        return ending.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:  # as in `syncd status | head`: the reader has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except typer.TyperException as error:  # such as an unknown option or argument
        error.show()  # type: ignore[attr-defined]
        return 2
    except Exception as error:
        from syncd.cli.errors import exit_code, explained, sentences

        error = explained(error)
        lines = sentences(error)
        if lines is None:
            raise
        for line in lines:
            say(line, err=True)
        return exit_code(error)
    return 0


def _end(code: int) -> NoReturn:
    """Ends the process at once. Python would first free everything it loaded, which takes as long as a short
    command.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed: it has no reader
            stream.flush()
    os._exit(code)


def _app_for(arguments: Sequence[str]) -> typer.Typer:
    """The command line with only the command that the arguments name, because typer is slow to read the options of all
    commands.

    If the arguments name no command, as in `syncd --help`, the command line has all commands.
    """
    named = [command for command in app.registered_commands if arguments[:1] == [_name(command)]]
    chosen = copy(app)
    chosen.registered_commands = named or app.registered_commands
    return chosen


def _name(command: typer.models.CommandInfo) -> str:
    assert command.callback is not None  # every command is a function in `app`
    return command.name or typer.main.get_command_name(command.callback.__name__)
