"""Paths from outside: each rule, and that whatever passes stays inside its folder."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.paths import checked_path, collisions, path_faults


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("", "path.empty"),
        ("/etc/passwd", "path.absolute"),
        ("C:x", "path.absolute"),
        ("a\\b", "path.backslash"),
        ("../x", "path.traversal"),
        ("a/../../b", "path.traversal"),
        ("a//b", "path.empty-component"),
        ("a/./b", "path.empty-component"),
        ("a/", "path.empty-component"),
        (".git/config", "path.git"),
        ("a/.GIT/hooks/x", "path.git"),
        ("a\nb", "path.control"),
        ("a\x00b", "path.control"),
        ("a\u2028b", "path.control"),
        ("a\u202egnp.exe", "path.invisible"),
        ("a\u200bb", "path.invisible"),
        ("a ", "path.trailing"),
        ("a./b", "path.trailing"),
        ("\ud800", "path.encoding"),
        ("x" * 256, "path.long"),
        ("é" * 128, "path.long"),
        ("/".join(["x" * 200] * 6), "path.long"),
    ],
)
def test_each_rule_is_told_by_its_id(path: str, rule: str) -> None:
    assert rule in [fault.rule for fault in path_faults(path)]
    with pytest.raises(Invalid):
        checked_path(path)


@pytest.mark.parametrize(
    "path",
    ["config.json", ".gitattributes", "a/b/c.bin", "1_Pooling/config.json", "é/模型.bin", "...a", "x" * 255],
)
def test_ordinary_names_pass(path: str) -> None:
    assert checked_path(path) == path


@given(st.text(st.sampled_from("ab./\\:~ \n\x00é\u202e"), max_size=12) | st.text(max_size=30))
def test_whatever_passes_stays_inside_its_folder(path: str) -> None:
    if path_faults(path):
        return
    joined = os.path.normpath(os.path.join("/folder", path))
    assert joined == f"/folder/{path}"
    assert path.encode()


NAMES = st.lists(st.sampled_from(["a", "A", "b", "é", "e\u0301", "É"]), min_size=1, max_size=3).map("/".join)


@given(st.lists(NAMES, max_size=5))
def test_collisions_are_found_just_where_two_names_fold_into_one(paths: list[str]) -> None:
    folded = [unicodedata.normalize("NFC", path.casefold()) for path in paths]
    twice = len(set(folded)) < len(folded)
    nested = any(one != other and other.startswith(f"{one}/") for one in folded for other in folded)
    assert bool(collisions(paths)) == (twice or nested)


@given(st.lists(NAMES, max_size=5))
def test_collisions_do_not_depend_on_order(paths: list[str]) -> None:
    assert collisions(paths) == collisions(list(reversed(paths)))
