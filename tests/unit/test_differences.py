"""Two sets of evidence compared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.explain.differences import differences
from syncd.explain.items import Item


def item(key: str, brings: str | None, left_out: str | None = None, part: str | None = None) -> Item:
    return Item(key, f"#{key}", "", "", None, brings, left_out, part)


items = st.dictionaries(
    st.tuples(st.sampled_from([None, "closed", "open"]), st.sampled_from("abcdef")),
    st.sampled_from(["1", "2"]) | st.none(),
).map(lambda drawn: [item(key, brings, None if brings else "not done", part) for (part, key), brings in drawn.items()])


@given(items, items)
def test_differences_turn_the_old_evidence_into_the_new(old: list[Item], new: list[Item]) -> None:
    compared = differences(old, new)
    counts = {(counted.part, counted.key): counted.brings for counted in old if counted.left_out is None}
    for left in compared.leaves:
        assert left.left_out
        assert counts.pop((left.part, left.key)) == left.brings
    for before, after in compared.brings:
        assert counts[(after.part, after.key)] == before.brings != after.brings
        counts[(after.part, after.key)] = after.brings
    for entered in compared.enters:
        assert (entered.part, entered.key) not in counts
        counts[(entered.part, entered.key)] = entered.brings
    assert counts == {(counted.part, counted.key): counted.brings for counted in new if counted.left_out is None}
    assert bool(compared) == (differences(new, old) != differences(new, new))


def test_an_item_that_leaves_names_the_rule_that_leaves_it_out_or_is_gone() -> None:
    compared = differences(
        [item("a", "1"), item("b", "1")], [item("a", None, "label is ui, not as asked: label is bug")]
    )
    assert [left.left_out for left in compared.leaves] == [
        "label is ui, not as asked: label is bug",
        "gone: deleted, moved, or no match any more",
    ]
