"""Files that nobody here made: what installed libraries carry for their own tests.

``make test-all`` installs those that the ordinary tests do without.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from weighbridge.domain.scan import FileScan, Severity
from weighbridge.scanners import scan_tree


def scans(package: str, folder: str, *endings: str) -> dict[str, FileScan]:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{package} is not installed")
    root = Path(spec.submodule_search_locations[0]) / folder
    files = sorted(file for file in root.rglob("*") if file.suffix in endings and file.is_file())
    if not files:
        pytest.skip(f"{package} carries no such files")
    report = scan_tree([(file.relative_to(root).as_posix(), file, "0" * 64) for file in files])
    return {file.path: file for file in report.files}


def blocked(found: dict[str, FileScan]) -> set[str]:
    return {path for path, file in found.items() if file.verdict is Severity.BLOCK}


def test_arrays_of_numpy() -> None:
    found = scans("numpy", "lib/tests/data", ".npy", ".npz")
    # Arrays of Python objects are pickles; the rest are numbers.
    assert blocked(found) == {path for path in found if "objarr" in path}


def test_models_of_onnx() -> None:
    found = scans("onnx", "backend/test/data", ".onnx")
    assert {file.verdict for file in found.values()} == {Severity.ALLOW}


def test_files_of_h5py() -> None:
    assert blocked(scans("h5py", "tests", ".h5", ".hdf5")) == set()


def test_pickles_of_joblib() -> None:
    found = scans("joblib", "test/data", ".pkl", ".bz2", ".xz", ".lzma")
    assert {file.verdict for file in found.values()} == {Severity.REVIEW}


def test_estimators_ask_for_a_look_in_every_version() -> None:
    found = scans("joblib", "test/data", ".gz")
    assert all(file.verdict > Severity.ALLOW for file in found.values())


@pytest.mark.parametrize("package", ["pyarrow", "pandas"])
def test_tables(package: str) -> None:
    assert blocked(scans(package, "tests", ".parquet", ".arrow", ".feather")) == set()


def test_sources_of_python_ask_for_a_look() -> None:
    found = scans("json", "", ".py")
    assert {file.verdict for file in found.values()} == {Severity.REVIEW}
