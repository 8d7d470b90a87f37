"""Computes what syncd would write to each target, for `syncd plan`. A preview reads the targets, and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.config import Config
from syncd.ledger import Delivery, Ledger, LedgerError, NewDelivery
from syncd.ledger.outbox import OPEN
from syncd.publishing.comparison import Comparison, belongs, bug, compare
from syncd.sdk import ConfigError, Scalar, SourceError


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a target: its present content (`old`), and the content that it should have (`new`). If the place is
    `foreign`, somebody else wrote the present content, and syncd does not overwrite it.
    """

    place: str
    where: str
    old: Scalar | None
    new: Scalar | None
    foreign: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What syncd would write to one target.

    `problem` is the reason why syncd cannot write: the target does not exist, its publisher failed, or a place of the
    target moved. `failed` is True if the publisher failed or a place moved.
    """

    connection: str
    target: str
    key_result: str
    changes: Sequence[Change] = ()
    problem: str | None = None
    failed: bool = False

    @property
    def writes(self) -> bool:
        """Whether syncd would write anything to the target."""
        return any(not change.foreign for change in self.changes)


def preview(config: Config, ledger: Ledger, due: Sequence[NewDelivery], now: datetime) -> Sequence[Preview]:
    """What a sync would write now: the due deliveries, and the waiting deliveries that no due delivery would
    supersede.
    """
    new = {delivery.place: _delivery(delivery, now) for delivery in due}
    waiting = [delivery for delivery in ledger.outbox.in_state(OPEN) if delivery.place not in new]
    previews: list[Preview] = []
    for publication in config.publications:
        deliveries = [delivery for delivery in (*waiting, *new.values()) if belongs(publication, delivery)]
        if not deliveries:
            continue
        try:
            previews += [_preview(comparison) for comparison in compare(config, ledger, publication, deliveries)]
            continue
        except LedgerError:
            raise
        except (SourceError, ConfigError) as error:
            problem = publication.connection.without_secrets(str(error))
        except Exception as error:  # a connector's bug must not take the other publishers down
            problem = bug(publication, error)
        previews += [
            Preview(delivery.connection, delivery.target, delivery.key_result, problem=problem, failed=True)
            for delivery in deliveries
        ]
    return previews


def _preview(comparison: Comparison) -> Preview:
    delivery, decision = comparison.delivery, comparison.decision
    current, where = comparison.written.content, comparison.written.where
    changes = [
        Change(place, where.get(place, place), current.get(place), new, place in decision.foreign)
        for place, new in comparison.wanted.items()
        if place in decision.write or place in decision.foreign
    ]
    problem = comparison.written.absent or comparison.moved
    return Preview(
        delivery.connection,
        delivery.target,
        delivery.key_result,
        () if problem else changes,
        problem,
        failed=comparison.moved is not None,
    )


def _delivery(new: NewDelivery, now: datetime) -> Delivery:
    return Delivery(
        id=0,
        connection=new.connection,
        target=new.target,
        period=new.period,
        key_result=new.key_result,
        cycle=0,
        made_at=now,
        digest=new.digest,
        statement=new.statement,
        state="waiting",
        reason=None,
        left_alone=None,
        tries=0,
        tried_at=None,
        retry_at=None,
    )
