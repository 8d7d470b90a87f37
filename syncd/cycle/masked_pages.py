"""Masks the secrets of a connection in its pages, because a server may repeat secrets in an error or in its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from syncd.config import Connection
from syncd.sdk import Page, Record, Snapshot


def masked_page(page: Page, connection: Connection) -> Page:
    """The page with each secret masked in the texts of its records, and in the texts that a snapshot quotes from the
    source.

    Ids and numbers stay as they are.
    """
    hide = connection.without_secrets
    records, readings = page.records, page.readings
    texts = "\n".join(text for record in records for text in _texts(record))
    if hide(texts) != texts:  # all texts are checked at once: few pages hold a secret
        records = [_masked_record(record, hide) for record in records]
    return replace(
        page, records=records, readings={part: _masked_snapshot(snapshot, hide) for part, snapshot in readings.items()}
    )


def _texts(record: Record) -> Iterator[str]:
    yield from filter(None, (record.label, record.title, record.url, record.not_done, record.remark))
    for values in record.fields.values():
        yield from (value for value in values if isinstance(value, str))


def _masked_record(record: Record, hide: Callable[[str], str]) -> Record:
    fields = {
        name: [hide(value) if isinstance(value, str) else value for value in values]
        for name, values in record.fields.items()
    }
    return replace(
        record,
        label=hide(record.label),
        title=hide(record.title),
        url=hide(record.url),
        not_done=_masked(record.not_done, hide),
        remark=_masked(record.remark, hide),
        fields=fields,
    )


def _masked(text: str | None, hide: Callable[[str], str]) -> str | None:
    return None if text is None else hide(text)


def _masked_snapshot(snapshot: Snapshot, hide: Callable[[str], str]) -> Snapshot:
    readings = snapshot.readings
    if any(reading.problem is not None for reading in readings):
        readings = [
            replace(reading, problem=_masked(reading.problem, hide), raw=hide(reading.raw))
            if reading.problem is not None
            else reading
            for reading in readings
        ]
    return replace(
        snapshot,
        readings=readings,
        problem=_masked(snapshot.problem, hide),
        notes=[hide(note) for note in snapshot.notes],
        warning=_masked(snapshot.warning, hide),
        unsettled=snapshot.unsettled and replace(snapshot.unsettled, reason=hide(snapshot.unsettled.reason)),
    )
