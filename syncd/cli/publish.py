"""Runs `syncd publish`. Also reports the written and unwritten check-ins of `sync`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from syncd.cli.asking import new_form
from syncd.cli.author import author_name, process_owner
from syncd.cli.lines import wrapped
from syncd.cli.output import say
from syncd.cli.pulling import ready_to_pull
from syncd.config.notifying import EVERYBODY
from syncd.cycle.ask import Form, ask_about_delivery
from syncd.cycle.model import CycleRequest
from syncd.cycle.outgoing import deliver
from syncd.cycle.take_requests import take_requests
from syncd.ledger.outbox import STUCK
from syncd.notifying.send import MessageOutcome
from syncd.okr.words import count
from syncd.publishing.delivery import Delivered
from syncd.status.unwritten import gathered, in_short


def run(path: Path, *, only: str | None, retry: bool, log_format: str, workspace: str | None = None) -> None:
    """Writes the waiting check-ins. With `retry`, also retries the deliveries that failed, were refused or are unsure.
    The exit code is 1 if a publisher failed.
    """
    with ready_to_pull(path, only, log_format, workspace=workspace) as request:
        ledger = request.ledger
        if retry:
            _ask_again(request, only)
        take_requests(request.config, ledger, request.clock)
        outcomes = deliver(request, messages=only is None)
        deliveries, messages = outcomes.delivered, outcomes.messages
        stuck = [delivery for delivery in ledger.outbox.in_state(STUCK) if only in (None, delivery.key_result)]
    print_deliveries(deliveries)
    print_messages(messages)
    if not deliveries and not messages:
        for line in wrapped(f"nothing waits to be written{_left(len(stuck))}"):
            say(line)
    if any(delivered.failed for delivered in deliveries) or any(message.problem for message in messages):
        raise typer.Exit(1)


def _ask_again(request: CycleRequest, only: str | None) -> None:
    """Requests another try of the deliveries that syncd does not retry by itself."""
    ledger, now = request.ledger, request.clock()
    author, entered_by = author_name(None, "a retry"), process_owner()
    for delivery in ledger.outbox.in_state(STUCK):
        if only in (None, delivery.key_result):
            ask_about_delivery(ledger, Form(new_form(), author, entered_by, now), delivery.id, "retry")
    if only is None:
        ledger.events.reopen(now)


def _left(stuck: int) -> str:
    if not stuck:
        return ""
    check_ins = f"{count(stuck, 'check-in')} {'was' if stuck == 1 else 'were'} not written"
    return f"; {check_ins}: `syncd status` says why, `syncd publish --retry` tries again"


def print_messages(messages: Sequence[MessageOutcome]) -> None:
    """Prints who was notified, and on standard error who could not be notified."""
    for message in messages:
        if message.problem is not None:
            say(f"  ✗ notify: {message.problem}", err=True)
        else:
            whom = "everybody" if message.recipient == EVERYBODY else message.recipient
            say(f"told {whom} of {count(message.events, 'event')}")


def print_deliveries(deliveries: Sequence[Delivered]) -> None:
    """Prints how many check-ins were written where, and on standard error those that were not written, with the
    reasons.
    """
    wrote = Counter(delivered.delivery.connection for delivered in deliveries if delivered.wrote)
    for connection, number in wrote.items():
        say(f"wrote {count(number, 'check-in')} to {connection}")
    for line in _not_written(deliveries):
        say(line, err=True)


def _not_written(deliveries: Sequence[Delivered]) -> Iterator[str]:
    troubles = gathered(
        (
            delivered.delivery.connection,
            delivered.state,
            delivered.reason or "",
            delivered.delivery.target,
            delivered.delivery.key_result,
        )
        for delivered in deliveries
        if delivered.state != "delivered"
    )
    for trouble in in_short(troubles):
        yield from wrapped(trouble.sentence, f"  {trouble.sign} ", " " * 4)
