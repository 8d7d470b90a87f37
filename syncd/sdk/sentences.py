"""Extracts the server's message, and the links in it, from an HTTP answer.

Servers write their message under different keys, and one service may use several of these keys:

| written as | by |
|---|---|
| `message`, `errors`: texts, or objects with `message`, `field`, `code`; `documentation_url` | GitHub, GraphQL |
| `errorMessages`: texts; `errors`: field → text | Jira |
| `error`: an object with `message`, `status`, `details` | Google |
| `error`, `error_description` | OAuth (RFC 6749 5.2) |
| `title`, `detail`, `type` | problem documents (RFC 9457) |
| `<title>`, `<h1>` | pages of proxies and of login servers |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

LONGEST_SENTENCE = 1000
"""The maximal number of characters in a server's message. Real sentences are shorter; the limit is for other texts."""

_LONGEST_OTHER = 160  # characters that are shown of a body without a known message
_LONGEST_PAGE = 200_000  # characters of a page that are searched
_TEXTS = ("message", "errorMessages", "warningMessages", "error_description", "detail", "description", "msg")
_LINKS = ("documentation_url", "documentationUrl", "doc_url", "help_url", "helpUrl", "help", "more_info", "moreInfo",
          "activationUrl", "type", "url", "href")  # fmt: skip
_INNER = ("error", "errors", "details", "links", "metadata")
_CODE = re.compile(r"[A-Za-z]+(_[A-Za-z0-9]+)+")  # `PERMISSION_DENIED`; a single word adds nothing to the message
_MOST_LINKS = 2
_MOST_ERRORS = 20
_FLAGS = re.DOTALL | re.IGNORECASE
_PAGE = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|title)\b", _FLAGS)


def sentence(body: str, hide: Callable[[str], str] = str) -> str:
    """The message in the body of an answer, on one line, with its links; "" if the body has no content.

    `hide` masks secrets that the server may repeat. The function applies `hide` before it cuts a text, so that no half
    of a secret is left, and again after it decodes the text.
    """
    body = hide(body)
    if is_page(body):
        return _of_page(body, hide) or single_line(body, hide=hide)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return single_line(body, LONGEST_SENTENCE if _is_prose(body) else _LONGEST_OTHER, hide)
    try:
        text = _joined(_sentences(content))
        links = [link for link in dict.fromkeys(_links(content)) if link not in text][:_MOST_LINKS]
    except RecursionError:
        text, links = "", []
    if not text:
        return single_line(body, hide=hide) if content else ""
    if links:
        text = f"{text.rstrip('.')}; see {' and '.join(links)}"
    return single_line(text, LONGEST_SENTENCE, hide)


def is_page(body: str) -> bool:
    """Whether a body is a web page."""
    return _PAGE.match(body[:2000]) is not None


def title(body: str, hide: Callable[[str], str] = str) -> str:
    """The title of a web page. Without a title, the page's first `<h1>`; "" if the page has neither."""
    return _element(body, "title", hide) or _element(body, "h1", hide)


def single_line(body: str, length: int = _LONGEST_OTHER, hide: Callable[[str], str] = str) -> str:
    """A server's text as one line of at most `length` characters, without markup.

    `hide` masks secrets before the line is cut.
    """
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", hide(body)[: 4000 + length], flags=_FLAGS)
    text = hide(" ".join(text.split()))
    return text if len(text) <= length else text[: length - 1] + "…"


def _of_page(body: str, hide: Callable[[str], str]) -> str:
    name, heading = title(body, hide), _element(body, "h1", hide)
    return name if heading in name else f"{name}: {heading}"


def _element(body: str, tag: str, hide: Callable[[str], str]) -> str:
    match = re.search(rf"<{tag}\b[^>]*>(.*?)</{tag}>", body[:_LONGEST_PAGE], _FLAGS)
    if match is None:
        return ""
    from html import unescape  # imported here, because its table of entities is large

    return single_line(unescape(match[1]), hide=hide)


def _is_prose(body: str) -> bool:
    """Whether a text that is not JSON seems to be written for people: it does not begin like JSON or markup."""
    return not body.lstrip().startswith(("{", "[", "<"))


def _sentences(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content.strip()] if content.strip() else []
    if isinstance(content, list):
        return list(dict.fromkeys(text for item in content[:_MOST_ERRORS] for text in _sentences(item)))
    if not isinstance(content, dict):
        return []
    texts = [text for name in _TEXTS for text in _sentences(content.get(name)) if not isinstance(content[name], dict)]
    if isinstance(content.get("title"), str) and content["title"].strip() and "message" not in content:
        texts.insert(0, content["title"].strip())
    error = content.get("error")
    codes = [content.get("status"), content.get("code")]
    if isinstance(error, str) and texts:
        codes.insert(0, error)
    else:
        texts += _sentences(error)
    code = next((code for code in codes if isinstance(code, str) and _CODE.fullmatch(code)), None)
    if texts and code is not None and code not in texts[0]:
        texts[0] = f"{texts[0].rstrip('.')} ({code})"
    errors = [text for text in _errors(content.get("errors")) if text not in texts]
    if not texts and not errors and isinstance(content.get("code"), str):
        return [" ".join(str(content[name]) for name in ("resource", "field", "code") if content.get(name))]
    if not texts or not errors:
        return list(dict.fromkeys([*texts, *errors]))
    return [f"{_joined(texts).rstrip('.:')}: {_joined(errors)}"]


def _joined(texts: list[str]) -> str:
    """The texts joined into one. A text without a full stop, `!` or `?` at its end gets a semicolon."""
    return "".join(text + (" " if text.endswith((".", "!", "?")) else "; ") for text in texts).strip("; ")


def _errors(errors: Any) -> list[str]:
    """The sentences in `errors`. If `errors` maps fields to texts, each sentence begins with its field."""
    if not isinstance(errors, dict):
        return _sentences(errors)
    return [f"{field}: {text}" for field, problems in errors.items() for text in _sentences(problems)]


def _links(content: Any) -> Iterator[str]:
    if isinstance(content, list):
        for item in content[:_MOST_ERRORS]:
            yield from _links(item)
    elif isinstance(content, dict):
        for name in _LINKS:
            value = content.get(name)
            if isinstance(value, str) and re.fullmatch(r"https?://\S+", value):
                yield value
        for name in _INNER:
            yield from _links(content.get(name))
