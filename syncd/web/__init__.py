"""The dashboard: it reads the ledger, and writes only people's requests and sessions."""

from syncd.web.app import make_app
from syncd.web.server import serving

__all__ = ["make_app", "serving"]
