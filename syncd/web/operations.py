"""The table of the API's addresses. The routes, the OpenAPI document and the docs are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from syncd.config.messages import alternatives
from syncd.explain.document_types import ExplanationDocument, HistoryDocument, RequestDocument
from syncd.review.document_types import ReviewDocument
from syncd.status.document_types import StatusDocument
from syncd.web import sources
from syncd.web.actions import Act, ApprovalBody, CheckInBody, DecisionBody, approve, check_in, decide
from syncd.web.answers import explanation_answer, history_answer, review_answer, status_answer
from syncd.web.view import View

Answer = Callable[[View, Request], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter of an address. The first of its `choices` is the default; `schema` is its JSON Schema."""

    name: str
    meaning: str
    schema: Mapping[str, Any]
    choices: Sequence[str] = ()

    def check(self, values: Sequence[str]) -> None:
        """HTTPException 400 if the parameter has several values, an empty value, or a value that is not among the
        choices.
        """
        if len(values) > 1:
            raise HTTPException(400, f"{self.name} stands there {len(values)} times; write it once")
        if "" in values:
            raise HTTPException(400, f"{self.name} is empty; write a value, or leave it out")
        if self.choices and not set(values) <= set(self.choices):
            raise HTTPException(400, f"{self.name} is {values[0][:50]!r}; write {alternatives(self.choices)}")


PERIOD = Parameter(
    "period", "The period's id, such as `2026-Q4` (default: the period of that day).", {"type": "string"}
)
AT = Parameter(
    "at", "The past day whose end is shown, such as `2026-11-02` (default: now).", {"type": "string", "format": "date"}
)
BACKFILL = Parameter(
    "backfill",
    "Whether to compute also the days before the first value.",
    {"type": "boolean", "default": False},
    ("false", "true"),
)
OF = Parameter(
    "of",
    "Whether to review the last seven days or the whole period.",
    {"type": "string", "enum": ["week", "period"], "default": "week"},
    ("week", "period"),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """A GET address of the API: its meaning, the type of its document, the function that makes the document, and its
    parameters.

    `id` is the operation's name in the OpenAPI document. Generated clients name their function after it.
    """

    path: str
    id: str
    meaning: str
    document: type[Any]
    answer: Answer
    parameters: Sequence[Parameter] = ()


OPERATIONS = (
    Operation(
        "/api/status",
        "status",
        "Where every key result of a period stands: the document of `syncd status --json`.",
        StatusDocument,
        lambda view, _: status_answer(view),
        (PERIOD, AT),
    ),
    Operation(
        "/api/key-results/{id}",
        "explain",
        "All the evidence behind a number: the document of `syncd explain ID --json`.",
        ExplanationDocument,
        lambda view, request: explanation_answer(view, request.path_params["id"]),
        (PERIOD, AT),
    ),
    Operation(
        "/api/key-results/{id}/history",
        "history",
        "A key result day by day: the document of `syncd history ID --json`.",
        HistoryDocument,
        lambda view, request: history_answer(
            view, request.path_params["id"], backfill=request.query_params.get("backfill") == "true"
        ),
        (PERIOD, AT, BACKFILL),
    ),
    Operation(
        "/api/review",
        "review",
        "What moved and why: the document of `syncd review --json`.",
        ReviewDocument,
        lambda view, request: review_answer(view, whole=request.query_params.get("of") == "period"),
        (PERIOD, AT, OF),
    ),
    Operation(
        "/api/sources",
        "sources",
        "Each stream with the result of its last pull, and the check-ins that are not written.",
        sources.SourcesDocument,
        lambda view, _: sources.document(view),
        (PERIOD,),
    ),
)


@dataclass(frozen=True, slots=True)
class Action:
    """A POST address of the API: its meaning, the type of its JSON body, and the function that stores the request. The
    body may be empty unless the action `needs_body`.
    """

    path: str
    id: str
    meaning: str
    body: type[Any]
    act: Act
    parameters: Sequence[Parameter] = ()
    needs_body: bool = True


def check_parameters(parameters: Sequence[Parameter], request: Request) -> None:
    """HTTPException 400 for an unknown parameter, or for a value that the parameter does not accept."""
    by_name = {parameter.name: parameter for parameter in parameters}
    for name in request.query_params:
        if name not in by_name:
            taken = f"it takes {', '.join(by_name)}" if by_name else "it takes none"
            raise HTTPException(400, f"{request.scope['path'][:100]} has no parameter {name[:50]!r}; {taken}")
        by_name[name].check(request.query_params.getlist(name))


ACTIONS = (
    Action(
        "/api/key-results/{id}/check-ins",
        "checkIn",
        "Check in a value, a note or a confidence: for editors, and for owners if `owners_check_in` is set.",
        CheckInBody,
        check_in,
        (PERIOD,),
    ),
    Action(
        "/api/key-results/{id}/approval",
        "approve",
        "Approve the held number of a key result: for operators.",
        ApprovalBody,
        approve,
        (PERIOD,),
    ),
    Action(
        "/api/deliveries/{id}/retry",
        "retryDelivery",
        "Retry a delivery that failed or may not have arrived: for operators.",
        DecisionBody,
        lambda view, number, posted: decide(view, number, "retry", posted),
        needs_body=False,
    ),
    Action(
        "/api/deliveries/{id}/allow",
        "allowDelivery",
        "Allow a delivery to overwrite content that somebody else wrote: for operators.",
        DecisionBody,
        lambda view, number, posted: decide(view, number, "allow", posted),
        needs_body=False,
    ),
)


class StoredDocument(RequestDocument):
    """A request that is stored. The next cycle carries it out."""

    message: str
    """What happens to the request next, in a sentence."""
