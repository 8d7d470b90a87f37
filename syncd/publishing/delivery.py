"""Delivers what is in the outbox: reads each target, writes what may be written, and keeps what came of it.

Killed anywhere, it goes on where it was. Before a request leaves, what it is to write is noted: the next run reads the
target and knows it again. Where a target cannot be read, a delivery that was being sent is `unsure`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.config.publications import WHOLE, Publication
from syncd.ledger import Delivery, Ledger, LedgerError
from syncd.ledger.outbox import OPEN, STUCK, State
from syncd.publishing.looking import Look, belongs, bug, looks, parts
from syncd.publishing.overwriting import mark, shown
from syncd.publishing.statements import of_json
from syncd.sdk import (
    ConfigError,
    Context,
    Publisher,
    RetryLater,
    RetryPolicy,
    Scalar,
    SourceBroken,
    SourceError,
    Unsure,
)
from syncd.status.periods import choose_plan

log = logging.getLogger("syncd.publishing")

GIVES_UP = timedelta(days=3)
"""How long a delivery is tried again whose failure may pass."""

_NAMED = 5  # targets in one line of the log

_LOOKED_AT_AGAIN: tuple[State, ...] = ("refused", "absent")
"""Where one read serves all targets: what kept these from being written may be over."""

_OPEN_TO_DOUBT: tuple[State, ...] = ("sending", "unsure")
"""They may have arrived: they stay what they are, or an entry that is put back would send them a second time."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a delivery in this run; `wrote` says whether anything was sent, or stood there already."""

    delivery: Delivery
    state: State
    reason: str | None = None
    wrote: bool = False
    retry_at: datetime | None = None

    @property
    def failed(self) -> bool:
        """Whether its publisher failed: what somebody else wrote, or a target that is not there, is no failure."""
        return self.state in ("waiting", "dead", "unsure")


def deliver(
    config: Config,
    ledger: Ledger,
    clock: Callable[[], datetime],
    *,
    retry: RetryPolicy,
    only: str | None = None,
    patient: bool = False,
    stopping: threading.Event | None = None,
) -> Sequence[Delivered]:
    """Tries everything that waits, or of `only` one key result: what fails at one publisher is in what came of it.

    With `patient` a target that asked for a later time is not asked before. The caller holds the ledger's lock.
    """
    left = {one.id: one for one in ledger.outbox.in_state((*OPEN, *STUCK))}
    named = {WHOLE, *(kr.id for plan in config.plans for kr in plan.key_results)}
    runs: list[tuple[Publication, list[Delivery]]] = []
    for publication in config.publications:
        mine = [one for one in left.values() if one.key_result in named and belongs(publication, one)]
        for one in mine:
            del left[one.id]
        due = [
            one
            for one in mine
            if one.state in (*OPEN, *_LOOKED_AT_AGAIN)
            and (only is None or one.key_result in (only, WHOLE))
            and not (patient and one.retry_at and clock() < one.retry_at)
        ]
        if any(one.state in OPEN for one in due):
            runs.append((publication, due))
    gone = [one.id for one in left.values() if one.state not in _OPEN_TO_DOUBT]
    ledger.outbox.end(gone, "superseded", "nothing names its target, or its key result, any more")
    runs.sort(key=lambda run: max(one.tries for one in run[1]))  # who had trouble last time keeps nobody waiting
    found: list[Delivered] = []
    for publication, due in runs:
        found += _Run(config, ledger, clock, publication, retry.fresh(), stopping or threading.Event()).deliver(due)
    return found


def _open(part: Sequence[Delivery]) -> list[Delivery]:
    """Those that were to be sent. What is only looked at again stays as it is where that fails."""
    return [one for one in part if one.state in OPEN]


class _Stopped(Exception):
    """syncd is to end: the next run goes on from here."""


@dataclass(slots=True)
class _Run:
    """The deliveries of one entry of `publish:`."""

    config: Config
    ledger: Ledger
    clock: Callable[[], datetime]
    publication: Publication
    retry: RetryPolicy
    stopping: threading.Event

    def deliver(self, due: Sequence[Delivery]) -> list[Delivered]:
        """What comes of each. Where a server asks for a later time, or two tries in a row fail, the rest is put off."""
        connection = self.publication.connection
        try:
            policy = replace(self.retry, sleep=self._sleep)
            once = replace(self.retry, attempts=1)  # of the same budget: what is tried again is the whole part
            context = Context(once, self.config.zone, folder=str(self.config.path.parent))
            publisher = connection.publisher(context, self.publication.keys)
        except (ConfigError, SourceError) as error:
            return self._unopened(due, str(error))
        except Exception as error:
            return self._unopened(due, bug(self.publication, error))
        ended: list[Delivered] = []
        with closing(publisher):
            if publisher.appends:
                lost = [one for one in due if one.state == "sending"]
                ended += self._end(lost, "unsure", "syncd was stopped while it was sent")
                due = [one for one in due if one not in lost]
            if not publisher.together:
                due = [one for one in due if one.state in OPEN]
            failed: list[RetryLater] = []
            for part in parts(due, publisher):
                if self.stopping.is_set():
                    break
                if failed and (failed[-1].after or len(failed) > 1):
                    ended += self._put_off(part, failed[-1])
                    continue
                try:
                    ended += self._part(publisher, part, policy)
                    failed.clear()
                except RetryLater as error:
                    failed.append(error)
                    ended += self._put_off(part, error)
                except _Stopped:
                    break
        return ended

    def _unopened(self, due: Sequence[Delivery], why: str) -> list[Delivered]:
        """Nothing was sent now; of what was being sent when syncd was stopped that says nothing."""
        lost = [one for one in due if one.state == "sending"]
        said = self.publication.connection.without_secrets(why)
        ended = self._end([one for one in due if one.state == "waiting"], "waiting", why)
        return ended + [Delivered(one, "waiting", said) for one in lost]

    def _sleep(self, seconds: float) -> None:
        """Before another try, of which there is none once syncd is to stop."""
        self.retry.sleep(seconds)
        if self.stopping.is_set():
            raise _Stopped

    def _part(self, publisher: Publisher, part: Sequence[Delivery], policy: RetryPolicy) -> list[Delivered]:
        """Tries a part as a whole, reading anew before every try. RetryLater where none succeeded."""
        attempt = self._append if publisher.appends else self._write
        try:
            return policy.call(lambda: attempt(publisher, part))
        except (RetryLater, LedgerError, _Stopped):
            raise
        except Unsure as error:
            return self._end(_open(part), "unsure", str(error))
        except (SourceError, ConfigError) as error:
            return self._end(_open(part), "dead", str(error))
        except Exception as error:  # a connector's bug must not take the other publishers down
            return self._end(_open(part), "unsure" if publisher.appends else "dead", bug(self.publication, error))

    def _write(self, publisher: Publisher, part: Sequence[Delivery]) -> list[Delivered]:
        looked = list(looks(self.ledger, self.publication, publisher, part))
        there = [one for one in looked if one.found.absent is None and one.moved is None]
        writes = [one for one in there if one.decision.write]
        if writes:
            self.ledger.outbox.note({one.delivery.place: one.marks(sure=False) for one in writes})
            self.ledger.outbox.begin([one.delivery.id for one in writes], self.clock())
            publisher.write({one.delivery.key_result: one.decision.write for one in writes})
        self.ledger.outbox.note({one.delivery.place: one.marks(sure=True) for one in there})
        ended: list[Delivered] = []
        alike: dict[tuple[State, str], list[Delivery]] = {}
        for one in looked:
            if one.found.absent is not None:
                alike.setdefault(("absent", one.found.absent), []).append(one.delivery)
            elif one.moved is not None:
                alike.setdefault(("dead", one.moved), []).append(one.delivery)
            elif one.decision.foreign:
                ended += self._refuse(one)
        for (state, reason), those in alike.items():
            # What was looked at again and is as it was is no news.
            ended += self._end([one for one in those if (one.state, one.reason) != (state, reason)], state, reason)
        sound = [one for one in there if not one.decision.foreign]
        ended += self._end([one.delivery for one in sound if one.decision.write], "delivered", wrote=True)
        ended += self._end([one.delivery for one in sound if not one.decision.write], "delivered")
        return ended

    def _refuse(self, one: Look) -> list[Delivered]:
        left = one.decision.foreign
        said = "; ".join(f"{one.found.where.get(place, place)} holds {shown(value)}" for place, value in left.items())
        name, period = one.delivery.key_result, one.delivery.period
        meant = choose_plan(self.config, None, self.clock())
        of = "" if meant is not None and meant.period.id == period else f" --period {period}"
        allowing = f"`syncd approve {name}{of}`" if name else "`override: true`"
        reason = f"{said}, which syncd did not write; {allowing} writes over it"
        kept = {place: mark(value) for place, value in left.items() if value is not None}
        if (one.delivery.state, one.delivery.reason, one.delivery.left_alone) == ("refused", reason, kept):
            return []
        return self._end([one.delivery], "refused", reason, left_alone=kept, wrote=bool(one.decision.write))

    def _append(self, publisher: Publisher, part: Sequence[Delivery]) -> list[Delivered]:
        contents = {one.key_result: publisher.content(of_json(one.statement)) for one in part}
        self.ledger.outbox.begin([one.id for one in part], self.clock())
        try:
            publisher.write(contents)
        except (RetryLater, SourceBroken):  # it did not arrive: a stop while this waits leaves no doubt
            self.ledger.outbox.end([one.id for one in part], "waiting")
            raise
        silent = [one for one in part if not contents[one.key_result]]
        ended = self._end([one for one in part if one not in silent], "delivered", wrote=True)
        return ended + self._end(silent, "delivered")

    def _put_off(self, part: Sequence[Delivery], error: RetryLater) -> list[Delivered]:
        """Until the time that the server asked for, else the next cycle; for good where that goes on for too long."""
        long = self.clock() - GIVES_UP
        given_up = [one for one in _open(part) if one.reason is not None and one.made_at <= long]  # not its first try
        later = [one for one in _open(part) if one not in given_up]
        retry_at = self.clock() + timedelta(seconds=error.after) if error.after else None
        ended = self._end(given_up, "dead", f"{error}; it was tried for {GIVES_UP.days} days")
        return ended + self._end(later, "waiting", str(error), retry_at=retry_at)

    def _end(
        self,
        ended: Sequence[Delivery],
        state: State,
        reason: str | None = None,
        *,
        retry_at: datetime | None = None,
        left_alone: Mapping[str, Scalar] | None = None,
        wrote: bool = False,
    ) -> list[Delivered]:
        """Keeps what came of these, and tells the log."""
        reason = self.publication.connection.without_secrets(reason) if reason else None
        self.ledger.outbox.end([one.id for one in ended], state, reason, retry_at=retry_at, left_alone=left_alone)
        if ended:
            told = {"to": ended[0].connection, "targets": [one.target for one in ended[:_NAMED]], "of": len(ended)}
            if state != "delivered":
                log.warning("not delivered", extra={**told, "state": state, "reason": reason})
            elif wrote:
                log.info("delivered", extra=told)
        return [Delivered(one, state, reason, wrote, retry_at) for one in ended]
