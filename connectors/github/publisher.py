"""Writes check-ins to issues: a block in the text, a comment, a label.

GitHub has no If-Match for writes to issues (docs.github.com, "Best practices for using the REST API"), so the last
writer wins. syncd therefore reads each place again right before writing it, after any wait, and puts its block into
this newest text. If the content of syncd's own place has changed since syncd decided to write, syncd decides again. An
edit by a person can still be lost if it is saved between this read and the write.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.github.api import Api
from connectors.github.issues import IssueClient
from connectors.github.markdown import inert
from connectors.github.marked import TornError, block_of, renamed_block, start_of, with_block
from connectors.github.rows import Comment
from connectors.github.settings import GitHubPublish, GitHubSettings
from syncd.sdk import Content, Context, RetryLater, Statement, Summary, Written
from syncd.sdk.block import health, lines

_BETWEEN_WRITES = 1.0
"""The seconds between two requests that change something (source: the same page, "Pause between mutative requests")."""


class GitHubPublisher:
    """Writes issues through an opened connection."""

    together = False
    appends = False

    def __init__(self, settings: GitHubSettings, context: Context, keys: GitHubPublish) -> None:
        self._api = Api(settings, context)
        self._sleep = context.retry.sleep
        self._keys = keys
        self._last_read: dict[str, Content] = {}
        self._former: dict[str, Sequence[str]] = {}  # the ids that a key result had before, newest first
        self._wrote = False

    def content(self, statement: Statement | Summary) -> Content:
        """The lines of a statement as Markdown, and the label."""
        assert isinstance(statement, Statement)
        self._former[statement.key_result] = statement.former
        content = {}
        if self._keys.body or self._keys.comment:
            title, *rest = map(inert, lines(statement))
            content["body" if self._keys.body else "comment"] = "\n".join([f"**{title}**", *rest])
        if self._keys.label:
            content["label"] = f"{self._keys.label} {health(statement)}"
        return content

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """The content of syncd's places on each issue."""
        targets = {name: self._look(name, content).target for name, content in wanted.items()}
        self._last_read |= {name: target.content for name, target in targets.items()}
        return targets

    def write(self, contents: Mapping[str, Content]) -> None:
        """Writes each place by itself. Raises RetryLater if somebody changed the place first, or if a response was
        lost.
        """
        for name, content in contents.items():
            for place, value in content.items():
                self._write(name, place, str(value))

    def close(self) -> None:
        """Closes the sockets."""
        self._api.close()

    def _write(self, name: str, place: str, value: str) -> None:
        self._pause()
        now = self._look(name, [place])
        if now.target.absent or now.target.content[place] != self._last_read[name][place]:
            raise RetryLater(f"{_where(now.issue, name, place)} changed before syncd could write it")
        if place == "body":
            now.issue.set_text(with_block(now.text, name, value))
        elif place == "label":
            self._write_label(now, value)
        elif now.comment is None:
            now.issue.add_comment(f"{start_of(name)}\n{value}")
        else:
            now.issue.set_comment(now.comment, f"{start_of(name)}\n{value}")

    def _write_label(self, now: _Look, value: str) -> None:
        """Removes syncd's other labels, then adds the label. If syncd is killed in between, the place is empty and can
        be written again.
        """
        others = [label for label in now.labels if label.lower() != value.lower()]
        for label in others:
            now.issue.remove_label(label)
            self._pause()
        if others == now.labels:
            now.issue.add_label(value)

    def _pause(self) -> None:
        if self._wrote:
            self._sleep(_BETWEEN_WRITES)
        self._wrote = True

    def _look(self, name: str, places: Collection[str]) -> _Look:
        issue = IssueClient(self._api, self._keys.issues[name])
        now = _Look(issue, Written(where={place: _where(issue, name, place) for place in places}))
        content: dict[str, str | None] = {}
        if "body" in places or "label" in places:
            text = issue.text()
            now.text = self._under_present_id(text.body or "", name)
            now.labels = [label for label in text.label_names if self._is_ours(label)]
        if "body" in places:
            try:
                content["body"] = block_of(now.text, name)
            except TornError as error:
                now.target = Written(absent=f"{issue.name} has {error}; put the missing mark back, or remove the other")
                return now
        if "label" in places:
            content["label"] = ", ".join(map(self._as_written, now.labels)) or None
        if "comment" in places:
            start, now.comment = self._own_comment(issue, name)
            content["comment"] = _without(start, now.comment.body) if now.comment else None
        now.target = replace(now.target, content=content)
        return now

    def _own_comment(self, issue: IssueClient, name: str) -> tuple[str, Comment | None]:
        """The mark and the comment of syncd for a key result. If there is no such comment, returns the comment for the
        newest of the key result's former ids that has one.

        If several comments have the mark, returns the oldest, because a quote or copy of syncd's comment is newer.
        """
        start, *before = map(start_of, (name, *self._former.get(name, ())))
        of_former: dict[str, Comment] = {}
        for comment in issue.comments():
            text = (comment.body or "").lstrip()
            if text.startswith(start):
                return start, comment
            for mark in before:
                if text.startswith(mark):
                    of_former.setdefault(mark, comment)
        return next(((mark, of_former[mark]) for mark in before if mark in of_former), (start, None))

    def _under_present_id(self, text: str, name: str) -> str:
        if start_of(name) in text:
            return text
        former = next((old for old in self._former.get(name, ()) if start_of(old) in text), None)
        return text if former is None else renamed_block(text, former, name)

    def _is_ours(self, label: str) -> bool:
        return self._keys.label is not None and label.lower().startswith(self._keys.label.lower())

    def _as_written(self, label: str) -> str:
        """The label as syncd spells it. GitHub returns `Health: On Track` instead if the repository has the label in
        that spelling.
        """
        prefix = self._keys.label or ""
        return prefix + label[len(prefix) :].lower()


@dataclass(slots=True)
class _Look:
    """The parts of an issue, as they were just read."""

    issue: IssueClient
    target: Written
    text: str = ""
    labels: Sequence[str] = ()
    comment: Comment | None = None


def _where(issue: IssueClient, name: str, place: str) -> str:
    what = {"body": f"the block of {name} in", "comment": f"the comment for {name} on", "label": "the label of"}
    return f"{what[place]} {issue.name}"


def _without(start: str, text: str | None) -> str | None:
    return (text or "").replace("\r\n", "\n").strip().removeprefix(start).strip("\n") or None
