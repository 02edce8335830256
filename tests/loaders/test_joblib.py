"""Pickles of estimators: loaded where the scanners allow it or somebody looked, never otherwise."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from weighbridge.bridge.pickled import load_pickled
from weighbridge.domain.loading import LoadOrder, Snapshot
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.ref import RepoId
from weighbridge.domain.scan import FileScan, ScanReport, ScanState
from weighbridge.errors import CannotLoad, DigestMismatch, NotFound, Unsafe
from weighbridge.loaders import LOADERS
from weighbridge.settings import Settings, child_environment

PIXELS, LABELS = load_digits(return_X_y=True)
MODEL = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(PIXELS[:300], LABELS[:300])


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.place}",)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _dump(kind: str, path: Path) -> Path:
    if kind == "pickle":
        path.write_bytes(pickle.dumps(MODEL))
    else:
        joblib.dump(MODEL, path, compress=(kind, 3) if kind != "joblib" else 0)
    return path


@pytest.mark.parametrize("kind", ["pickle", "joblib", "zlib", "gzip", "bz2", "xz", "lzma"])
def test_an_estimator_is_loaded_once_somebody_looked_at_just_these_bytes(
    kind: str, tmp_path: Path, settings: Settings
) -> None:
    path = _dump(kind, tmp_path / "model.pkl")
    with pytest.raises(Unsafe) as raised:
        load_pickled(path, settings)
    assert _sha256(path) in raised.value.hint
    assert any(f.subject == "sklearn.pipeline.Pipeline" for f in raised.value.scan.findings)
    with pytest.raises(Unsafe):
        load_pickled(path, settings, {"0" * 64})

    model = load_pickled(path, settings, {_sha256(path)})
    assert isinstance(model, type(MODEL))
    assert np.array_equal(model.predict_proba(PIXELS[300:350]), MODEL.predict_proba(PIXELS[300:350]))


def test_a_trained_network_and_its_random_generator_are_for_review(
    tmp_path: Path, settings: Settings
) -> None:
    network = MLPClassifier((8,), max_iter=300, tol=1e-2, random_state=0).fit(PIXELS[:100], LABELS[:100])
    path = tmp_path / "classifier_deep_mlp.pkl"
    path.write_bytes(pickle.dumps(network))
    with pytest.raises(Unsafe, match="review"):
        load_pickled(path, settings)
    loaded = load_pickled(path, settings, {_sha256(path)})
    assert isinstance(loaded, MLPClassifier)
    assert np.array_equal(loaded.predict(PIXELS), network.predict(PIXELS))


def test_plain_arrays_need_nobody_to_look(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps({"w": np.arange(12.0).reshape(3, 4), "classes": ["a", "b"]}))
    loaded = load_pickled(path, settings)
    assert isinstance(loaded, dict)
    assert loaded["w"].tolist() == np.arange(12.0).reshape(3, 4).tolist()


def test_a_payload_is_refused_and_never_run_even_if_it_is_called_reviewed(
    tmp_path: Path, settings: Settings
) -> None:
    canary, path = tmp_path / "ran", tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": MODEL, "extra": Payload(canary)}))
    for reviewed in ((), (_sha256(path),)):
        with pytest.raises(Unsafe, match="block") as raised:
            load_pickled(path, settings, reviewed)
        assert raised.value.hint == "take the weights as safetensors"
    assert not canary.exists()


def _order(path: Path, may_name: Callable[[str, str], bool]) -> LoadOrder:
    """An order by somebody whose scanners saw nothing in the file."""
    scan = FileScan(path=path.name, sha256=_sha256(path), format="pickle", state=ScanState.SCANNED)
    entry = FileEntry(path=path.name, size_bytes=path.stat().st_size, digests=digests_of(path.read_bytes()))
    manifest = Manifest(repo=RepoId.parse("local"), commit="0" * 40, files=(entry,))
    return LoadOrder(
        snapshot=Snapshot(folder=path.parent, manifest=manifest),
        scanned=ScanReport(rules="", files=(scan,)),
        file=path.name,
        may_name=may_name,
    )


def test_what_scanners_overlook_still_cannot_be_named(tmp_path: Path) -> None:
    canary, path = tmp_path / "ran", tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Payload(canary)))
    with pytest.raises(CannotLoad, match=r"names (posix|nt)\.system"):
        LOADERS["joblib"].load(_order(path, lambda module, name: module.startswith("sklearn.")))
    assert not canary.exists()


def test_an_object_array_within_is_read_under_the_same_rule(tmp_path: Path) -> None:
    canary, path = tmp_path / "ran", tmp_path / "model.joblib"
    joblib.dump(np.array([Payload(canary)], dtype=object), path)
    ours = ("joblib", "numpy")
    with pytest.raises(CannotLoad, match=r"\.system"):
        LOADERS["joblib"].load(_order(path, lambda module, name: module.startswith(ours)))
    assert not canary.exists()


def test_a_pickle_reads_no_other_file(tmp_path: Path) -> None:
    from joblib.numpy_pickle_compat import NDArrayWrapper

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(NDArrayWrapper("secret.npy", np.ndarray)))
    np.save(tmp_path / "secret.npy", np.arange(3))
    with pytest.raises(CannotLoad, match="NDArrayWrapper"):
        LOADERS["joblib"].load(_order(path, lambda module, name: True))


def test_bytes_that_changed_after_the_scan_are_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps([1]))
    order = _order(path, lambda module, name: True)
    path.write_bytes(pickle.dumps([2]))
    with pytest.raises(DigestMismatch):
        LOADERS["joblib"].load(order)


def test_an_estimator_of_another_version_is_not_used_in_silence(tmp_path: Path, settings: Settings) -> None:
    import sklearn

    path = tmp_path / "model.pkl"
    ours = sklearn.__version__.encode()
    path.write_bytes(pickle.dumps(MODEL).replace(ours, b"0" + ours[1:]))
    with pytest.raises(CannotLoad, match="InconsistentVersionWarning"):
        load_pickled(path, settings, {_sha256(path)})


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps(MODEL)[:-400], b"\x78\x9cbroken"])
def test_what_is_no_pickle_is_a_typed_error(content: bytes, tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    with pytest.raises((Unsafe, CannotLoad)):
        load_pickled(path, settings, {_sha256(path)})


def test_a_file_that_is_not_there_is_told(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(NotFound):
        load_pickled(tmp_path / "none.pkl", settings)


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps([1.5]))
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from weighbridge.errors import MissingExtra\n"
        "from weighbridge.model_hub import load_pickled\n"
        "try:\n    load_pickled(sys.argv[1])\n"
        "except MissingExtra as error:\n    print(error.hint)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env=child_environment({"HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(tmp_path / "home")}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "pip install 'weighbridge[sklearn]'\n"
