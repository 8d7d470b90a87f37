"""Finds keys of `web:` that apply to all pages of a deployment, but are written in the file of a single workspace."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.config.document import Document, Place

_OF_ALL: tuple[Place, ...] = (("login", "oidc"), ("groups_claim",), ("metrics",), ("metrics_token",))


def misplaced_web_keys(own: Document) -> Iterator[tuple[Place, str]]:
    """Yields each such key below `web` in a workspace's own file, with a sentence. The keys are correct if the
    workspace is served alone, with `--workspace`.
    """
    if own.defaults is None:
        return
    for place in (("address",), *_OF_ALL):
        if own.at(("web", *place)) is None or own.is_default(("web", *place)):
            continue
        name, of_all = f"web.{'.'.join(map(str, place))}", own.defaults.file
        holds = f"the pages of the deployment go by {of_all}; write {name} there, or remove it here"
        if place == ("address",):
            yield place, f"{name} of a workspace changes only links in what is sent; {holds}"
        else:
            yield place, f"{name} of a workspace counts only where it is served alone, with --workspace; {holds}"
