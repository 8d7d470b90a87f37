"""What counts now and did not, and the other way round."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.explain.differences import differences
from syncd.explain.evidence import Item


def item(key: str, brings: str | None, left_out: str | None = None, part: str | None = None) -> Item:
    return Item(key, f"#{key}", "", "", None, brings, left_out, part)


items = st.dictionaries(
    st.tuples(st.sampled_from([None, "closed", "open"]), st.sampled_from("abcdef")),
    st.one_of(st.sampled_from(["1", "2"]), st.none()),
).map(lambda found: [item(key, brings, None if brings else "not done", part) for (part, key), brings in found.items()])


@given(items, items)
def test_what_counted_with_the_differences_is_what_counts(old: list[Item], new: list[Item]) -> None:
    found = differences(old, new)
    counts = {(one.part, one.key): one.brings for one in old if one.left_out is None}
    for one in found.leaves:
        assert one.left_out
        assert counts.pop((one.part, one.key)) == one.brings
    for before, after in found.brings:
        assert counts[(after.part, after.key)] == before.brings != after.brings
        counts[(after.part, after.key)] = after.brings
    for one in found.enters:
        assert (one.part, one.key) not in counts
        counts[(one.part, one.key)] = one.brings
    assert counts == {(one.part, one.key): one.brings for one in new if one.left_out is None}
    assert bool(found) == (differences(new, old) != differences(new, new))


def test_what_left_says_which_rule_left_it_out_or_that_it_is_gone() -> None:
    found = differences([item("a", "1"), item("b", "1")], [item("a", None, "label is ui, not as asked: label is bug")])
    assert [one.left_out for one in found.leaves] == [
        "label is ui, not as asked: label is bug",
        "gone: deleted, moved, or no match any more",
    ]


def test_a_record_of_two_streams_counts_while_one_of_them_has_it() -> None:
    both = [item("a", "1"), item("a", "1")]
    assert not differences(both, both[:1])
    assert not differences(both, [item("a", "1"), item("a", None, "not done")])
    assert not differences(both, [item("a", None, "not done"), item("a", "1")])
    assert len(differences(both, []).leaves) == 1
    assert len(differences([], both).enters) == 1
