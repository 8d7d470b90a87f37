"""The library (driver) that syncd uses for each database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver: SQLAlchemy's name for the database with this driver, the driver's module, and the extra that installs
    it.
    """

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
"""The drivers by SQLAlchemy's names of databases. syncd allows no other driver, because it could not limit the time of
its queries or make them read-only.
"""
