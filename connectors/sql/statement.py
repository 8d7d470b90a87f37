"""A query, checked before it can run: a single SELECT that changes nothing and calls only functions that compute.

sqlglot parses the query in the dialect of its database, and each node of the syntax tree must be of a class that reads.
syncd removes the comments before it runs the text, because a database and a parser may disagree about what a comment is
(`/*! … */` of MySQL, `--1`). A removed comment cannot hide a statement.
"""

from __future__ import annotations

import itertools
import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connectors.sql.functions import allowed_functions
from connectors.sql.hidden import attributes, check_names
from connectors.sql.tokens import (
    PARAMETERS,
    WINDOW,
    Refused,
    Statement,
    check_comments,
    check_escapes,
    check_words,
    rebuilt,
)
from syncd.sdk.names import nearest_hint

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect

LONGEST = 20_000
"""The most characters of a query."""

_NAMES_DAYS = re.compile(rf"(?<!:):({'|'.join(PARAMETERS)})\b", re.IGNORECASE)
_SHOWN = 60
_READ_ONLY = "a measure may only read: write a single SELECT without it"
_ADDED = "if it only computes, whoever owns syncd.yaml may add it to 'functions' of the connection"

_DIALECTS = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "mssql": "tsql",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
}
"""sqlglot's name for the SQL dialect of each database, by SQLAlchemy's name of the database."""

DATABASES = tuple(_DIALECTS)
"""The databases whose queries can be checked, by SQLAlchemy's names."""


def names_days(query: str) -> bool:
    """Whether a query seems to name a parameter, without parsing it."""
    return _NAMES_DAYS.search(query) is not None


@lru_cache(maxsize=1024)
def check(query: str, database: str, functions: frozenset[str] = frozenset()) -> Statement:
    """Checks a query for a database, and returns its statement. The query may call `functions` in addition to the
    functions that every query may call.

    Raises Refused if the query may not run.
    """
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # its warnings quote the query
    if len(query) > LONGEST:
        raise Refused(f"has {len(query):,} characters; write at most {LONGEST:,}, or make a view of it")
    dialect = Dialect.get_or_raise(_DIALECTS[database])
    dialect.ORIGINAL_NAME_META_KEY = "name"  # only for this instance
    try:
        statement, text, tree = _parsed(dialect, query, database)
    except SqlglotError as error:
        raise Refused(f"cannot be read as one SELECT: {_why(error)}") from None
    except RecursionError:
        raise Refused("is nested too deeply; write a flatter query, or make a view of it") from None
    except Refused:
        raise
    except Exception:  # an error within the parser, such as for a function without its arguments
        raise Refused("cannot be read as one SELECT; look at its functions and their arguments") from None
    if len(statement.parts) // 2 != _Walk(text, database, functions).check(tree):
        raise Refused(f"uses ':' or '%' in a way that cannot be told from a parameter; {WINDOW}")
    return statement


def _parsed(dialect: Dialect, query: str, database: str) -> tuple[Statement, str, exp.Expr]:
    """The statement of a query, the text that runs (with its parameters), and the syntax tree of that text."""
    from sqlglot import exp
    from sqlglot.tokenizer_core import TokenType

    tokens = dialect.tokenize(query)
    check_comments(query, tokens)
    if tokens and tokens[0].text.upper() not in ("SELECT", "WITH", "("):
        raise Refused(f"begins with {tokens[0].text[:_SHOWN].upper()}; write a single SELECT")
    for token, after in itertools.pairwise(tokens):
        if token.token_type is TokenType.INTO and after.text.upper() in ("OUTFILE", "DUMPFILE"):
            raise Refused(f"writes its rows into a file by INTO {after.text.upper()}; {_READ_ONLY}")
    check_words(query, tokens, database)
    if database == "postgresql":
        check_escapes(query, tokens)
    trees = [tree for tree in dialect.parse(query) if not isinstance(tree, exp.Semicolon | None)]
    if len(trees) != 1:
        raise Refused(f"holds {len(trees)} statements; write a single SELECT")
    for token, after in itertools.pairwise(tokens):
        # If the parser takes a quoted name for syntax, the tree loses the quotes: "Overlay" is not the function
        # OVERLAY.
        is_quoted = token.token_type is TokenType.IDENTIFIER and token.text != token.text.lower()
        if is_quoted and after.text == "(" and token.text.upper() in dialect.parser_class.FUNCTION_PARSERS:
            raise Refused(f"calls {token.text}; write the name of a function without quotes")
    statement = Statement(rebuilt(query, tokens), trees[0].args.get("order") is not None)
    text = statement.text("named")
    again = dialect.tokenize(text)
    (tree,) = dialect.parse(text)
    # The text that runs must be the checked one: after it is rebuilt, a parser may read it in another way.
    kept = tokens[:-1] if query[tokens[-1].start] == ";" else tokens
    same = [(each.token_type, each.text) for each in again] == [(each.token_type, each.text) for each in kept]
    if tree is None or tree != trees[0] or not same:
        raise Refused("means another thing without its comments and line breaks; write them in another place")
    return statement, text, tree


class _Walk:
    def __init__(self, query: str, database: str, functions: frozenset[str]) -> None:
        from sqlglot import exp

        self._query = query
        self._database = database
        self._exp = exp
        self._own = functions
        self._allowed = allowed_functions(database) | {name.lower() for name in functions}
        self._reads = _classes(exp, _READING)
        self._calls = _classes(exp, _WITHOUT_NAME)
        self._refusals: tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], str], ...] = (
            ((exp.DML, exp.DDL, exp.Drop, exp.Alter, exp.TruncateTable), "writes"),
            (exp.Into, "writes its rows somewhere by INTO"),
            (exp.Lock, "locks rows by FOR UPDATE or FOR SHARE"),
            ((exp.Parameter, exp.SessionParameter), f"names a variable of the database ({WINDOW})"),
            (exp.Hint, "holds a hint to the database"),
            (exp.Operator, "names an operator by its schema"),
            (exp.Command, "is a command"),
        )

    def check(self, tree: exp.Expr) -> int:
        """The number of parameters in the tree. Raises Refused if a node does more than read."""
        exp = self._exp
        named = 0
        for node in tree.walk():
            self._check_node(node)
            named += isinstance(node, exp.Placeholder)
        check_names(tree, self._database)
        for name, written in attributes(tree) if self._database == "postgresql" else ():
            if name not in self._allowed:
                raise Refused(f"calls {name}, as PostgreSQL reads {written}; {_ADDED}")
        outermost = tree.unnest()
        if not isinstance(outermost, exp.Select | exp.SetOperation):
            raise Refused(f"begins with {type(tree).__name__.upper()}; write a single SELECT")
        if isinstance(outermost, exp.Select) and not outermost.expressions:
            raise Refused("selects no column; write such as SELECT count(*) AS n FROM orders")
        return named

    def _check_node(self, node: exp.Expr) -> None:
        exp = self._exp
        for kind, why in self._refusals:
            if isinstance(node, kind):
                raise Refused(f"{why}; {_READ_ONLY}")
        if isinstance(node, exp.Placeholder):
            if node.name.lower() not in PARAMETERS or node.name != node.name.lower():
                raise Refused(
                    f"names the parameter :{node.name}{nearest_hint(node.name, PARAMETERS)}; there are :start, :end "
                    "and :today"
                )
        elif isinstance(node, exp.WithTableHint):
            for hint in node.expressions:
                if hint.name.lower() not in _LOCKS_NOTHING:
                    raise Refused(f"holds the hint {hint.name}; write one of {', '.join(_LOCKS_NOTHING).upper()}")
        elif isinstance(node, exp.QueryOption) and node.name.upper() == "MAXRECURSION":
            return  # the most recursions of a query in SQL Server
        elif isinstance(node, exp.JSONValue) and "json_value" in self._allowed:
            return  # the parser takes this function for syntax
        elif isinstance(node, exp.Func):
            self._check_function(node)
        elif not isinstance(node, self._reads):
            raise Refused(
                f"holds {type(node).__name__.upper()}, which syncd does not know to be harmless; make a view of it"
            )

    def _is_quoted(self, node: exp.Func) -> bool:
        start = node.meta.get("start")
        return isinstance(start, int) and not self._query[start].isalpha()

    def _check_function(self, node: exp.Func) -> None:
        exp = self._exp
        name = node.name if isinstance(node, exp.Anonymous) else str(node.meta.get("name") or "")
        if not name:
            names = [str(each).lower() for each in type(node).sql_names()]
            if isinstance(node, self._calls) or not self._allowed.isdisjoint(names):
                return
            name = names[0]
        if isinstance(node.parent, exp.Dot) and node.parent.expression is node:
            name = ".".join(part.name for part in node.parent.flatten())  # a schema makes it another function
            if name.lower() in {own.lower() for own in self._own}:
                return
            schema, _, alone = name.partition(".")
            if self._database == "postgresql" and schema == "pg_catalog" and alone in self._allowed:
                return  # the schema of PostgreSQL's own functions
        elif name.lower() in self._allowed and (name == name.lower() or not self._is_quoted(node)):
            return
        raise Refused(f"calls {name}; {_ADDED}")


def _why(error: Exception) -> str:
    errors: list[dict[str, Any]] = getattr(error, "errors", None) or []
    if errors:
        first = errors[0]
        near = str(first.get("highlight") or "").strip()[:_SHOWN]
        described = str(first.get("description") or "").rstrip(".")
        if "SENTINEL" in described:
            described = "it ends too early"
        elif not described or "<" in described:  # the description is a class or a token of the parser
            described = "something is missing or does not belong here"
        return f"{described} (line {first.get('line')}, near {near!r})" + (f"; {WINDOW}" if near == ":" else "")
    return str(error).partition("\n")[0][:200]


_READING = """
Select SetOperation Subquery With CTE From Join Where Group Having Order Ordered Limit Offset Fetch Distinct Table
TableAlias Alias Aliases Identifier Column Star Dot Literal Boolean Null Var Paren Tuple Binary Unary Condition
Between In Interval DataType DataTypeParam IntervalSpan Window WindowSpec Filter WithinGroup Lateral Values
Placeholder Bracket Slice AtTimeZone Collate Escape Cube Rollup GroupingSets Qualify Any All NamedWindow Case If
National RawString HexString BitString ByteString Introducer TableSample Unnest IgnoreNulls RespectNulls Kwarg
PropertyEQ JSONPath JSONPathRoot JSONPathKey JSONPathSubscript JSONKeyValue JSONSchema JSONColumnDef Predicate
Connector Exists HavingMax LimitOptions Pseudocolumn Lambda IndexTableHint
"""
"""The classes of sqlglot's nodes that only read."""

_WITHOUT_NAME = """
Case If And Or Xor Cast TryCast Exists Extract Interval Array Values CurrentDate CurrentTimestamp CurrentTime Localtime
Localtimestamp Trim Substring Coalesce Unnest Lateral TsOrDsToDate TsOrDsToDatetime TsOrDsToTimestamp TsOrDsToTime
TimeStrToTime StrPosition GroupConcat JSONTable JSONObjectAgg JSONArrayAgg JSONExtract JSONExtractScalar JSONBExtract
JSONBExtractScalar JSONBContains JSONBContainsTopKey JSONBContainsAnyTopKeys JSONBContainsAllTopKeys ArrayContainsAll
ArrayContainedBy ArrayOverlaps DateAdd DecodeCase WeekStart RegexpLike RegexpILike Collate
"""
"""The classes of sqlglot's functions that are syntax, or that the parser inserts within a named function of the
query.
"""


_LOCKS_NOTHING = ("nolock", "readuncommitted", "readcommitted", "snapshot", "noexpand", "nowait")
"""The table hints of SQL Server that neither lock rows nor skip rows."""


def _classes(exp: Any, names: str) -> tuple[type[Any], ...]:
    return tuple(getattr(exp, name) for name in names.split() if hasattr(exp, name))
