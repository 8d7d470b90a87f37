"""Check-ins on issues: a block in the text, a comment, a label.

GitHub has no If-Match for what is written to issues (docs.github.com, "Best practices for using the REST API"), so
whoever writes last wins. Each place is therefore looked at again right before it is written, after any pause: the block
goes into the text as it is then, and where our own place is no longer as it was when syncd decided, syncd decides anew.
What is left is the time of one request.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.github.api import Api
from connectors.github.issues import OneIssue
from connectors.github.markdown import inert
from connectors.github.marked import TornError, block_of, start_of, with_block
from connectors.github.rows import Comment
from connectors.github.settings import GitHubPublish, GitHubSettings
from syncd.sdk import Content, Context, Found, RetryLater, Statement, Summary
from syncd.sdk.block import health, lines

_BETWEEN_WRITES = 1.0
"""Seconds that GitHub asks for between requests that make content (same page, "Pause between mutative requests")."""


class GitHubPublisher:
    """An opened connection to write issues through."""

    together = False
    appends = False

    def __init__(self, settings: GitHubSettings, context: Context, keys: GitHubPublish) -> None:
        self._api = Api(settings, context)
        self._sleep = context.retry.sleep
        self._keys = keys
        self._stood: dict[str, Content] = {}
        self._wrote = False

    def content(self, said: Statement | Summary) -> Content:
        """The lines of a statement as Markdown, and the label."""
        assert isinstance(said, Statement)
        content = {}
        if self._keys.body or self._keys.comment:
            title, *rest = map(inert, lines(said))
            content["body" if self._keys.body else "comment"] = "\n".join([f"**{title}**", *rest])
        if self._keys.label:
            content["label"] = f"{self._keys.label} {health(said)}"
        return content

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Found]:
        """What stands in our places of each issue."""
        found = {name: self._look(name, content).found for name, content in wanted.items()}
        self._stood |= {name: one.content for name, one in found.items()}
        return found

    def write(self, contents: Mapping[str, Content]) -> None:
        """Each place by itself. RetryLater where somebody else was faster, or an answer was lost."""
        for name, content in contents.items():
            for place, value in content.items():
                self._write(name, place, str(value))

    def close(self) -> None:
        """Closes the sockets."""
        self._api.close()

    def _write(self, name: str, place: str, value: str) -> None:
        self._pause()
        now = self._look(name, [place])
        if now.found.absent or now.found.content[place] != self._stood[name][place]:
            raise RetryLater(f"{_where(now.issue, name, place)} changed while it was to be written")
        if place == "body":
            now.issue.set_text(with_block(now.text, name, value))
        elif place == "label":
            self._write_label(now, value)
        elif now.comment is None:
            now.issue.add_comment(f"{start_of(name)}\n{value}")
        else:
            now.issue.set_comment(now.comment, f"{start_of(name)}\n{value}")

    def _write_label(self, now: _Look, value: str) -> None:
        """Takes the others off before it adds one: killed in between there is none, which is free to be written."""
        others = [label for label in now.labels if label.lower() != value.lower()]
        for label in others:
            now.issue.remove_label(label)
            self._pause()
        if others == now.labels:
            now.issue.add_label(value)

    def _pause(self) -> None:
        """Before each write but the first."""
        if self._wrote:
            self._sleep(_BETWEEN_WRITES)
        self._wrote = True

    def _look(self, name: str, places: Collection[str]) -> _Look:
        issue = OneIssue(self._api, self._keys.issues[name])
        now = _Look(issue, Found(where={place: _where(issue, name, place) for place in places}))
        content: dict[str, str | None] = {}
        if "body" in places or "label" in places:
            text = issue.text()
            now.text = text.body or ""
            now.labels = [label for label in text.label_names if self._is_ours(label)]
        if "body" in places:
            try:
                content["body"] = block_of(now.text, name)
            except TornError as error:
                now.found = Found(absent=f"{issue.name} has {error}; put it back, or take the other out")
                return now
        if "label" in places:
            content["label"] = ", ".join(map(self._as_written, now.labels)) or None
        if "comment" in places:
            start = start_of(name)
            ours = (one for one in issue.comments() if (one.body or "").lstrip().startswith(start))
            now.comment = next(ours, None)  # the oldest: who quotes or copies it comes later
            content["comment"] = _without(start, now.comment.body) if now.comment else None
        now.found = replace(now.found, content=content)
        return now

    def _is_ours(self, label: str) -> bool:
        return self._keys.label is not None and label.lower().startswith(self._keys.label.lower())

    def _as_written(self, label: str) -> str:
        """GitHub takes `Health: On Track`, where the repository has it, for the label that was asked for."""
        prefix = self._keys.label or ""
        return prefix + label[len(prefix) :].lower()


@dataclass(slots=True)
class _Look:
    """An issue as it is now, in so far as it was looked at."""

    issue: OneIssue
    found: Found
    text: str = ""
    labels: Sequence[str] = ()
    comment: Comment | None = None


def _where(issue: OneIssue, name: str, place: str) -> str:
    """Where a place is, for people."""
    what = {"body": f"the block of {name} in", "comment": f"the comment for {name} on", "label": "the label of"}
    return f"{what[place]} {issue.name}"


def _without(start: str, text: str | None) -> str | None:
    """What stands in a comment of ours behind its mark; None where there is nothing."""
    return (text or "").replace("\r\n", "\n").strip().removeprefix(start).strip("\n") or None
