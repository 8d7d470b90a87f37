"""All names of syncd that a connector may import.

- records and readings, and the `Page` objects in which a connector returns them
- the connector protocol
- errors, grouped by what syncd does next
- the retry policy
- the client for JSON APIs, and base classes for the sources and publishers that use it

Other modules of this package read tables and cells, for Google Sheets and for spreadsheet files.
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
from syncd.sdk.connection_settings import ConnectionSettings, Secret, WebAddress
from syncd.sdk.connector import (
    Connector,
    Context,
    Local,
    Notifies,
    Publishes,
    Pulls,
    Source,
    all_measure_keys,
    can_notify,
    can_publish,
    can_pull,
    is_local,
    measure_keys,
)
from syncd.sdk.durations import Duration, DurationOfDays, Seconds, parse_duration
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
from syncd.sdk.facts import (
    Check,
    Days,
    Json,
    Lists,
    Page,
    Reading,
    Record,
    Scalar,
    Snapshot,
    Stream,
    Unsettled,
    lead_time,
    stream_name,
)
from syncd.sdk.json_client import JsonClient
from syncd.sdk.json_publisher import JsonPublisher
from syncd.sdk.json_rows import JsonRow, RecordShape
from syncd.sdk.json_source import JsonSource, NewestFirst
from syncd.sdk.keys_of_measures import FieldType, MeasureKeys, ReadingKeys, RecordKeys, not_allowed
from syncd.sdk.members import ExcludedMembers, Member, Members, MembersSource, members_of_group, single_member
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
    "DurationOfDays",
    "ExcludedMembers",
    "FieldType",
    "Json",
    "JsonClient",
    "JsonPublisher",
    "JsonRow",
    "JsonSource",
    "Lists",
    "Local",
    "MeasureKeys",
    "Member",
    "Members",
    "MembersSource",
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
    "RecordShape",
    "RequestOutcome",
    "RetryLater",
    "RetryPolicy",
    "Scalar",
    "Seconds",
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
    "Unsettled",
    "Unsure",
    "UnusableField",
    "WebAddress",
    "WebSettings",
    "Webhook",
    "Withheld",
    "Written",
    "all_measure_keys",
    "answer_of",
    "can_notify",
    "can_publish",
    "can_pull",
    "failure",
    "is_local",
    "is_page",
    "lead_time",
    "measure_keys",
    "members_of_group",
    "not_allowed",
    "parse_duration",
    "parse_link",
    "quota_and_clock",
    "quota_reset",
    "retry_after",
    "sentence",
    "server_time",
    "single_line",
    "single_member",
    "stream_name",
]
