"""Commands in sentences name the workspace that the sentence is about."""

from __future__ import annotations

import pytest

from syncd.config.advised_commands import for_workspace


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run `syncd sync`.", "run `syncd sync --workspace search`."),
        ("`syncd sync --only calls` measures it", "`syncd sync --only calls --workspace search` measures it"),
        ("waits: <code>syncd approve calls</code>", "waits: <code>syncd approve calls --workspace search</code>"),
        ("`syncd plan`, `syncd test`", "`syncd plan --workspace search`, `syncd test --workspace search`"),
        ("`syncd publish\n  --retry`", "`syncd publish\n  --retry --workspace search`"),
        ("`syncd sync --workspace other` makes it", "`syncd sync --workspace other` makes it"),
        ("see `syncd status --all`", "see `syncd status --all`"),
        ("`syncd run` serves, and `syncd worker` works", "`syncd run` serves, and `syncd worker` works"),
        ("`syncd synced`, syncd sync, `a` syncd sync `b`", "`syncd synced`, syncd sync, `a` syncd sync `b`"),
    ],
)  # fmt: skip
def test_command_of_a_workspace_names_it(text: str, shown: str) -> None:
    assert for_workspace(text, "search") == shown
    assert for_workspace(text, None) == text
