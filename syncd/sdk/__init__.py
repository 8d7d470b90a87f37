"""The only thing that a connector may import.

Records, readings and the pages they travel in; the connector protocol; errors named by what the engine does next; the
one retry policy; tables and cells, which Google Sheets and spreadsheet files share.
"""

from syncd.sdk.answers import failure, parse_link, quota_and_clock, quota_reset, retry_after, server_time, single_line
from syncd.sdk.budget import Budget
from syncd.sdk.connector import (
    ConnectionSettings,
    Connector,
    Context,
    MeasureKeys,
    Publishes,
    Pulls,
    ReadingKeys,
    RecordKeys,
    Secret,
    Source,
    WebAddress,
    can_publish,
    can_pull,
)
from syncd.sdk.durations import Duration, parse_duration
from syncd.sdk.errors import (
    ConfigError,
    Problem,
    RetryLater,
    SourceBroken,
    SourceError,
    SyncdError,
    UnknownField,
    Unsure,
)
from syncd.sdk.facts import Check, Json, Page, Reading, Record, Scalar, Snapshot, Stream
from syncd.sdk.network import network_failure
from syncd.sdk.publishing import STATED, Content, Publisher, PublishKeys, Stated, Statement, Summary, Written
from syncd.sdk.retry import LONGEST_WAIT, RetryPolicy

__all__ = [
    "LONGEST_WAIT",
    "STATED",
    "Budget",
    "Check",
    "ConfigError",
    "ConnectionSettings",
    "Connector",
    "Content",
    "Context",
    "Duration",
    "Json",
    "MeasureKeys",
    "Page",
    "Problem",
    "PublishKeys",
    "Publisher",
    "Publishes",
    "Pulls",
    "Reading",
    "ReadingKeys",
    "Record",
    "RecordKeys",
    "RetryLater",
    "RetryPolicy",
    "Scalar",
    "Secret",
    "Snapshot",
    "Source",
    "SourceBroken",
    "SourceError",
    "Stated",
    "Statement",
    "Stream",
    "Summary",
    "SyncdError",
    "UnknownField",
    "Unsure",
    "WebAddress",
    "Written",
    "can_publish",
    "can_pull",
    "failure",
    "network_failure",
    "parse_duration",
    "parse_link",
    "quota_and_clock",
    "quota_reset",
    "retry_after",
    "server_time",
    "single_line",
]
