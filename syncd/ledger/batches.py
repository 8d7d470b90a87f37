"""Cutting what is asked for into statements: many things in each, and no more than a database takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import CTE, ColumnClause, values

T = TypeVar("T")
PARAMETERS = 500  # SQLite's oldest limit is 999 in a statement


def batches(items: Iterable[T], size: int = PARAMETERS) -> Iterator[list[T]]:
    """Lists of at most so many items (itertools.batched, which Python 3.11 lacks)."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def given(rows: Sequence[tuple[Any, ...]], *columns: ColumnClause[Any]) -> CTE:
    """Rows that a statement brings along, to be joined: for a list of tuples SQLite looks into no index."""
    return values(*columns, name="given").data(rows).cte("given")
