"""What each visitor may do."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.config.web_keys import WebKeys
from syncd.web.visitors import Role, visitor_by_roles


def web(owners_check_in: bool = False, **roles: list[str]) -> WebKeys:
    keys: dict[str, Any] = {"roles": roles, "owners_check_in": owners_check_in}
    return WebKeys.model_validate(keys)


ROLES = web(viewer=["*"], editor=["group:OKR", "dana"], operator=["Ann@acme.example", "group:admins"])


@pytest.mark.parametrize(
    ("name", "also", "groups", "role"),
    [
        ("ben@acme.example", [], [], Role.VIEWER),
        ("ben@acme.example", [], ["okr"], Role.EDITOR),
        ("Dana", [], [], Role.EDITOR),
        ("ANN@acme.example ", [], [], Role.OPERATOR),
        ("ben@acme.example", ["ann@acme.example"], [], Role.OPERATOR),
        ("dana", [], ["admins", "okr"], Role.OPERATOR),
        # a name is no group, and a group is no name
        ("okr", [], [], Role.VIEWER),
        ("group:admins", [], [], Role.VIEWER),
        ("Group:Admins", ["GROUP:admins"], [], Role.VIEWER),
        ("ben", [], ["dana", "ann@acme.example"], Role.VIEWER),
    ],
)
def test_the_highest_role_of_a_name_or_group_holds(name: str, also: list[str], groups: list[str], role: Role) -> None:
    assert visitor_by_roles(name, ROLES, also=also, groups=groups).role is role


def test_without_an_entry_nobody_has_a_role() -> None:
    visitor = visitor_by_roles("ann", web(operator=["dana"]))
    assert visitor.role is Role.NONE
    assert not visitor.may(Role.VIEWER)
    assert visitor_by_roles("*", web(operator=["dana"])).role is Role.NONE


def test_each_role_may_do_what_the_ones_before_it_may() -> None:
    operator = visitor_by_roles("ann@acme.example", ROLES)
    assert all(operator.may(role) for role in Role)
    editor = visitor_by_roles("dana", ROLES)
    assert editor.may(Role.EDITOR)
    assert not editor.may(Role.OPERATOR)


@pytest.mark.parametrize(
    ("name", "groups", "owner", "allowed"),
    [
        ("ben", [], "Ben", True),
        ("ben", ["support"], "Support ", True),
        ("ben", ["support"], "engineering", False),
        ("ben", [], None, False),
        ("dana", [], "engineering", True),
        ("dana", [], None, True),
    ],
)
def test_owners_check_in_their_own(name: str, groups: list[str], owner: str | None, allowed: bool) -> None:
    keys = web(True, viewer=["*"], editor=["dana"])
    assert visitor_by_roles(name, keys, groups=groups).may_check_in(owner) is allowed
    unless_asked = web(viewer=["*"], editor=["dana"])
    assert visitor_by_roles(name, unless_asked, groups=groups).may_check_in(owner) is (name == "dana")


def test_an_owner_who_may_not_look_may_not_check_in() -> None:
    assert not visitor_by_roles("ben", web(True, viewer=["dana"])).may_check_in("ben")
