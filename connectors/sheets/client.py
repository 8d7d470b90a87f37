"""Sends requests to Google Sheets, and reads the responses.

syncd does not use the back-off of gspread 6.2, which never gives up, nor `open_by_key`, which costs a request.
gspread's HTTP client has no setting for a base address, so a subclass replaces Google's address with the configured
one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from connectors.sheets.settings import GOOGLE, SheetsSettings
from syncd.sdk import (
    Check,
    ConfigError,
    Context,
    RetryLater,
    Server,
    SourceBroken,
    SourceError,
    answer_of,
    is_page,
    quota_and_clock,
    sentence,
)
from syncd.sdk.json_text import read_json
from syncd.sdk.regular_files import read_regular

if TYPE_CHECKING:
    from gspread.http_client import HTTPClient

T = TypeVar("T")
_WRITES = "https://www.googleapis.com/auth/spreadsheets"
_READS = f"{_WRITES}.readonly"
UNFORMATTED = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "SERIAL_NUMBER"}
ENTERED = {"valueRenderOption": "FORMULA", "dateTimeRenderOption": "SERIAL_NUMBER"}
"""The parameters that request cells as they were entered: a formula as a text that begins with "=", a number as a
number.
"""

_BAD_RANGE = re.compile(r"(?:Invalid data\[\d+\]: )?(?:Unable to parse range: |Range \(.*\) exceeds grid limits\b)")

Entry = bool | int | float | str | None
"""The JSON value of a cell."""


class Values(BaseModel):
    """One range in the response to a batchGet: its address and its rows. A blank range has no values at all."""

    range: str
    values: list[list[Any]] = []

    def cells(self) -> list[list[Entry]]:
        """The rows. Raises RetryLater if a cell has a type that Google does not document."""
        return [[_entry(value) for value in row] for row in self.values]


class _Batch(BaseModel):
    valueRanges: list[Values] = []  # noqa: N815 - Google's name


class Properties(BaseModel):
    """A sheet's title, and its id at Google."""

    title: str
    sheetId: int | None = None  # noqa: N815 - Google's name


class _Sheet(BaseModel):
    properties: Properties


class _Named(BaseModel):
    name: str


class Spreadsheet(BaseModel):
    """The sheets and the named ranges of a spreadsheet."""

    sheets: list[_Sheet] = Field(min_length=1)  # a spreadsheet has a sheet
    namedRanges: list[_Named] = []  # noqa: N815 - Google's name; missing if there are none


class _Done(BaseModel):
    spreadsheetId: str  # noqa: N815 - Google's name


class _Detail(BaseModel):
    """A detail of an error: a google.rpc.ErrorInfo, or another type, which has no reason."""

    reason: str = ""


class _Problem(BaseModel):
    """An error as a google.rpc.Status. The reasons of the error are codes. Its message quotes names from the request,
    such as a sheet's name.
    """

    message: str = ""
    details: list[_Detail] = []


class _Failed(BaseModel):
    error: _Problem = _Problem()


class Refused(SourceBroken):
    """Google refused a request. The error has the status, and Google's message if Google sent one."""

    def __init__(self, error: SourceBroken, status: int, message: str, body: str) -> None:
        reasons = {detail.reason for detail in _problem(body).details}
        self.status = status
        self.message = message
        self.scopes = "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in reasons
        self.disabled = "SERVICE_DISABLED" in reasons
        super().__init__(str(error))

    @property
    def bad_range(self) -> bool:
        """Whether Google refused because it cannot resolve a range. Usually the range's sheet was deleted or
        renamed.
        """
        return self.status == 400 and _BAD_RANGE.match(self.message) is not None


class Client:
    """Sends the requests of one account, with retries. Raises SourceError with the reason if no retry succeeds.

    `account` is the e-mail address of a service account. With `writes`, the client also requests the right to write.
    """

    def __init__(self, settings: SheetsSettings, context: Context, *, writes: bool = False) -> None:
        self._settings = settings
        self._context = context
        self._server = Server(settings, context)
        session, self.account = _session(settings, context, _WRITES if writes else _READS)
        self._http = _http_client(settings, session)

    def values(self, spreadsheet: str, ranges: Sequence[str], render: Mapping[str, str]) -> list[Values]:
        """The cells of each range, in one request."""
        parameters = {"ranges": list(ranges), **render}
        answer = self._ask("GET", f"{spreadsheet}/values:batchGet", TypeAdapter(_Batch), parameters)
        if len(answer.valueRanges) != len(ranges):
            raise RetryLater(f"it was asked for {len(ranges)} ranges and answered with {len(answer.valueRanges)}")
        return answer.valueRanges

    def spreadsheet(self, spreadsheet: str) -> Spreadsheet:
        """The sheets and named ranges of a spreadsheet."""
        fields = {"fields": "sheets.properties(title,sheetId),namedRanges.name"}
        return self._ask("GET", spreadsheet, TypeAdapter(Spreadsheet), fields)

    def enter(self, spreadsheet: str, data: Sequence[Mapping[str, Any]]) -> None:
        """Sets the values of these ranges in one request. Google does not interpret the values: a text that begins with
        "=" stays a text.
        """
        body = {"valueInputOption": "RAW", "data": data}
        self._ask("POST", f"{spreadsheet}/values:batchUpdate", TypeAdapter(_Done), body=body)

    def change(self, spreadsheet: str, requests: Sequence[Mapping[str, Any]]) -> None:
        """Changes the sheets of a spreadsheet: Google applies all of these requests, or none."""
        self._ask("POST", f"{spreadsheet}:batchUpdate", TypeAdapter(_Done), body={"requests": requests})

    def check(self) -> Iterator[Check]:
        """Makes the checks "reachable" and "authenticated": requests a spreadsheet that cannot exist, and reads
        Google's refusal.
        """
        response = self._context.retry.call(lambda: self._send("GET", "syncd-doctor", {}, None))
        answer = answer_of(response.status_code, response.headers, response.content)
        refusal = self._server.refusal(answer)
        by_google = '"error"' in answer.text and not is_page(answer.text)
        if answer.status not in (400, 401, 403) and not (answer.status == 404 and by_google):
            raise self._server.page(answer) or refusal
        yield Check("reachable", True, self._settings.url)
        reasons = {detail.reason for detail in _problem(answer.text).details}
        switched_off = bool(reasons & {"SERVICE_DISABLED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
        refused = answer.status in (400, 401) or (answer.status == 403 and switched_off)
        yield Check("authenticated", not refused, str(refusal) if refused else "the credentials are accepted")
        if self._settings.credentials is not None:
            writing = "; to write check-ins, for spreadsheets" if self._context.writes else " alone"
            yield Check("least scopes", True, f"asks for spreadsheets.readonly{writing}")
        yield from quota_and_clock(answer.headers, self._context.now())

    def close(self) -> None:
        """Closes the sockets."""
        self._http.session.close()

    def _ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        shape: TypeAdapter[T],
        parameters: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> T:
        def ask() -> T:
            response = self._send(method, path, parameters or {}, body)
            if response.status_code != 200:
                error = self._server.refusal(answer_of(response.status_code, response.headers, response.content))
                if not isinstance(error, SourceBroken):
                    raise error
                message = sentence(response.text, self._context.hide)
                raise Refused(error, response.status_code, message, response.text)
            if (page := self._server.page(answer_of(200, response.headers, response.content))) is not None:
                raise page
            try:
                return shape.validate_python(read_json(response.content))
            except ValidationError:
                raise RetryLater("its answer is not what Google documents") from None

        return self._context.retry.call(ask)

    def _send(self, method: str, path: str, parameters: Mapping[str, Any], body: Mapping[str, Any] | None) -> Any:
        import google.auth.exceptions as google
        import requests

        from syncd.sdk.requests_transport import not_sent

        try:
            return self._http.send(method, f"{GOOGLE}/v4/spreadsheets/{path}", parameters, body)
        except requests.exceptions.RequestException as error:
            raise not_sent(error, self._settings.url) from None
        except google.TransportError:
            raise RetryLater("Google's token endpoint did not answer") from None
        except google.RefreshError as error:
            if error.retryable:
                raise RetryLater("Google's token endpoint did not give a token") from None
            reason = _reason(error, self._context.hide)
            raise SourceBroken(f"Google does not accept the service account's key{reason}") from None
        except google.GoogleAuthError as error:
            raise SourceBroken(f"Google's sign-in failed: {type(error).__name__}") from None


def _entry(value: Any) -> Entry:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise RetryLater(f"its answer holds a cell of the type {type(value).__name__}")


def _problem(body: str) -> _Problem:
    """The error that a response describes; an empty error if the response does not come from Google."""
    try:
        return _Failed.model_validate_json(body).error
    except ValidationError:
        return _Problem()


def _reason(error: Exception, hide: Callable[[str], str]) -> str:
    body = error.args[-1] if error.args else ""
    text = sentence(body if isinstance(body, str) else orjson.dumps(body).decode(), hide)
    return f" ({text})" if text else ""


def _http_client(settings: SheetsSettings, session: Any) -> HTTPClient:
    import requests
    from gspread.http_client import HTTPClient

    class AtItsAddress(HTTPClient):  # type: ignore[misc]
        """gspread's HTTP client for the configured address. The client returns responses of any status, errors too; the
        caller checks the status.
        """

        def send(
            self, method: str, url: str, parameters: Mapping[str, Any], body: Mapping[str, Any] | None
        ) -> requests.Response:
            address = settings.url + url.removeprefix(GOOGLE)
            # Google sends no redirects here. If it did, `requests` would send the API key to the other host.
            return self.session.request(method, address, params=parameters, json=body, allow_redirects=False)

    return AtItsAddress(auth=None, session=session)


def _session(settings: SheetsSettings, context: Context, scope: str) -> tuple[Any, str | None]:
    import requests

    from syncd.sdk.requests_transport import send_through_exchange

    session = requests.Session()
    account = None
    if settings.credentials is not None:
        session.auth, account = _service_account(settings, context, scope)
    elif settings.token is not None:
        session.headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    elif settings.api_key is not None:
        session.headers["x-goog-api-key"] = settings.api_key.get_secret_value()
    send_through_exchange(session, settings, context)
    return session, account


def _service_account(settings: SheetsSettings, context: Context, scope: str) -> tuple[Callable[[Any], Any], str]:
    """A function that signs requests with the key of a service account, and the account's e-mail address.

    The function fetches tokens from the `token_uri` of the key file and makes no other requests. google-auth's own
    session would also send the token to a Google host, to request the account's "regional access boundary", even if
    another host is configured.
    """
    import requests
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials

    from syncd.sdk.requests_transport import send_through_exchange

    path = Path(context.folder) / str(settings.credentials)
    try:
        key = orjson.loads(read_regular(path))
        credentials = Credentials.from_service_account_info(key, scopes=[scope])
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigError(f"credentials names {path}, which cannot be read: {why}") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"credentials names {path}, which is not the key file of a service account") from None

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not credentials.valid:
            with requests.Session() as session:  # a token is fetched once an hour
                send_through_exchange(session, settings, context, key["token_uri"])
                try:
                    credentials.refresh(Request(session))
                except SourceError as error:
                    error.args = (f"no token for the service account: {error}",)
                    raise
                except (TypeError, AttributeError, LookupError):  # google-auth reads the answer without checking it
                    raise RetryLater("the answer of Google's token endpoint is not what Google documents") from None
        request.headers["Authorization"] = f"Bearer {credentials.token}"
        return request

    return sign, str(credentials.service_account_email)
