"""What `doctor` makes of the grants that databases show: whether a role may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from connectors.sql.rights import check_rights, writing_grants
from connectors.sql.session import Result
from syncd.sdk import SourceBroken


def test_grants_that_are_not_for_reading_are_named() -> None:
    assert list(writing_grants("GRANT USAGE ON *.* TO `syncd`@`%`")) == []
    assert list(writing_grants("GRANT SELECT, SHOW VIEW ON `shop`.* TO `syncd`@`%`")) == []
    grants = "GRANT SELECT (a, b), INSERT (a), DELETE ON `shop`.`t` TO `syncd`@`%`"
    assert list(writing_grants(grants)) == ["INSERT (a) ON shop.t", "DELETE ON shop.t"]
    assert list(writing_grants("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION")) == [
        "ALL PRIVILEGES ON *.*"
    ]


class Answers:
    """What the vendors document as the answers: of Snowflake the grants of each role, of SQL Server its permissions."""

    def __init__(self, kind: str, grants: Mapping[str, Sequence[tuple[str, str, str]]]) -> None:
        self.database = kind
        self._grants = grants

    def ask(self, question: str) -> Result:
        if "CURRENT_ROLE" in question:
            return Result(["CURRENT_ROLE()"], [("SYNCD",)])
        if question.startswith("SHOW GRANTS TO "):
            role = question.removeprefix("SHOW GRANTS TO ")
            return Result(["privilege", "granted_on", "name"], self._grants[role])
        return Result(["permission_name"], [("CONNECT",), ("SELECT",), ("DELETE",)])


_READS, _WRITES = ("SELECT", "TABLE", "SHOP.T"), ("INSERT", "TABLE", "SHOP.T")


@pytest.mark.parametrize(
    ("kind", "grants"),
    [
        ("mssql", {}),
        ("bigquery", {}),
        ("snowflake", {'ROLE "SYNCD"': [_WRITES]}),
        ("snowflake", {'ROLE "SYNCD"': [_READS, ("USAGE", "ROLE", "ETL")], 'ROLE "ETL"': [_WRITES]}),
        (
            "snowflake",
            {
                'ROLE "SYNCD"': [_READS, ("USAGE", "DATABASE_ROLE", "SHOP.READER")],
                'DATABASE ROLE "SHOP"."READER"': [_READS, ("USAGE", "DATABASE_ROLE", "SHOP.WRITER")],
                'DATABASE ROLE "SHOP"."WRITER"': [_READS, _WRITES],
            },
        ),
    ],
)
def test_role_that_may_write_fails_where_no_transaction_holds_it_back(
    kind: str, grants: Mapping[str, Sequence[tuple[str, str, str]]]
) -> None:
    (check,) = check_rights(Answers(kind, grants))  # type: ignore[arg-type]
    assert not check.ok


def test_roles_of_a_role_are_followed_to_the_last() -> None:
    grants = {f'ROLE "R{number}"': [_READS, ("USAGE", "ROLE", f"R{number + 1}")] for number in range(99)}
    grants['ROLE "SYNCD"'] = [("USAGE", "ROLE", "R1"), ("USAGE", "ROLE", "SYNCD")]
    grants['ROLE "R99"'] = [_READS]
    (check,) = check_rights(Answers("snowflake", grants))  # type: ignore[arg-type]
    assert (check.ok, check.detail) == (True, "the role may only read")
    grants['ROLE "R99"'] = [("USAGE", "ROLE", "R100")]
    with pytest.raises(SourceBroken, match="more than 100 roles; give it a role that has SELECT itself"):
        list(check_rights(Answers("snowflake", grants)))  # type: ignore[arg-type]
