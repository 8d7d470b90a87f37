"""Finds the address of the next page of a list by a link, by a header with its number, or by counting.

Sources: RFC 8288 (`Link`); docs.gitlab.com, "REST API", on pagination (`x-next-page` is empty on the last page; keyset
pages have only links, and the last keyset page has no `Link`).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from syncd.sdk.answers import parse_link

_OF_KEYSETS = frozenset({"pagination", "cursor"})


def next_page(address: str, number: int, rows: int, headers: Mapping[str, str]) -> str | None:
    """The link or the full address of the next page; None if no page follows. `number` is the number of the present
    page, `rows` the count of its rows.

    If a proxy removed the links, `x-next-page` has the number of the next page. If that header is missing too, a page
    with as many rows as `per_page` may be the last page or not. The next page is then requested by its number. A server
    answers with an empty page if that page does not exist.
    """
    link = parse_link(headers.get("link", "")).get("next")
    if link is not None:
        return link
    query = dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
    following = headers.get("x-next-page")
    if following is None and "link" not in headers and rows and str(rows) == query.get("per_page"):
        following = str(number + 1)
    if not following:
        return None
    kept = {name: value for name, value in query.items() if name not in _OF_KEYSETS}
    return urlunsplit(urlsplit(address)._replace(query=urlencode({**kept, "page": following})))
