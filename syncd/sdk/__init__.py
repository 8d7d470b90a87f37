"""All that a connector may import of syncd.

Records, readings and the pages they travel in; the connector protocol; errors named by what the engine does next; the
one retry policy; the one client for JSON APIs, with what sources and publishers over it share; tables and cells, which
Google Sheets and spreadsheet files share.
"""

from syncd.sdk.answers import (
    Answer,
    failure,
    parse_link,
    quota_and_clock,
    quota_reset,
    retry_after,
    server_time,
)
from syncd.sdk.budget import Budget
from syncd.sdk.connector import (
    ConnectionSettings,
    Connector,
    Context,
    Local,
    MeasureKeys,
    Notifies,
    Publishes,
    Pulls,
    ReadingKeys,
    RecordKeys,
    Secret,
    Source,
    WebAddress,
    can_notify,
    can_publish,
    can_pull,
    is_local,
    not_allowed,
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
    UnusableField,
    Withheld,
)
from syncd.sdk.facts import Check, Days, Json, Lists, Page, Reading, Record, Scalar, Snapshot, Stream, lead_time
from syncd.sdk.json_client import JsonClient
from syncd.sdk.json_publisher import JsonPublisher
from syncd.sdk.json_source import JsonSource, NewestFirst
from syncd.sdk.publishing import (
    MEASURED,
    STATED,
    AsksForRights,
    Content,
    Publisher,
    PublishKeys,
    Stated,
    Statement,
    Summary,
    Written,
)
from syncd.sdk.retry import LONGEST_WAIT, RequestOutcome, RetryPolicy
from syncd.sdk.sentences import is_page, sentence, single_line
from syncd.sdk.server import Server, answer_of
from syncd.sdk.web_settings import WebSettings
from syncd.sdk.webhooks import Webhook

__all__ = [
    "LONGEST_WAIT",
    "MEASURED",
    "STATED",
    "Answer",
    "AsksForRights",
    "Budget",
    "Check",
    "ConfigError",
    "ConnectionSettings",
    "Connector",
    "Content",
    "Context",
    "Days",
    "Duration",
    "Json",
    "JsonClient",
    "JsonPublisher",
    "JsonSource",
    "Lists",
    "Local",
    "MeasureKeys",
    "NewestFirst",
    "Notifies",
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
    "RequestOutcome",
    "RetryLater",
    "RetryPolicy",
    "Scalar",
    "Secret",
    "Server",
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
    "UnusableField",
    "WebAddress",
    "WebSettings",
    "Webhook",
    "Withheld",
    "Written",
    "answer_of",
    "can_notify",
    "can_publish",
    "can_pull",
    "failure",
    "is_local",
    "is_page",
    "lead_time",
    "not_allowed",
    "parse_duration",
    "parse_link",
    "quota_and_clock",
    "quota_reset",
    "retry_after",
    "sentence",
    "server_time",
    "single_line",
]
