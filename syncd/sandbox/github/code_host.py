"""The company's code host: what people do to the issues, pull requests and releases of its repositories."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from syncd.sandbox.github.code import Comment, Issue, Item, Reason
from syncd.sandbox.github.repositories import Repositories


class CodeHost(Repositories):
    """All methods take a repository's full name, old ones too."""

    # -- changing issues

    def close_issue(
        self, full_name: str, number: int, reason: Reason | None = "completed", *, at: datetime | None = None
    ) -> None:
        """Closes it for that reason."""
        with self._lock:
            issue, moment = self.issue(full_name, number), self._when(at)
            issue.state, issue.closed_at, issue.state_reason = "closed", moment, reason
            self._touch(full_name, issue, moment)

    def reopen_issue(
        self, full_name: str, number: int, *, keep_closed_at: bool = False, at: datetime | None = None
    ) -> None:
        """`keep_closed_at` leaves the date set, as GitHub's recorded `issues.reopened` payload shows it."""
        with self._lock:
            issue, moment = self.issue(full_name, number), self._when(at)
            issue.state, issue.state_reason = "open", "reopened"
            if not keep_closed_at:
                issue.closed_at = None
            self._touch(full_name, issue, moment)

    def delete_issue(self, full_name: str, number: int) -> None:
        """Its address answers 410 from now on, and lists are silent about it."""
        with self._lock:
            repo = self.repo(full_name)
            del repo.items[self.issue(full_name, number).number]
            repo.deleted.add(number)
            repo.version += 1

    def transfer_issue(self, full_name: str, number: int, to: str, *, at: datetime | None = None) -> Issue:
        """The issue leaves with its history and gets a new number and a new id there."""
        with self._lock:
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

    def merge_pull(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Merges and closes it."""
        with self._lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            pull.state, pull.closed_at, pull.merged_at, pull.draft = "closed", moment, moment, False
            self._touch(full_name, pull, moment)

    def close_pull(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Closes it without merging."""
        with self._lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            pull.state, pull.closed_at = "closed", moment
            self._touch(full_name, pull, moment)

    def reopen_pull(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """ValueError for a merged one."""
        with self._lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            if pull.merged_at is not None:
                raise ValueError("a merged pull request cannot be reopened")
            pull.state, pull.closed_at = "open", None
            self._touch(full_name, pull, moment)

    # -- changing either

    def label(self, full_name: str, number: int, name: str, *, at: datetime | None = None) -> None:
        """Puts a label on an issue or a pull request."""
        with self._lock:
            repo = self.repo(full_name)
            item, known = repo.items[number], repo.label(name)
            if known not in item.labels:
                item.labels.append(known)
            self._touch(full_name, item, self._when(at))

    def unlabel(self, full_name: str, number: int, name: str, *, at: datetime | None = None) -> None:
        """Takes a label off."""
        with self._lock:
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
        """Of an issue or a pull request: None leaves the title, the text or all labels as they are.

        What changes nothing leaves the date of its last update alone too.
        """
        with self._lock:
            repo = self.repo(full_name)
            item = repo.items[number]
            before = (item.title, item.body, item.labels)
            item.title = item.title if title is None else title
            item.body = item.body if body is None else body
            if labels is not None:
                # A label that comes with an issue is grey, as GitHub makes it.
                item.labels = list(dict.fromkeys(repo.label(name, "ededed") for name in labels))
            if before != (item.title, item.body, item.labels):
                self._touch(full_name, item, self._when(at))

    def touch(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Somebody commented: nothing but `updated_at` moves."""
        with self._lock:
            self._touch(full_name, self.repo(full_name).items[number], self._when(at))

    # -- comments

    def add_comment(
        self, full_name: str, number: int, body: str, *, author: str = "ana", at: datetime | None = None
    ) -> Comment:
        """Below an issue or a pull request."""
        with self._lock:
            item, moment = self.repo(full_name).items[number], self._when(at)
            comment = Comment(next(self._ids), self.user(author), body, moment, moment)
            item.comments.append(comment)
            self._touch(full_name, item, moment)
            return comment

    def comment(self, full_name: str, comment: int) -> tuple[Item, Comment]:
        """A comment of the repository, with what it is below. KeyError if there is none of that id."""
        for item in self.repo(full_name).items.values():
            for one in item.comments:
                if one.id == comment:
                    return item, one
        raise KeyError(comment)

    def edit_comment(self, full_name: str, comment: int, body: str, *, at: datetime | None = None) -> None:
        """By the comment's id."""
        with self._lock:
            item, found = self.comment(full_name, comment)
            moment = self._when(at)
            found.body, found.updated_at = body, moment
            self._touch(full_name, item, moment)

    def delete_comment(self, full_name: str, comment: int, *, at: datetime | None = None) -> None:
        """By the comment's id."""
        with self._lock:
            item, found = self.comment(full_name, comment)
            item.comments.remove(found)
            self._touch(full_name, item, self._when(at))

    # -- repositories

    def rename_repo(self, full_name: str, new_name: str) -> None:
        """From now on the old name answers with a redirect."""
        with self._lock:
            repo = self.repo(full_name)
            self.renamed[repo.full_name.lower()] = repo.id
            repo.name = new_name
            repo.version += 1
            for item in repo.items.values():
                item.rows.clear()
