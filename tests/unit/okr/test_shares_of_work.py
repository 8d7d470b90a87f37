"""Where the work went, as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.okr.work import list_of, work_of
from syncd.status.work_words import work_sentences

IDS = st.sampled_from([f"{number}" for number in range(12)])
LABELS = st.sampled_from(["acme/a#1", "acme/a#2", "acme/b#1", "KB-1", "team/web!3"])


@given(st.dictionaries(IDS, LABELS), st.sets(IDS), st.sets(IDS))
def test_linked_and_unlinked_are_all(done: dict[str, str], driving: set[str], measured: set[str]) -> None:
    work = work_of(done, driving, measured | driving, [])
    assert work.done == len(done)
    assert work.driving + work.driving_none + work.unmapped == len(done)
    assert work.unlinked == sum(each.unlinked for each in work.lists)
    assert all(0 < each.unlinked <= each.done for each in work.lists)
    assert list(work.lists) == sorted(work.lists, key=lambda each: -each.unlinked)[: len(work.lists)]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("acme/search#42", "acme/search"),
        ("acme/a-b#7", "acme/a-b"),
        ("KB-12", "KB"),
        ("team/sub-group/web!3", "team/sub-group/web"),
        ("unnumbered", "unnumbered"),
    ],
)
def test_a_label_names_its_list(label: str, name: str) -> None:
    assert list_of(label) == name


def test_the_sentences_name_few_of_many_lists_and_count_all() -> None:
    streams = [
        "issues of acme/web",
        "project = KB AND type in (Article, Guide, Film)",
        "query 1a2b\nSELECT 1",
        "x",
        "y",
    ]
    *_, sentence = work_sentences(work_of({}, (), (), streams))
    assert sentence == (
        "It covers 5 lists, and no work elsewhere: issues of acme/web, project = KB AND type in (Article, Guid…, "
        "query 1a2b and 2 more."
    )
