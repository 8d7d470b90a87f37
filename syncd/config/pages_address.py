"""Where people open the pages of a project, as what syncd sends to others links to them."""

from __future__ import annotations

from syncd.config.load import Config


def pages_address(config: Config) -> str | None:
    """The address; None if `web.address` does not say. The pages of a workspace are below
    the address of its deployment, unless it has its own.
    """
    address = config.settings.web.address
    if address is None or config.workspace is None or not config.document.is_default(("web", "address")):
        return address
    return f"{address.rstrip('/')}/w/{config.workspace.name}"
