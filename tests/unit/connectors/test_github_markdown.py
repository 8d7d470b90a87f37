"""Texts of people within Markdown are shown as they were written and notify nobody."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from connectors.github.markdown import inert

ZERO_WIDTH_SPACE = "\u200b"


class Shown(HTMLParser):
    """The text of a piece of HTML that a reader sees, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(text: str) -> Shown:
    """The text as a Markdown renderer with tables and strikethrough shows it."""
    return Shown(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(inert(text)))


def single_line(text: str) -> str:
    return " ".join(text.split())


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(single_line).filter(bool))
@example("--> <!-- /syncd:calls --> <script>alert(1)</script>")
@example("**bold** _it_ ~~gone~~ `code` [a](b) ![c](d) | e |")
@example("# title")
@example("1. first")
@example("- item")
@example("---")
@example("=")
@example("&lt;b&gt; &#64;everyone &copy;")
@example("a\\")
def test_any_text_is_shown_as_it_is_and_is_not_markup(text: str) -> None:
    page = shown(text)
    assert set(page.tags) <= {"p", "a"}
    assert page.text.replace(ZERO_WIDTH_SPACE, "").strip() == text.replace(ZERO_WIDTH_SPACE, "").strip()


@pytest.mark.parametrize("text", ["@everyone look", "cc @acme/search.", "mail ann@acme.example", "&#64;everyone"])
def test_a_mention_notifies_nobody(text: str) -> None:
    # GitHub looks in the rendered text for an @ followed by a letter or a digit.
    assert not re.search(r"@[A-Za-z0-9]", shown(text).text)


def test_a_number_does_not_refer_to_an_issue() -> None:
    """A pull request whose text says `fixes #45` would close it."""
    assert not re.search(r"#\d", shown("fixes #45").text)
    assert inert("written in C# and F#") == "written in C# and F#"


@pytest.mark.parametrize("text", ["GH-12", "fixes gh-7.", "_GH-45_", "(GH-1)", "a GH-2 b"])
def test_the_short_form_does_not_refer_to_an_issue(text: str) -> None:
    page = shown(text)
    assert not re.search(r"gh-\d", page.text, re.IGNORECASE)
    assert page.text.replace(ZERO_WIDTH_SPACE, "").strip() == text


def test_a_word_that_ends_in_gh_stays_as_it_is() -> None:
    assert inert("through-12 HIGH-5") == "through-12 HIGH-5"


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/web/issues/12",
        "http://github.com/acme/web/pull/12/files#diff-1",
        "HTTPS://github.com/acme/web/Issues/12",
        "https://ghe.acme.example/acme/web/discussions/3",
        "https://github.com/acme/web/commit/0123456789abcdef",
    ],
)
def test_the_address_of_an_issue_does_not_refer_to_it(address: str) -> None:
    page = shown(f"fixes {address}")
    assert (page.tags, page.addresses) == (["p"], [])
    assert "://" not in page.text
    assert page.text.replace(ZERO_WIDTH_SPACE, "").strip() == f"fixes {address}"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://acme.example/a_b?x=1&y=*2*.", "https://acme.example/a_b?x=1&y=*2"),
        ("(https://okr.example/?period=2026-Q4#calls)", "https://okr.example/?period=2026-Q4#calls"),
        ("[here](https://acme.example/x)", "https://acme.example/x"),
        ("HTTP://ACME.example/--> is it", "HTTP://ACME.example/--"),
        ("https://acme.example/@everyone", "https://acme.example/@everyone"),
    ],
)
def test_web_addresses_are_links_and_nothing_else(text: str, address: str) -> None:
    page = shown(text)
    assert (page.tags, page.addresses) == (["p", "a"], [address])
    assert page.text.strip() == text


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "ftp://acme.example"])
def test_other_addresses_are_text(address: str) -> None:
    assert shown(f"[x]({address}) <{address}>").tags == ["p"]
