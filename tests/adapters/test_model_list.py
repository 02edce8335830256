"""Model lists: any text is a list or a told mistake, and a remembered list is the same list."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.adapters.model_list import EXAMPLE, ModelList, read_model_list, write_example
from weighbridge.adapters.model_list.memory import Said
from weighbridge.adapters.model_list.reading import parse
from weighbridge.errors import BadConfig, BadInput, NotFound, Place

SCALARS = st.sampled_from(
    ["a", "../x", "012", "1e5", "no", "~", "''", "org/name", "[x]", "{}", "'*'", "é", "- a"]
)
KEYS = st.sampled_from(["id", "repo_id", "revision", "local_dir", "files", "kind", "license", "licence", "1"])
MODELS = st.lists(st.tuples(KEYS, SCALARS), min_size=1, max_size=4).map(
    lambda pairs: "  - " + "\n    ".join(f"{key}: {value}" for key, value in pairs) + "\n"
)
LISTS = st.lists(MODELS, max_size=3).map(lambda models: "models:\n" + "".join(models))


@given(LISTS | st.text(st.sampled_from("am:-[]{}&*!|>'\"# \n\t\x00é%@`"), max_size=40))
def test_any_text_is_a_list_or_mistakes_with_places_in_it(text: str) -> None:
    said = _said(text)
    if isinstance(said, Said):
        assert len({spec.id.casefold() for spec in said.specs}) == len(said.specs)
        assert all(".." not in spec.folder.split("/") for spec in said.specs)
    else:
        lines = text.count("\n") + 2
        assert said
        assert all(1 <= place.line <= lines and place.column >= 1 for place in said)


def _said(text: str) -> Said | tuple[Place, ...]:
    try:
        return parse("models.yaml", text)
    except BadConfig as error:
        return error.places


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LISTS)
def test_a_remembered_list_is_the_list(tmp_path: Path, text: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")

    def read() -> ModelList | str:
        try:
            return read_model_list(path, tmp_path / "lists")
        except BadConfig as error:
            return str(error)

    assert read() == read() == _unremembered(path)


def _unremembered(path: Path) -> ModelList | str:
    try:
        return read_model_list(path)
    except BadConfig as error:
        return str(error)


def test_a_damaged_memory_is_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(EXAMPLE)
    first = read_model_list(path, tmp_path / "lists")
    (remembered,) = (tmp_path / "lists").iterdir()
    for damage in ("", "[]", '{"cache_dir": "x", "verify": "size", "models": [{"id": "../x"}]}'):
        remembered.write_text(damage)
        assert read_model_list(path, tmp_path / "lists") == first


def test_a_memory_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "lists").write_text("a file where the folder should be")
    (tmp_path / "models.yaml").write_text(EXAMPLE)
    assert read_model_list(tmp_path / "models.yaml", tmp_path / "lists").verify == "sha256"


def test_the_example_is_a_list_and_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    write_example(path)
    listed = read_model_list(path)
    assert [spec.id for spec in listed.specs] == ["all-minilm"]
    assert listed.cache_dir == tmp_path / "models"
    assert listed.lock_path == tmp_path / "models.lock"
    with pytest.raises(BadInput, match="was not touched"):
        write_example(path)


@pytest.mark.parametrize("revision", ["012", "1.0", "1e5", "2024-01-01", "0x1f", "1_000"])
def test_a_revision_that_yaml_would_change_must_be_quoted(revision: str) -> None:
    text = "models:\n  - id: a\n    repo_id: org/a\n    revision: %s\n"
    with pytest.raises(BadConfig, match=f"4:15: .* quote it: '{revision}'"):
        parse("models.yaml", text % revision)
    assert parse("models.yaml", text % f"'{revision}'").specs[0].ref.revision == revision


def test_yaml_1_2_leaves_words_alone() -> None:
    text = "models:\n  - {id: no, repo_id: org/on, revision: yes, license: off}\n"
    spec = parse("models.yaml", text).specs[0]
    assert (spec.id, spec.ref.repo.name, spec.ref.revision, spec.license) == ("no", "on", "yes", "off")


def test_bytes_that_are_no_text_are_told_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_bytes(b"models: []\n# \xff\n")
    with pytest.raises(BadConfig, match=r"models\.yaml:2:3: is not UTF-8"):
        read_model_list(path)


def test_a_huge_list_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(BadInput, match="at most 1048576"):
        read_model_list(path)


def test_a_list_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no model list"):
        read_model_list(tmp_path / "models.yaml")
