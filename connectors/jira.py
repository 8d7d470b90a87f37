"""Jira, Cloud and Data Center, through the jira library: the issues of a JQL query.

A list is walked from the oldest update up, each page asking anew from where the last one ended: `updated >= "…"`. Page
numbers shift while issues are edited, and Data Center refuses them past 10,000; a time does neither. What is edited
meanwhile moves to the end and is met there. Only where more than a page shares one bound are pages of it followed, and
then the bound is read again until nothing new shows.

Jira reads a time in JQL in the zone of the account that asks, and answers a search without credentials with an empty
list. Both show in the same way: the newest issue of the last walk, which every bound includes, is missing. Then, and
only then, `/myself` is asked again, so that an unchanged list costs one request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from syncd.sdk import (
    Check,
    ConfigError,
    ConnectionSettings,
    Context,
    Duration,
    Json,
    Page,
    Record,
    RecordKeys,
    RetryLater,
    Scalar,
    Secret,
    SourceBroken,
    Stream,
    UnknownField,
    failure,
    network_failure,
    quota_and_clock,
)

if TYPE_CHECKING:
    from jira import JIRA

T = TypeVar("T")
_FIELD_IDS: Mapping[str, str] = {
    "type": "issuetype",
    "status": "status",
    "priority": "priority",
    "label": "labels",
    "component": "components",
    "assignee": "assignee",
    "lead_time": "created",  # in days, from there until done
}
_ALWAYS = ("summary", "status", "resolution", "resolutiondate", "statuscategorychangedate", "created", "updated")
_OVERLAP = timedelta(minutes=5)  # a search sees an edit seconds to minutes late (developer.atlassian.com)
_MINUTE = timedelta(minutes=1)  # the precision of a time in JQL
_ANY_ZONE = timedelta(hours=26)  # as far apart as two zones are
_LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
_PER_PAGE = 500  # Data Center gives up to 1,000; Cloud as many as it likes
_IDS_PER_PAGE = 5000  # Cloud's most, where nothing but the id is asked for
_LONGEST_QUERY = 2000  # characters of JQL that go into an address; a longer one is posted
_READS = 5  # of one bound; what moves faster than this is read is left to the next cycle

# A quoted text (kept, closed or not), or the ORDER BY that ends a query.
_QUOTED_OR_ORDER = re.compile(
    r"""("(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z))|\border\s+by\b.*\Z""", re.IGNORECASE | re.DOTALL
)
# How Data Center writes a sprint: com.atlassian.greenhopper.service.sprint.Sprint@1f[id=4,state=ACTIVE,name=Sprint 4,…]
_SPRINT = re.compile(r"com\.atlassian\.greenhopper\.[\w.]*Sprint@\w+\[(?:.*?,)?name=([^,\]]*)", re.DOTALL)


class Settings(ConnectionSettings):
    """A Jira site."""

    url: str = Field(description="The site, as in a browser; for a scoped token https://api.atlassian.com/ex/jira/ID.")
    email: str | None = Field(None, description="The account's address, with an API token of Jira Cloud.")
    token: Secret = Field(description="An API token (with email), or a personal access token of Data Center (alone).")
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")
    reconcile: Duration = Field(timedelta(hours=1), description="How often to look for what vanished in silence.")

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not re.match(r"https?://|\$\{", value):
            raise ValueError(f"is {value!r}; write https://COMPANY.atlassian.net or your own site's address")
        return value.rstrip("/")


class Measure(RecordKeys):
    """What Jira adds to a measure."""

    jql: str = Field(description="Which issues, as in Jira's search. Those that are done count.")

    @field_validator("jql")
    @classmethod
    def _restricts(cls, value: str) -> str:
        if not _unordered(value):
            raise ValueError(f"is {value!r}, which restricts nothing; write which issues, as in project = KB")
        # A query that closes our bracket around it would slip out of the bound that stands behind.
        depth = 0
        for bracket in re.findall(r"[()]", _QUOTED_OR_ORDER.sub("", value)):
            depth += 1 if bracket == "(" else -1
            if depth < 0:
                break
        if depth:
            raise ValueError(f"is {value!r}, whose brackets do not match")
        return value

    def streams(self) -> Sequence[str]:
        """The query itself; in what order it lists its issues is ours to say."""
        return [_unordered(self.jql)]

    def fields(self) -> None:
        """Only the server knows them: any field, by name or id."""


class Jira:
    """The connector."""

    summary: ClassVar[str] = "issues of Jira Cloud and Data Center that are done, by JQL"
    Settings = Settings
    Measure = Measure

    @staticmethod
    def open(settings: Any, context: Context) -> JiraSource:
        """A source; makes no request yet."""
        return JiraSource(settings, context)


# What of Jira's answers is read.


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Updated(_Answer):
    updated: AwareDatetime


class _Id(_Answer):
    id: str


class _Place(_Id):
    """An issue's place in the walk; all that a census asks for."""

    fields: _Updated

    @property
    def updated(self) -> datetime:
        return self.fields.updated


class _Category(_Answer):
    key: str


class _Status(_Answer):
    name: str
    status_category: _Category


class _Fields(_Updated):
    raw: Mapping[str, Any]
    summary: str | None = None
    status: _Status
    resolution: Mapping[str, Any] | None = None
    resolutiondate: AwareDatetime | None = None
    statuscategorychangedate: AwareDatetime | None = None
    created: AwareDatetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, fields: Any) -> Any:
        return {**fields, "raw": fields} if isinstance(fields, Mapping) else fields


_P = TypeVar("_P", bound=_Place)


class _Issue(_Place):
    key: str
    fields: _Fields

    def record(self, site: str, ids: Mapping[str, str]) -> Record:
        """Done where its status category says so now. A reopened issue may still carry its resolution."""
        said = self.fields
        done_at = not_done = None
        if said.status.status_category.key == "done":
            done_at = said.resolutiondate or said.statuscategorychangedate
            if done_at is None:
                not_done = "Done, with neither a resolution date nor a status category change date"
        else:
            not_done = f"status is {said.status.name}"
            if said.resolution or said.resolutiondate:
                not_done = f"resolved, yet its {not_done}"
        fields: dict[str, Sequence[Scalar]] = {name: elements(said.raw.get(ids[name])) for name in ids}
        if "lead_time" in ids:
            took = done_at - said.created if done_at and said.created else None
            fields["lead_time"] = [] if took is None else [took.total_seconds() / 86400]
        title, url = said.summary or self.key, f"{site}/browse/{self.key}"
        return Record(self.id, self.key, title, url, said.updated, said.created, done_at, not_done, fields)


class _CloudPage(_Answer, Generic[T]):
    issues: list[T]
    next_page_token: str | None = None
    is_last: bool | None = None

    @property
    def next(self) -> str | None:
        return None if self.is_last else self.next_page_token

    @model_validator(mode="after")
    def _leads_on(self) -> _CloudPage[T]:
        if self.is_last is False and not self.next_page_token:
            raise ValueError("another page is said to follow, but not where")
        return self


class _ServerPage(_Answer, Generic[T]):
    issues: list[T]
    start_at: int
    total: int

    @property
    def next(self) -> int | None:
        end = self.start_at + len(self.issues)
        return end if end < self.total else None

    @model_validator(mode="after")
    def _leads_on(self) -> _ServerPage[T]:
        if not self.issues and self.start_at < self.total:
            raise ValueError("issues are missing from a page")
        return self


class _ServerInfo(_Answer):
    base_url: str | None = None
    deployment_type: str | None = None
    version: str = "of unknown version"


class _Account(_Answer):
    display_name: str | None = None
    name: str | None = None
    time_zone: str | None = None


class _Field(_Answer):
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class _Site:
    """What need not be asked each time: which Jira, the account's zone, the address that people open.

    `url` is the settings'. `cloud` is None until it was asked for, `zone` is None where it is not told.
    """

    url: str
    cloud: bool | None
    zone: str | None
    browse: str


class _Refused(SourceBroken):
    """An answer that another try would not change."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        super().__init__(said)


class JiraSource:
    """An opened site."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._headers: dict[str, str] = {}
        self._client = _client(settings, self._headers)
        self._site = _Site(settings.url, None, None, settings.url)
        self._listed: list[_Field] | None = None

    def verify(self, stream: Stream) -> None:
        """Asks for the server's fields only where the stream needs one that not every Jira has."""
        self._field_ids(stream.needs)

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The issues edited since the cursor's mark; without one, all that were edited since the stream's `since`.

        The cursor: `mark`, the newest edit seen; `site`, as in `_Site`; `fields`, the id of each name. That of another
        address says nothing of this one.
        """
        known: Mapping[str, Any] = cursor or {}
        if known and known["site"]["url"] == self._settings.url:
            self._site = _Site(**known["site"])
        else:
            known = {}
            self._ask_site()
        ids: Mapping[str, str] = known["fields"] if known else self._field_ids(stream.needs)
        mark = newest = datetime.fromisoformat(known["mark"]) if known and known["mark"] else None
        since = stream.since or _LONG_AGO
        floor = max(since, mark - _OVERLAP) if mark else since
        fields = sorted({*_ALWAYS, *ids.values()})
        sure = not known
        while True:
            for rows, reached in self._walk(stream.key, floor, fields, _Issue):
                sure = sure or any(mark is not None and row.updated <= mark for row in rows)
                newest = max([*(row.updated for row in rows), *([newest] if newest else [])], default=None)
                records = [row.record(self._site.browse, ids) for row in rows if row.updated >= since]
                safe = max(reached, mark or reached) if sure and reached else None
                yield Page(records, cursor=self._cursor(safe, ids) if safe else None)
            if sure or self._zone_stands():
                break
            sure = True
        yield Page(cursor=self._cursor(newest, ids))

    def census(self, stream: Stream) -> Iterator[Collection[str]]:
        """The ids of all that match and were edited since the stream's `since`.

        One page is one moment. A list of several is walked by time, where what leaves cannot hide what stays.
        """
        self._ask_site()  # who we are, too: without credentials the list is empty, not refused
        floor = stream.since or _LONG_AGO
        if self._site.cloud:
            bounded = _bounded(stream.key, jql_time(floor - _MINUTE, self._site.zone))
            found = self._search(bounded, None, ["id"], _Id, _IDS_PER_PAGE)
            if found.next is None:
                yield [row.id for row in found.issues]
                return
        for rows, _ in self._walk(stream.key, floor, ["updated"], _Place):
            yield [row.id for row in rows]

    def check(self) -> Iterator[Check]:
        """Reachable, authenticated, how much quota, whose clock."""
        info = self._ask(self._client.server_info, _ServerInfo)
        kind = f"{info.deployment_type} " if info.deployment_type else ""
        yield Check("reachable", True, f"{self._settings.url}: Jira {kind}{info.version}")
        me = self._ask(self._client.myself, _Account)
        zone = f"in the zone {me.time_zone}" if me.time_zone else "in a zone that is not told"
        yield Check("authenticated", True, f"as {me.display_name or me.name or 'somebody'}, {zone}")
        yield from quota_and_clock(self._headers, self._context.now())

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _cursor(self, mark: datetime | None, ids: Mapping[str, str]) -> Mapping[str, Json]:
        return {"mark": mark.isoformat() if mark else None, "site": asdict(self._site), "fields": dict(ids)}

    def _walk(
        self, jql: str, floor: datetime, fields: Sequence[str], shape: type[_P]
    ) -> Iterator[tuple[list[_P], datetime | None]]:
        """Pages from the floor up, each with the moment before which all has been yielded, once there is one.

        A row as young as the search may lag is listed by an older time than it shows, and leads nowhere.
        """
        settled = self._context.now() - _OVERLAP
        zone = self._site.zone
        bound, reached = jql_time(floor - _MINUTE, zone), None
        while True:
            known: dict[str, datetime] = {}
            for _ in range(_READS):
                pages, strays, last = 0, 0, None
                top = max(known.values(), default=None)
                for rows, more in self._pages(_bounded(jql, bound), fields, shape):
                    pages += 1
                    # What is new on a second reading was passed over in the first, unless it was edited since.
                    strays += sum(row.id not in known and (top is None or row.updated <= top) for row in rows)
                    known |= {row.id: row.updated for row in rows}
                    yield rows, reached
                    last = _last(rows, settled) if more else None
                    if last is not None and jql_time(last, zone) > bound:
                        break
                if pages == 1 or not strays:
                    break
            else:
                raise RetryLater("its issues are edited faster than they can be read")
            if last is None:
                return
            bound, reached = jql_time(last, zone), last

    def _pages(self, jql: str, fields: Sequence[str], shape: type[T]) -> Iterator[tuple[list[T], bool]]:
        """The pages of one query, each with whether another follows."""
        place: str | int | None = None
        seen: set[str | int] = set()
        while True:
            found = self._search(jql, place, fields, shape)
            place = found.next
            yield found.issues, place is not None
            if place is None:
                return
            if place in seen:
                raise SourceBroken("its pages go round in a circle")
            seen.add(place)

    def _search(
        self, jql: str, place: str | int | None, fields: Sequence[str], shape: type[T], size: int = _PER_PAGE
    ) -> _CloudPage[T] | _ServerPage[T]:
        """One page: behind a token on Cloud, from a number on Data Center."""
        self._client.deploymentType = "Cloud" if self._site.cloud else "Server"
        asked: dict[str, Any] = {"json_result": True, "use_post": len(jql) > _LONGEST_QUERY, "maxResults": size}

        # A list of its own for each request: the library writes into the one that it is given.
        def cloud_page() -> Any:
            return self._client.enhanced_search_issues(jql, nextPageToken=place, fields=[*fields], **asked)

        def server_page() -> Any:
            return self._client.search_issues(jql, startAt=place or 0, fields=[*fields], **asked)

        if self._site.cloud:
            return self._ask(cloud_page, _CloudPage[shape])  # type: ignore[valid-type]
        try:
            return self._ask(server_page, _ServerPage[shape])  # type: ignore[valid-type]
        except _Refused as error:
            if error.status != 410:
                raise
        self._site = replace(self._site, cloud=True)  # only Cloud has removed this search (CHANGE-2046)
        return self._search(jql, None, fields, shape, size)

    def _ask_site(self) -> None:
        """Asks who we are, each time, and what the site is, once."""
        self._site = replace(self._site, zone=self._ask_zone())
        if self._site.cloud is not None:
            return
        parts = urlsplit(self._settings.url)
        gateway = parts.path.startswith("/ex/jira/")
        info = self._ask_if_allowed(self._client.server_info, _ServerInfo)
        if info.deployment_type is not None:
            cloud = info.deployment_type.lower() == "cloud"
        else:
            cloud = gateway or (parts.hostname or "").endswith(".atlassian.net")
        browse = info.base_url if gateway and info.base_url else self._settings.url
        self._site = replace(self._site, cloud=cloud, browse=browse.rstrip("/"))

    def _ask_zone(self) -> str | None:
        """The account's zone; SourceBroken where the credentials no longer are an account's."""
        name = self._ask_if_allowed(self._client.myself, _Account).time_zone
        try:
            return ZoneInfo(name).key if name else None
        except (ValueError, KeyError, OSError):
            return None

    def _zone_stands(self) -> bool:
        """Whether the account's zone still is what we took it for; from now on it is what it says."""
        before, self._site = self._site, replace(self._site, zone=self._ask_zone())
        return before.zone == self._site.zone

    def _field_ids(self, needs: Collection[str]) -> dict[str, str]:
        """The id behind each name that is needed: an id itself, a name as it is written, a name in other case."""
        ids = {name: _FIELD_IDS[name] for name in sorted(needs) if name in _FIELD_IDS}
        for name in sorted(set(needs) - _FIELD_IDS.keys()):
            if self._listed is None:
                self._listed = self._ask(self._client.fields, list[_Field])
            found = (
                [field.id for field in self._listed if field.id == name]
                or [field.id for field in self._listed if field.name == name]
                or [field.id for field in self._listed if field.name.casefold() == name.casefold()]
            )
            if not found:
                raise UnknownField(name, _FIELD_IDS.keys() | {field.name for field in self._listed})
            if len(found) > 1:
                raise ConfigError(f"{len(found)} fields are named {name!r}; write one's id instead: {', '.join(found)}")
            ids[name] = found[0]
        return ids

    def _ask_if_allowed(self, call: Callable[[], Any], shape: type[T]) -> T:
        """What a request answers that some accounts may not make; an empty answer then."""
        try:
            return self._ask(call, shape)
        except _Refused as error:
            if error.status == 401:
                raise
            return shape()

    def _ask(self, call: Callable[[], Any], shape: type[T]) -> T:
        """A call of the library, retried; its answer in this shape."""

        def ask() -> T:
            try:
                return TypeAdapter(shape).validate_python(self._once(call))
            except ValidationError as error:
                where = ".".join(str(part) for part in error.errors()[0]["loc"])
                said = f"its answer is not what Jira documents: {where or 'the whole'}: {error.errors()[0]['msg']}"
                raise RetryLater(said) from None

        return self._context.retry.call(ask)

    def _once(self, call: Callable[[], Any]) -> Any:
        import requests
        from jira import JIRAError

        try:
            return call()
        except requests.exceptions.JSONDecodeError:
            raise RetryLater("its answer is not JSON") from None
        except requests.exceptions.RequestException as error:
            raise network_failure(error) from None
        except JIRAError as error:  # whose text as a whole would hold the headers
            if error.status_code is None:
                raise RetryLater("its answer is not what Jira documents") from None
            headers = error.response.headers if error.response is not None else {}
            known = failure(error.status_code, headers, error.text or "", self._context.now())
            raise _Refused(error.status_code, str(known)) if isinstance(known, SourceBroken) else known from None
        except (TypeError, AttributeError, LookupError):  # the library reads an error's body without looking
            raise RetryLater("its answer is not what Jira documents") from None


def elements(value: Any) -> list[Scalar]:
    """A field's elements, from whatever JSON it is: lists one by one, objects by the name that people see.

    A cascading option is its own and its child's; an object that has no name is nothing that a filter can name.
    """
    match value:
        case bool():
            return [str(value).lower()]
        case int() | float():
            return [float(value)]
        case str():
            sprint = _SPRINT.match(value)
            return [sprint[1] if sprint else value]
        case list():
            return [element for item in value for element in elements(item)]
        case {"value": parent, **rest}:
            return elements(parent) + elements(rest.get("child"))
        case {"displayName": str(name)} | {"name": str(name)} | {"key": str(name)}:
            return [name]
    return []


def _unordered(jql: str) -> str:
    """The query without its ORDER BY."""
    return _QUOTED_OR_ORDER.sub(lambda match: match[1] or "", jql).strip()


def _bounded(jql: str, literal: str) -> str:
    return f'({jql}) AND updated >= "{literal}" ORDER BY updated ASC, key ASC'


def jql_time(moment: datetime, zone: str | None) -> str:
    """A moment as JQL takes it: in the account's zone, to the minute, rounded down.

    Where the clocks repeat an hour nobody says which one Jira means; there it is an hour earlier.
    """
    if zone is None:
        local = moment.astimezone(UTC) - _ANY_ZONE
    else:
        local = moment.astimezone(ZoneInfo(zone))
        first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
        if first and second and first > second and not local.fold:
            local = (moment - (first - second)).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M}"


def _last(rows: Sequence[_Place], settled: datetime) -> datetime | None:
    """The newest settled edit on a page; None where there is none, or where the page is not in their order."""
    moments = [row.updated for row in rows if row.updated <= settled]
    minutes = [moment.replace(second=0, microsecond=0) for moment in moments]
    return max(moments) if moments and minutes == sorted(minutes) else None


def _client(settings: Settings, headers: dict[str, str]) -> JIRA:
    """The library's client, which asks nothing by itself; `headers` will hold those of its last answer."""
    from jira import JIRA

    token = settings.token.get_secret_value()
    client = JIRA(
        server=settings.url,
        options={"headers": {"User-Agent": "syncd"}},
        basic_auth=(settings.email, token) if settings.email else None,
        token_auth=None if settings.email else token,
        get_server_info=False,
        max_retries=0,
        timeout=settings.timeout,
        logging=False,  # it logs whole answers
    )
    client._fields_cache_value = {"summary": "summary"}  # else every first search asks for all fields

    def note(response: Any, **_: Any) -> None:
        headers.clear()
        headers.update({name.lower(): value for name, value in response.headers.items()})

    client._session.hooks["response"].append(note)
    return client
