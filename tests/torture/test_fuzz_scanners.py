"""Every reader of a format under bent input: no crash, nothing over two seconds, nothing over 200 MB.

    make torture                                     ten minutes for each reader
    python -m tests.torture.test_fuzz_scanners gguf onnx --seconds 600     some of them, seeds kept

Each reader runs in a process of its own, so that its memory is its own. What drew a new message, and what
failed, is kept in ``tests/hostile/seeds`` and tried again by the ordinary tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.corpus import BAD, GOOD, REVIEW, made_by_libraries
from tests.hostile.forge_formats import GOOD_FILES
from tests.torture.fuzzing import RESIDENT_BYTES, SECONDS_PER_INPUT, Reader, fuzz, name_of, stream
from tests.torture.killing import seed
from weighbridge.scanners.container import scan_container
from weighbridge.scanners.formats import read_source
from weighbridge.scanners.keras_config import judge_keras_json
from weighbridge.scanners.notes import LimitExceeded, Malformed, Notes
from weighbridge.scanners.pickle_stream import scan_pickles
from weighbridge.scanners.safetensors import read_header
from weighbridge.scanners.skops_schema import judge_skops
from weighbridge.scanners.sniff import kind_of, may_be_pickle
from weighbridge.scanners.text import REQUIREMENTS, judge_text
from weighbridge.scanners.yaml_text import judge_yaml

SEEDS = Path(__file__).parents[1] / "hostile" / "seeds"
MAX_KEPT, MAX_KEPT_BYTES = 40, 8192


def _format(name: str, path: str) -> Reader:
    return lambda data, notes: read_source(name, stream(data), len(data), path, notes)


def _container(path: str) -> Reader:
    return lambda data, notes: scan_container(stream(data), len(data), path, notes)


def _text(ending: str, name: str) -> Reader:
    return lambda data, notes: judge_text(ending, name, data, notes)


def _safetensors(data: bytes, notes: Notes) -> None:
    try:
        read_header(stream(data))
    except (Malformed, LimitExceeded) as error:
        notes.block("safetensors", str(error))


def _sniff(data: bytes, notes: Notes) -> None:
    notes.review(kind_of(data[:4096]), str(may_be_pickle(data[:4096])))


def _hidden(data: bytes, notes: Notes) -> None:
    scan_pickles(stream(data), notes, probe=True)


READERS: dict[str, tuple[Reader, Callable[[str], bool]]] = {
    "gguf": (_format("gguf", "m.gguf"), lambda p: p.endswith(".gguf")),
    "onnx": (_format("onnx", "m.onnx"), lambda p: p.endswith(".onnx")),
    "tensorflow": (_format("tensorflow", "saved_model.pb"), lambda p: p.endswith(".pb")),
    "checkpoint": (_format("tensorflow checkpoint", "v.index"), lambda p: p.endswith(".index")),
    "tflite": (_format("tflite", "m.tflite"), lambda p: p.endswith(".tflite")),
    "hdf5": (_format("hdf5", "m.h5"), lambda p: p.endswith((".h5", ".hdf5"))),
    "msgpack": (_format("msgpack", "m.msgpack"), lambda p: p.endswith(".msgpack")),
    "sentencepiece": (_format("sentencepiece", "tokenizer.model"), lambda p: p.endswith(".model")),
    "columnar": (_format("columnar", "a.parquet"), lambda p: p.endswith((".parquet", ".arrow"))),
    "safetensors": (_safetensors, lambda p: p.endswith(".safetensors")),
    "pickle": (_container("a.pkl"), lambda p: p.endswith((".pkl", ".joblib", ".dill", "legacy.pt"))),
    "hidden pickle": (_hidden, lambda p: p.endswith((".pkl", ".md", ".json"))),
    "packed": (_container("a.pkl"), lambda p: p.endswith((".z", ".gz", ".bz2", ".xz", ".lzma", "m.pkl"))),
    "zip": (
        _container("m.pt"),
        lambda p: p.endswith((".pt", ".bin", ".zip", ".npz", ".keras", ".skops", ".pt2")),
    ),
    "tar": (_container("m.nemo"), lambda p: p.endswith((".tar", ".nemo"))),
    "npy": (_container("a.npy"), lambda p: p.endswith(".npy")),
    "keras config": (lambda data, notes: judge_keras_json(data, notes), lambda p: p == "model.json"),
    "skops schema": (lambda data, notes: judge_skops(data, notes), lambda p: False),
    "yaml": (lambda data, notes: judge_yaml(data, notes, builds=True), lambda p: p.endswith(".yaml")),
    "json": (_text(".json", "tokenizer_config.json"), lambda p: p.endswith(".json")),
    "template": (_text(".jinja", "chat_template.jinja"), lambda p: p.endswith(".jinja")),
    "python": (_text(".py", "handler.py"), lambda p: p.endswith(".py")),
    "notebook": (_text(".ipynb", "a.ipynb"), lambda p: p.endswith(".ipynb")),
    "xml": (_text(".xml", "openvino_model.xml"), lambda p: p.endswith(".xml")),
    "markup": (_text(".svg", "a.svg"), lambda p: p.endswith((".svg", ".html"))),
    "requirements": (_text(REQUIREMENTS, REQUIREMENTS), lambda p: p == REQUIREMENTS),
    "text graph": (_text(".pbtxt", "saved_model.pbtxt"), lambda p: p.endswith(".pbtxt")),
    "sniffing": (_sniff, lambda p: True),
}
"""Reader to (how it is called, which files of the corpus are its first seeds)."""


INSIDE = {"keras config": (".keras", "config.json"), "skops schema": (".skops", "schema.json")}
"""Readers whose seeds stand in archives: the ending of the archive, and the member."""


def _member(path: str, name: str) -> bytes:
    with zipfile.ZipFile(GOOD_FILES / path) as archive:
        return archive.read(name)


def seeds_of(name: str) -> list[bytes]:
    """The corpus of a reader, and what earlier runs kept."""
    wanted = READERS[name][1]
    # A bomb of a hundred megabytes would be counted as the reader's memory.
    found = [bad.make("marker") for bad in (*BAD, *REVIEW) if wanted(bad.path) and "bomb" not in bad.attack]
    found += [good.make() for good in GOOD if wanted(good.path)]
    found += [(GOOD_FILES / path).read_bytes() for path, _ in made_by_libraries() if wanted(path)]
    found += [
        _member(path, INSIDE[name][1])
        for path, _ in made_by_libraries()
        if path.endswith(INSIDE.get(name, "\0")[0])
    ]
    found += [file.read_bytes() for file in sorted((SEEDS / name.replace(" ", "-")).glob("*"))]
    return [data for data in found if len(data) <= 1 << 18] or [b"x"]


def run_in_process(name: str, *, seconds: float = 0, runs: int = 0, keep: bool = False) -> dict[str, object]:
    """Fuzz one reader in a process of its own; gives its result as JSON."""
    command = [sys.executable, "-m", "tests.torture.test_fuzz_scanners", name, "--inside",
               "--seconds", str(seconds), "--runs", str(runs), *(["--keep"] if keep else [])]  # fmt: skip
    environ = {**os.environ, "WEIGHBRIDGE_TORTURE_SEED": str(seed())}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, object] = json.loads(ran.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("seconds", "runs"),
    [pytest.param(0, 150, id="short"), pytest.param(600, 0, id="long", marks=pytest.mark.torture)],
)
def test_bent_input_neither_breaks_nor_stops_a_reader(name: str, seconds: float, runs: int) -> None:
    found = run_in_process(name, seconds=seconds, runs=runs, keep=seconds > 0)
    print(name, found)
    assert found["failures"] == []
    assert float(str(found["resident_mb"])) < RESIDENT_BYTES / 2**20


@pytest.mark.parametrize("name", READERS)
def test_every_kept_seed_is_read(name: str) -> None:
    """Those that once broke a reader too; whatever it says of them, it says it."""
    read = READERS[name][0]
    for file in sorted((SEEDS / name.replace(" ", "-")).glob("*")):
        notes = Notes(file.name)
        read(file.read_bytes(), notes)
        assert len(notes.findings) < 1000


def _inside(name: str, options: argparse.Namespace) -> None:
    rng = random.Random(f"{name} {seed()}")
    result = fuzz(READERS[name][0], seeds_of(name), rng, seconds=options.seconds, runs=options.runs)
    if options.keep:
        folder = SEEDS / name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        small = [data for data in result.kept if 0 < len(data) <= MAX_KEPT_BYTES]
        room = max(0, MAX_KEPT - len(list(folder.glob("*"))))
        for data in (*small[:room], *(d[: 1 << 20] for d in result.failures.values())):
            (folder / name_of(data)).write_bytes(data)
    print(json.dumps({
        "runs": result.runs, "seconds": round(result.seconds), "messages": len(result.said),
        "slowest_s": round(result.slowest, 2), "limit_s": SECONDS_PER_INPUT,
        "resident_mb": result.resident_bytes >> 20, "failures": sorted(result.failures),
    }))  # fmt: skip


def main() -> None:
    """Fuzz the readers that are named, or all, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--inside", action="store_true")
    options = parser.parse_args()
    for name in options.names or READERS:
        if options.inside:
            _inside(name, options)
        else:
            print(
                name, run_in_process(name, seconds=options.seconds, runs=options.runs, keep=True), flush=True
            )


if __name__ == "__main__":
    main()
