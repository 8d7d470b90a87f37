"""Finds for `doctor` whether the role of a connection may write to its database.

If the database has read-only transactions, a right to write only leads to a remark. For other databases, the check
fails, because only the check of queries would protect the data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from connectors.sql.databases import CALLED, READ_ONLY
from connectors.sql.session import Session
from syncd.sdk import Check, SourceBroken

_POSTGRESQL = """
SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1 LIMIT 100
"""
_SQL_SERVER = """
SELECT DISTINCT permission_name FROM fn_my_permissions(NULL, 'DATABASE')
UNION SELECT 'INSERT ON ' + QUOTENAME(SCHEMA_NAME(schema_id)) + '.' + QUOTENAME(name) FROM sys.tables
WHERE HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(schema_id)) + '.' + QUOTENAME(name), 'OBJECT', 'INSERT') = 1
OR HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(schema_id)) + '.' + QUOTENAME(name), 'OBJECT', 'UPDATE') = 1
OR HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(schema_id)) + '.' + QUOTENAME(name), 'OBJECT', 'DELETE') = 1
"""
_READING = re.compile(
    r"(CONNECT|SELECT|USAGE|MONITOR|REFERENCES|SHOW VIEW|SHOW DATABASES|PROCESS|VIEW [A-Z ]*|READ)( ON .*)?",
    re.IGNORECASE,
)
_SHOWN = 5
_MOST_ROLES = 100
"""The most roles that are read for a Snowflake role, each by one query."""


def check_rights(session: Session) -> Iterator[Check]:
    """The check of the role that opened the database."""
    name = CALLED[session.database]
    if session.database == "sqlite":
        yield Check("rights", True, "the file is opened for reading alone")
        return
    if session.database == "bigquery":
        yield Check(
            "rights",
            False,
            "BigQuery has no read-only transaction and does not tell a role's rights by SQL; see that its service "
            "account has the roles BigQuery Data Viewer and BigQuery Job User alone",
        )
        return
    writing = sorted(set(_WRITING[session.database](session)))
    if not writing:
        yield Check("rights", True, "the role may only read")
        return
    sample = ", ".join(writing[:_SHOWN]) + (f" and {len(writing) - _SHOWN} more" if len(writing) > _SHOWN else "")
    advice = "give it a role that may SELECT alone"
    if session.database in READ_ONLY:
        yield Check("rights", True, f"read-only transactions hold it back, yet the role may write ({sample}); {advice}")
    else:
        yield Check(
            "rights", False, f"{name} has no read-only transaction, and the role may write ({sample}); {advice}"
        )


def _of_postgresql(session: Session) -> Sequence[str]:
    return [str(row[0]) for row in session.ask(_POSTGRESQL).rows]


def _of_mysql(session: Session) -> Iterator[str]:
    for row in session.ask("SHOW GRANTS").rows:
        yield from writing_grants(str(row[0]))


def writing_grants(grant: str) -> Iterator[str]:
    """The rights in a line of SHOW GRANTS that allow more than reading, such as `INSERT ON shop.*`."""
    match = re.match(r"GRANT (.+?) ON (.+?) TO ", grant)
    for right in re.split(r", (?![^(]*\))", match[1]) if match else ():
        if not _READING.fullmatch(re.sub(r" ?\(.*\)", "", right)):
            yield f"{right} ON {match[2]}".replace("`", "") if match else right


def _of_sql_server(session: Session) -> Iterator[str]:
    yield from (str(row[0]) for row in session.ask(_SQL_SERVER).rows if not _READING.fullmatch(str(row[0])))


def _of_snowflake(session: Session) -> Iterator[str]:
    """The rights to write that the role has, directly or through other roles and database roles. Raises SourceBroken if
    there are too many roles.
    """
    ((role,),) = session.ask("SELECT CURRENT_ROLE()").rows
    roles, seen = [("ROLE", _quoted(str(role)))], set[tuple[str, str]]()
    while roles:
        kind, name = roles.pop()
        if (kind, name) in seen:
            continue
        if len(seen) == _MOST_ROLES:
            raise SourceBroken(f"it has more than {_MOST_ROLES} roles; give it a role that has SELECT itself")
        seen.add((kind, name))
        result = session.ask(f"SHOW GRANTS TO {kind} {name}")
        places = [_place(result.columns, column) for column in ("privilege", "granted_on", "name")]
        for row in result.rows:
            privilege, of_kind, of = (str(row[place]) for place in places)
            if of_kind == "ROLE" and privilege == "USAGE":
                roles.append(("ROLE", _quoted(of)))
            elif of_kind in ("DATABASE_ROLE", "DATABASE ROLE") and privilege == "USAGE":
                database, _, of_database = of.partition(".")
                roles.append(("DATABASE ROLE", of if '"' in of else f"{_quoted(database)}.{_quoted(of_database)}"))
            elif not _READING.fullmatch(privilege):
                yield f"{privilege} ON {of}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _place(columns: Collection[str], name: str) -> int:
    return [column.lower() for column in columns].index(name)


_WRITING: dict[str, Callable[[Session], Sequence[str] | Iterator[str]]] = {
    "postgresql": _of_postgresql,
    "mysql": _of_mysql,
    "mariadb": _of_mysql,
    "mssql": _of_sql_server,
    "snowflake": _of_snowflake,
}
