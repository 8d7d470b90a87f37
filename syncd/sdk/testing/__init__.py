"""Helpers for the tests of a connector: a contract to subclass, and a loopback proxy that fails on purpose.

    class TestMergeRequests(SourceContract):
        connector, measure, secrets = GitLab, {"what": "merged_merge_requests", "project": "acme/web"}, ("a-token",)

        def settings(self, url: str) -> dict[str, str]:
            return {"url": url, "token": "a-token"}

The `upstream` fixture, in the class or in a conftest.py, returns the address of a fake of the service on loopback. The
contract for publishers, `PublisherContract`, makes its own fakes, because each write needs a new fake.
"""

from syncd.sdk.testing.ailments import AILMENTS, AILMENTS_OF_WRITES, NOW, Ailment
from syncd.sdk.testing.contract import SourceContract
from syncd.sdk.testing.proxy import Asked, Proxy
from syncd.sdk.testing.publisher_contract import Fake, PublisherContract
from syncd.sdk.testing.statements import statement

__all__ = [
    "AILMENTS",
    "AILMENTS_OF_WRITES",
    "NOW",
    "Ailment",
    "Asked",
    "Fake",
    "Proxy",
    "PublisherContract",
    "SourceContract",
    "statement",
]
