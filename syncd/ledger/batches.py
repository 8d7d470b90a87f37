"""Splits long lists of parameters into statements that every database accepts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import CTE, ColumnClause, values

T = TypeVar("T")
PARAMETERS = 500  # the lowest limit of a SQLite is 999 in a statement


def batches(items: Iterable[T], size: int = PARAMETERS) -> Iterator[list[T]]:
    """Lists of at most `size` items (itertools.batched, which Python 3.11 lacks)."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def given(rows: Sequence[tuple[Any, ...]], *columns: ColumnClause[Any]) -> CTE:
    """Rows as a table to join in a statement, because SQLite uses no index for a list of tuples."""
    return values(*columns, name="given").data(rows).cte("given")
