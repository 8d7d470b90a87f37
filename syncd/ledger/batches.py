"""Passes long lists to a statement, either in batches that every database accepts, or as a table to join."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import CTE, ColumnClause, ColumnElement, literal, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from syncd.ledger.column_types import Document

T = TypeVar("T")
PARAMETERS = 500  # SQLite's lowest limit is 999 parameters in a statement


def batches(items: Iterable[T], size: int = PARAMETERS) -> Iterator[list[T]]:
    """Splits items into lists of at most `size` items. Python 3.11 lacks itertools.batched."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def given(rows: Sequence[tuple[Any, ...]], *columns: ColumnClause[Any]) -> CTE:
    """The rows as a table that a statement can join. For a list of tuples instead, SQLite would use no index.

    The rows are passed as one parameter, a JSON list. The statement is thus the same for any number of rows, and is
    compiled only once.
    """
    row = _Elements(literal([list(row) for row in rows], Document())).table_valued("value").c.value
    items = (_Item(row, place, column.type).label(column.name) for place, column in enumerate(columns))
    return select(*items).offset(0).cte("given")  # the offset keeps databases from reading the other table first


class _Elements(FunctionElement[Any]):
    """The elements of a JSON list, each as the column `value` of a row."""

    name = "json_each"
    inherit_cache = True


@compiles(_Elements)
def _json_each(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each{compiler.process(element.clause_expr, **options)}"


@compiles(_Elements, "postgresql")
def _jsonb_array_elements(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_elements{compiler.process(element.clause_expr, **options)}"


class _Item(FunctionElement[Any]):
    """The element at a position of a JSON list, as an SQL value of the given type."""

    inherit_cache = True

    def __init__(self, row: ColumnElement[Any], place: int, type_: TypeEngine[Any]) -> None:
        super().__init__(row, literal_column(str(place)))
        self.type = type_


@compiles(_Item)
def _json_extract(element: _Item, compiler: SQLCompiler, **options: Any) -> str:
    row, place = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({row}, '$[{place}]')"


@compiles(_Item, "postgresql")
def _cast_item(element: _Item, compiler: SQLCompiler, **options: Any) -> str:
    row, place = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST({row} ->> {place} AS {compiler.dialect.type_compiler_instance.process(element.type)})"
