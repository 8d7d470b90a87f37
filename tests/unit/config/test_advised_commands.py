"""Commands in sentences name the workspace that the sentence is about."""

from __future__ import annotations

import pytest

from syncd.config.advised_commands import document_for_workspace, for_workspace


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run `syncd sync`.", "run `syncd sync --workspace search`."),
        ("`syncd sync --only calls` measures it", "`syncd sync --only calls --workspace search` measures it"),
        ("`syncd plan`, `syncd test`", "`syncd plan --workspace search`, `syncd test --workspace search`"),
        ("`syncd publish\n  --retry`", "`syncd publish\n  --retry --workspace search`"),
        ("`syncd sync --workspace other` makes it", "`syncd sync --workspace other` makes it"),
        ("see `syncd status --all`", "see `syncd status --all`"),
        ("`syncd run` serves, and `syncd worker` works", "`syncd run` serves, and `syncd worker` works"),
        (r"a title in Markdown: \`syncd sync\`", r"a title in Markdown: \`syncd sync\`"),
        ("`syncd synced`, syncd sync, `a` syncd sync `b`", "`syncd synced`, syncd sync, `a` syncd sync `b`"),
    ],
)  # fmt: skip
def test_command_of_a_workspace_names_it(text: str, shown: str) -> None:
    assert for_workspace(text, "search") == shown
    assert for_workspace(text, None) == text


RUN, NAMED = "run `syncd sync`", "run `syncd sync --workspace search`"


@pytest.mark.parametrize("key", ["reason", "advice", "why", "error", "problem", "problems", "remark", "message"])
def test_sentences_of_syncd_in_a_document_name_the_workspace(key: str) -> None:
    assert document_for_workspace({"list": [{key: RUN}]}, "search") == {"list": [{key: NAMED}]}
    assert document_for_workspace({key: [RUN, None, 1.5]}, "search") == {key: [NAMED, None, 1.5]}
    assert document_for_workspace({key: RUN}, None) == {key: RUN}


@pytest.mark.parametrize("key", ["title", "note", "author", "owner", "unit", "label", "supports", "key", "id", "by"])
def test_texts_of_people_in_a_document_stay(key: str) -> None:
    document = {"list": [{key: RUN}], key: [RUN]}
    assert document_for_workspace(document, "search") == document


@pytest.mark.parametrize("key", ["asked", "before", "after", "old", "new", "value"])
def test_what_people_wrote_stays_whatever_its_keys_are(key: str) -> None:
    document = {key: {"reason": RUN, "note": RUN, "why": [RUN]}}
    assert document_for_workspace(document, "search") == document
