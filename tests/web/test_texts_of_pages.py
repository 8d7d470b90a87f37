"""Every text of every page is a text of the catalogue, so a translation has them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from serving_stories import Site
from starlette.testclient import TestClient
from test_every_page import ADDRESSES

from syncd.config import Config
from syncd.okr.goals import Milestones
from syncd.web.languages import Languages

ENGLISH = re.compile(r"[A-Za-z]{2,}")
SPOKEN = ("aria-label", "title", "alt", "placeholder", "summary")
UNTRANSLATED = frozenset({"code", "pre", "script", "style"})
WRITTEN = (
    r"\b(acme/)?[\w-]+ \d+/\d+",  # a list of work: its name, and numbers
    r"\b(?:issues|pulls|releases) of acme/[\w*-]+",  # a stream
    r"`[^`]*`",  # a command
    r"\S+\.(?:csv|yaml)(?::\d+)?",  # a file
    r"[\w./-]+#\d+|\b[A-Z]+-\d+|[\w./]+ v\d[\d.]*",  # a record
    r"'#[A-Z]+!'|(?:'[^']*'|\w+)![A-Z]+\d+|\b[A-Z]\d+\b|\w+\.percent",  # a cell
    r"cell [A-Z]\d+|series dates \w+, values \w+|\b\w+, row \d+",  # a place
    r"\b(?:min|sum|target)(?=:| )|Story Points",  # keys and fields of a mapping file
    r"\b(?:author|base)(?: is(?: not)? \S+)?|dependabot\[bot\]|release/1\.x",  # of a mapping
    r"The survey of \*November\*: better|Dana|ops@host|at (?=\w+ 'yesterday')|'yesterday'",  # of people
    r"\b(?:Web_Shop|bravo)\b",  # teams without a configuration
    r"\S+…",  # a word that is cut
)
"""What is as somebody wrote it, in every language."""
VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})


class Texts(HTMLParser):
    """What a person reads or hears of a page, without code and what is marked as English or as not to be translated."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[bool] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert not any("<bdi" in (value or "") for value in values.values()), (tag, attrs)
        skipped = tag in UNTRANSLATED or values.get("lang") == "en" or values.get("translate") == "no"
        if not any([*self._open, skipped]):
            self.texts += [text for name in SPOKEN if (text := values.get(name))]
        if tag not in VOID:
            self._open.append(skipped)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open) and data.strip():
            self.texts.append(data.strip())


def data_of(site: Site, story: str) -> list[str]:
    """The texts that the people and sources of a story wrote, the longest first."""
    texts = {text for config in site.configs(story) for text in texts_of(config)}
    return sorted(filter(None, {*texts, "syncd", "CSV"}), key=len, reverse=True)


def texts_of(config: Config) -> Iterator[str | None]:
    yield config.settings.schedule
    if config.workspace is not None:
        yield config.workspace.name
    for okrs in config.periods:
        yield from (okrs.period.id, okrs.period.zone.key)
        for objective in okrs.objectives:
            yield from (objective.id, objective.title, objective.owner)
        for key_result in okrs.key_results:
            yield from (key_result.id, key_result.title, key_result.unit, key_result.owner)
            if isinstance(key_result.goal, Milestones):
                yield from (step.title for step in key_result.goal.steps)
    for name, connection in config.connections.items():
        yield from (name, connection.kind)


@pytest.mark.sampled(18)
@pytest.mark.parametrize(
    ("story", "path"),
    [
        (story, path) for story, path in ADDRESSES if story not in ("many", "silent")
    ],  # an error of the ledger is English
)
def test_every_text_is_of_the_catalogue(site: Site, languages: Languages, story: str, path: str) -> None:
    client = TestClient(
        site.app(story, languages=languages), base_url="http://localhost", raise_server_exceptions=False
    )
    page = client.get(path, headers={"Accept-Language": "el", "Accept": "text/html"}).text
    assert '<html lang="el" dir="ltr">' in page
    assert untranslated(page, data_of(site, story)) == []


def untranslated(page: str, data: list[str]) -> list[str]:
    left_out = re.compile("|".join([*WRITTEN, *(rf"(?<!\w){re.escape(text)}(?!\w)" for text in data)]))
    return [text for text in Texts(page).texts if ENGLISH.search(left_out.sub("", text))]


@pytest.mark.sampled(12)
@pytest.mark.parametrize(("story", "path"), ADDRESSES)
def test_commands_in_sentences_are_marked_as_code(site: Site, story: str, path: str) -> None:
    client = TestClient(site.app(story), base_url="http://localhost", raise_server_exceptions=False)
    page = client.get(path, headers={"Accept": "text/html"}).text
    assert "`" not in re.sub(r"<(code|pre|title|desc)\b.*?</\1>|<[^>]*>", "", page, flags=re.DOTALL)
