"""The page of figures, read back by Prometheus' own reader."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from weighbridge.domain.figures import Durations, Family, exposition

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30)


@given(st.dictionaries(WORDS, st.floats(0, 1e15), max_size=5))
def test_whatever_a_label_holds_is_read_back(found: dict[str, float]) -> None:
    samples = [((("label", key),), value) for key, value in found.items()]
    page = exposition([Family(name="some_gauge", kind="gauge", about="Some.", samples=samples)])
    (family,) = text_string_to_metric_families(page)
    assert {one.labels["label"]: one.value for one in family.samples} == found


@given(st.lists(st.floats(0, 5000), max_size=50))
def test_a_histogram_counts_each_duration_once(seconds: list[float]) -> None:
    durations = Durations()
    for one in seconds:
        durations.add(one)
    page = exposition([Family(name="took", kind="histogram", about="Took.", samples=[((), durations)])])
    (family,) = text_string_to_metric_families(page)
    buckets = {one.labels["le"]: one.value for one in family.samples if one.name == "took_bucket"}
    assert buckets["+Inf"] == len(seconds)
    assert all(buckets[le] == sum(one <= float(le) for one in seconds) for le in buckets)
