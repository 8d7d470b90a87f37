"""Templates over the fields of a check-in: Jinja2 with only values, filters and `{% if %}`.

A template may use only the data of the check-in, and must not take long. Calls, attributes and loops are therefore
refused. syncd tries each template on examples when it reads the configuration, so that a wrong template fails then and
not on delivery.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal
from urllib.parse import quote

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from syncd.sdk import STATED, Statement

ID = "id"
"""The name that templates use for the id from `ids`."""

LONGEST = 100_000
"""The most characters that a template may produce."""

FILTERS = (
    "abs", "default", "float", "int", "join", "length", "lower", "replace", "round", "string", "title", "tojson",
    "trim", "truncate", "upper", "urlencode",
)  # fmt: skip
_MAY = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Name, nodes.Const, nodes.List, nodes.Dict,
    nodes.Pair, nodes.Tuple, nodes.Keyword, nodes.Getitem, nodes.Slice, nodes.CondExpr, nodes.Filter, nodes.Test,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub,
    nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Concat,
)  # fmt: skip
_SHOWN = 60
_REFERENCE = re.compile(r"\$\{[A-Za-z_]\w*\}")

Kind = Literal["path", "text", "value"]
"""The kind of result of a template: a path, whose values are quoted; a text; or the value of a single expression."""


class TemplateFailed(ValueError):
    """A template cannot render a check-in. The message gives the reason."""


class Template:
    """A template from the configuration. Raises ValueError if its text is not a template, or names a field that
    check-ins do not have.
    """

    def __init__(self, source: str, kind: Kind) -> None:
        environment = _environment(kind == "path")
        if reference := _REFERENCE.search(source):
            raise ValueError(
                f"has {reference[0]}, which is replaced in connections only; secrets belong into the "
                "connection's headers"
            )
        try:
            parsed = environment.parse(source)
            beyond = next((node for node in _all(parsed) if not isinstance(node, _MAY)), None)
            if beyond is not None:
                raise ValueError(f"has {shown(source)} with a {type(beyond).__name__.lower()}; {_ALONE}")
            self.names = meta.find_undeclared_variables(parsed)
            if kind == "value" and _is_expression(parsed):
                inner = re.sub(r"\A\{\{[-+]?|-?\}\}\Z", "", source)
                self._render: Callable[..., Any] = environment.compile_expression(inner, undefined_to_none=False)
            else:
                self._render = environment.from_string(parsed).render
        except jinja2.TemplateError as error:
            raise ValueError(f"has {shown(source)}, which is no template: {_explained(error)}") from None
        for name in sorted(self.names - STATED - {ID}):
            raise ValueError(f"has {{{{ {name} }}}}, which no check-in says{_nearest(name)}")

    def render(self, data: Mapping[str, Any]) -> Any:
        """The text or value that the template makes from `data`. Raises TemplateFailed."""
        try:
            made = self._render(**data)
            text = str(made)  # an undefined value fails here
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise TemplateFailed(_explained(error)) from None
        if len(text) > LONGEST:
            raise TemplateFailed(f"it makes a text of more than {LONGEST:,} characters")
        return made


template = cache(Template)
"""The template for a text and a kind. Each template is compiled once."""

_ALONE = "write values, filters and {% if %} alone"


class _Environment(SandboxedEnvironment):
    intercepted_binops = frozenset({"*"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Multiplies only numbers, because a text repeated a billion times would fill the memory."""
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise TypeError("only numbers can be multiplied")
        return super().call_binop(context, operator, left, right)


@cache
def _environment(quoting: bool) -> jinja2.Environment:
    environment = _Environment(
        undefined=jinja2.StrictUndefined, finalize=_quoted if quoting else _as_text, autoescape=False
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    return environment


def _as_text(value: Any) -> Any:
    """A value in the form for texts: None is empty, and a whole number has no decimals."""
    if value is None:
        return ""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _quoted(value: Any) -> str:
    """A value in the form for paths, quoted."""
    if isinstance(value, jinja2.Undefined):
        return str(value)
    text = str(_as_text(value))
    if text in ("", ".", ".."):
        raise TypeError(f"a path cannot hold {'nothing' if value is None else repr(text)} in place of a value")
    return quote(text, safe="")


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _all(child)


def _is_expression(parsed: nodes.Template) -> bool:
    match parsed.body:
        case [nodes.Output(nodes=[expression])]:
            return not isinstance(expression, nodes.TemplateData)
    return False


def _nearest(name: str) -> str:
    names = sorted(STATED | {ID})
    match = get_close_matches(name.lower(), names, n=1)
    return f"; did you mean {match[0]!r}?" if match else f"; known here: {', '.join(names)}"


def shown(text: str) -> str:
    """A text from the configuration, cut to fit into a message."""
    return repr(text) if len(text) <= _SHOWN else repr(text[: _SHOWN - 1] + "…")


def _explained(error: Exception) -> str:
    """The error in words for the author of the YAML, because messages of Jinja and Python are for programmers."""
    text = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    if "NoneType" in text:
        return "a value in it may be missing; write such as (note or '')"
    return re.sub(r"'dict object' has no attribute (.*)", r"it says nothing for \1", text)


# -- the data of templates


def data_of(statement: Statement, id_: str | int | None) -> dict[str, Any]:
    """The fields of a check-in by name: times in the form of RFC 3339, whole numbers without decimals."""
    data = {field.name: _plain(getattr(statement, field.name)) for field in fields(statement) if field.name in STATED}
    return {**data, ID: id_}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def examples() -> Iterator[tuple[str, Statement]]:
    """Example check-ins of every kind, each with a description of what is special about it."""
    yield "everything known", _WHOLE
    yield "no note, unit, owner, target or address", _SPARSE
    for health in ("at_risk", "off_track", "done", "unknown"):
        yield f"health {health!r}", replace(_WHOLE, health=health)
    for quality in ("partial", "failed", "stale", "held"):
        yield f"quality {quality!r}", replace(_WHOLE, quality=quality)


_WHOLE = Statement(
    key_result="calls",
    title="Calls fall",
    kind="outcome",
    unit="calls/week",
    objective="service",
    objective_title="Customers find answers",
    owner="support",
    period="2026-Q4",
    value=1092.5,
    baseline=1200.0,
    target=600.0,
    progress=0.18,
    score=0.18,
    expected=0.56,
    health="on_track",
    quality="complete",
    reason="an example",
    confidence=0.5,
    note="an example",
    as_of=datetime(2026, 11, 20, tzinfo=UTC),
    updated=datetime(2026, 11, 21, 10, 15, tzinfo=UTC),
    evidence="https://okrs.example/#calls",
)
_SPARSE = replace(
    _WHOLE,
    unit=None,
    owner=None,
    baseline=None,
    target=None,
    expected=None,
    reason=None,
    confidence=None,
    note=None,
    evidence=None,
)
