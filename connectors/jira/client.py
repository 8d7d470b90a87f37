"""Sends requests to a Jira site through the jira library. Parses responses to models, and raises syncd's own errors.

Cloud and Data Center differ only in their search; this module hides the difference. Jira interprets a time in JQL in
the time zone of the requesting account. `/myself` shows this zone, and shows whether the credentials are still valid. A
search without valid credentials returns an empty list instead of an error.
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

from connectors.jira.advice import advice
from connectors.jira.answers import Account, CloudPage, ListedField, ListedProject, ServerInfo, ServerPage
from connectors.jira.changelog import Change, ChangePage, ListedStatus, LoggedIssue
from connectors.jira.fields import ALWAYS, Id
from syncd.sdk import Context, Json, RetryLater, Server, SourceBroken, SourceError, answer_of

if TYPE_CHECKING:
    from jira import JIRA

    from connectors.jira.settings import JiraSettings

T = TypeVar("T")
Method = Literal["POST", "PUT"]
P = TypeVar("P", bound=Id)
_PER_PAGE = 500  # Data Center allows up to 1,000; Cloud decides by itself
_PER_PAGE_EXPANDED = 100  # larger pages with changelogs have crashed Data Center (JRASERVER-60107)
_LONGEST_QUERY = 2000  # characters of JQL that fit into an address; a longer query is posted


@dataclass(frozen=True, slots=True)
class Site:
    """The facts about a site that are stored in the cursor: its kind, the account's time zone, and the address that
    people open.

    `url` is the address from the settings. `cloud` is None until syncd has requested the kind of the site. `zone` is
    None if it is unknown.
    """

    url: str
    cloud: bool | None
    zone: str | None
    browse: str


class Refused(SourceBroken):
    """Jira refused the request, and would refuse a retry too."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Client:
    """Sends requests to a site, and stores facts about the site in `site`. Making a client sends no request."""

    def __init__(self, settings: JiraSettings, context: Context) -> None:
        self.context = context
        self.site = Site(settings.url, None, None, settings.url)
        self.headers: dict[str, str] = {}  # the headers of the last answer, with names in lower case
        self.announced: int | None = None  # the number of issues that match the last search, if the site tells it
        self.names: Mapping[str, str] = {}  # the names of fields in the last search by id, if the site tells them
        self.settings = settings
        self._server = Server(settings, context, partial(advice, settings))
        self._jira = _library(settings, context, self._server, self.headers)
        self._listed: list[ListedField] | None = None
        self._categories: dict[str, str] | None = None

    def close(self) -> None:
        """Closes the sockets."""
        self._jira.close()

    def server(self) -> ServerInfo:
        """The kind and version of the site."""
        return self._ask(self._jira.server_info, ServerInfo)

    def account(self) -> Account:
        """The account that the credentials belong to."""
        return self._ask(self._jira.myself, Account)

    def listed_fields(self) -> Sequence[ListedField]:
        """The fields that the server has. Several calls make one request."""
        if self._listed is None:
            self._listed = self._ask(self._jira.fields, list[ListedField])
        return self._listed

    def project_names(self, key: str) -> Sequence[str]:
        """The name, the id and the present key of a project; empty if the account sees no project with this key."""
        try:
            project = self._ask(lambda: self._jira._get_json(f"project/{key}"), ListedProject)
        except Refused as error:
            if error.status != 404:
                raise
            return []
        return [project.name, project.id, project.key]

    def status_categories(self) -> Mapping[str, str]:
        """The key of the category of each status, by status id. Several calls make one request."""
        if self._categories is None:
            listed = self._ask(lambda: [status.raw for status in self._jira.statuses()], list[ListedStatus])
            self._categories = {status.id: status.status_category.key for status in listed}
        return self._categories

    def changes(self, id: str, shown: Sequence[Change] | None) -> Sequence[Change]:
        """All changes of an issue, from the issue's own changelog pages; empty if the issue has no changes, or was
        deleted.

        `shown` are the changes that a search returned. Data Center may have no changelog pages. If its search returned
        no changelog, syncd requests the issue with its changelog.
        """
        changes: list[Change] = []
        while True:
            # The library has no method for this request (pycontribs/jira#911).
            ask = partial(self._jira._get_json, f"issue/{id}/changelog", params={"startAt": len(changes)})
            try:
                page = self._ask(ask, ChangePage)
            except Refused as error:
                if error.status != 404:
                    raise
                return self._changes_with_issue(id) if shown is None and not self.site.cloud else []
            changes += page.values
            if not page.values or len(changes) >= page.total:
                return changes

    def _changes_with_issue(self, id: str) -> Sequence[Change]:
        params = {"expand": LoggedIssue.expand, "fields": ",".join(ALWAYS)}
        try:
            issue = self._ask(lambda: self._jira._get_json(f"issue/{id}", params=params), LoggedIssue)
        except Refused as error:
            if error.status != 404:
                raise
            return []
        if issue.shown is None:
            raise SourceBroken(
                "Jira leaves out the changelogs that cycle_time needs; let expand=changelog pass through the proxy"
            )
        return issue.shown

    def search(
        self, jql: str, place: str | int | None, fields: Sequence[str], shape: type[P], size: int | None = None
    ) -> CloudPage[P] | ServerPage[P]:
        """A page of a search. `place` is a token on Cloud, a number on Data Center, and None for the first page."""
        self._jira.deploymentType = "Cloud" if self.site.cloud else "Server"
        size = size or (_PER_PAGE_EXPANDED if issubclass(shape, LoggedIssue) else _PER_PAGE)
        in_body = len(jql) > _LONGEST_QUERY
        params: dict[str, Any] = {"json_result": True, "use_post": in_body, "maxResults": size}
        if shape.expand:  # in a body, Cloud requires a text and Data Center a list
            params["expand"] = shape.expand.split(",") if in_body and not self.site.cloud else shape.expand

        # Each request gets its own list of fields, because the library modifies the list.
        def cloud_page() -> Any:
            return self._jira.enhanced_search_issues(jql, nextPageToken=place, fields=[*fields], **params)

        def server_page() -> Any:
            return self._jira.search_issues(jql, startAt=place or 0, fields=[*fields], **params)

        if self.site.cloud:
            listed = self._ask(cloud_page, CloudPage[shape])  # type: ignore[valid-type]
            self.names = listed.names or {}
            return listed
        try:
            page = self._ask(server_page, ServerPage[shape])  # type: ignore[valid-type]
        except Refused as error:
            if error.status != 410:
                raise
        else:
            self.announced, self.names = page.total, page.names or {}
            return page
        before, self.site = self.site, replace(self.site, cloud=True)  # Cloud has removed this search (CHANGE-2046)
        try:
            return self.search(jql, None, fields, shape, size)
        except SourceError:
            self.site = before
            raise

    def ask_site(self) -> None:
        """Requests the account. The first call also finds the kind of the site. If neither the account nor the address
        shows the kind, makes another request.
        """
        account = self._ask_account()
        self.site = replace(self.site, zone=_zone(account))
        if self.site.cloud is not None:
            return
        parts = urlsplit(self.settings.url)
        gateway = parts.path.startswith("/ex/jira/")
        cloud, browse = account.of_cloud, self.settings.url
        if gateway or cloud is None:
            info = self._ask_if_allowed(self._jira.server_info, ServerInfo)
            if info.deployment_type is not None:
                cloud = info.deployment_type.lower() == "cloud"
            elif cloud is None:
                cloud = gateway or (parts.hostname or "").endswith(".atlassian.net")
            browse = info.base_url if gateway and info.base_url else browse
        self.site = replace(self.site, cloud=cloud, browse=browse.rstrip("/"))

    def update_zone(self) -> bool:
        """Requests the account's zone again, and returns whether it has changed."""
        before, self.site = self.site, replace(self.site, zone=_zone(self._ask_account()))
        return before.zone != self.site.zone

    def _ask_account(self) -> Account:
        """The account of the credentials. Raises SourceBroken if the credentials are no longer valid."""
        return self._ask_if_allowed(self._jira.myself, Account)

    def _ask_if_allowed(self, call: Callable[[], Any], shape: type[T]) -> T:
        """The response to a request that some accounts may not make; an empty response for such an account."""
        try:
            return self._ask(call, shape)
        except Refused as error:
            if error.status == 401:
                raise
            return shape()

    def _ask(self, call: Callable[[], Any], shape: type[T]) -> T:
        def ask() -> T:
            try:
                return TypeAdapter(shape).validate_python(self._once(call))
            except ValidationError as error:
                where = ".".join(str(part) for part in error.errors()[0]["loc"])
                problem = f"{where or 'the whole'}: {error.errors()[0]['msg']}"
                raise RetryLater(f"its answer is not what Jira documents: {problem}") from None

        return self.context.retry.call(ask)

    def _send(self, method: Method, path: str, body: Json, shape: type[T]) -> T:
        """Sends a write, and returns the response, parsed to this shape. Does not follow redirects, because the write
        would become a GET.
        """

        def send() -> Any:
            address = self._jira._get_url(path)
            answer = self._jira._session.request(method, address, data=orjson.dumps(body), allow_redirects=False)
            if answer.status_code >= 300:
                moved = self._server.refusal(answer_of(answer.status_code, answer.headers, answer.content), address)
                raise Refused(answer.status_code, str(moved))
            return answer.json() if answer.content else None

        return self._ask(send, shape)

    def _once(self, call: Callable[[], Any]) -> Any:
        import requests
        from jira import JIRAError

        from syncd.sdk.requests_transport import not_sent

        try:
            return call()
        except requests.exceptions.JSONDecodeError:
            raise RetryLater("its answer is not JSON") from None
        except requests.exceptions.RequestException as error:
            raise not_sent(error, self.settings.url) from None
        except JIRAError as error:  # its full text would include the headers
            status = error.status_code
            if status is None:
                raise RetryLater("its answer is not what Jira documents") from None
            response = error.response
            answer = (
                answer_of(status, {}, error.text or "")
                if response is None
                else answer_of(status, response.headers, response.content)
            )
            failed = self._server.refusal(answer)
            raise Refused(status, str(failed)) if isinstance(failed, SourceBroken) else failed from None
        except (TypeError, AttributeError, LookupError):  # the library reads the body of an error without checking it
            raise RetryLater("its answer is not what Jira documents") from None


def _zone(account: Account) -> str | None:
    """The time zone of an account; None if Jira does not show the zone, or if this machine does not have it."""
    try:
        return ZoneInfo(account.time_zone).key if account.time_zone else None
    except (ValueError, KeyError, OSError):
        return None


def _library(settings: JiraSettings, context: Context, server: Server, headers: dict[str, str]) -> JIRA:
    """The library's client, which makes no request by itself. It stores the headers of the last response in `headers`.

    The client does not follow redirects to another server or to a login page, and refuses web pages as responses.
    """
    from jira import JIRA

    from syncd.sdk.requests_transport import send_through_exchange

    token = settings.token.get_secret_value()
    client = JIRA(
        server=settings.url,
        options={"headers": {"User-Agent": "syncd"}},
        basic_auth=(settings.email, token) if settings.email else None,
        token_auth=None if settings.email else token,
        get_server_info=False,
        max_retries=0,
        logging=False,  # the library would log whole answers
    )
    send_through_exchange(client._session, settings, context)
    client._fields_cache_value = {"summary": "summary"}  # without this, the first search requests all fields

    def note(response: Any, **_: Any) -> None:
        headers.clear()
        headers.update({name.lower(): value for name, value in response.headers.items()})
        answer = answer_of(response.status_code, response.headers, response.content if response.ok else b"")
        broken = server.leads_away(answer, response.url) or (server.page(answer) if response.ok else None)
        if broken is not None:
            raise broken

    client._session.hooks["response"].append(note)
    return client
