"""The databases that the tests of the `sql` connector read from: the same rows in each, written as each writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, Table, Text, create_engine, inspect, make_url
from sqlalchemy.dialects.mysql import TIMESTAMP

BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class Database:
    """An empty database: its address for a role that may write, and what settings of a connection it takes."""

    kind: str
    url: str

    def run(self, *statements: str) -> None:
        """Executes statements as the role that may write."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        engine.dispose()

    def tables(self) -> list[str]:
        engine = create_engine(self.url)
        names = inspect(engine).get_table_names()
        engine.dispose()
        return names

    def make_orders(self) -> None:
        """`orders`: an id, a time without a zone (local), a time with one where the database has such, an amount, a
        region, and a note that may be NULL.
        """
        zoned: Any = {"postgresql": DateTime(timezone=True), "mariadb": TIMESTAMP}.get(self.kind, Text)
        local: Any = Text if self.kind == "sqlite" else DateTime
        engine, metadata = create_engine(self.url), MetaData()
        Table(
            "orders", metadata, Column("id", Integer, primary_key=True), Column("paid", local), Column("seen", zoned),
            Column("amount", Numeric(20, 4)), Column("region", Text), Column("note", Text),
        )  # fmt: skip
        metadata.create_all(engine)
        engine.dispose()

    def add_order(
        self, id_: int, paid: datetime | None, amount: str | None, region: str = "eu", note: str | None = None
    ) -> None:
        """An order that was paid at a local time of Berlin."""
        if paid is None:
            local, zoned = "NULL", "NULL"
        else:
            local = f"'{paid:%Y-%m-%d %H:%M:%S}'"
            aware = paid.replace(tzinfo=BERLIN)
            zoned = {"postgresql": f"'{aware.isoformat()}'", "sqlite": f"'{aware.isoformat()}'"}.get(self.kind, local)
        noted = "NULL" if note is None else f"'{note}'"
        before = ["SET time_zone = 'Europe/Berlin'"] if self.kind == "mariadb" else []
        self.run(
            *before, f"INSERT INTO orders VALUES ({id_}, {local}, {zoned}, {amount or 'NULL'}, '{region}', {noted})"
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The keys of a connection, with its references resolved."""
        return {"type": "sql", "url": self.url.replace("mariadb+pymysql", "mariadb")}

    def connection(self, **more: Any) -> str:
        """The connection `warehouse` in syncd.yaml; its password is in the environment as DB_PASSWORD."""
        url = make_url(self.url)
        keys = dict(more)
        if url.password:
            url = url._replace(password=None)
            keys["password"] = "${DB_PASSWORD}"
        address = url.render_as_string(hide_password=False)
        keys = {"type": "sql", "url": address, **keys}
        return f"  warehouse: {json.dumps(keys)}\n"


_NUMBERS = count(1)


def on_sqlite(folder: Path) -> Database:
    return Database("sqlite", f"sqlite:///{folder / 'shop.db'}")


def on_postgresql(new_postgres: Callable[[], str]) -> Database:
    return Database("postgresql", new_postgres())


def on_mariadb(server: str) -> Database:
    name = f"shop_{next(_NUMBERS)}"
    Database("mariadb", server).run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    return Database("mariadb", make_url(server).set(database=name).render_as_string(hide_password=False))
