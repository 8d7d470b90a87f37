"""A Jira site through the jira library: its requests, their answers in the shapes that are read, their errors in ours.

Cloud and Data Center are told apart here and differ in their search alone. A time in JQL is read in the zone of the
account that asks: `/myself` tells it, and whether the credentials still are an account's, for a search without them is
answered with an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import orjson
from pydantic import TypeAdapter, ValidationError

from connectors.jira.answers import Account, CloudPage, ListedField, ServerInfo, ServerPage
from connectors.jira.changelog import Change, ChangePage, ListedStatus
from connectors.jira.fields import Id
from syncd.sdk import Context, Json, RetryLater, SourceBroken, SourceError, failure, network_failure

if TYPE_CHECKING:
    from jira import JIRA

    from connectors.jira import JiraSettings

T = TypeVar("T")
Method = Literal["POST", "PUT"]
P = TypeVar("P", bound=Id)
_PER_PAGE = 500  # Data Center gives up to 1,000; Cloud as many as it likes
_PER_PAGE_EXPANDED = 100  # Data Center has died of larger ones with their changelogs (JRASERVER-60107)
_LONGEST_QUERY = 2000  # characters of JQL that go into an address; a longer one is posted


@dataclass(frozen=True, slots=True)
class Site:
    """What need not be asked each time: which Jira, the account's zone, the address that people open.

    `url` is the settings'. `cloud` is None until it was asked for, `zone` is None where it is not told.
    """

    url: str
    cloud: bool | None
    zone: str | None
    browse: str


class Refused(SourceBroken):
    """An answer that another try would not change."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        super().__init__(said)


class Client:
    """Asks a site; `site` is what it found out about it. Makes no request yet."""

    def __init__(self, settings: JiraSettings, context: Context) -> None:
        self.context = context
        self.site = Site(settings.url, None, None, settings.url)
        self.headers: dict[str, str] = {}  # of the last answer, in lower case
        self.announced: int | None = None  # how many issues the last search found in all, where the site says so
        self._settings = settings
        self._jira = _library(settings, self.headers)
        self._listed: list[ListedField] | None = None
        self._categories: dict[str, str] | None = None

    def close(self) -> None:
        """Closes the sockets."""
        self._jira.close()

    def server(self) -> ServerInfo:
        """Which Jira it is."""
        return self._ask(self._jira.server_info, ServerInfo)

    def account(self) -> Account:
        """Who asks."""
        return self._ask(self._jira.myself, Account)

    def listed_fields(self) -> Sequence[ListedField]:
        """The fields that the server has, asked for once."""
        if self._listed is None:
            self._listed = self._ask(self._jira.fields, list[ListedField])
        return self._listed

    def status_categories(self) -> Mapping[str, str]:
        """Status id → the key of its category, asked for once."""
        if self._categories is None:
            listed = self._ask(lambda: [status.raw for status in self._jira.statuses()], list[ListedStatus])
            self._categories = {status.id: status.status_category.key for status in listed}
        return self._categories

    def changes(self, id: str) -> Sequence[Change]:
        """All that was changed of an issue, from its own pages; nothing where it has none, or is gone."""
        found: list[Change] = []
        while True:
            # The library has no method for it (pycontribs/jira#911).
            ask = partial(self._jira._get_json, f"issue/{id}/changelog", params={"startAt": len(found)})
            try:
                page = self._ask(ask, ChangePage)
            except Refused as error:
                if error.status != 404:
                    raise
                return []
            found += page.values
            if not page.values or len(found) >= page.total:
                return found

    def search(
        self, jql: str, place: str | int | None, fields: Sequence[str], shape: type[P], size: int | None = None
    ) -> CloudPage[P] | ServerPage[P]:
        """One page: behind a token on Cloud, from a number on Data Center."""
        self._jira.deploymentType = "Cloud" if self.site.cloud else "Server"
        size = size or (_PER_PAGE_EXPANDED if shape.expand else _PER_PAGE)
        asked: dict[str, Any] = {"json_result": True, "use_post": len(jql) > _LONGEST_QUERY, "maxResults": size}
        if shape.expand:  # in a body a text on Cloud, a list on Data Center
            asked["expand"] = shape.expand if self.site.cloud else [shape.expand]

        # A list of its own for each request: the library writes into the one that it is given.
        def cloud_page() -> Any:
            return self._jira.enhanced_search_issues(jql, nextPageToken=place, fields=[*fields], **asked)

        def server_page() -> Any:
            return self._jira.search_issues(jql, startAt=place or 0, fields=[*fields], **asked)

        if self.site.cloud:
            return self._ask(cloud_page, CloudPage[shape])  # type: ignore[valid-type]
        try:
            found = self._ask(server_page, ServerPage[shape])  # type: ignore[valid-type]
        except Refused as error:
            if error.status != 410:
                raise
        else:
            self.announced = found.total
            return found
        before, self.site = self.site, replace(self.site, cloud=True)  # Cloud has removed this search (CHANGE-2046)
        try:
            return self.search(jql, None, fields, shape, size)
        except SourceError:
            self.site = before
            raise

    def ask_site(self) -> None:
        """Asks who we are, each time, and what the site is, once, where the account and the address do not tell."""
        account = self._ask_account()
        self.site = replace(self.site, zone=_zone(account))
        if self.site.cloud is not None:
            return
        parts = urlsplit(self._settings.url)
        gateway = parts.path.startswith("/ex/jira/")
        cloud, browse = account.of_cloud, self._settings.url
        if gateway or cloud is None:
            info = self._ask_if_allowed(self._jira.server_info, ServerInfo)
            if info.deployment_type is not None:
                cloud = info.deployment_type.lower() == "cloud"
            elif cloud is None:
                cloud = gateway or (parts.hostname or "").endswith(".atlassian.net")
            browse = info.base_url if gateway and info.base_url else browse
        self.site = replace(self.site, cloud=cloud, browse=browse.rstrip("/"))

    def zone_stands(self) -> bool:
        """Whether the account's zone still is what we took it for; from now on it is what it says."""
        before, self.site = self.site, replace(self.site, zone=_zone(self._ask_account()))
        return before.zone == self.site.zone

    def _ask_account(self) -> Account:
        """Who asks; SourceBroken where the credentials no longer are an account's."""
        return self._ask_if_allowed(self._jira.myself, Account)

    def _ask_if_allowed(self, call: Callable[[], Any], shape: type[T]) -> T:
        """What a request answers that some accounts may not make; an empty answer then."""
        try:
            return self._ask(call, shape)
        except Refused as error:
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

        return self.context.retry.call(ask)

    def _send(self, method: Method, path: str, body: Json, shape: type[T]) -> T:
        """A request that writes; its answer in this shape. A redirect is not followed: it would arrive as a GET."""

        def send() -> Any:
            address = self._jira._get_url(path)
            answer = self._jira._session.request(method, address, data=orjson.dumps(body), allow_redirects=False)
            if answer.status_code >= 300:
                raise Refused(
                    answer.status_code, f"it redirects (HTTP {answer.status_code}); correct url in syncd.yaml"
                )
            return answer.json() if answer.content else None

        return self._ask(send, shape)

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
            known = failure(error.status_code, headers, error.text or "", self.context.now())
            raise Refused(error.status_code, str(known)) if isinstance(known, SourceBroken) else known from None
        except (TypeError, AttributeError, LookupError):  # the library reads an error's body without looking
            raise RetryLater("its answer is not what Jira documents") from None


def _zone(account: Account) -> str | None:
    """The zone of an account, where it is told and one that is known."""
    try:
        return ZoneInfo(account.time_zone).key if account.time_zone else None
    except (ValueError, KeyError, OSError):
        return None


def _library(settings: JiraSettings, headers: dict[str, str]) -> JIRA:
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
