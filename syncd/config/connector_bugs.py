"""Reports a bug of a connector: logs the traceback, and makes a sentence for people. Secrets are masked in both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping


def log_bug(
    log: logging.Logger, event: str, error: Exception, hide: Callable[[str], str], where: Mapping[str, str]
) -> str:
    """Logs a bug as an event with the traceback, and returns a sentence for people.

    `hide` masks the secrets that the error's message may repeat. `where` has the fields of the event.
    """
    clean = Exception(hide(f"{type(error).__name__}: {error}"))
    log.error(event, extra=where, exc_info=(type(clean), clean, error.__traceback__))
    return bug_sentence(error)


def bug_sentence(error: Exception) -> str:
    """A connector's bug in a sentence, without the error's message, which is for programmers."""
    return f"internal error in the connector: {type(error).__name__} (see the log)"
