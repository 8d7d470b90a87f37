"""`syncd review`."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import typer

from syncd.cli.opening import chosen_plan, open_config, print_json, reading_ledger
from syncd.config import Config
from syncd.review import Review, review
from syncd.sdk import ConfigError


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
) -> None:
    """Prints the review of the last seven days, or of a period; with `notify` sends the short of it instead."""
    if as_markdown + as_html + as_json + notify > 1:
        raise ConfigError("--markdown, --html, --json and --notify are four forms of one answer; choose one")
    config, clock = open_config(path)
    now = clock()
    day = _day(at, config, now) if at else None
    plan = chosen_plan(config, period, now)
    ledger = reading_ledger(config)
    found = review(config, plan, ledger, now, day, whole=period is not None and not week)
    if notify:
        _send(config, found)
    elif as_json:
        from syncd.review.document import document

        print_json(document(found))
    elif as_html:
        from syncd.review.page import page

        typer.echo(page(found), nl=False)
    else:
        from syncd.review.markdown import markdown

        typer.echo(markdown(found), nl=False)


def _send(config: Config, found: Review) -> None:
    from syncd.notifying.send import EVERYBODY, NotSent, send
    from syncd.review import brief

    if config.settings.notify is None:
        raise ConfigError("syncd.yaml has no `notify:`; say there whom to tell")
    try:
        send(config, EVERYBODY, f"Review of {found.period.id}", brief(found))
    except NotSent as error:
        typer.echo(f"not sent: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo("sent the review to everybody")


def _day(text: str, config: Config, now: datetime) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at is {text!r}; write a day as 2026-11-02") from None
    if day > now.astimezone(config.zone).date():
        raise ConfigError(f"--at is {text}, which has not come yet; write a day that has")
    return day
