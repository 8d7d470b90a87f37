"""Errors as sentences: where the problem is, what it is, and what to do about it."""

from __future__ import annotations

from syncd.sdk import ConfigError


def sentence(error: Exception) -> str | None:
    """The message for a person; None for an error that syncd did not raise on purpose."""
    if isinstance(error, ConfigError):
        lines = [str(problem) for problem in error.problems] or [f"syncd: {error}"]
        if len(error.problems) > 1:
            lines.append(f"{len(error.problems)} problems; nothing was touched")
        return "\n".join(lines)
    from syncd.ledger import LedgerBusy, LedgerError, LedgerFailed, ServiceRuns

    if isinstance(error, ServiceRuns):
        return f"syncd: {error}; stop it first"
    if isinstance(error, LedgerBusy):
        return f"syncd: {error}; try again when it has ended"
    if isinstance(error, LedgerFailed):
        return f"syncd: {error}; what was stored stays, and the next sync goes on from there"
    if isinstance(error, LedgerError):
        return f"syncd: {error}"
    return None


def exit_code(error: Exception) -> int:
    """2 if nothing was changed; 1 if the ledger failed in the middle of the work."""
    from syncd.ledger import LedgerFailed

    return 1 if isinstance(error, LedgerFailed) else 2
