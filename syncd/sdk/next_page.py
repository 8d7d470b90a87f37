"""Where the next page of a list is: its link, its number, or what must be asked because neither says that none follows.

Sources: RFC 8288 (`Link`); docs.gitlab.com, "REST API", on pagination (`x-next-page` is empty on the last page; keyset
pages have links alone, and the last of them has no `Link`).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from syncd.sdk.answers import parse_link

_OF_KEYSETS = frozenset({"pagination", "cursor"})


def next_page(address: str, number: int, rows: int, headers: Mapping[str, str]) -> str | None:
    """The link or the whole address of the page after this one, which is the `number`th and has so many rows; None if
    none follows.

    A proxy may take the links away. Then `x-next-page` tells the next page. If that is missing too, a page with as many
    rows as `per_page` asks for may be the last or not: the page after it is asked for by its number, and is empty if
    there is none.
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
