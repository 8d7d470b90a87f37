"""Errors as sentences: what is wrong, where, and what to do about it."""

from __future__ import annotations

from syncd.sdk import ConfigError


def sentence(error: Exception) -> str | None:
    """What a person is told; None for an error that syncd did not raise on purpose."""
    if isinstance(error, ConfigError):
        lines = [str(problem) for problem in error.problems] or [f"syncd: {error}"]
        if len(error.problems) > 1:
            lines.append(f"{len(error.problems)} problems; nothing was touched")
        return "\n".join(lines)
    from syncd.ledger import LedgerBusy, LedgerError

    if isinstance(error, LedgerBusy):
        return f"syncd: {error}; try again when it has ended"
    if isinstance(error, LedgerError):
        return f"syncd: {error}"
    from sqlalchemy.exc import OperationalError

    if isinstance(error, OperationalError):  # a full disk, a lost database: what was committed before stays
        return f"syncd: the ledger failed: {str(error.orig).strip().splitlines()[0]}"
    return None
