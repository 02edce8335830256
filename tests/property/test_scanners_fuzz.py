"""Laws of the scanners: nothing makes them raise, and they agree with the real readers."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import resource
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize

from tests.hostile.corpus import BAD, GOOD
from tests.hostile.forge import uni
from weighbridge.domain.scan import FileScan, ScanState, Severity
from weighbridge.scanners.notes import Malformed, Notes
from weighbridge.scanners.pickle_names import judge_global
from weighbridge.scanners.pickle_stream import scan_pickles
from weighbridge.scanners.safetensors import DTYPE_BITS, read_header
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.table import scanners
from weighbridge.scanners.tree import scan_file


class Bench(NamedTuple):
    file: Path
    sandbox: Sandbox

    def scan(self, path: str, content: bytes) -> FileScan:
        self.file.write_bytes(content)
        return scan_file(path, self.file, "0" * 64, scanners(self.sandbox))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Sandbox(seconds=60) as sandbox:
        yield Bench(tmp_path_factory.mktemp("fuzz") / "file", sandbox)


_NAMES = st.sampled_from(
    [
        "a.safetensors",
        "a.bin",
        "a.pkl",
        "a.pt",
        "a.npy",
        "a.npz",
        "a.zip",
        "a.tar",
        "a.joblib",
        "a",
        "config.json",
        "README.md",
        "a.gguf",
        "modules.json",
        "m.safetensors.index.json",
    ]
)
_MAGICS = st.sampled_from(
    [
        b"",
        b"\x80\x02",
        b"\x80\x04",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x93NUMPY\x01\0",
        b"\x1f\x8b\x08",
        b"x\x9c",
        b"BZh91AY&SY",
        b"\xfd7zXZ\0",
        b"]\0\0",
        b"\x04\x22\x4d\x18\x60\x40\0",
        b"{",
        b"\x7fELF",
        b"MZ",
    ]
)


def _is_sane(scan: FileScan) -> bool:
    crashed = {finding.rule for finding in scan.findings} & {"scan.crash", "scan.timeout"}
    return not crashed and (scan.state is ScanState.SCANNED or scan.verdict >= Severity.REVIEW)


@settings(max_examples=300, deadline=None)
@given(path=_NAMES, magic=_MAGICS, rest=st.binary(max_size=600))
def test_no_bytes_make_a_scan_fail(bench: Bench, path: str, magic: bytes, rest: bytes) -> None:
    assert _is_sane(bench.scan(path, magic + rest))


_GOOD = [(good.path, content) for good in GOOD if 0 < len(content := good.make()) < 200_000]
_SEEDS = _GOOD + [(bad.path, bad.make("/dev/null/x")) for bad in BAD if "bomb" not in bad.attack]
_SEEDS = [(path, content) for path, content in _SEEDS if 0 < len(content) < 200_000]


@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(_SEEDS),
    cuts=st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_no_mutation_makes_a_scan_fail(
    bench: Bench, seed: tuple[str, bytes], cuts: list[tuple[int, bytes]]
) -> None:
    path, content = seed
    for place, patch in cuts:
        at = place % len(content)
        content = content[:at] + patch + content[at + len(patch) :] or b"\0"
    assert _is_sane(bench.scan(path, content))


@settings(max_examples=100, deadline=None)
@given(
    seed=st.sampled_from([s for s in _GOOD if s[0].endswith((".bin", ".pt", ".npz", ".safetensors"))]),
    keep=st.floats(0, 0.999),
)
def test_a_truncated_weight_file_is_never_clean(bench: Bench, seed: tuple[str, bytes], keep: float) -> None:
    path, content = seed
    assert bench.scan(path, content[: int(len(content) * keep)]).verdict is not Severity.ALLOW


# -- pickles: what the real machine would ask for is what is judged -----------------------------

_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(min_size=1, max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        | st.sets(st.integers(), max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(value=_PLAIN, protocol=st.integers(0, 5))
def test_plain_values_are_always_allowed(value: object, protocol: int) -> None:
    notes = Notes("a.pkl")
    scan_pickles(io.BytesIO(pickle.dumps(value, protocol)), notes)
    assert notes.findings == ()


class _Inert:
    def __init__(self, *args: object, **more: object) -> None: ...
    def __call__(self, *args: object) -> _Inert:
        return self

    def __setstate__(self, state: object) -> None: ...
    def append(self, value: object) -> None: ...
    def extend(self, values: object) -> None: ...
    def add(self, value: object) -> None: ...
    def __setitem__(self, key: object, value: object) -> None: ...


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    """A gigabyte more than now: the machine makes room for as many memos as an opcode says."""
    memory = Path("/proc/self/statm")
    if not memory.exists():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(memory.read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (1 << 30), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class _RealMachine(pickle.Unpickler):
    """CPython's C machine, with names that are only written down."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.asked: list[tuple[str, str]] = []

    def find_class(self, module: str, name: str) -> object:
        self.asked.append((module, name))
        return _Inert

    def persistent_load(self, pid: object) -> object:
        return _Inert()


_OPCODES = st.sampled_from(
    [
        uni("os"),
        uni("system"),
        uni("os.path"),
        uni("collections"),
        uni("OrderedDict"),
        b"U\x02os",
        b"S'os'\n",
        b"Vos\n",
        b"\x93",
        b"\x93",
        b"\x93",
        b"cos\nsystem\n",
        b"ccollections\nOrderedDict\n",
        b"(",
        b"t",
        b"l",
        b"d",
        b"0",
        b"1",
        b"2",
        b"h\x00",
        b"h\x01",
        b"q\x00",
        b"q\x01",
        b"r\x01\0\0\0",
        b"j\x01\0\0\0",
        b"g0\n",
        b"p1\n",
        b"\x94",
        b"\x85",
        b"\x86",
        b"\x87",
        b"R",
        b"b",
        b"o",
        b"\x81",
        b"\x92",
        b")",
        b"}",
        b"]",
        b"a",
        b"e",
        b"s",
        b"u",
        b"\x8f",
        b"\x90",
        b"\x91",
        b"N",
        b"K\x01",
        b"I1\n",
        b"Q",
        b"Px\n",
        b"\x80\x02",
        b"\x80\x04",
        b"\x95\x05\0\0\0\0\0\0\0",
        b".",
    ]
)
_FRAMES = st.integers(0, 30).map(lambda size: b"\x95" + size.to_bytes(8, "little"))
_PIECES = st.one_of(_OPCODES, _OPCODES, _OPCODES, _FRAMES)


@settings(max_examples=2000, deadline=None)
@given(pieces=st.lists(_PIECES, max_size=14), protocol=st.sampled_from([b"", b"\x80\x02", b"\x80\x04"]))
def test_every_name_that_the_real_machine_asks_for_is_judged(pieces: list[bytes], protocol: bytes) -> None:
    data = protocol + b"".join(pieces) + b"."
    real = _RealMachine(data)
    with contextlib.suppress(Exception), _little_memory():
        real.load()
    notes = Notes("a.pkl")
    record = scan_pickles(io.BytesIO(data), notes)
    verdict = max((finding.severity for finding in notes.findings), default=Severity.ALLOW)
    seen = {(found.module, found.name) for found in record.globals}
    assert set(real.asked) <= seen or verdict is Severity.BLOCK
    if any(judge_global(*asked) is Severity.BLOCK for asked in real.asked):
        assert verdict is Severity.BLOCK


@given(module=st.text(max_size=12), name=st.text(max_size=12))
def test_an_unlisted_name_is_blocked(module: str, name: str) -> None:
    assert judge_global(module, name) is Severity.BLOCK


@pytest.mark.parametrize(
    ("module", "name", "severity"),
    [
        ("torch._utils", "_rebuild_tensor_v2", Severity.ALLOW),
        ("torch", "FloatStorage", Severity.ALLOW),
        ("numpy._core.multiarray", "_reconstruct", Severity.ALLOW),
        ("torch", "_utils._rebuild_tensor_v2", Severity.BLOCK),
        ("torch._utils.os", "system", Severity.BLOCK),
        ("Torch", "FloatStorage", Severity.BLOCK),
        ("sklearn.svm._classes", "SVC", Severity.REVIEW),
        ("sklearn.ensemble._forest", "RandomForestClassifier", Severity.REVIEW),
        ("sklearn.ensemble._forest", "Parallel", Severity.BLOCK),
        ("sklearn.utils._joblib.os", "system", Severity.BLOCK),
        ("sklearn.tree.os", "Popen", Severity.BLOCK),
        ("sklearnx.svm", "Evil", Severity.BLOCK),
        ("scipy.sparse._csr", "csr_matrix", Severity.REVIEW),
        ("scipy.sparse._csr", "os", Severity.BLOCK),
        ("numpy", "load", Severity.BLOCK),
        ("builtins", "getattr", Severity.BLOCK),
    ],
)
def test_a_name_is_judged_whole(module: str, name: str, severity: Severity) -> None:
    assert judge_global(module, name) is severity


# -- safetensors: at least as strict as the library ----------------------------------------------

_COUNT = st.integers(0, 6) | st.sampled_from([-1, 1 << 62, 1 << 64, True, 1.0, "1"])
_ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from([*DTYPE_BITS, "X"]),
        "shape": st.lists(_COUNT, max_size=3),
        "data_offsets": st.lists(_COUNT, min_size=1, max_size=3),
    }
)
_WHOLE = st.lists(
    st.tuples(st.sampled_from(sorted(DTYPE_BITS)), st.lists(st.integers(0, 4), max_size=3)), max_size=4
)


def _agree(raw: bytes, body: bytes) -> tuple[bool, bool]:
    """Whether we, and whether the library, take the file."""
    data = struct.pack("<Q", len(raw)) + raw + body
    try:
        read_header(io.BytesIO(data))
        ours = True
    except Malformed:
        ours = False
    try:
        deserialize(data)
        theirs = True
    except SafetensorError:
        theirs = False
    return ours, theirs


@settings(max_examples=300, deadline=None)
@given(tensors=_WHOLE)
def test_a_whole_header_is_taken_exactly_where_the_library_takes_it(
    tensors: list[tuple[str, list[int]]],
) -> None:
    header, at = {}, 0
    for number, (dtype, shape) in enumerate(tensors):
        bits = DTYPE_BITS[dtype]
        for side in shape:
            bits *= side
        header[f"t{number}"] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + bits // 8]}
        at += bits // 8
    ours, theirs = _agree(json.dumps(header).encode(), bytes(at))
    assert ours == theirs


@settings(max_examples=300, deadline=None)
@given(
    header=st.dictionaries(
        st.sampled_from(["a", "b", "__metadata__"]), _ENTRY | st.just({}) | st.none(), max_size=3
    ),
    size=st.integers(0, 24),
)
def test_what_the_library_refuses_is_refused(header: dict[str, object], size: int) -> None:
    ours, theirs = _agree(json.dumps(header).encode(), bytes(size))
    assert theirs or not ours


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=60), size=st.integers(0, 8))
def test_a_header_of_any_bytes_is_refused_where_the_library_refuses_it(raw: bytes, size: int) -> None:
    ours, theirs = _agree(b"{" + raw, bytes(size))
    assert theirs or not ours
