"""Errors as sentences: where the problem is, what is wrong, and what to do about it."""

from __future__ import annotations

from syncd.config.path_errors import path_error
from syncd.sdk import ConfigError


def sentences(error: Exception) -> list[str] | None:
    """The lines for a person; None for an unexpected error."""
    if isinstance(error, ConfigError):
        lines = [str(problem) for problem in error.problems] or [f"syncd: {error}"]
        if len(error.problems) > 1:
            lines.append(f"{len(error.problems)} problems; nothing was touched")
        return lines
    from syncd.ledger import LedgerBusy, LedgerError, LedgerFailed, ServiceRuns

    if not isinstance(error, LedgerError | LedgerBusy):
        return None
    advice = ""
    if isinstance(error, ServiceRuns):
        advice = "; stop it first"
    elif isinstance(error, LedgerBusy):
        advice = "; try again when it has ended"
    elif isinstance(error, LedgerFailed):
        advice = "; what was stored stays, and the next sync goes on from there"
    return [f"syncd: {error}{advice}"]


def explained(error: Exception) -> Exception:
    """The cause of an error, if it is known: damage in the ledger, or a path that cannot be accessed. Otherwise the
    error itself.
    """
    if isinstance(error, ConfigError):
        return error
    if (sentence := path_error(error)) is not None:
        return sentence
    from syncd.ledger import engine, wrong_cells

    return wrong_cells.explained(error, engine.files_in_use())


def exit_code(error: Exception) -> int:
    """The exit code: 2 if nothing was changed, 1 if the ledger failed during the work."""
    from syncd.ledger import LedgerFailed

    return 1 if isinstance(error, LedgerFailed) else 2
