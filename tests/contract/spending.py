"""A process that makes requests to the sandbox's GitHub as a workspace until its quota refuses: prints how many.

Called with the database's URL, the sandbox's address, the token, and the workspace's name.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import httpx

from syncd.sdk import Budget, RetryLater, RetryPolicy
from syncd.sdk.quota import Credential
from syncd.workspaces.control import open_control
from syncd.workspaces.quotas import StoredQuotas


def main(database: str, url: str, token: str, workspace: str) -> None:
    """Makes one request after the other."""
    control = open_control(database)
    quota = StoredQuotas(lambda: control.engine, workspace).of(Credential("github", url, secret=(token,)))
    budget = Budget(quota=quota)
    policy = RetryPolicy(attempts=1, budget=budget)
    made = 0
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client:

        def ask() -> None:
            answer = client.get(f"{url}/user")
            assert answer.status_code == 200, answer.text
            budget.learn(answer.headers)

        with suppress(RetryLater):
            while True:
                policy.call(ask)
                made += 1
    control.close()
    sys.stdout.write(f"{made}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
