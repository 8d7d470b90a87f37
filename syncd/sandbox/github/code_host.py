"""The company's simulated code host: applies the changes that people make to issues, pull requests and repositories."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from syncd.sandbox.github.code import Comment, Issue, Item, Reason
from syncd.sandbox.github.deliveries import Deliveries


class CodeHost(Deliveries):
    """The code host. Its methods accept a repository's full name, present or former."""

    # -- changing issues

    def close_issue(
        self, full_name: str, number: int, reason: Reason | None = "completed", *, at: datetime | None = None
    ) -> None:
        """Closes an issue with a reason."""
        with self.lock:
            issue, moment = self.issue(full_name, number), self._when(at)
            issue.state, issue.closed_at, issue.state_reason = "closed", moment, reason
            self._touch(full_name, issue, moment)

    def reopen_issue(
        self, full_name: str, number: int, *, keep_closed_at: bool = False, at: datetime | None = None
    ) -> None:
        """Reopens an issue. `keep_closed_at` keeps the date of closing, as in GitHub's example of `issues.reopened`."""
        with self.lock:
            issue, moment = self.issue(full_name, number), self._when(at)
            issue.state, issue.state_reason = "open", "reopened"
            if not keep_closed_at:
                issue.closed_at = None
            self._touch(full_name, issue, moment)

    def set_type(self, full_name: str, number: int, type: str | None, *, at: datetime | None = None) -> None:
        """Sets or removes the type of an issue. The organisation defines the types."""
        with self.lock:
            issue = self.issue(full_name, number)
            issue.type = type
            self._touch(full_name, issue, self._when(at))

    def delete_issue(self, full_name: str, number: int) -> None:
        """Deletes an issue: its address answers 410 from now on, and lists leave it out."""
        with self.lock:
            repo = self.repo(full_name)
            del repo.items[self.issue(full_name, number).number]
            repo.deleted.add(number)
            repo.version += 1

    def transfer_issue(self, full_name: str, number: int, to: str, *, at: datetime | None = None) -> Issue:
        """Moves an issue to the repository `to`, with its history. The issue gets a new number and a new id there."""
        with self.lock:
            source, target, issue = self.repo(full_name), self.repo(to), self.issue(full_name, number)
            del source.items[number]
            source.version += 1
            issue.number, issue.id = target.next_number(), next(self._ids)
            issue.labels = [target.label(name) for name in issue.labels]
            source.transferred[number] = (target.id, issue.number)
            target.items[issue.number] = issue
            self._touch(to, issue, self._when(at))
            return issue

    # -- changing pull requests

    def merge_pull(self, full_name: str, number: int, *, by_push: bool = False, at: datetime | None = None) -> None:
        """Merges a pull request, which closes it. A draft can only be merged by a push of its commits, and stays a
        draft.
        """
        with self.lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            pull.state, pull.closed_at, pull.merged_at = "closed", moment, moment
            pull.draft = pull.draft and by_push
            self._touch(full_name, pull, moment)

    def close_pull(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Closes a pull request without merging it."""
        with self.lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            pull.state, pull.closed_at = "closed", moment
            self._touch(full_name, pull, moment)

    def reopen_pull(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Reopens a pull request. Raises ValueError if it was merged."""
        with self.lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            if pull.merged_at is not None:
                raise ValueError("a merged pull request cannot be reopened")
            pull.state, pull.closed_at = "open", None
            self._touch(full_name, pull, moment)

    # -- changing either

    def label(self, full_name: str, number: int, name: str, *, at: datetime | None = None) -> None:
        """Puts a label on an issue or a pull request."""
        with self.lock:
            repo = self.repo(full_name)
            item, label = repo.items[number], repo.label(name)
            if label not in item.labels:
                item.labels.append(label)
            self._touch(full_name, item, self._when(at))

    def unlabel(self, full_name: str, number: int, name: str, *, at: datetime | None = None) -> None:
        """Takes a label off an issue or a pull request."""
        with self.lock:
            item = self.repo(full_name).items[number]
            item.labels.remove(name)
            self._touch(full_name, item, self._when(at))

    def edit_item(
        self,
        full_name: str,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        labels: Iterable[str] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Edits the title, the text or the labels of an issue or a pull request; None leaves a field unchanged.

        An edit that changes nothing does not change the date of the last update.
        """
        with self.lock:
            repo = self.repo(full_name)
            item = repo.items[number]
            before = (item.title, item.body, item.labels)
            item.title = item.title if title is None else title
            item.body = item.body if body is None else body
            if labels is not None:
                # GitHub makes a label grey if an edit of an issue creates it.
                item.labels = list(dict.fromkeys(repo.label(name, "ededed") for name in labels))
            if before != (item.title, item.body, item.labels):
                self._touch(full_name, item, self._when(at))

    def touch(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Changes only `updated_at`, as a new comment does."""
        with self.lock:
            self._touch(full_name, self.repo(full_name).items[number], self._when(at))

    # -- comments

    def add_comment(
        self, full_name: str, number: int, body: str, *, author: str = "ana", at: datetime | None = None
    ) -> Comment:
        """Adds a comment below an issue or a pull request."""
        with self.lock:
            item, moment = self.repo(full_name).items[number], self._when(at)
            comment = Comment(next(self._ids), self.user(author), body, moment, moment)
            item.comments.append(comment)
            self._touch(full_name, item, moment)
            return comment

    def comment(self, full_name: str, comment: int) -> tuple[Item, Comment]:
        """The repository's comment with this id, and its item. Raises KeyError if there is no such comment."""
        for item in self.repo(full_name).items.values():
            for candidate in item.comments:
                if candidate.id == comment:
                    return item, candidate
        raise KeyError(comment)

    def edit_comment(self, full_name: str, comment: int, body: str, *, at: datetime | None = None) -> None:
        """Edits the comment with this id."""
        with self.lock:
            item, edited = self.comment(full_name, comment)
            moment = self._when(at)
            edited.body, edited.updated_at = body, moment
            self._touch(full_name, item, moment)

    def delete_comment(self, full_name: str, comment: int, *, at: datetime | None = None) -> None:
        """Deletes the comment with this id."""
        with self.lock:
            item, deleted = self.comment(full_name, comment)
            item.comments.remove(deleted)
            self._touch(full_name, item, self._when(at))

    # -- repositories

    def rename_repo(self, full_name: str, new_name: str) -> None:
        """Renames a repository; from now on its old name answers with a redirect."""
        self.set_repo(full_name, name=new_name)

    def transfer_repo(self, full_name: str, new_owner: str) -> None:
        """Moves a repository to another owner; from now on its old name answers with a redirect."""
        self.set_repo(full_name, owner=new_owner)

    def set_repo(self, full_name: str, **state: Any) -> None:
        """Sets the state of a repository: `has_issues`, `blocked`, `hidden`, `archived`, `legacy_ids` and others."""
        with self.lock:
            repo = self.repo(full_name)
            former = repo.full_name
            for name, value in state.items():
                if not hasattr(repo, name):
                    raise ValueError(f"a repository has no {name}")
                setattr(repo, name, value)
            if repo.full_name != former:
                self.renamed[former.lower()] = repo.id
                self.renamed.pop(repo.full_name.lower(), None)
            repo.version += 1
            for item in repo.items.values():
                item.rows.clear()
