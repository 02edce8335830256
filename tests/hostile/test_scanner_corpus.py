"""Every attack of the corpus is blocked, everything harmless is let in, and nothing ever runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.corpus import BAD, GOOD, REVIEW, made_by_libraries
from tests.hostile.corpus_names import FRAME
from tests.hostile.forge_formats import GOOD_FILES, lambda_layer
from tests.hostile.kinds import Bad, Good
from weighbridge.domain.scan import FileScan, ScanState, Severity
from weighbridge.scanners.notes import Notes
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.table import scanners
from weighbridge.scanners.templates import lint_template
from weighbridge.scanners.tree import scan_file, scan_tree


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seconds=60) as shared:
        yield shared


def _scan(folder: Path, sandbox: Sandbox, path: str, content: bytes) -> FileScan:
    file = folder / "file"
    file.write_bytes(content)
    return scan_file(path, file, "0" * 64, scanners(sandbox))


def _rules(scan: FileScan, severity: Severity) -> set[str]:
    return {finding.rule for finding in scan.findings if finding.severity is severity}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.attack)
def test_an_attack_is_blocked(bad: Bad, sandbox: Sandbox, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    scan = _scan(tmp_path, sandbox, bad.path, bad.make(str(marker)))
    assert scan.verdict is Severity.BLOCK
    assert bad.rule in _rules(scan, Severity.BLOCK)
    assert not any(finding.rule in ("scan.crash", "scan.timeout") for finding in scan.findings)
    assert not marker.exists()


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.what)
def test_a_harmless_file_is_let_in(good: Good, sandbox: Sandbox, tmp_path: Path) -> None:
    scan = _scan(tmp_path, sandbox, good.path, good.make())
    assert (scan.findings, scan.state, scan.verdict) == ((), ScanState.SCANNED, Severity.ALLOW)


@pytest.mark.parametrize("seen", REVIEW, ids=lambda seen: seen.attack)
def test_what_nobody_can_vouch_for_is_for_review(seen: Bad, sandbox: Sandbox, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    scan = _scan(tmp_path, sandbox, seen.path, seen.make(str(marker)))
    assert scan.verdict is Severity.REVIEW
    # A slow machine's time is up before its counts are.
    assert {seen.rule, *(["scan.timeout"] if seen.rule == "scan.limit" else [])} & _rules(
        scan, Severity.REVIEW
    )
    assert (scan.state is ScanState.UNSUPPORTED) == (seen.rule == "scan.unsupported")
    assert not marker.exists()


def test_the_payloads_are_alive(tmp_path: Path) -> None:
    """A corpus that cannot hurt proves nothing: one payload, really loaded, writes its marker."""
    import pickle
    import subprocess
    import sys

    marker = tmp_path / "ran"
    bad = next(bad for bad in BAD if bad.attack == "memo-trick")
    (tmp_path / "a.pkl").write_bytes(bad.make(str(marker)))
    code = f"import pickle; pickle.load(open({str(tmp_path / 'a.pkl')!r}, 'rb'))"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert marker.exists()
    utf8 = next(bad for bad in BAD if bad.attack == "utf8-text-pickle-named-json")
    marker.unlink()
    assert pickle.loads(utf8.make(str(marker))) == 0
    assert marker.exists()


def test_what_real_libraries_make_is_let_in_or_looked_at() -> None:
    listed = dict(made_by_libraries())
    report = scan_tree([(path, GOOD_FILES / path, "0" * 64) for path in listed])
    verdicts = {file.path: (file.verdict, [f.message for f in file.findings]) for file in report.files}
    expected = {path: Severity.ALLOW if let_in else Severity.REVIEW for path, let_in in listed.items()}
    assert {path: found for path, found in verdicts.items() if found[0] is not expected[path]} == {}
    assert {file.state for file in report.files} == {ScanState.SCANNED}


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(BAD) + len(REVIEW) >= 480
    assert len(made_by_libraries()) + len(GOOD) >= 100
    assert len({bad.attack for bad in BAD}) == len(BAD)


def test_the_payload_of_a_keras_lambda_is_alive(tmp_path: Path) -> None:
    """What Keras does with it: unmarshal, make a function, call it."""
    import base64
    import marshal
    import types

    marker = tmp_path / "ran"
    config = lambda_layer(str(marker))["config"]
    assert isinstance(config, dict)
    code = marshal.loads(base64.b64decode(config["function"]["config"]["code"]))
    types.FunctionType(code, {"open": open})(1)
    assert marker.exists()


def test_the_payload_of_a_template_is_alive() -> None:
    """A plain Jinja environment, as loaders had it, hands out the module os."""
    import os

    from jinja2 import Environment

    text = "{{ cycler.__init__.__globals__.os.getpid() }}"
    assert Environment().from_string(text).render() == str(os.getpid())
    notes = Notes("chat_template.jinja")
    lint_template(text, notes)
    assert {finding.severity for finding in notes.findings} == {Severity.BLOCK}


def test_the_payload_of_a_generators_frame_is_alive(tmp_path: Path) -> None:
    """It reaches Python's functions without one name that begins with an underscore."""
    from jinja2 import Environment

    marker = tmp_path / "ran"
    Environment().from_string(FRAME.replace("MARKER", str(marker))).render(messages=[""])
    assert marker.exists()


def test_the_payload_of_a_yaml_tag_is_alive(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    marker = tmp_path / "ran"
    bad = next(bad for bad in BAD if bad.attack == "yaml-python-tag")
    yaml.load(bad.make(str(marker)), Loader=yaml.UnsafeLoader)
    assert marker.exists()
