"""The keys that a web API adds to a measure: what to request, and what to read from the answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from pydantic import Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from connectors.http.dates import Dates, check_days, first_place, names_days, sample
from connectors.http.expressions import list_paths
from connectors.http.graphql_queries import canonical, check_parameters, check_variables, is_endpoint, reads, texts
from connectors.http.keys import NO_REFERENCES, Expression, Path, check_no_secrets, makes_a_list
from connectors.http.paging import Pages, Request
from connectors.http.settings import HttpSettings
from syncd.sdk import ConnectionSettings, ReadingKeys, not_allowed
from syncd.sdk.key_rules import both, has, holds, lacks, refuse, text

Value = str | bool | int | float

_GRAPHQL = text(
    r"^(?!\s*(mutation|subscription)\b)[\s\S]*\{",
    "write a GraphQL query, such as { calls { total } }; no mutation and no subscription",
)
_HOW_TO_PAGE = "write where the next page is, such as {next: link}, or false if the answer is whole"
_WHOLE: dict[str, Any] = {
    "type": "boolean",
    "const": False,
    "errorMessage": _HOW_TO_PAGE,
}


class HttpMeasure(ReadingKeys):
    """The keys that a web API adds to a measure."""

    asked = ("path", "json_")
    as_texts = (("params",),)
    rules = (
        NO_REFERENCES,
        refuse(
            both(has("body"), {"not": holds("method", "POST")}, lacks("graphql")),
            "has a body, which goes with 'method: POST'",
        ),
        refuse(
            both(has("graphql"), {"anyOf": [holds("method", "POST"), has("body")]}),
            "has a graphql, which goes without 'method' and 'body': it is sent by POST, as a read",
        ),
    )
    whole_rules = (refuse(both(has("variables"), lacks("graphql")), "has variables, which go with 'graphql'"),)

    path: Path = Field("", description="The path and query to append to the connection's url: /v1/nps?team=support.")
    params: dict[str, Value | list[Value]] = Field(
        {}, description='Query parameters, which syncd encodes: {team: support, from: "{start}"}.'
    )
    method: Literal["GET", "POST"] = Field("GET", description="The HTTP method.")
    body: dict[str, Any] | list[Any] | None = Field(None, description="The body of a POST. syncd sends it as JSON.")
    graphql: Annotated[str, WithJsonSchema(_GRAPHQL)] | None = Field(
        None,
        description="A GraphQL query, without mutations and subscriptions. syncd sends it by POST and treats it as a "
        "read.",
    )
    variables: dict[str, Any] | None = Field(None, description="The variables of the GraphQL query.")
    json_: Expression = Field(
        alias="json",
        description="A JMESPath expression for a number, or for a list of [date, value] pairs: `points[].[day, "
        "value]`.",
    )
    pages: Pages | Annotated[Literal[False], WithJsonSchema(_WHOLE)] | None = Field(
        None,
        description="How to reach the next page; `false` if an answer is complete although it names further pages.",
    )

    @field_validator("path", "params", "body", "variables")
    @classmethod
    def _days_can_be_filled_in(cls, value: Any) -> Any:
        check_days(value)
        return value

    @field_validator("path", "params", "body", "variables")
    @classmethod
    def _without_secrets(cls, value: Any) -> Any:
        check_no_secrets(value)
        return value

    @field_validator("params")
    @classmethod
    def _not_in_the_path(cls, value: Any, info: ValidationInfo) -> Any:
        given = dict(parse_qsl(str(info.data.get("path", "")).partition("?")[2], keep_blank_values=True))
        for name in value:
            if name in given:
                raise ValueError(f"has {name}, which is in path too; keep one of them")
        return value

    @field_validator("body")
    @classmethod
    def _with_post(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("method") != "POST":
            raise ValueError("goes with 'method: POST'")
        return value

    @field_validator("graphql")
    @classmethod
    def _only_reads(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if info.data.get("method") == "POST" or info.data.get("body") is not None:
            raise ValueError("goes without 'method' and 'body': it is sent by POST, as a read")
        reads(value)
        check_parameters(info.data.get("path", ""), info.data.get("params", ()))
        for literal in texts(value):
            check_no_secrets(literal)
            if (written := first_place(literal)) is not None:
                raise ValueError(
                    f"has {written} in its text, where it would be sent as it is; declare a variable, and write such "
                    'as variables: {from: "{start}"}'
                )
        return value

    @field_validator("variables")
    @classmethod
    def _with_a_query(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("graphql") is None and "graphql" in info.data:
            raise ValueError("goes with 'graphql'")
        return value

    @field_validator("pages", mode="before")
    @classmethod
    def _block_or_false(cls, value: Any) -> Any:
        if value is False or value is None or isinstance(value, Pages):
            return value
        if not isinstance(value, dict):
            given = "true" if value is True else repr(value)
            raise ValueError(f"is {given}; {_HOW_TO_PAGE}")  # noqa: TRY004 - for pydantic
        return Pages.model_validate(value)

    @model_validator(mode="after")
    def _variables_are_declared(self) -> HttpMeasure:
        if self.graphql is not None:
            by_pages = self.pages.parameter if self.pages else None
            try:
                check_variables(self.graphql, self.variables or (), by_pages)
            except ValueError as error:
                raise ValueError(f"has a graphql that {error}") from None
        return self

    @model_validator(mode="after")
    def _pages_can_be_counted(self) -> HttpMeasure:
        if not self.pages or not (name := self.pages.counted):
            return self
        if len(list_paths(self.json_)) != 1:
            raise ValueError(f"has pages by {name} and a json that reads several lists or none; read a single list")
        request = sample(lambda dates: self.request("", dates))
        if (first := request.parameter(name)) is None:
            where = "variables" if self.graphql is not None else "body" if self.body is not None else "params"
            start = 0 if self.pages.offset else 1
            raise ValueError(
                f"has pages by {name} and does not give the first of them; write such as {where}: {{{name}: {start}}}, "
                "with the number from which this API counts"
            )
        if not isinstance(first, int):
            raise ValueError(  # noqa: TRY004 - for pydantic
                f"has pages by {name}, whose first is {first!r}; write a whole number"
            )
        return self

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The refusal, if the measure sends a POST and the connection does not allow a POST. The connection's owner
        must allow a POST, because a POST may write.
        """
        url, may_post = (settings.url, settings.post) if isinstance(settings, HttpSettings) else ("", False)
        if self.method == "POST" and not may_post:
            return "method", "is POST, which may write; if this API reads by it, write post: true on its connection"
        by_reference = url.endswith("}") and not self.path.partition("?")[0].strip(
            "/"
        )  # it is checked again when the reference is resolved
        if self.may_write(url) and not may_post and not by_reference:
            return "graphql", (
                "is sent by POST, which may write where no GraphQL is; write a path that ends with /graphql, or, if "
                "this API takes GraphQL elsewhere, post: true on its connection"
            )
        allow = settings.allow if isinstance(settings, HttpSettings) else None
        return not_allowed("path", [sample(lambda dates: dates.path(self.path)).partition("?")[0]], allow)

    @property
    def many(self) -> bool:
        """Whether the expression makes a list."""
        return makes_a_list(self.json_)

    @property
    def asks_days(self) -> bool:
        """Whether the request names days."""
        return any(map(names_days, (self.path, self.params, self.body, self.variables)))

    def may_write(self, url: str) -> bool:
        """Whether the request may write at a connection's url. A POST may, unless it is a GraphQL query to a GraphQL
        endpoint.
        """
        if self.graphql is not None:
            return not is_endpoint(url + sample(lambda dates: dates.path(self.path)))
        return self.method == "POST"

    def request(self, url: str, dates: Dates) -> Request:
        """The request for the first page."""
        address = url + dates.path(self.path)
        if self.params:
            pairs = list(_pairs(dates.value(self.params)))
            address += ("&" if "?" in address else "?") + urlencode(pairs, quote_via=quote)
        if self.graphql is not None:
            body = {"query": self.graphql, "variables": dates.value(self.variables or {})}
            return Request(address, "POST", body, is_graphql=True)
        return Request(address, self.method, dates.value(self.body))

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The stream, named by its requests. Measures with the same requests share the stream."""
        params = f"?{_packed(self.params)}" if self.params else ""
        if self.graphql is not None:
            parts = ["GraphQL", self.path, params, canonical(self.graphql)]
            parts += [_packed(self.variables)] if self.variables else []
        else:
            parts = [self.method, self.path, params, "" if self.body is None else _packed(self.body)]
        pages = self.pages.shown(self.json_) if self.pages else ""
        return [" ".join(filter(None, parts)) + pages]


def _packed(part: Any) -> str:
    return orjson.dumps(part, option=orjson.OPT_SORT_KEYS).decode()


def _pairs(params: Mapping[str, Value | list[Value]]) -> Iterator[tuple[str, str]]:
    """A pair of texts for each value of each parameter. Booleans become `true` or `false`."""
    for name, given in params.items():
        for value in given if isinstance(given, list) else [given]:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)
