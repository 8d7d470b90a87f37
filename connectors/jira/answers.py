"""What of Jira's answers is read, but for an issue's fields: pages of searches and comments, the server, accounts."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class Answer(BaseModel):
    """A part of an answer; Jira writes its names in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)


class CloudPage(Answer, Generic[T]):
    """A page of a search on Cloud; the next one is behind a token."""

    issues: list[T]
    next_page_token: str | None = None
    is_last: bool | None = None

    @property
    def next(self) -> str | None:
        """Where the next page is; None where this is the last."""
        return None if self.is_last else self.next_page_token

    @model_validator(mode="after")
    def _leads_on(self) -> CloudPage[T]:
        if self.is_last is False and not self.next_page_token:
            raise ValueError("another page is said to follow, but not where")
        return self


class ServerPage(Answer, Generic[T]):
    """A page of a search on Data Center; the next one is behind its last issue's number."""

    issues: list[T]
    start_at: int
    total: int

    @property
    def next(self) -> int | None:
        """Where the next page is; None where this is the last."""
        end = self.start_at + len(self.issues)
        return end if end < self.total else None

    @model_validator(mode="after")
    def _leads_on(self) -> ServerPage[T]:
        if not self.issues and self.start_at < self.total:
            raise ValueError("issues are missing from a page")
        return self


class ServerInfo(Answer):
    """Which Jira it is."""

    base_url: str | None = None
    deployment_type: str | None = None
    version: str = "of unknown version"


class Account(Answer):
    """A person or a bot, who asks or wrote a comment. Cloud tells them apart by `account_id`, Data Center by `key`."""

    account_id: str | None = None
    key: str | None = None
    display_name: str | None = None
    name: str | None = None
    time_zone: str | None = None

    @property
    def of_cloud(self) -> bool | None:
        """Whether it is one of Cloud's; None where nothing tells."""
        return True if self.account_id else False if self.key else None

    def is_same(self, other: Account) -> bool:
        """Whether both are the same account, and known to be."""
        if self.account_id or other.account_id:
            return self.account_id == other.account_id
        return self.key is not None and self.key == other.key


class ListedField(Answer):
    """A field that the server has."""

    id: str
    name: str


class Comment(Answer):
    """A comment on an issue; `body` is wiki markup."""

    id: str
    author: Account = Account()  # nobody, where an account was deleted
    body: str


class CommentPage(Answer):
    """A page of an issue's comments, the oldest first; `total` counts those that the account may see."""

    comments: list[Comment]
    total: int


class Written(Answer):
    """A comment that was just written."""

    id: str
