"""Which statements are due: those that say something else than the newest delivery to their target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from syncd.config import Config
from syncd.config.publications import WHOLE, Publication
from syncd.ledger import Delivery, Ledger, NewDelivery
from syncd.publishing.statements import as_json, statements
from syncd.sdk import Statement, Summary
from syncd.status.document import document
from syncd.status.report import Report

_OF_THE_MOMENT = frozenset({"updated", "as_of"})
_DRIFTING = frozenset({"as_of", "expected"})


def due(
    config: Config,
    ledger: Ledger,
    now: datetime,
    reports: Sequence[Report],
    *,
    only: str | None = None,
) -> Iterator[NewDelivery]:
    """What is to be delivered once things are as these reports say, the plan that people mean first.

    A key result that never had a complete value is not stated: there is nothing to say. What changes by the passing of
    time alone (`expected`) is stated once a day, and only where it is shown.
    """
    if not config.publications:
        return
    newest = ledger.outbox.newest()
    taken: set[tuple[str, str]] = set()
    for found in reports:
        stated = {one.key_result: one for one in statements(config, found, now)}
        for publication in config.publications:
            for name, target in publication.targets(stated).items():
                place = publication.connection.name, target
                if place in taken:
                    continue
                taken.add(place)
                one: Statement | Summary
                if name == WHOLE:
                    one = Summary(document(found), list(stated.values()))
                else:
                    one = stated[name]
                    if only not in (None, name) or (one.value is None and place not in newest):
                        continue
                digest = _digest(publication, name, one)
                last = newest.get(place)
                if last is None or last.digest != digest or _again(publication, last):
                    yield NewDelivery(*place, found.period.id, name, digest, as_json(one))


def _again(publication: Publication, last: Delivery) -> bool:
    """Whether the same is due again: it was given up with its entry, which is back, or may now be written over."""
    return last.state == "superseded" or (publication.override and last.state == "refused")


def _digest(publication: Publication, name: str, one: Statement | Summary) -> str:
    """Of what a delivery shows and how: the same is not sent again."""
    if isinstance(one, Summary):
        shown: Any = [_without_drift(one.document), one.statements[0].updated.date() if one.statements else None]
    else:
        shown = one.content(sorted(set(publication.keys.uses()) - _OF_THE_MOMENT))
    packed = orjson.dumps([shown, publication.keys.how(name)], option=orjson.OPT_SORT_KEYS)
    return blake2b(packed, digest_size=16).hexdigest()


def _without_drift(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _without_drift(inner) for name, inner in part.items() if name not in _DRIFTING}
    return [_without_drift(inner) for inner in part] if isinstance(part, list | tuple) else part
