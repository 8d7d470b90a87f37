"""For the tests of a connector: a contract to subclass, and a loopback proxy that breaks on purpose.

    class TestDeploys(SourceContract):
        connector, measure, secrets = Deploys, {"service": "checkout"}, ("deploys-token",)

        def settings(self, url: str) -> dict[str, str]:
            return {"url": url, "token": "deploys-token"}

The `upstream` fixture, in the class or in a conftest.py, gives the address of a fake of the service on loopback.
"""

from syncd.sdk.testing.ailments import AILMENTS, NOW, Ailment
from syncd.sdk.testing.contract import SourceContract
from syncd.sdk.testing.proxy import Asked, Proxy

__all__ = ["AILMENTS", "NOW", "Ailment", "Asked", "Proxy", "SourceContract"]
