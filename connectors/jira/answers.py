"""Models of the parts of Jira's responses that syncd reads: pages of searches and comments, the server, accounts.

The models of an issue's fields are in `fields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class Answer(BaseModel):
    """A part of a response. In JSON, the names of its keys are in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)


class CloudPage(Answer, Generic[T]):
    """A page of a search on Cloud. A token leads to the next page. `names` maps the ids of fields to their names."""

    issues: list[T]
    names: Mapping[str, str] | None = None
    next_page_token: str | None = None
    is_last: bool | None = None

    @property
    def next(self) -> str | None:
        """The token of the next page; None if this is the last page."""
        return None if self.is_last else self.next_page_token

    @model_validator(mode="after")
    def _leads_on(self) -> CloudPage[T]:
        if self.is_last is False and not self.next_page_token:
            raise ValueError("it says that another page follows, but not where")
        return self


class ServerPage(Answer, Generic[T]):
    """A page of a search on Data Center. The next page starts after the number of this page's last issue. `names` maps
    the ids of fields to their names.
    """

    issues: list[T]
    names: Mapping[str, str] | None = None
    start_at: int
    total: int

    @property
    def next(self) -> int | None:
        """The number at which the next page starts; None if this is the last page."""
        end = self.start_at + len(self.issues)
        return end if end < self.total else None

    @model_validator(mode="after")
    def _leads_on(self) -> ServerPage[T]:
        if not self.issues and self.start_at < self.total:
            raise ValueError("issues are missing from a page")
        return self


class ServerInfo(Answer):
    """The kind (Cloud or Data Center) and the version of a Jira site."""

    base_url: str | None = None
    deployment_type: str | None = None
    version: str = "of unknown version"


class Account(Answer):
    """The account of a person or a bot. Cloud identifies it by `account_id`, Data Center by `key`."""

    account_id: str | None = None
    key: str | None = None
    display_name: str | None = None
    name: str | None = None
    time_zone: str | None = None

    @property
    def of_cloud(self) -> bool | None:
        """Whether the account is one of Cloud; None if this is unknown."""
        return True if self.account_id else False if self.key else None

    def is_same(self, other: Account) -> bool:
        """Whether both are certainly the same account."""
        if self.account_id or other.account_id:
            return self.account_id == other.account_id
        return self.key is not None and self.key == other.key


class ListedField(Answer):
    """A field that the server has."""

    id: str
    name: str


class ListedProject(Answer):
    """A project that the account sees."""

    id: str
    key: str
    name: str


class MyPermission(Answer):
    """Whether the account has a permission."""

    have_permission: bool


class MyPermissions(Answer):
    """Permissions of the account, by their keys, such as `ADD_COMMENTS`."""

    permissions: Mapping[str, MyPermission]


class CommentVisibility(Answer):
    """The people who see a comment: the members of a role or a group (`type`) with the name `value`."""

    type: str
    value: str

    def is_same(self, other: CommentVisibility | None) -> bool:
        """Whether both are the same role or group. Jira ignores upper and lower case in names."""
        return other is not None and (self.type, self.value.casefold()) == (other.type, other.value.casefold())


class CommentProperty(Answer):
    """A property of a comment: a key such as `sd.public.comment` with a value such as `{"internal": true}`."""

    key: str
    value: Any = None


class Comment(Answer):
    """A comment on an issue; `body` is wiki markup.

    `jsd_public` says whether the customers of a service project see the comment. Only Cloud returns `jsd_public`.
    """

    id: str
    author: Account = Account()  # missing if the account was deleted
    body: str
    visibility: CommentVisibility | None = None
    jsd_public: bool | None = None
    properties: list[CommentProperty] = []


class CommentPage(Answer):
    """A page of the comments on an issue, oldest first. `total` counts the comments that the account may see."""

    comments: list[Comment]
    total: int


class WrittenComment(Answer):
    """The answer to writing a comment."""

    id: str
