"""Gives GitHub's records new ids, made of repository, kind and number; adds the columns `memory` and `doubts` of
streams.

Before, a record's id was GitHub's `node_id`. The form of a `node_id` changes over time, and the same row could then
count twice. The migration needs no request: it takes the repository and number from the label of each row. A release's
label has no number; the number is taken from the `node_id`, in its old or new form.
"""

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document, Moment

revision = "0009"
down_revision = "0008"

_STREAM = re.compile(r"(?:issues|pulls|releases) of [\w.-]+/(?:\*|[\w.-]+)")
_NUMBERED = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_OF_RELEASE = re.compile(r"([\w.-]+/[\w.-]+) ")
_COLUMNS = ("id", "cycle", "until", "kind", "label", "updated_at")


def upgrade() -> None:
    op.add_column(
        "streams",
        sa.Column("memory", Document(), comment="the connector's own, about its lists; it outlives the cursor"),
    )
    op.add_column(
        "streams",
        sa.Column("doubts", Document(), comment="{list: {cycle, held}} of lists that were found empty once"),
    )
    streams = sa.table("streams", sa.column("id"), sa.column("key"), sa.column("memory", Document()))
    for stream in op.get_bind().execute(sa.select(streams.c.id, streams.c.key)).all():
        if _STREAM.fullmatch(stream.key):
            repositories = _identify(stream.id)
            if stream.key.endswith("/*"):
                memory = {"repositories": dict.fromkeys(sorted(repositories))}
                op.get_bind().execute(sa.update(streams).where(streams.c.id == stream.id).values(memory=memory))


def _identify(stream: int) -> set[str]:
    records = sa.table(
        "records",
        sa.column("stream"),
        *(sa.column(name, Moment()) if name == "updated_at" else sa.column(name) for name in _COLUMNS),
    )
    of_stream = records.c.stream == stream
    bind = op.get_bind()
    by_old_id: dict[str, list[Any]] = defaultdict(list)
    for row in bind.execute(sa.select(*(records.c[name] for name in _COLUMNS)).where(of_stream)):
        by_old_id[row.id].append(row)
    by_id: dict[str, list[Any]] = defaultdict(list)
    for versions in by_old_id.values():
        latest = max(versions, key=lambda row: row.cycle)  # a renamed repository has its last name
        if (new := _new_id(latest)) is not None:
            by_id[new].extend(versions)
    version = sa.and_(of_stream, records.c.id == sa.bindparam("old"), records.c.cycle == sa.bindparam("in_cycle"))
    kept = [(new, *pair) for new, rows in by_id.items() for pair in _one_after_another(rows)]
    staying = {(row.id, row.cycle) for _, row, _ in kept}
    dropped = [
        {"old": row.id, "in_cycle": row.cycle}
        for rows in by_id.values()
        for row in rows
        if (row.id, row.cycle) not in staying
    ]
    if dropped:
        bind.execute(sa.delete(records).where(version), dropped)
    if kept:
        renaming = sa.update(records).where(version).values(id=sa.bindparam("new"), until=sa.bindparam("ended"))
        bind.execute(
            renaming, [{"old": row.id, "in_cycle": row.cycle, "new": new, "ended": until} for new, row, until in kept]
        )
    return {new.partition(" ")[0] for new, _, until in kept if until is None}


def _one_after_another(rows: Sequence[Any]) -> Iterator[tuple[Any, int | None]]:
    """The versions of a record that had several ids, each with the cycle that ended the version.

    Of several versions from one cycle, only the latest is kept. Each version ends at the next version.
    """
    ordered = sorted(rows, key=lambda row: (row.cycle, row.updated_at))
    versions = [
        row
        for row, after in zip(ordered, [*ordered[1:], None], strict=True)
        if after is None or after.cycle != row.cycle
    ]
    for row, after in zip(versions, [*versions[1:], None], strict=True):
        ends = [end for end in (row.until, after and after.cycle) if end is not None]
        yield row, min(ends, default=None)


def _new_id(row: Any) -> str | None:
    """The new id, such as `acme/web issue 12`; None for a record that is not GitHub's."""
    if row.kind in ("issue", "pull request") and (place := _NUMBERED.fullmatch(row.label)):
        return f"{place[1].lower()} {row.kind} {place[2]}"
    if row.kind == "release" and (place := _OF_RELEASE.match(row.label)):
        number = _number_of_release(row.id)
        return None if number is None else f"{place[1].lower()} release {number}"
    return None


def _number_of_release(node_id: str) -> str | None:
    """The numeric id in a release's `node_id`. The old form is like `MDc6UmVsZWFzZTEy` (07:Release12); the new form is
    `RE_` and the packed list [0, repository, id].
    """
    if node_id.isdigit():
        return node_id
    kind, present_form, packed = node_id.partition("_")
    if present_form and kind != "RE":
        return None
    packed = packed if present_form else node_id
    try:
        content = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    except (binascii.Error, ValueError):
        return None
    if not present_form:
        plain = re.fullmatch(rb"\d+:Release(\d+)", content)
        return plain[1].decode() if plain else None
    # MessagePack: an array of three. First a 0, then the two ids of one to nine bytes each.
    numbers, rest = [], content[2:]
    while rest:
        size = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}.get(rest[0], 0 if rest[0] < 0x80 else None)
        if size is None or len(rest) <= size:
            return None
        numbers.append(int.from_bytes(rest[1 : 1 + size]) if size else rest[0])
        rest = rest[1 + size :]
    return str(numbers[1]) if len(numbers) == 2 else None
