"""Which repositories answer a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.repo_query import RepoQuery, SortKey, parameter_range, read_mark, spelled_mark


def info(name: str, **raw: Json) -> ModelInfo:
    return ModelInfo(repo=RepoId.parse(name), commit="0" * 40, raw=raw)


ALL = (
    info(
        "acme/bert-tiny",
        tags=["en", "license:mit"],
        downloads=3,
        createdAt="2024",
        safetensors={"total": 10**6},
    ),
    info("acme/gpt", tags=["en"], downloads=9, likes=1, gated="auto", gguf={"total": 7 * 10**9}),
    info("Other/bert", tags=None, downloads=None, createdAt="2025", pipeline_tag="fill-mask"),
)


def found(**query: object) -> list[str]:
    return [i.repo.full_name for i in RepoQuery(**query).select(ALL)]  # type: ignore[arg-type]


def test_every_condition_must_hold() -> None:
    assert found() == ["acme/gpt", "acme/bert-tiny", "Other/bert"]
    assert found(search="BERT") == ["acme/bert-tiny", "Other/bert"]
    assert found(search="acme bert") == ["acme/bert-tiny"]
    assert found(author="other") == ["Other/bert"]
    assert found(tags=("EN", "license:mit")) == ["acme/bert-tiny"]
    assert found(pipeline_tag="fill-mask") == ["Other/bert"]
    assert found(gated=True) == ["acme/gpt"]
    assert found(gated=False, search="bert", author="acme") == ["acme/bert-tiny"]
    assert found(parameters=(0, 10**9)) == ["acme/bert-tiny"]
    assert found(parameters=(10**9, float("inf"))) == ["acme/gpt"]


def test_order_is_descending_and_what_is_unknown_comes_last() -> None:
    assert found(sort=SortKey.DOWNLOADS) == ["acme/gpt", "acme/bert-tiny", "Other/bert"]
    assert found(sort=SortKey.CREATED_AT) == ["Other/bert", "acme/bert-tiny", "acme/gpt"]
    assert found(sort=SortKey.LIKES)[0] == "acme/gpt"


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [("min:6B,max:128B", (6e9, 128e9)), ("max:1.5m", (0, 1.5e6)), ("min:100", (100, float("inf")))],
)
def test_a_range_of_parameters(spelled: str, meant: tuple[float, float]) -> None:
    assert parameter_range(spelled) == meant


@given(st.text(max_size=20))
def test_any_other_text_is_no_range(spelled: str) -> None:
    try:
        least, most = parameter_range(spelled)
    except Invalid:
        return
    assert least >= 0
    assert most >= 0
    assert ":" in spelled


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.sampled_from(list(SortKey)), st.integers(1, 4))
def test_pages_give_everything_once_in_order(values: list[int], sort: SortKey, size: int) -> None:
    dated = sort in (SortKey.CREATED_AT, SortKey.LAST_MODIFIED)
    infos = [info(f"a/m{n}", **{sort: f"202{v}" if dated else v}) for n, v in enumerate(values)]
    whole = RepoQuery(sort=sort).select(infos)
    paged: list[ModelInfo] = []
    query = RepoQuery(sort=sort)
    while page := query.select(infos)[:size]:
        paged += page
        mark = read_mark(spelled_mark(query.mark(page[-1])))
        query = RepoQuery(sort=sort, after=mark)
    assert tuple(paged) == whole


@pytest.mark.parametrize("cursor", ["", "2", "[]", '["",1]', '["",1,2]', '{"a":1}', "[" * 5000])
def test_a_cursor_that_was_not_given_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        read_mark(cursor)
