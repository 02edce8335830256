"""What somebody changed by hand, and what a folder lacks: laws."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.working_copy import by_hand, lacking

FILES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))


def _after(lies: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    difference = lacking(lies, wanted)
    kept = {path: content for path, content in lies.items() if path not in difference.gone}
    return {**kept, **{path: wanted[path] for path in difference.put}}


@given(lies=FILES, wanted=FILES)
def test_what_is_lacking_makes_the_folder_as_wanted(lies: dict[str, str], wanted: dict[str, str]) -> None:
    assert _after(lies, wanted) == wanted
    assert not lacking(wanted, wanted).put | lacking(wanted, wanted).gone


@given(lies=FILES, shown=FILES)
def test_changes_by_hand_lead_from_what_was_put_to_what_lies(
    lies: dict[str, str], shown: dict[str, str]
) -> None:
    changes = by_hand(lies, shown)
    kept = {path: content for path, content in shown.items() if path not in changes.gone}
    assert {**kept, **{path: lies[path] for path in changes.put}} == lies


@given(shown=FILES, bringing=FILES, data=st.data())
def test_our_own_work_that_was_cut_short_is_no_change_by_hand(
    shown: dict[str, str], bringing: dict[str, str], data: st.DataObject
) -> None:
    ours = lacking(shown, bringing)
    done = (
        data.draw(st.sets(st.sampled_from(sorted(ours.put | ours.gone)))) if ours.put | ours.gone else set()
    )
    lies = {path: content for path, content in shown.items() if path not in ours.gone & done}
    lies |= {path: bringing[path] for path in ours.put & done}
    changes = by_hand(lies, shown, bringing)
    assert not changes.put | changes.gone
    assert _after(lies, bringing) == bringing


@given(shown=FILES, bringing=FILES, path=st.sampled_from("abcdef"))
def test_a_change_by_hand_is_seen_also_where_our_work_was_cut_short(
    shown: dict[str, str], bringing: dict[str, str], path: str
) -> None:
    assert by_hand({**shown, path: "by hand"}, shown, bringing).put == {path}
    taken = {other: content for other, content in shown.items() if other != path}
    expected = {path} & shown.keys() & bringing.keys()
    assert by_hand(taken, shown, bringing).gone == expected
