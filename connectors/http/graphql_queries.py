"""Checks that a GraphQL text only reads. syncd may then repeat the POST with this text, and send it in a rehearsal.

An operation of the type query has no side effects (spec.graphql.org, "Query"). syncd refuses a mutation or a
subscription before it sends anything. Some servers use a parameter of the address as the query, even if the body has a
query (GraphQL over HTTP, "Request Parameters"). syncd therefore refuses such a parameter too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from syncd.sdk import RetryLater, SourceBroken, SourceError, sentence

LONGEST = 20_000
"""The most characters of a GraphQL text."""

_MOST_TOKENS = 5_000
_LIMITS = frozenset({"RATE_LIMITED", "RATE_LIMIT_EXCEEDED", "THROTTLED", "TOO_MANY_REQUESTS"})
_ENDPOINT = re.compile(r"[\w-]*graphql(\.\w+)?|gql", re.IGNORECASE | re.ASCII)
_OF_REQUESTS = re.compile("query|mutation|variables|operation(name)?|extensions|id|(doc|document|query)(id|hash)")
_LIMIT_WAIT = 60.0  # seconds, if a limit names no time (docs.github.com "Rate limits for the GraphQL API")


@cache
def reads(text: str) -> Mapping[str, bool]:
    """The variables of a query by name, and whether each must be given. Raises ValueError if the text may do more than
    read, or is not a GraphQL query.
    """
    import graphql

    if len(text) > LONGEST:
        raise ValueError(f"has {len(text):,} characters; write at most {LONGEST:,}")
    try:
        document = graphql.parse(text, max_tokens=_MOST_TOKENS)
    except graphql.GraphQLError as error:
        line = error.locations[0].line if error.locations else 1
        raise ValueError(f"is no GraphQL: line {line}: {error.message.removeprefix('Syntax Error: ')}") from None
    except RecursionError:
        raise ValueError("is nested too deep; ask for less at once") from None
    operations = []
    for definition in document.definitions:
        if isinstance(definition, graphql.OperationDefinitionNode):
            operations.append(definition)
        elif not isinstance(definition, graphql.FragmentDefinitionNode):
            raise ValueError(  # noqa: TRY004 - for pydantic
                "has a schema; write one query, and the fragments that it uses"
            )
    for operation in operations:
        if operation.operation is not graphql.OperationType.QUERY:
            raise ValueError(f"has a {operation.operation.value}, and a measure only reads; write a query")
    if len(operations) != 1:
        raise ValueError(f"has {len(operations)} queries; write one")
    return {
        variable.variable.name.value: isinstance(variable.type, graphql.NonNullTypeNode)
        and variable.default_value is None
        for variable in operations[0].variable_definitions or ()
    }


def is_endpoint(address: str) -> bool:
    """Whether an address, by its name, accepts only GraphQL: its last segment is `graphql`, `graphql.json`,
    `api-graphql` or `gql`. A POST to any other address may write, whatever its body is.
    """
    return _ENDPOINT.fullmatch(unquote(urlsplit(address).path.rstrip("/").rpartition("/")[2])) is not None


def check_parameters(path: str, names: Collection[str]) -> None:
    """Raises ValueError if a parameter in the path, or one of `names`, is a part of a GraphQL request. A server may use
    such a parameter in place of the query in the body, but syncd checks only the body.
    """
    in_path = [name for name, _ in parse_qsl(urlsplit(path).query.replace(";", "&"), keep_blank_values=True)]
    for name in (*in_path, *names):
        if _OF_REQUESTS.fullmatch(re.sub("[^a-z]", "", name.partition("[")[0].lower())):
            raise ValueError(
                f"goes without the parameter {name}, which a server may take in place of the query; write the query as "
                "graphql, what it is given as variables, and drop the parameter"
            )


def texts(text: str) -> Sequence[str]:
    """The literal strings in a query."""
    import graphql

    literals: list[str] = []

    class Literals(graphql.Visitor):
        """Collects the literals."""

        def enter_string_value(self, node: graphql.StringValueNode, *_: object) -> None:
            """Adds a literal string."""
            literals.append(node.value)

    graphql.visit(graphql.parse(text, max_tokens=_MOST_TOKENS), Literals())
    return literals


def check_variables(text: str, given: Collection[str], by_pages: str | None) -> None:
    """Raises ValueError if a given variable is not declared in the query, or if a variable that the query needs is not
    given. `by_pages` is the variable that `pages:` sets.
    """
    declared = reads(text)
    for name in (*given, *([by_pages] if by_pages else [])):
        if name not in declared:
            nearest = get_close_matches(name, declared, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else f"; declare it, as in query (${name}: String)"
            raise ValueError(f"does not declare the variable ${name}{hint}")
    lacking = [name for name, needed in declared.items() if needed and name not in given]
    if lacking:
        raise ValueError(f"needs the variable ${lacking[0]}; give it in 'variables'")


def canonical(text: str) -> str:
    """The text without insignificant blanks and commas, and without comments."""
    import graphql

    return graphql.strip_ignored_characters(text)


def failure(data: Any, hide: Callable[[str], str]) -> SourceError | None:
    """The error in an answer with status 200; None if the answer has no error. Data beside an error may be incomplete
    (spec.graphql.org, "Errors").
    """
    errors = data.get("errors") if isinstance(data, Mapping) else None
    if not errors:
        return None
    text = f"the GraphQL answer holds an error: {sentence(orjson.dumps(data).decode(), hide)}"
    listed = [error for error in errors if isinstance(error, Mapping)] if isinstance(errors, list) else []
    if any(_code(error) in _LIMITS for error in listed):
        return RetryLater(text, _LIMIT_WAIT)
    return SourceBroken(text)


def _code(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    return str(error.get("type") or code or "").upper()
