"""Google Sheets through gspread: every range of one spreadsheet in one batchGet, unformatted.

gspread 6.2's own back-off never gives up and is not used; its `open_by_key` would cost a request and is not needed. Its
HTTP client knows no base address, so a subclass puts the configured one in the place of Google's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, field_validator, model_validator

from syncd.sdk import (
    Check,
    ConfigError,
    ConnectionSettings,
    Context,
    Json,
    Page,
    RetryLater,
    Secret,
    Snapshot,
    SourceBroken,
    Stream,
    WebAddress,
    failure,
    network_failure,
    quota_and_clock,
)
from syncd.sdk.a1 import parse_range, quote_sheet, split_sheet
from syncd.sdk.cells import Cell, Reader
from syncd.sdk.table_measure import TableKeys, below_header, is_range
from syncd.sdk.tables import Grid, Unreadable

if TYPE_CHECKING:
    from gspread.http_client import HTTPClient

_GOOGLE = "https://sheets.googleapis.com"
_READ_ONLY = ["https://www.googleapis.com/auth/spreadsheets.readonly"]
_UNFORMATTED = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "SERIAL_NUMBER"}


class SheetsSettings(ConnectionSettings):
    """A Google account that the spreadsheets are shared with."""

    url: WebAddress = Field(_GOOGLE, description="What stands before /v4/spreadsheets.")
    credentials: str | None = Field(None, description="A service account's file; share the sheets with its address.")
    token: Secret | None = Field(None, description="An OAuth access token.")
    api_key: Secret | None = Field(None, description="An API key; it reads public spreadsheets only.")
    timeout: float = Field(60, gt=0, description="Seconds to wait for an answer.")

    @model_validator(mode="after")
    def _one_way_in(self) -> SheetsSettings:
        given = [name for name in ("credentials", "token", "api_key") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(given)}; keep one of them" if given else "needs 'credentials', 'token' or 'api_key'"
            )
        return self


class SheetsMeasure(TableKeys):
    """What Google Sheets adds to a measure."""

    spreadsheet: str = Field(min_length=1, description="The id in its address, between /d/ and /edit.")

    @field_validator("spreadsheet")
    @classmethod
    def _id_alone(cls, value: str) -> str:
        match = re.search(r"/spreadsheets/d/([\w-]+)", value)
        if match:
            raise ValueError(f"is an address; write its id alone: {match[1]}")
        if not re.fullmatch(r"[\w.-]+", value):
            raise ValueError(f"is {value!r}; write the id in the spreadsheet's address, between /d/ and /edit")
        return value

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """One spreadsheet is one stream."""
        return [self.spreadsheet]


class Sheets:
    """The connector."""

    summary: ClassVar[str] = "numbers in Google Sheets"
    Settings = SheetsSettings
    Measure = SheetsMeasure

    @staticmethod
    def open(settings: SheetsSettings, context: Context) -> SheetsSource:
        """A source; makes no request yet."""
        return SheetsSource(settings, context)


class _Values(BaseModel):
    """One range of a batchGet: where it stands, and its rows. All blank: no values at all."""

    range: str = ""
    values: list[list[Any]] = []


class _Batch(BaseModel):
    valueRanges: list[_Values] = []  # noqa: N815 - Google's name


class _Properties(BaseModel):
    title: str


class _Sheet(BaseModel):
    properties: _Properties


class _Named(BaseModel):
    name: str


class _Spreadsheet(BaseModel):
    sheets: list[_Sheet] = []
    namedRanges: list[_Named] = []  # noqa: N815 - Google's name


class SheetsSource:
    """An opened account."""

    def __init__(self, settings: SheetsSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._http = _http_client(settings, context)

    def verify(self, stream: Stream) -> None:
        """Spreadsheets have no fields."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Every part's readings as they stand. One batchGet, and one request more where a part names a header.

        Where Google refuses the batch for one bad range, each reference is asked for alone: a sheet that is gone fails
        its own measures and no others.
        """
        parts = {part: SheetsMeasure.of_part(part) for part in sorted(stream.needs)}
        references = sorted({ref for keys in parts.values() for ref in keys.references()})
        ranges, headers = self._ranges(stream.key, references)
        grids = self._grids(stream.key, ranges)

        def resolve(reference: str) -> Grid:
            found = grids[ranges[reference]]
            if isinstance(found, str):
                raise Unreadable(found)
            header = headers.get(reference)
            return found if header is None else below_header(found, header, reference)

        readings: dict[str, Snapshot] = {}
        for part, keys in parts.items():
            readings[part] = keys.read(resolve, Reader(self._context.zone, keys.as_, serial_dates=True))
        yield Page(readings=readings)

    def census(self, stream: Stream) -> Iterator[Page]:
        """Never asked of readings."""
        return iter(())

    def check(self) -> Iterator[Check]:
        """Reachable and authenticated: asks for a spreadsheet that cannot be, and looks at the kind of no."""
        try:
            response = self._send(f"{_GOOGLE}/v4/spreadsheets/syncd-doctor", {})
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
            yield Check("least scopes", True, "asks for spreadsheets.readonly alone")
        yield from quota_and_clock({name.lower(): value for name, value in headers.items()}, self._context.now())

    def close(self) -> None:
        """Closes the sockets."""
        self._http.session.close()

    def _ranges(self, spreadsheet: str, references: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """What to ask Google for each reference (a header's whole sheet), and which references are headers."""
        asked = {reference: reference for reference in references}
        headers: dict[str, str] = {}
        unclear = [reference for reference in references if not is_range(reference)]
        if not unclear:
            return asked, headers
        answer = self._get(
            f"{_GOOGLE}/v4/spreadsheets/{spreadsheet}",
            {"fields": "sheets.properties.title,namedRanges.name"},
            TypeAdapter(_Spreadsheet),
        )
        titles = [sheet.properties.title for sheet in answer.sheets]
        named = {entry.name for entry in answer.namedRanges}
        for reference in unclear:
            sheet, rest = split_sheet(reference)
            if sheet is not None:
                asked[reference], headers[reference] = quote_sheet(sheet), rest
            elif rest in titles:
                asked[reference] = quote_sheet(rest)
            elif rest not in named and titles:
                asked[reference], headers[reference] = quote_sheet(titles[0]), rest
        return asked, headers

    def _grids(self, spreadsheet: str, ranges: Mapping[str, str]) -> dict[str, Grid | str]:
        """The cells of each range asked for, or why there are none."""
        wanted = list(dict.fromkeys(ranges.values()))
        try:
            return dict(zip(wanted, self._batch(spreadsheet, wanted), strict=True))
        except _BadRange as error:
            if len(wanted) == 1:
                return {wanted[0]: str(error)}
        found: dict[str, Grid | str] = {}
        for one in wanted:
            try:
                (found[one],) = self._batch(spreadsheet, [one])
            except _BadRange as error:
                found[one] = str(error)
        return found

    def _batch(self, spreadsheet: str, ranges: Sequence[str]) -> list[Grid]:
        answer = self._get(
            f"{_GOOGLE}/v4/spreadsheets/{spreadsheet}/values:batchGet",
            {"ranges": list(ranges), **_UNFORMATTED},
            TypeAdapter(_Batch),
        )
        if len(answer.valueRanges) != len(ranges):
            raise RetryLater(f"it was asked for {len(ranges)} ranges and answered with {len(answer.valueRanges)}")
        return [_grid(asked, values) for asked, values in zip(ranges, answer.valueRanges, strict=True)]

    def _get(self, url: str, parameters: Mapping[str, Any], shape: TypeAdapter[Any]) -> Any:
        def ask() -> Any:
            response = self._send(url, parameters)
            if response.status_code != 200:
                error = failure(response.status_code, response.headers, response.text, self._context.now())
                if response.status_code == 400 and "range" in response.text:
                    raise _BadRange(_google_message(response.text))
                raise error
            try:
                return shape.validate_python(orjson.loads(response.content))
            except (ValidationError, orjson.JSONDecodeError):
                raise RetryLater("its answer is not what Google documents") from None

        return self._context.retry.call(ask)

    def _send(self, url: str, parameters: Mapping[str, Any]) -> Any:
        import google.auth.exceptions as google
        import requests

        try:
            return self._http.send(url, parameters)
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


class _BadRange(SourceBroken):
    """Google cannot make sense of a range: its sheet is gone or renamed, as a rule."""


def _grid(asked: str, values: _Values) -> Grid:
    sheet, rest = split_sheet(values.range or asked)
    area = parse_range(rest)
    top, left = (area.first_row, area.first_column) if area else (0, 0)
    rows: list[list[Cell]] = [[_cell(cell) for cell in row] for row in values.values]
    return Grid(sheet, rows, top, left)


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise RetryLater(f"its answer holds a cell of the type {type(value).__name__}")


def _google_message(text: str) -> str:
    try:
        return str(orjson.loads(text)["error"]["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "a range cannot be read"


def _http_client(settings: SheetsSettings, context: Context) -> HTTPClient:
    import requests
    from gspread.http_client import HTTPClient

    class Client(HTTPClient):  # type: ignore[misc]
        """gspread's client at the configured address; answers of any status are handed back for our own triage."""

        def send(self, url: str, parameters: Mapping[str, Any]) -> requests.Response:
            address = settings.url + url.removeprefix(_GOOGLE)
            # Google redirects nothing here, and requests would take an API key along to another host.
            return self.session.get(address, params=parameters, timeout=settings.timeout, allow_redirects=False)

    session: Any = requests.Session()
    if settings.credentials is not None:
        session = _service_account(Path(context.folder) / settings.credentials, settings.timeout)
    elif settings.token is not None:
        session.headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    elif settings.api_key is not None:
        session.headers["x-goog-api-key"] = settings.api_key.get_secret_value()
    return Client(auth=None, session=session)


def _service_account(path: Path, timeout: float) -> Any:
    """A session that signs in with a service account's key, at the token_uri that its file names.

    google-auth's own session would also ask a Google host for the account's "regional access boundary", with our
    token and beside every other host that is configured: this one fetches tokens and does nothing else.
    """
    import requests
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials

    try:
        credentials = Credentials.from_service_account_file(str(path), scopes=_READ_ONLY)
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
    return session
