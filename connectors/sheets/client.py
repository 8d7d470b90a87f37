"""The requests to Google Sheets, and what its answers mean.

gspread 6.2's own back-off never gives up and is not used; its `open_by_key` would cost a request and is not needed. Its
HTTP client knows no base address, so a subclass puts the configured one in the place of Google's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from connectors.sheets.settings import GOOGLE, SheetsSettings
from syncd.sdk import (
    Check,
    ConfigError,
    Context,
    RetryLater,
    SourceBroken,
    failure,
    network_failure,
    one_line,
    quota_and_clock,
)

if TYPE_CHECKING:
    from gspread.http_client import HTTPClient

T = TypeVar("T")
_WRITES = "https://www.googleapis.com/auth/spreadsheets"
_READS = f"{_WRITES}.readonly"
UNFORMATTED = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "SERIAL_NUMBER"}
ENTERED = {"valueRenderOption": "FORMULA", "dateTimeRenderOption": "SERIAL_NUMBER"}
"""What was entered into cells: a formula is a text that begins with "=", a number is one."""


class Values(BaseModel):
    """One range of a batchGet: where it stands, and its rows. All blank: no values at all."""

    range: str = ""
    values: list[list[Any]] = []


class _Batch(BaseModel):
    valueRanges: list[Values] = []  # noqa: N815 - Google's name


class Properties(BaseModel):
    """What a sheet is called, by people and by Google."""

    title: str
    sheetId: int = 0  # noqa: N815 - Google's name


class _Sheet(BaseModel):
    properties: Properties


class _Named(BaseModel):
    name: str


class Spreadsheet(BaseModel):
    """Its sheets and named ranges."""

    sheets: list[_Sheet] = []
    namedRanges: list[_Named] = []  # noqa: N815 - Google's name


class _Done(BaseModel):
    """What every change is answered with."""

    spreadsheetId: str  # noqa: N815 - Google's name


class Refused(SourceBroken):
    """Google's no: its status, and its message where it sent one."""

    def __init__(self, error: SourceBroken, status: int, body: str) -> None:
        self.status = status
        self.message = _message(body)
        self.scopes = "SCOPE_INSUFFICIENT" in body
        super().__init__(str(error))

    @property
    def bad_range(self) -> bool:
        """Google cannot make sense of a range: its sheet is gone or renamed, as a rule."""
        return self.status == 400 and "range" in self.message.lower()


class Client:
    """One account's requests, each through the retry policy; SourceError says why there is no answer.

    `account` is the address of a service account. `writes` says whether it asks for more than to read.
    """

    def __init__(self, settings: SheetsSettings, context: Context, *, writes: bool = False) -> None:
        self._settings = settings
        self._context = context
        session, self.account = _session(settings, context, _WRITES if writes else _READS)
        self._http = _http_client(settings, session)

    def values(self, spreadsheet: str, ranges: Sequence[str], render: Mapping[str, str]) -> list[Values]:
        """What stands in each range, in one request."""
        parameters = {"ranges": list(ranges), **render}
        answer = self._ask("GET", f"{spreadsheet}/values:batchGet", TypeAdapter(_Batch), parameters)
        if len(answer.valueRanges) != len(ranges):
            raise RetryLater(f"it was asked for {len(ranges)} ranges and answered with {len(answer.valueRanges)}")
        return answer.valueRanges

    def spreadsheet(self, spreadsheet: str) -> Spreadsheet:
        """Its sheets and named ranges."""
        fields = {"fields": "sheets.properties(title,sheetId),namedRanges.name"}
        return self._ask("GET", spreadsheet, TypeAdapter(Spreadsheet), fields)

    def enter(self, spreadsheet: str, data: Sequence[Mapping[str, Any]]) -> None:
        """Sets these ranges' values as they stand, in one request: a text that begins with "=" stays a text."""
        body = {"valueInputOption": "RAW", "data": data}
        self._ask("POST", f"{spreadsheet}/values:batchUpdate", TypeAdapter(_Done), body=body)

    def change(self, spreadsheet: str, requests: Sequence[Mapping[str, Any]]) -> None:
        """Changes its sheets: all of these, or none."""
        self._ask("POST", f"{spreadsheet}:batchUpdate", TypeAdapter(_Done), body={"requests": requests})

    def check(self) -> Iterator[Check]:
        """Reachable and authenticated: asks for a spreadsheet that cannot be, and looks at the kind of no."""
        try:
            response = self._send("GET", "syncd-doctor", {}, None)
            status, headers, body = response.status_code, response.headers, response.text
        except SourceBroken as error:
            yield Check("authenticated", False, str(error))
            return
        yield Check("reachable", True, self._settings.url)
        refused = status in (400, 401) or (status == 403 and "not been used" in body)
        detail = (
            "the credentials are accepted" if not refused else str(failure(status, headers, body, self._context.now()))
        )
        yield Check("authenticated", not refused, detail)
        if self._settings.credentials is not None:
            writing = "; to write check-ins, for spreadsheets" if self._context.writes else " alone"
            yield Check("least scopes", True, f"asks for spreadsheets.readonly{writing}")
        yield from quota_and_clock({name.lower(): value for name, value in headers.items()}, self._context.now())

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
                error = failure(response.status_code, response.headers, response.text, self._context.now())
                raise Refused(error, response.status_code, response.text) if isinstance(error, SourceBroken) else error
            try:
                return shape.validate_python(orjson.loads(response.content))
            except (ValidationError, orjson.JSONDecodeError):
                raise RetryLater("its answer is not what Google documents") from None

        return self._context.retry.call(ask)

    def _send(self, method: str, path: str, parameters: Mapping[str, Any], body: Mapping[str, Any] | None) -> Any:
        import google.auth.exceptions as google
        import requests

        try:
            return self._http.send(method, f"{GOOGLE}/v4/spreadsheets/{path}", parameters, body)
        except requests.exceptions.RequestException as error:
            raise network_failure(error) from None
        except google.TransportError:
            raise RetryLater("Google's token endpoint did not answer") from None
        except google.RefreshError as error:
            if error.retryable:
                raise RetryLater("Google's token endpoint did not give a token") from None
            raise SourceBroken("Google does not accept the service account's key") from None
        except google.GoogleAuthError as error:
            raise SourceBroken(f"Google's sign-in failed: {type(error).__name__}") from None


def _message(body: str) -> str:
    try:
        return one_line(str(orjson.loads(body)["error"]["message"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def _http_client(settings: SheetsSettings, session: Any) -> HTTPClient:
    import requests
    from gspread.http_client import HTTPClient

    class AtItsAddress(HTTPClient):  # type: ignore[misc]
        """gspread's client at the configured address; answers of any status are handed back for our own triage."""

        def send(
            self, method: str, url: str, parameters: Mapping[str, Any], body: Mapping[str, Any] | None
        ) -> requests.Response:
            address = settings.url + url.removeprefix(GOOGLE)
            # Google redirects nothing here, and requests would take an API key along to another host.
            return self.session.request(
                method, address, params=parameters, json=body, timeout=settings.timeout, allow_redirects=False
            )

    return AtItsAddress(auth=None, session=session)


def _session(settings: SheetsSettings, context: Context, scope: str) -> tuple[Any, str | None]:
    """What signs requests, and the service account's address."""
    import requests

    if settings.credentials is not None:
        return _service_account(Path(context.folder) / settings.credentials, settings.timeout, scope)
    session = requests.Session()
    if settings.token is not None:
        session.headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    elif settings.api_key is not None:
        session.headers["x-goog-api-key"] = settings.api_key.get_secret_value()
    return session, None


def _service_account(path: Path, timeout: float, scope: str) -> tuple[Any, str]:
    """A session that signs in with a service account's key, at the token_uri that its file names; its address.

    google-auth's own session would also ask a Google host for the account's "regional access boundary", with our
    token and beside every other host that is configured: this one fetches tokens and does nothing else.
    """
    import requests
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials

    try:
        credentials = Credentials.from_service_account_file(str(path), scopes=[scope])
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigError(f"credentials names {path}, which cannot be read: {why}") from None
    except (ValueError, KeyError):
        raise ConfigError(f"credentials names {path}, which is no service account's key file") from None
    fetch = partial(Request(requests.Session()), timeout=timeout)

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not credentials.valid:
            credentials.refresh(fetch)
        request.headers["Authorization"] = f"Bearer {credentials.token}"
        return request

    session = requests.Session()
    session.auth = sign
    return session, str(credentials.service_account_email)
