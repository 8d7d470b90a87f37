"""`syncd review`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import typer

from syncd.cli.opening import open_config, print_json, reading_ledger
from syncd.cli.output import say, say_document
from syncd.config import Config
from syncd.okr.day_texts import last_instant, past_day
from syncd.review import Review, last_day_if_over, review
from syncd.sdk import ConfigError
from syncd.status.choosing import chosen_period


def run(
    path: Path,
    *,
    week: bool,
    period: str | None,
    at: str | None,
    as_markdown: bool,
    as_html: bool,
    as_json: bool,
    notify: bool,
    workspace: str | None = None,
) -> None:
    """Prints the review of the last seven days or of a period. With `notify`, sends a summary instead.

    With `week` and a `period` that is over, these are the last seven days of the period.
    """
    if as_markdown + as_html + as_json + notify > 1:
        raise ConfigError("--markdown, --html, --json and --notify do not go together; choose one of them")
    config, clock = open_config(path, workspace, thorough=False)
    now = clock()
    day = past_day(at, config.zone, now) if at is not None else None
    okrs = chosen_period(config, period, last_instant(day, config.zone, now) if day else now)
    if day is None and week and period is not None:
        day = last_day_if_over(okrs.period, now)
    ledger = reading_ledger(config)
    summary = review(config, okrs, ledger, now, day, whole=period is not None and not week)
    if notify:
        _send(config, summary)
    elif as_json:
        from syncd.review.document import document

        print_json(document(summary))
    elif as_html:
        from syncd.review.page import page

        say_document(page(summary, workspace))
    else:
        from syncd.review.markdown import markdown

        say_document(markdown(summary, workspace))


def _send(config: Config, summary: Review) -> None:
    from syncd.config.notifying import EVERYBODY
    from syncd.notifying.addresses import NotSent
    from syncd.notifying.messages import within
    from syncd.notifying.send import send
    from syncd.review import brief

    if config.settings.notify is None:
        raise ConfigError("syncd.yaml has no `notify:`; write there whom to notify")
    try:
        send(config, EVERYBODY, f"Review of {summary.period.id}", partial(within, brief(summary)))
    except NotSent as error:
        say(f"not sent: {error}", err=True)
        raise typer.Exit(1) from None
    say("sent the review to everybody")
