"""Finds the address where people open the pages of a project, for the links in messages and check-ins."""

from __future__ import annotations

from syncd.config.load import Config


def pages_address(config: Config) -> str | None:
    """The address of the pages; None if `web.address` is not set.

    If a workspace has no `web.address` of its own, its pages are below the address of its deployment.
    """
    address = config.settings.web.address
    if address is None or config.workspace is None or not config.document.is_default(("web", "address")):
        return address
    return f"{address.rstrip('/')}/w/{config.workspace.name}"
