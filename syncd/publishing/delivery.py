"""Sends the deliveries of the outbox: reads each target, writes the content that may be written, and stores the
outcome.

If syncd is killed, the next run continues from there. Before each request, syncd stores the content that it will write:
the next run reads the target and recognizes this content. If a publisher can only append, a delivery that was being
sent becomes `unsure`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.config.publications import WHOLE, Publication
from syncd.ledger import Delivery, Ledger, LedgerError
from syncd.ledger.batches import batches
from syncd.ledger.fence import check_epoch
from syncd.ledger.outbox import IN_DOUBT, OPEN, STUCK, State
from syncd.publishing.comparison import Comparison, belongs, bug, compare_part, parts
from syncd.publishing.group_notes import MOST_IN_GROUP, GroupNotes
from syncd.publishing.overwriting import mark, shown
from syncd.publishing.statements import of_json
from syncd.sdk import (
    LONGEST_WAIT,
    ConfigError,
    Content,
    Context,
    Publisher,
    RetryLater,
    RetryPolicy,
    Scalar,
    SourceBroken,
    SourceError,
    Unsure,
)
from syncd.status.periods import choose_period

log = logging.getLogger("syncd.publishing")

GIVES_UP = timedelta(days=3)
"""How long a delivery is tried again after temporary failures."""

_NAMED = 5  # targets in one line of the log

_COMPARED_AGAIN: tuple[State, ...] = ("refused", "absent")
"""If a publisher reads all targets at once, deliveries in these states are compared again, because the reason for the
state may be gone.
"""

_MAY_HAVE_ARRIVED: tuple[State, ...] = ("sending", "unsure")
"""A delivery in one of these states keeps its state when its entry of `publish:` is removed. Otherwise, it would be
sent twice if the entry returned.
"""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The outcome of a delivery in a run. `wrote` is False if nothing was sent, for example because the target already
    had the content.
    """

    delivery: Delivery
    state: State
    reason: str | None = None
    wrote: bool = False
    retry_at: datetime | None = None

    @property
    def failed(self) -> bool:
        """Whether the publisher failed. The states `refused` and `absent` are not failures of the publisher."""
        return self.state in ("waiting", "dead", "unsure")


def due_runs(
    config: Config,
    ledger: Ledger,
    clock: Callable[[], datetime],
    *,
    retry: RetryPolicy,
    only: str | None = None,
    patient: bool = False,
    stopping: threading.Event,
) -> Mapping[str, Sequence[PublisherRun]]:
    """Maps each connection to the runs that try its due deliveries. With `only`, these are the deliveries of this key
    result, and of whole periods.

    With `patient`, a target that named a later time is not tried before this time. A delivery is superseded if no entry
    of `publish:`, or no mapping file, names its target or key result any more.
    """
    left = {delivery.id: delivery for delivery in ledger.outbox.in_state((*OPEN, *STUCK))}
    named = {WHOLE, *(kr.id for okrs in config.periods for kr in okrs.key_results)}
    runs: dict[str, list[PublisherRun]] = {}
    for publication in config.publications:
        belonging = [
            delivery for delivery in left.values() if delivery.key_result in named and belongs(publication, delivery)
        ]
        for delivery in belonging:
            del left[delivery.id]
        due = [
            delivery
            for delivery in belonging
            if delivery.state in (*OPEN, *_COMPARED_AGAIN)
            and (only is None or delivery.key_result in (only, WHOLE))
            and not (patient and delivery.retry_at and clock() < delivery.retry_at)
        ]
        if _open(due):
            name = publication.connection.name
            run = PublisherRun(config, ledger, clock, publication, due, retry.fresh(name), stopping)
            runs.setdefault(name, []).append(run)
    gone = [delivery.id for delivery in left.values() if delivery.state not in _MAY_HAVE_ARRIVED]
    ledger.outbox.end(gone, "superseded", "nothing names its target, or its key result, any more")
    return runs


def _open(part: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries that are to be sent. The other deliveries are only compared again; they keep their state if the
    comparison fails.
    """
    return [delivery for delivery in part if delivery.state in OPEN]


def _contents(publisher: Publisher, deliveries: Sequence[Delivery]) -> Iterator[tuple[int, Content]]:
    for delivery in deliveries:
        with suppress(Exception):
            yield delivery.id, publisher.content(of_json(delivery.statement))


def _unmetered(*_: object) -> None:
    """Counts nothing: the try of a part is not a request, and the requests of the try are counted themselves."""


class _Stopped(Exception):
    """Raised if syncd is about to end. The next run continues from here."""


@dataclass(slots=True)
class PublisherRun:
    """Sends the due deliveries of one entry of `publish:`."""

    config: Config
    ledger: Ledger
    clock: Callable[[], datetime]
    publication: Publication
    due: Sequence[Delivery]
    retry: RetryPolicy
    stopping: threading.Event
    _notes: GroupNotes = field(init=False)

    def __post_init__(self) -> None:
        self._notes = GroupNotes(self.ledger.outbox)

    def deliver(self) -> list[Delivered]:
        """Tries each part. If a server names a later time, or two parts in a row fail, the others are put off."""
        due = self.due
        connection = self.publication.connection
        try:
            policy = replace(self.retry, sleep=self._sleep, meter=_unmetered)  # it retries the whole part
            # This policy makes the requests from the same budget, but none once another worker has taken over.
            once = replace(self.retry, attempts=1, before=self._check_epoch)
            context = Context(once, self.config.zone, folder=str(self.config.path.parent))
            publisher = connection.publisher(context, self.publication.keys)
        except (ConfigError, SourceError) as error:
            return self._unopened(due, str(error))
        except Exception as error:
            return self._unopened(due, bug(self.publication, error))
        ended: list[Delivered] = []
        with closing(publisher):
            if publisher.appends:
                lost = [delivery for delivery in due if delivery.state == "sending"]
                ended += self._end(lost, "unsure", IN_DOUBT)
                due = [delivery for delivery in due if delivery not in lost]
            failed: list[RetryLater] = []
            if publisher.together or publisher.appends:
                return ended + self._parts(publisher, due if publisher.together else _open(due), policy, failed)
            for group in batches(_open(due), MOST_IN_GROUP):
                if self.stopping.is_set():
                    break
                contents = dict(_contents(publisher, group))
                self._notes.open_group(group, contents, self.clock())
                ended += self._parts(publisher, group, policy, failed)
                self._notes.close_group()
        return ended

    def _check_epoch(self) -> None:
        check_epoch(self.ledger.engine)

    def _parts(
        self, publisher: Publisher, due: Sequence[Delivery], policy: RetryPolicy, failed: list[RetryLater]
    ) -> list[Delivered]:
        ended: list[Delivered] = []
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
                if isinstance(error.__cause__, LedgerError):  # the quotas' database failed, and not the publisher
                    raise error.__cause__ from None
                failed.append(error)
                ended += self._put_off(part, error)
            except _Stopped:
                break
        return ended

    def _unopened(self, due: Sequence[Delivery], why: str) -> list[Delivered]:
        """Stores that the publisher could not be opened. A delivery that was being sent when syncd stopped stays
        `sending`.
        """
        lost = [delivery for delivery in due if delivery.state == "sending"]
        reason = self.publication.connection.without_secrets(why)
        ended = self._end([delivery for delivery in due if delivery.state == "waiting"], "waiting", why)
        return ended + [Delivered(delivery, "waiting", reason) for delivery in lost]

    def _sleep(self, seconds: float) -> None:
        self.retry.sleep(seconds)
        if self.stopping.is_set():
            raise _Stopped

    def _part(self, publisher: Publisher, part: Sequence[Delivery], policy: RetryPolicy) -> list[Delivered]:
        """Tries all deliveries of a part together, and reads their targets again before each try. Raises RetryLater if
        no try succeeds.
        """
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
        comparisons = list(
            compare_part(self._notes.marks({each.place for each in part}), self.publication, publisher, part)
        )
        present = [each for each in comparisons if each.written.absent is None and each.moved is None]
        writes = [each for each in present if each.decision.write]
        if writes:
            self._notes.note({each.delivery.place: each.marks(sure=False) for each in writes})
            begun = self._notes.begin([each.delivery.id for each in writes], self.clock())
            writes = [each for each in writes if each.delivery.id in begun]
            present = [each for each in present if each.delivery.id in begun or not each.decision.write]
        if writes:
            self._check_epoch()
            publisher.write({each.delivery.key_result: each.decision.write for each in writes})
        self._notes.note({each.delivery.place: each.marks(sure=True) for each in present})
        ended: list[Delivered] = []
        alike: dict[tuple[State, str], list[Delivery]] = {}
        for comparison in comparisons:
            if comparison.written.absent is not None:
                alike.setdefault(("absent", comparison.written.absent), []).append(comparison.delivery)
            elif comparison.moved is not None:
                alike.setdefault(("dead", comparison.moved), []).append(comparison.delivery)
            elif comparison.decision.foreign:
                ended += self._refuse(comparison)
        for (state, reason), deliveries in alike.items():
            # A delivery that was compared again and has not changed has no new outcome.
            changed = [delivery for delivery in deliveries if (delivery.state, delivery.reason) != (state, reason)]
            ended += self._end(changed, state, reason)
        sound = [each for each in present if not each.decision.foreign]
        ended += self._end([each.delivery for each in sound if each.decision.write], "delivered", wrote=True)
        ended += self._end([each.delivery for each in sound if not each.decision.write], "delivered")
        return ended

    def _refuse(self, comparison: Comparison) -> list[Delivered]:
        delivery, foreign, where = comparison.delivery, comparison.decision.foreign, comparison.written.where
        holds = "; ".join(f"{where.get(place, place)} holds {shown(value)}" for place, value in foreign.items())
        name, period = delivery.key_result, delivery.period
        okrs = choose_period(self.config, None, self.clock())
        of = "" if okrs is not None and okrs.period.id == period else f" --period {period}"
        allowing = f"`syncd approve {name}{of}`" if name else "`override: true`"
        reason = f"{holds}, which syncd did not write; {allowing} writes over it"
        kept = {place: mark(value) for place, value in foreign.items() if value is not None}
        if (delivery.state, delivery.reason, delivery.left_alone) == ("refused", reason, kept):
            return []
        return self._end([delivery], "refused", reason, left_alone=kept, wrote=bool(comparison.decision.write))

    def _append(self, publisher: Publisher, part: Sequence[Delivery]) -> list[Delivered]:
        contents = {delivery.key_result: publisher.content(of_json(delivery.statement)) for delivery in part}
        begun = self._notes.begin([delivery.id for delivery in part], self.clock())
        part = [delivery for delivery in part if delivery.id in begun]
        if not part:
            return []
        contents = {delivery.key_result: contents[delivery.key_result] for delivery in part}
        ids = [delivery.id for delivery in part]
        self._check_epoch()
        try:
            publisher.write(contents)
        except (RetryLater, SourceBroken):  # it did not arrive: if syncd stops before the next try, nothing is unsure
            self._notes.end(ids, "waiting")
            raise
        silent = [delivery for delivery in part if not contents[delivery.key_result]]
        ended = self._end([delivery for delivery in part if delivery not in silent], "delivered", wrote=True)
        return ended + self._end(silent, "delivered")

    def _put_off(self, part: Sequence[Delivery], error: RetryLater) -> list[Delivered]:
        """Puts off a part until the time that the server named, or until the next cycle. A delivery that failed for
        longer than `GIVES_UP` becomes `dead`.
        """
        long_ago = self.clock() - GIVES_UP
        given_up = [  # a delivery without a reason has not been tried before
            delivery for delivery in _open(part) if delivery.reason is not None and delivery.made_at <= long_ago
        ]
        later = [delivery for delivery in _open(part) if delivery not in given_up]
        # The retry policy has already slept a shorter wait several times, so the next cycle is soon enough.
        after = error.after or 0
        retry_at = self.clock() + timedelta(seconds=after) if after > LONGEST_WAIT else None
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
        """Stores and logs the outcome of these deliveries.

        A delivery that was superseded meanwhile stays `superseded`, unless this run wrote its content. A delivery that
        a person approved meanwhile stays `waiting`.
        """
        reason = self.publication.connection.without_secrets(reason) if reason else None
        for former in {delivery.state for delivery in ended}:
            ids = [delivery.id for delivery in ended if delivery.state == former]
            before: list[State] = ["waiting", "sending"] if former in OPEN else [former, "sending"]
            before += ["superseded"] if wrote else []
            self._notes.end(ids, state, reason=reason, retry_at=retry_at, left_alone=left_alone, before=before)
        if ended:
            where = {"to": ended[0].connection, "targets": [each.target for each in ended[:_NAMED]], "of": len(ended)}
            if state != "delivered":
                log.warning("not delivered", extra={**where, "state": state, "reason": reason})
            elif wrote:
                log.info("delivered", extra=where)
        return [Delivered(delivery, state, reason, wrote, retry_at) for delivery in ended]
