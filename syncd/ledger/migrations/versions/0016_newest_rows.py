"""Adds the column `until`, which is null in the newest row of each subject; indexes of the current rows; and layouts,
which store the places of moved rows.
"""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document

revision = "0016"
down_revision = "0015"

_SUBJECTS = {
    "key_result_values": ("period", "key_result"),
    "alignments": ("period", "output", "outcome"),
    "deliveries": ("connection", "target"),
    "events": ("kind", "period", "subject"),
}


def upgrade() -> None:
    for table, subject in _SUBJECTS.items():
        comment = "the cycle that wrote the next one; none of the newest"
        op.add_column(table, sa.Column("until", sa.Integer(), comment=comment))
        _end_all_but_the_newest(table, subject)
        _create_index_of_newest(f"ix_{table}_newest", table, subject)
    _create_index_of_newest("ix_readings_newest_at", "readings", ("at",))
    op.create_index("ix_readings_stream_part_until", "readings", ["stream", "part", "until"])
    op.create_index("ix_cycles_started_at", "cycles", ["started_at"])
    op.create_table(
        "layouts",
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column(
            "places", Document(), nullable=False, comment="of the dated rows that hold from here on, in order of time"
        ),
        sa.ForeignKeyConstraint(["stream"], ["streams.id"], name=op.f("fk_layouts_stream_streams")),
        sa.PrimaryKeyConstraint("stream", "part", "cycle", name=op.f("pk_layouts")),
    )
    # An older syncd would write new rows without ending the previous ones.
    op.execute("UPDATE control SET writes_from = '0016'")


def _create_index_of_newest(name: str, table: str, columns: tuple[str, ...]) -> None:
    where = sa.text("until IS NULL")
    op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)


def _end_all_but_the_newest(table: str, subject: tuple[str, ...]) -> None:
    order = "id" if table in ("deliveries", "events") else "cycle"
    same = " AND ".join(f"later.{column} = {table}.{column}" for column in subject)
    op.execute(
        f"UPDATE {table} SET until = (SELECT later.cycle FROM {table} AS later "  # noqa: S608 - names of tables alone
        f"WHERE {same} AND later.{order} > {table}.{order} ORDER BY later.{order} LIMIT 1)"
    )
