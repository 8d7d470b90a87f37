"""The library that speaks to each database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Driver:
    """A library: SQLAlchemy's name of the database with it, its module, and the extra that brings it."""

    name: str
    module: str
    extra: str | None = None


DRIVERS = {
    "postgresql": Driver("postgresql+psycopg", "psycopg"),
    "mysql": Driver("mysql+pymysql", "pymysql"),
    "mariadb": Driver("mariadb+pymysql", "pymysql"),
    "sqlite": Driver("sqlite", "sqlite3"),
    "mssql": Driver("mssql+pymssql", "pymssql", "mssql"),
    "snowflake": Driver("snowflake", "snowflake.sqlalchemy", "snowflake"),
    "bigquery": Driver("bigquery", "sqlalchemy_bigquery", "bigquery"),
}
"""By SQLAlchemy's names. No other driver can be told to end a query in time, or is told to change nothing."""
