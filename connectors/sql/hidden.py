"""Finds function calls, locks and files in a query that a parser treats as columns or tables.

| database | in the query | effect |
|---|---|---|
| PostgreSQL | `('/etc/passwd'::text).pg_read_file` | calls the function with the value before the point |
| PostgreSQL | `x.pg_read_file` of `FROM lower('/ETC') AS x` | the same: the row of such a function is a bare value |
| Snowflake, MariaDB | `numbers.nextval` | advances a sequence |
| SQL Server | `FROM orders o (UPDLOCK, HOLDLOCK)` | locks rows: these are hints, not names of columns |
| Snowflake | `FROM @stage` | reads files |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from connectors.sql.tokens import Refused

if TYPE_CHECKING:
    from sqlglot import exp

_COLUMNS_OF_FUNCTIONS = frozenset({"key", "value", "ordinality"})
"""Names of columns in the rows of PostgreSQL's functions. PostgreSQL has no functions with these names."""

_WITHOUT_BRACKETS = frozenset(
    {
        "current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
        "current_user", "localtime", "localtimestamp", "session_user", "system_user", "user",
    }
)  # fmt: skip
"""The functions that PostgreSQL calls in FROM without brackets."""


def check_names(tree: exp.Expr, database: str) -> None:
    """Refuses files that a parser treats as tables, and sequences and hints that it treats as columns."""
    from sqlglot import exp

    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Var | exp.Literal):
            raise Refused(f"selects from {table.this.sql()}, which is no name of a table; write the name of one")
    if database in ("snowflake", "mariadb"):
        for node in tree.find_all(exp.Column, exp.Dot):
            name = node.this if isinstance(node, exp.Column) else node.expression
            if (isinstance(node, exp.Dot) or node.args.get("table")) and name.name.lower() == "nextval":
                raise Refused("counts a sequence on by nextval; a measure may only read: write a query without it")
    if database == "mssql":
        for alias in tree.find_all(exp.TableAlias):
            of = alias.parent
            if alias.columns and isinstance(of, exp.Table) and isinstance(of.this, exp.Identifier):
                raise Refused(f"has hints in brackets behind {alias.name}; write WITH (NOLOCK), or none")
            if alias.name.upper() == "HOLDLOCK" and not alias.this.args.get("quoted"):
                raise Refused("holds the hint HOLDLOCK; if it is a name, write [HOLDLOCK]")


def attributes(tree: exp.Expr) -> Iterator[tuple[str, str]]:
    """The names after a point that PostgreSQL would call as functions if they are not attributes, each with its text in
    the query.

    The `f` of `o.f` is left out if `o` is a table, because `f` is then a column, or a function of the table's own type.
    Raises Refused if nothing in FROM has the name before the point.
    """
    from sqlglot import exp

    for dot in tree.find_all(exp.Dot):
        whole = dot
        while isinstance(whole.parent, exp.Dot):
            whole = whole.parent
        # In a type, or before a function that is called with brackets, the names are those of a schema and a type.
        is_name = isinstance(whole.parent, exp.DataType | exp.Table) or isinstance(whole.expression, exp.Func)
        if not is_name and not isinstance(dot.expression, exp.Star):
            yield _folded(dot.expression), f"(…).{dot.expression.name}"
    rows, functions = _sources(tree)
    for column in tree.find_all(exp.Column):
        of, name = column.args.get("table"), column.this
        if of is None or isinstance(name, exp.Star):
            continue
        if isinstance(column.parent, exp.Collate) and column.parent.expression is column:
            continue  # a collation by its schema
        columns = functions.get(_folded(of))
        if columns is None and _folded(of) not in rows:
            raise Refused(f"names {of.name}.{name.name}, and nothing in FROM has the name {of.name}")
        if columns is not None and _folded(name) not in columns | _COLUMNS_OF_FUNCTIONS:
            yield _folded(name), f"{of.name}.{name.name}; if it is a column, name it: AS {of.name}({name.name})"


def _sources(tree: exp.Expr) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """The names of tables and subqueries in FROM; and the names of functions in FROM with the columns from `AS x(a,
    b)`.

    If a name stands for two functions in different places of a query, returns only the columns that both have.
    """
    from sqlglot import exp

    rows, functions = set[str](), dict[str, frozenset[str]]()
    for node in tree.find_all(exp.Table, exp.Unnest, exp.Lateral, exp.Subquery, exp.Values):
        alias, inner = node.args.get("alias"), node.this if isinstance(node, exp.Table | exp.Lateral) else node
        name = alias.this if alias else None
        if isinstance(inner, exp.Subquery | exp.Values | exp.JSONTable):
            rows |= {_folded(name)} if name else set()
        elif isinstance(inner, exp.Identifier) and not _is_function(node):
            rows.add(_folded(name or inner))
        else:
            ordinality = inner.args.get("offset") if inner else None
            declared = (*alias.columns, ordinality) if alias else ()
            columns = {_folded(each) for each in declared if isinstance(each, exp.Identifier)}
            called = _folded(name) if name else _name_of(inner)
            functions[called] = functions.get(called, frozenset(columns)) & columns
    return frozenset(rows), functions


def _is_function(table: exp.Expr) -> bool:
    return not table.args.get("db") and not table.this.quoted and table.name.lower() in _WITHOUT_BRACKETS


def _name_of(function: exp.Expr | None) -> str:
    """The name that the rows of a function in FROM have without an alias: the function's own name."""
    from sqlglot import exp

    if isinstance(function, exp.Dot):
        function = function.expression
    if isinstance(function, exp.Unnest):
        return "unnest"
    name = function.name if isinstance(function, exp.Anonymous) else function.meta.get("name") if function else None
    if not name:
        raise Refused("has a function in FROM whose rows have no name; write FROM … AS x")
    return str(name).lower()


def _folded(name: exp.Expr) -> str:
    """A name in the form that PostgreSQL compares: a quoted name unchanged, any other name in lower case."""
    return name.name if name.args.get("quoted") else name.name.lower()
