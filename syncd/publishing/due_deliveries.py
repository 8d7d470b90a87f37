"""Finds the deliveries that are due: statements that differ from the newest delivery to their target."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

import orjson

from syncd.config import Config
from syncd.config.publications import WHOLE, Publication
from syncd.ledger import Delivery, Ledger, NewDelivery
from syncd.ledger.outbox import Place
from syncd.publishing.statements import as_json, statements
from syncd.sdk import MEASURED, Statement, Summary
from syncd.status.document import document
from syncd.status.report import Report

_OF_THE_MOMENT = frozenset({"updated", "as_of"})
_DRIFTING = frozenset({"as_of", "expected"})


def due_deliveries(
    config: Config,
    ledger: Ledger,
    now: datetime,
    reports: Sequence[Report],
    *,
    only: str | None = None,
) -> Iterator[NewDelivery]:
    """Yields the deliveries that are due by these reports. If two reports have the same target, the first report
    counts.

    After a restore, the first delivery to a target has the state `sending`, because it may have been sent before. If
    syncd can read the target, a complete number is due even if the statement is the same as before the restore, because
    the target may show a later one. A key result whose value is unknown gets no first delivery to a target. A value
    that changes only with time (`expected`) makes a delivery due once a day, and only if its target shows this value.
    """
    if not config.publications:
        return
    newest = ledger.outbox.newest()
    restored_in = ledger.identity.restored_in or 0
    in_doubt = _in_doubt(ledger, newest)
    taken: set[tuple[str, str]] = set()
    for report in reports:
        moves = ledger.moves.of_period(report.period.id)
        stated = {statement.key_result: statement for statement in statements(config, report, now, moves)}
        for publication in config.publications:
            if not publication.writes(report.period.id):
                continue
            for name, target in publication.targets(stated).items():
                place = publication.connection.name, target
                if place in taken:
                    continue
                taken.add(place)
                statement: Statement | Summary
                if name == WHOLE:
                    statement = Summary(document(report), list(stated.values()))
                    digest = _digest_of_summary(publication, statement)
                else:
                    statement = stated[name]
                    if only not in (None, name) or (statement.value is None and place not in newest):
                        continue
                    digest = digest_of_statement(publication, statement)
                last = newest.get(place)
                same = last if last and last.digest == digest else None
                if (
                    same is None
                    or (place in in_doubt and (name == WHOLE or stated[name].quality == "complete"))
                    or _is_due_again(publication, same)
                    or (name != WHOLE and _leaves_old_number(publication, stated[name], same))
                ):
                    period = report.period.id
                    lost = last.cycle <= restored_in if last else ledger.may_have_been_stated(period, name)
                    state: Literal["waiting", "sending"] = "sending" if lost else "waiting"
                    # The same statement as before a restore keeps its time: a log would get a second row for it.
                    is_repeated = place in in_doubt and same is not None and same.period == period
                    packed = same.statement if same and is_repeated else as_json(statement)
                    yield NewDelivery(*place, period, name, digest, packed, state)


def _in_doubt(ledger: Ledger, newest: Mapping[Place, Delivery]) -> Collection[Place]:
    """The targets that may show a later check-in than the ledger has, because syncd has not compared them since it was
    restored. Only targets that syncd can read or replace: where it can only append, it stores no marks.
    """
    restored_in = ledger.identity.restored_in or 0
    before = {place for place, last in newest.items() if last.cycle <= restored_in}
    return ledger.outbox.marks(before).keys() if before else ()


def _is_due_again(publication: Publication, last: Delivery) -> bool:
    """Whether an unchanged statement is due again.

    The statement is due again if its entry of `publish:` is back: the removal of the entry superseded the delivery. The
    statement is also due again if the delivery was refused, and `override` now lets syncd overwrite the content that
    caused the refusal.
    """
    return last.state == "superseded" or (publication.override and last.state == "refused")


def _leaves_old_number(publication: Publication, statement: Statement, last: Delivery) -> bool:
    shows_numbers = not MEASURED.isdisjoint(publication.keys.uses())
    return shows_numbers and statement.value is None and last.period != statement.period


def _digest_of_summary(publication: Publication, summary: Summary) -> str:
    day = summary.statements[0].updated.date() if summary.statements else None
    return _digest([_without_drift(summary.document), day], publication.keys.how(WHOLE))


def digest_of_statement(publication: Publication, statement: Statement) -> str:
    """The digest of the parts of a statement that an entry of `publish:` shows, and of how the entry writes them."""
    shown: Any = statement.content(sorted(set(publication.keys.uses()) - _OF_THE_MOMENT))
    moments = {name: getattr(statement, name) for name in publication.keys.daily()}
    if moments:
        shown = [shown, {name: moment and moment.date() for name, moment in moments.items()}]
    return _digest(shown, publication.keys.how(statement.key_result))


def _digest(shown: Any, how: Any) -> str:
    packed = orjson.dumps([shown, how], option=orjson.OPT_SORT_KEYS)
    return blake2b(packed, digest_size=16).hexdigest()


def _without_drift(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            name: _without_drift(inner) if isinstance(inner, dict | list | tuple) else inner
            for name, inner in part.items()
            if name not in _DRIFTING
        }
    return [_without_drift(inner) for inner in part] if isinstance(part, list | tuple) else part
