"""What each publisher would be sent: what a plan shows. Targets are read, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.config import Config
from syncd.ledger import Delivery, Ledger, LedgerError, NewDelivery
from syncd.ledger.outbox import OPEN
from syncd.publishing.looking import Look, belongs, bug, look
from syncd.sdk import ConfigError, Scalar, SourceError


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a target: what stands there, and what would. `foreign` is left alone: somebody else wrote it."""

    place: str
    where: str
    old: Scalar | None
    new: Scalar | None
    foreign: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What one target would be sent; `problem` says why nothing can be: no such target, or a publisher that failed."""

    connection: str
    target: str
    key_result: str
    changes: Sequence[Change] = ()
    problem: str | None = None
    failed: bool = False

    @property
    def writes(self) -> bool:
        """Whether anything would be written."""
        return any(not change.foreign for change in self.changes)


def preview(config: Config, ledger: Ledger, due: Sequence[NewDelivery], now: datetime) -> Sequence[Preview]:
    """What a sync would send now: what it would find due, and what waits already and is not superseded by that."""
    new = {one.place: _delivery(one, now) for one in due}
    waiting = [one for one in ledger.outbox.in_state(OPEN) if one.place not in new]
    found: list[Preview] = []
    for publication in config.publications:
        mine = [one for one in (*waiting, *new.values()) if belongs(publication, one)]
        if not mine:
            continue
        try:
            found += [_preview(one) for one in look(config, ledger, publication, mine)]
            continue
        except LedgerError:
            raise
        except (SourceError, ConfigError) as error:
            said = publication.connection.without_secrets(str(error))
        except Exception as error:  # a connector's bug must not take the other publishers down
            said = bug(publication, error)
        found += [Preview(one.connection, one.target, one.key_result, problem=said, failed=True) for one in mine]
    return found


def _preview(one: Look) -> Preview:
    where, stands, foreign = one.found.where, one.found.content, one.decision.foreign
    changes = [
        Change(place, where.get(place, place), stands.get(place), new, place in foreign)
        for place, new in one.wanted.items()
        if place in one.decision.write or place in foreign
    ]
    to = one.delivery
    problem = one.found.absent or one.moved
    return Preview(
        to.connection, to.target, to.key_result, () if problem else changes, problem, failed=one.moved is not None
    )


def _delivery(one: NewDelivery, now: datetime) -> Delivery:
    """As it will be once it is in the outbox."""
    return Delivery(
        id=0,
        connection=one.connection,
        target=one.target,
        period=one.period,
        key_result=one.key_result,
        cycle=0,
        made_at=now,
        digest=one.digest,
        statement=one.statement,
        state="waiting",
        reason=None,
        left_alone=None,
        tries=0,
        tried_at=None,
        retry_at=None,
    )
