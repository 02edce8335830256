"""The YAML of cards: what it means as JSON, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.adapters.front_matter import LIMIT_BYTES, LIMIT_NODES, front_matter, yaml_object
from weighbridge.domain.json_values import Json


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("---\nlicense: mit\n---\n# X", {"license": "mit"}),
        ("\ufeff---\r\nlicense: mit\r\n---\r\n# X", {"license": "mit"}),
        ("\n\n---  \nlicense: mit\n---", {"license": "mit"}),
        ("---\n---\n", {}),
        ("---\n# only a comment\n---\n", {}),
    ],
)
def test_where_it_begins_and_ends(text: str, meant: Json) -> None:
    assert front_matter(text) == (meant, "")


@pytest.mark.parametrize("text", ["", "# X", "text\n---\na: b\n---", "----\na: b\n----", " ---\na: 1\n---"])
def test_a_text_without_it(text: str) -> None:
    assert front_matter(text) == (None, "")


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("no", "no"), ("yes", "yes"), ("true", True), ("False", False), ("~", None), ("null", None),
        ("012", 12), ("1_000", 1000), ("0x10", 16), ("1e5", 100000.0), ("0.10", 0.1), (".nan", ".nan"),
        ("-.inf", "-.inf"), ("2024-01-02", "2024-01-02"), ("2024-01-02 03:04:05", "2024-01-02 03:04:05"),
        ("'12'", "12"), ("!!python/object:os.system x", "x"), ("!!binary aGk=", "aGk="), ("9" * 40, "9" * 40),
    ],
)  # fmt: skip
def test_scalars(spelled: str, meant: Json) -> None:
    value, error = yaml_object(f"a: {spelled}")
    assert (value, error) == ({"a": meant}, "")
    assert value is not None
    assert type(value["a"]) is type(meant)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("---\na: 1\n", "not closed"),
        ("---\na: 1\nb: [1\n---\n", "line 3"),
        ("---\n- 1\n---\n", "not a mapping"),
        ("---\na: 1\na: 2\n---\n", "'a' stands twice"),
        ("---\n? [1]\n: 2\n---\n", "not a plain word"),
        ("---\na: \x07\n---\n", "unacceptable character"),
        ("---\na: &a [*a]\n---\n", "levels deep"),
        ("---\na: " + "[" * 500 + "\n---\n", "levels deep"),
        ("---\na: " + "x" * LIMIT_BYTES + "\n---\n", "longer than"),
        ('---\na: "\\UFFFFFFFF"\n---\n', "does not exist"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    value, error = front_matter(text)
    assert value is None
    assert why in error


def test_a_few_lines_do_not_unfold_into_gigabytes() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 15)]
    value, error = yaml_object("\n".join(lines))
    assert value is None
    assert "more than 40000 values" in error


@pytest.mark.parametrize("line", ["{n},", "[],", "&a 1,", "!a 1,"])
def test_what_is_too_much_is_not_read_to_its_end_and_warns_of_nothing(
    line: str, recwarn: pytest.WarningsRecorder
) -> None:
    open_ended = "a: [" + "".join(line.format(n=n % 10) for n in range(LIMIT_NODES))
    value, error = yaml_object(open_ended)
    assert (value, error) == (None, f"more than {LIMIT_NODES} values")
    assert not recwarn.list


def test_results_on_every_benchmark_are_read() -> None:
    metric = "    - type: map_at_{0}\n      value: 31.{0}\n"
    text = "model-index:\n- name: m\n  results:\n  - task: {type: Retrieval}\n    metrics:\n"
    value, error = yaml_object(text + "".join(metric.format(n) for n in range(4500)))
    assert error == ""
    assert isinstance(value, dict)
    assert len(value) == 1


@given(st.text(max_size=200))
def test_any_text_has_an_answer_that_is_json(text: str) -> None:
    value, error = front_matter(f"---\n{text}\n---\n")
    assert (value is None) == bool(error)
    json.dumps(value, allow_nan=False)


words = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)


@given(st.dictionaries(words, st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), words)))
def test_json_is_read_as_it_is(value: dict[str, Json]) -> None:
    assert yaml_object(json.dumps(value, ensure_ascii=False)) == (value, "")
