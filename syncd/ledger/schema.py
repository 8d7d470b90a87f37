"""The tables. A test compares these tables with the result of the migrations."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from syncd.ledger.access_tables import sessions
from syncd.ledger.column_types import Document, Moment
from syncd.ledger.metadata import index_of_newest, metadata
from syncd.ledger.people_tables import approvals, checkins, requests, withdrawals

__all__ = [
    "alignments",
    "approvals",
    "checkins",
    "control",
    "cycles",
    "definitions",
    "deliveries",
    "events",
    "layouts",
    "messages",
    "metadata",
    "moves",
    "outlines",
    "readings",
    "records",
    "remarks",
    "requests",
    "sessions",
    "streams",
    "values",
    "webhooks",
    "withdrawals",
    "written",
]

WRITES_FROM = "0016"
"""The oldest migration whose syncd may write to a ledger with these tables."""

control = Table(
    "control",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ledger", String, nullable=False, comment="its own id; backups and copies keep it"),
    Column("writes_from", String, nullable=False, comment="the oldest migration whose syncd may still write"),
    Column("restored_in", Integer, comment="the newest cycle when it was put back to an earlier state"),
)

cycles = Table(
    "cycles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("pulls", Document, comment="{stream id: {quality, reason, changed}} of the streams that changed or failed"),
    Column("only", Document, comment="{key_result, streams: [id]} of one that asked for no more; none of a whole one"),
    Column("dry_run", Boolean, comment="true of one that kept rows and no value"),
    Index("ix_cycles_started_at", "started_at"),
)

streams = Table(
    "streams",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection", String, nullable=False),
    Column("key", String, nullable=False),
    Column("cursor", Document, comment="the connector's own; true for the rows stored with it"),
    Column("needs", Document, comment="the fields or parts that the rows cover"),
    Column("since", Moment, comment="the time from which on the rows are complete"),
    Column("parts", Document, comment="{part: {problem, notes}} of the last snapshots"),
    Column("quality", String),
    Column("reason", Text),
    Column("tried_at", Moment),
    Column("retry_at", Moment, comment="the source asked not to be asked again before"),
    Column("completed_cycle", Integer),
    Column("completed_at", Moment),
    Column("census_at", Moment),
    Column("memory", Document, comment="the connector's own, about its lists; it outlives the cursor"),
    Column("doubts", Document, comment="{list: {cycle, held}} of lists that were found empty once"),
    Column("census_cycle", Integer, comment="the cycle of the last census"),
    Column("census_before", Integer, comment="the cycle of the census before that"),
    UniqueConstraint("connection", "key"),
)

records = Table(
    "records",
    metadata,
    Column("stream", Integer, ForeignKey("streams.id"), primary_key=True),
    Column("id", String, primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("until", Integer),
    Column("digest", String, nullable=False),
    Column("kind", String, comment="what it is, where a stream holds several"),
    Column("label", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("created_at", Moment),
    Column("done_at", Moment),
    Column("not_done", Text),
    Column("fields", Document, nullable=False),
    Column("remark", Text, comment="what to know of a record although it counts"),
    Index("ix_records_stream_until_done_at_kind_id", "stream", "until", "done_at", "kind", "id"),
)

readings = Table(
    "readings",
    metadata,
    Column("stream", Integer, ForeignKey("streams.id"), primary_key=True),
    Column("part", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("until", Integer),
    Column("seen_at", Moment, nullable=False),
    Column("at", Moment),
    Column("cell", Text, nullable=False),
    Column("number", Float),
    Column("raw", Text, nullable=False),
    Column("problem", Text),
    Index("ix_readings_stream_part_until", "stream", "part", "until"),
)
index_of_newest("ix_readings_newest_at", readings.c.until, readings.c.at)

layouts = Table(
    "layouts",
    metadata,
    Column("stream", Integer, ForeignKey("streams.id", name="fk_layouts_stream_streams"), primary_key=True),
    Column("part", Text, primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("places", Document, nullable=False, comment="of the dated rows that hold from here on, in order of time"),
)

remarks = Table(
    "remarks",
    metadata,
    Column("stream", Integer, ForeignKey("streams.id", name="fk_remarks_stream_streams"), primary_key=True),
    Column("part", Text, primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("notes", Document, nullable=False, comment="what was passed over; none from here on where empty"),
)

definitions = Table(
    "definitions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("period", String, nullable=False),
    Column("key_result", String, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("body", Document, nullable=False),
    Column(
        "measure", String, nullable=False, comment="digest of how it is measured: values under another do not compare"
    ),
    Column("digest", String, nullable=False),
    Index("ix_definitions_period_key_result", "period", "key_result"),
)

outlines = Table(
    "outlines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("period", String, nullable=False),
    Column("subject", String, nullable=False, comment="an objective; empty for the settings that judge the period"),
    Column("cycle", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("body", Document, comment="none where no file has the objective any more"),
    Index("ix_outlines_period_subject", "period", "subject"),
)

moves = Table(
    "moves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("period", String, nullable=False, comment="its present id"),
    Column("key_result", String, nullable=False, comment="its present id; empty where the period was renamed"),
    Column("old", String, nullable=False),
    Column("new", String, nullable=False),
    Column("file", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_moves_period", "period"),
)

values = Table(
    "key_result_values",
    metadata,
    Column("period", String, primary_key=True),
    Column("key_result", String, primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("until", Integer, comment="the cycle that wrote the next one; none of the newest"),
    Column("confirmed", Integer, comment="the last cycle that measured just this; none where none did"),
    Column("definition", Integer, ForeignKey("definitions.id"), nullable=False),
    Column("number", Float),
    Column("candidate", Float, comment="of a held value: the number that waits for approval, if there is one"),
    Column("progress", Float),
    Column("score", Float),
    Column("health", String, nullable=False),
    Column("quality", String, nullable=False),
    Column("reason", Text),
    Column("at", Moment, comment="the time that the number is of, where its source says it"),
    Column("counted", Integer, nullable=False),
    Column("lacking", Integer, nullable=False),
    Column("since", String, comment="first day of the run on pace, as YYYY-MM-DD; none while not on pace"),
)
index_of_newest("ix_key_result_values_newest", values.c.until, values.c.period, values.c.key_result)

alignments = Table(
    "alignments",
    metadata,
    Column("period", String, primary_key=True),
    Column("output", String, primary_key=True),
    Column("outcome", String, primary_key=True),
    Column("cycle", Integer, primary_key=True),
    Column("until", Integer, comment="the cycle that wrote the next one; none of the newest"),
    Column("confirmed", Integer, nullable=False, comment="the last cycle that found just this"),
    Column("verdict", String, nullable=False),
    Column("verdict_since", String, nullable=False, comment="first day of the run of this verdict, as YYYY-MM-DD"),
    Column("since", String, comment="first day of the output's run on pace; none while not on pace"),
    Column("lag_days", Float, nullable=False),
    Column("delivered", Float, comment="what the output gained since then"),
    Column("trend", Document, comment="where the outcome is heading; none where it never was looked at"),
)
index_of_newest(
    "ix_alignments_newest", alignments.c.until, alignments.c.period, alignments.c.output, alignments.c.outcome
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection", String, nullable=False),
    Column("target", Text, nullable=False, comment="where it is written to, by the connector's own words"),
    Column("period", String, nullable=False),
    Column("key_result", String, nullable=False, comment="empty where the target holds the whole period"),
    Column("cycle", Integer, nullable=False),
    Column("until", Integer, comment="the cycle that wrote the next one; none of the newest"),
    Column("made_at", Moment, nullable=False),
    Column("digest", String, nullable=False, comment="of what is stated and how: the same is not sent again"),
    Column("statement", Document, nullable=False),
    Column("state", String, nullable=False),
    Column("was", Document, comment="{state, reason} of a superseded one until then"),
    Column("reason", Text),
    Column("left_alone", Document, comment="{place: what stands there} of the places that somebody else wrote"),
    Column("tries", Integer, nullable=False),
    Column("tried_at", Moment),
    Column("retry_at", Moment, comment="the target asked not to be asked again before"),
    Index("ix_deliveries_connection_target_id", "connection", "target", "id"),
    Index("ix_deliveries_period_key_result", "period", "key_result"),
    Index("ix_deliveries_state", "state"),
)
index_of_newest("ix_deliveries_newest", deliveries.c.until, deliveries.c.connection, deliveries.c.target)

written = Table(
    "written",
    metadata,
    Column("connection", String, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("marks", Document, nullable=False, comment="{place: what syncd may have written there}"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("period", String, nullable=False, comment="empty where it is of none"),
    Column("subject", Text, nullable=False),
    Column("owner", Text),
    Column("heading", Text, nullable=False, comment="what a message puts it under"),
    Column("old", Text),
    Column("new", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("until", Integer, comment="the cycle that wrote the next one; none of the newest"),
    Column("made_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("recipient", Text, comment="whom a message went to, by name"),
    Column("sent_at", Moment),
    Index("ix_events_kind_period_subject", "kind", "period", "subject"),
    Index("ix_events_state", "state"),
    Index("ix_events_recipient", "recipient"),
)
index_of_newest("ix_events_newest", events.c.until, events.c.kind, events.c.period, events.c.subject)

messages = Table(
    "messages",
    metadata,
    Column("event", Integer, ForeignKey("events.id", name="fk_messages_event_events"), primary_key=True),
    Column("address", String, primary_key=True, comment="by the names of its references; never the address"),
    Column("recipient", Text, nullable=False, comment="whose address it is, by name"),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("sent_at", Moment),
    Index("ix_messages_recipient_address", "recipient", "address"),
    Index("ix_messages_state", "state"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection", String, nullable=False),
    Column("delivery", String, nullable=False, comment="the system's own id of it"),
    Column("body", String, comment="digest of what was signed; none where the system sends no body"),
    Column("received_at", Moment, nullable=False),
    Index("ix_webhooks_connection", "connection"),
    Index("ix_webhooks_received_at", "received_at"),
)
