"""The corpus: attacks that must be blocked, files that must be let in, files that need a look.

Each entry has the name of the attack (or of the real thing), how the file is called, and how it is made;
a bad one also names the rule that must have seen it.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
import struct
import zipfile
import zlib

import numpy as np

from tests.hostile.corpus_disguises import BAD_DISGUISES, GOOD_DISGUISES, REVIEW_DISGUISES
from tests.hostile.corpus_formats import BAD_FORMATS, REVIEW_FORMATS
from tests.hostile.corpus_names import BAD_NAMES, GOOD_NAMES, REVIEW_NAMES
from tests.hostile.forge import (
    LEGACY_STORAGE,
    P2,
    P4,
    WEIGHTS,
    array_pickle,
    bomb,
    call,
    dumped,
    duplicate_members,
    elf,
    encrypted,
    hidden_member,
    joblib_array,
    lz4_matches,
    lz4_stored,
    memo_trick,
    npy,
    npz,
    object_npy,
    one,
    ordered_dict,
    pe,
    real_safetensors,
    safetensors,
    shell,
    system,
    system_0,
    system_stack,
    tar_link,
    tarred,
    torch_legacy,
    torch_zip,
    trailing_legacy,
    two_names,
    uni,
    utf8_text_pickle,
    weights_dict,
    zipped,
)
from tests.hostile.forge_formats import GOOD_FILES
from tests.hostile.kinds import Bad, Good

GLOBAL = "pickle.global"
MALFORMED = "safetensors.malformed"

BAD: tuple[Bad, ...] = (
    # pickles as such
    Bad("os-system-protocol-2", "model.pkl", GLOBAL, system),
    Bad("os-system-protocol-0", "model.pkl", GLOBAL, system_0),
    Bad("stack-global", "model.pkl", GLOBAL, system_stack),
    Bad("memo-trick", "model.pkl", GLOBAL, memo_trick),
    Bad("inst-opcode", "a.pkl", GLOBAL, lambda m: f"(S'{shell(m)}'\nios\nsystem\n.".encode()),
    Bad("obj-opcode", "a.pkl", GLOBAL, lambda m: b"(cos\nsystem\n" + uni(shell(m)) + b"o."),
    Bad("newobj", "a.pkl", GLOBAL, lambda m: P2 + b"csubprocess\nPopen\n" + uni(shell(m)) + b"\x85\x81."),
    Bad(
        "newobj-ex",
        "a.pkl",
        GLOBAL,
        lambda m: P4 + b"csubprocess\nPopen\n" + uni(shell(m)) + b"\x85}\x92.",
    ),
    Bad("eval", "a.pkl", GLOBAL, lambda m: dumped(eval, f"open({m!r},'w')")),
    Bad(
        "exec-by-python-2-name",
        "a.pkl",
        GLOBAL,
        lambda m: P2 + call("__builtin__", "eval", f"open({m!r},'w')") + b".",
    ),
    Bad("getattr-chain", "a.pkl", GLOBAL, lambda m: dumped(getattr, "x", "upper")),
    Bad("import-module", "a.pkl", GLOBAL, lambda m: dumped(__import__, "this")),
    Bad("runpy", "a.pkl", GLOBAL, lambda m: P2 + call("runpy", "run_path", m) + b"."),
    Bad("pip-main", "a.pkl", GLOBAL, lambda m: P2 + call("pip", "main", "x") + b"."),
    Bad(
        "numpy-runstring",
        "a.pkl",
        GLOBAL,
        lambda m: P2 + call("numpy.testing._private.utils", "runstring", "x") + b".",
    ),
    Bad("torch-hub-load", "pytorch_model.bin", GLOBAL, lambda m: P2 + call("torch.hub", "load", "x") + b"."),
    Bad(
        "torch-jit-execution",
        "a.pt",
        GLOBAL,
        lambda m: P2 + call("torch.jit.unsupported_tensor_ops", "execWrapper", "x") + b".",
    ),
    Bad(
        "unlisted-class-of-a-listed-module",
        "a.pkl",
        GLOBAL,
        lambda m: P2 + call("collections", "UserDict", "x") + b".",
    ),
    Bad(
        "dotted-name-through-sklearn",
        "a.pkl",
        GLOBAL,
        lambda m: P4 + uni("sklearn.utils._joblib") + uni("os.system") + b"\x93" + uni(shell(m)) + b"\x85R.",
    ),
    Bad(
        "module-path-through-sklearn",
        "a.pkl",
        GLOBAL,
        lambda m: P2 + call("sklearn.utils._joblib.os", "system", shell(m)) + b".",
    ),
    Bad(
        "popen-through-pandas",
        "a.pkl",
        GLOBAL,
        lambda m: P2 + call("pandas.io.clipboard", "Popen", shell(m)) + b".",
    ),
    Bad(
        "parallel-through-sklearn",
        "a.pkl",
        GLOBAL,
        lambda m: P2 + call("sklearn.ensemble._forest", "Parallel", "x") + b".",
    ),
    Bad(
        "dotted-name-through-torch",
        "a.pkl",
        GLOBAL,
        lambda m: P4 + uni("torch") + uni("nn.parameter.Parameter") + b"\x93.",
    ),
    Bad("ext-opcode", "a.pkl", "pickle.extension", lambda m: P2 + b"\x82\x01)R."),
    Bad("global-before-a-broken-tail", "a.pkl", GLOBAL, lambda m: system(m)[:-1] + b"\xff\xff\xff"),
    Bad("no-stop", "a.pkl", GLOBAL, lambda m: system(m)[:-1]),
    Bad("global-behind-a-failure", "a.pkl", GLOBAL, lambda m: P2 + b"K\x01)R" + system(m)[2:]),
    Bad("trailing-data", "a.pkl", "pickle.trailing", lambda m: pickle.dumps({"a": 1}) + b"\xfe\xfe\xfe"),
    Bad("second-stacked-pickle", "a.pkl", GLOBAL, lambda m: pickle.dumps({"a": 1}) + system(m)),
    Bad(
        "frame-that-lies",
        "a.pkl",
        GLOBAL,
        lambda m: P4 + b"\x95" + struct.pack("<Q", 3) + system_stack(m)[2:],
    ),
    Bad(
        "frame-that-cuts-a-name",
        "a.pkl",
        "pickle.malformed",
        lambda m: b"\x95" + struct.pack("<Q", 2) + b"c_codecs\nencode\n.",
    ),
    Bad(
        "stop-inside-a-frame", "a.pkl", "pickle.malformed", lambda m: b"\x95" + struct.pack("<Q", 9) + b"N.N"
    ),
    Bad(
        "frame-in-a-frame",
        "a.pkl",
        "pickle.malformed",
        lambda m: P4 + b"\x95" + struct.pack("<Q", 11) + b"\x95" + struct.pack("<Q", 2) + b"N.",
    ),
    Bad("unknown-protocol", "a.pkl", "pickle.malformed", lambda m: b"\x80\x09N."),
    Bad("random-bytes-named-pickle", "a.pkl", "pickle.malformed", lambda m: b"\xde\xad\xbe\xef" * 10),
    Bad("empty-pickle", "a.pkl", "pickle.malformed", lambda m: b""),
    Bad("long-string-length", "a.pkl", "pickle.malformed", lambda m: P2 + b"X\xff\xff\xff\x7f" + b"abc."),
    Bad(
        "billion-laughs-key",
        "a.pkl",
        GLOBAL,
        lambda m: (
            P4
            + b")\x94"
            + b"h\x00h\x00\x86\x94"
            + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(1, 60))
            + b"0" * 59
            + b"0}h<K\x01s0"
            + system(m)[2:]
        ),
    ),
    Bad(
        "set-state",
        "a.pkl",
        GLOBAL,
        lambda m: P2 + b"cbuiltins\nobject\n)\x81}" + uni("__class__") + b"cos\nsystem\nsb.",
    ),
    Bad("dill-function", "a.dill", GLOBAL, lambda m: P4 + b"cdill._dill\n_create_function\n(Nt" + b"R."),
    Bad(
        "cloudpickle-function",
        "a.cloudpickle",
        GLOBAL,
        lambda m: P4 + b"ccloudpickle.cloudpickle\n_make_function\n(Nt" + b"R.",
    ),
    # pickles under another name
    Bad("pickle-named-safetensors", "model.safetensors", "content.mismatch", system),
    Bad("pickle-named-readme", "README.md", "content.mismatch", system),
    Bad("text-pickle-named-readme", "README.md", GLOBAL, system_0),
    Bad("utf8-text-pickle-named-json", "vocab.json", GLOBAL, utf8_text_pickle),
    Bad("pickle-named-gguf", "model.gguf", GLOBAL, system),
    Bad("pickle-without-ending", "weights", GLOBAL, system),
    Bad("pickle-named-onnx", "model.onnx", GLOBAL, system),
    Bad("protocol-1-named-bin", "data.bin", GLOBAL, lambda m: b"}q\x00(U\x01aK\x01u0" + system(m)[2:]),
    Bad("pickle-named-keras", "model.keras", GLOBAL, system),
    # torch
    Bad(
        "torch-zip-data",
        "pytorch_model.bin",
        GLOBAL,
        lambda m: torch_zip(weights_dict(system(m)[2:-1] + b"0")),
    ),
    Bad(
        "torch-zip-second-pickle",
        "pytorch_model.bin",
        GLOBAL,
        lambda m: torch_zip(weights_dict(), **{"extra/notes": system(m)}),
    ),
    Bad(
        "torch-zip-pickle-as-storage",
        "model.pt",
        GLOBAL,
        lambda m: torch_zip(weights_dict(), **{"data/1": system(m)}),
    ),
    Bad(
        "torch-zip-executable",
        "model.pt",
        "content.executable",
        lambda m: torch_zip(weights_dict(), **{"data/1": elf()}),
    ),
    Bad("torch-zip-renamed", "model.json", GLOBAL, lambda m: torch_zip(weights_dict(system(m)[2:-1] + b"0"))),
    Bad(
        "torch-legacy",
        "pytorch_model.bin",
        GLOBAL,
        lambda m: torch_legacy(weights_dict(system(m)[2:-1] + b"0"), ["0"], LEGACY_STORAGE),
    ),
    Bad("torch-legacy-trailing", "pytorch_model.bin", "pickle.malformed", trailing_legacy),
    Bad(
        "torch-legacy-storage-size",
        "a.pt",
        "pickle.malformed",
        lambda m: torch_legacy(weights_dict(), ["0"], struct.pack("<q", 5) + WEIGHTS),
    ),
    Bad(
        "torch-tar",
        "model.pt",
        GLOBAL,
        lambda m: tarred({"sys_info": pickle.dumps({}, 2), "pickle": system(m)}),
    ),
    # joblib and packings
    Bad("joblib-plain", "m.joblib", GLOBAL, lambda m: joblib_array(system(m)[2:-1] + b"0")),
    Bad("joblib-object-array", "m.joblib", GLOBAL, lambda m: joblib_array(system(m), dtype=b"O8")),
    Bad("joblib-zlib", "m.joblib", GLOBAL, lambda m: zlib.compress(system(m))),
    Bad("joblib-gzip", "m.joblib.gz", GLOBAL, lambda m: gzip.compress(system(m))),
    Bad("joblib-bz2", "m.pkl", GLOBAL, lambda m: bz2.compress(system(m))),
    Bad("joblib-xz", "m.pkl", GLOBAL, lambda m: lzma.compress(system(m))),
    Bad("joblib-lzma", "m.pkl", GLOBAL, lambda m: lzma.compress(system(m), format=lzma.FORMAT_ALONE)),
    Bad("joblib-lz4", "m.pkl", GLOBAL, lambda m: lz4_stored(system(m))),
    Bad("packed-named-bin", "model.bin", GLOBAL, lambda m: zlib.compress(system(m))),
    Bad("packed-twice", "m.pkl", "archive.nested", lambda m: gzip.compress(gzip.compress(system(m)))),
    Bad(
        "packed-bomb",
        "m.pkl",
        "archive.ratio",
        lambda m: gzip.compress(P2 + b"B" + struct.pack("<I", 100 << 20) + bytes(100 << 20) + b"."),
    ),
    Bad("packed-trailing", "m.pkl", "gzip.malformed", lambda m: gzip.compress(pickle.dumps(1)) + system(m)),
    Bad(
        "packed-cut-off",
        "m.pkl",
        "pickle.malformed",
        lambda m: zlib.compress(pickle.dumps([1.5] * 1000))[:-9],
    ),
    # numpy
    Bad("npy-object", "a.npy", "numpy.object", object_npy),
    Bad("npy-object-globals", "a.npy", GLOBAL, object_npy),
    Bad("npz-object", "a.npz", "numpy.object", lambda m: zipped({"a.npy": object_npy(m)})),
    Bad(
        "npz-with-pickle",
        "a.npz",
        GLOBAL,
        lambda m: zipped({"a.npy": npy(np.arange(3)), "b.npy": npy(np.arange(3)), "c": system(m)}),
    ),
    Bad(
        "npy-record-of-objects",
        "a.npy",
        "numpy.object",
        lambda m: npy(np.zeros(2, dtype=[("a", "f4"), ("b", "O")]), allow_pickle=True),
    ),
    Bad("npy-trailing", "a.npy", "npy.malformed", lambda m: npy(np.arange(3)) + system(m)),
    Bad("npy-huge-header", "a.npy", "npy.malformed", lambda m: b"\x93NUMPY\x02\0\xff\xff\xff\x7f{"),
    Bad("npy-called-pickle", "a.npy", "content.mismatch", system),
    Bad("sample-pickle", "s.tar", "content.mismatch", lambda m: tarred({"0.txt": b"a", "0.jpg": system(m)})),
    Bad("sample-text", "s.zip", "content.mismatch", lambda m: zipped({"0.json": b"{}", "0.png": b"<svg/>"})),
    # archives
    Bad("zip-two-names", "a.zip", "archive.disagree", lambda m: two_names()),
    Bad("zip-encrypted", "a.zip", "archive.encrypted", lambda m: encrypted()),
    Bad("zip-bomb", "a.zip", "archive.ratio", lambda m: bomb()),
    Bad("zip-prepended", "a.zip", "archive.prepended", lambda m: b"hello\xff" + zipped({"a.pkl": system(m)})),
    Bad(
        "zip-behind-a-picture",
        "a.png",
        "archive.prepended",
        lambda m: b"\x89PNG\r\n\x1a\n" + bytes(50) + zipped({"a.pkl": system(m)}),
    ),
    Bad("zip-duplicate", "m.pt", "archive.duplicate", duplicate_members),
    Bad("zip-hidden-member", "a.zip", "archive.hidden", hidden_member),
    Bad("zip-trailing", "a.zip", "zip.malformed", lambda m: zipped({"a.txt": b"x"}) + b"trailing"),
    Bad("zip-slip", "a.zip", "archive.path", lambda m: zipped({"../../evil.txt": b"x"})),
    Bad("zip-nested", "a.zip", GLOBAL, lambda m: zipped({"inner.zip": zipped({"a.pkl": system(m)})})),
    Bad("zip-deflated-pickle", "a.zip", GLOBAL, lambda m: zipped({"a.txt": system(m)}, zipfile.ZIP_DEFLATED)),
    Bad("tar-pickle", "a.tar", GLOBAL, lambda m: tarred({"a.pkl": system(m)})),
    Bad("tar-gz-pickle", "a.tar.gz", GLOBAL, lambda m: tarred({"a": system(m)}, "w:gz")),
    Bad("tar-slip", "a.tar", "archive.path", lambda m: tarred({"../evil": b"x"})),
    Bad("tar-link", "a.tar", "archive.link", lambda m: tar_link()),
    Bad("tar-trailing", "a.tar", "tar.malformed", lambda m: tarred({"a.txt": b"x"}) + system(m)),
    Bad("seven-zip", "a.7z", "archive.7z", lambda m: b"7z\xbc\xaf\x27\x1c" + bytes(30)),
    # executables and text
    Bad("elf-named-bin", "model.bin", "content.executable", lambda m: elf()),
    Bad("pe-named-bin", "model.bin", "content.executable", lambda m: pe()),
    Bad("shared-object", "libx.so", "content.executable", lambda m: elf()),
    Bad("script-named-bin", "model.bin", "content.executable", lambda m: f"#!/bin/sh\n{shell(m)}\n".encode()),
    Bad(
        "binary-behind-text", "README.md", "content.mismatch", lambda m: b"hello\n" * 2000 + b"\0" + system(m)
    ),
    Bad(
        "lfs-pointer-named-safetensors",
        "model.safetensors",
        "content.mismatch",
        lambda m: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    ),
    Bad(
        "auto-map-of-another-repository",
        "config.json",
        "code.auto_map",
        lambda m: json.dumps({"auto_map": {"AutoModel": "evil/repo--modeling.Evil"}}).encode(),
    ),
    Bad(
        "auto-map-behind-a-repeated-key",
        "config.json",
        "code.auto_map",
        lambda m: b'{"auto_map": {"A": "e/r--m.E"}, "auto_map": {}}',
    ),
    # safetensors
    Bad(
        "header-longer-than-the-file",
        "m.safetensors",
        MALFORMED,
        lambda m: safetensors(b"{}", length=1 << 20),
    ),
    Bad("header-length-max", "m.safetensors", MALFORMED, lambda m: b"\xff" * 8 + b"{}"),
    Bad("header-not-an-object", "m.safetensors", MALFORMED, lambda m: safetensors(b"[]")),
    Bad("header-not-json", "m.safetensors", MALFORMED, lambda m: safetensors(b"{nope}")),
    Bad("header-not-utf8", "m.safetensors", MALFORMED, lambda m: safetensors(b'{"a\xff":1}')),
    Bad("header-of-brackets", "m.safetensors", MALFORMED, lambda m: safetensors(b'{"a":' + b"[" * 100_000)),
    Bad("header-nan", "m.safetensors", MALFORMED, lambda m: safetensors(b'{"__metadata__":{"a":NaN}}')),
    Bad("empty-file", "m.safetensors", MALFORMED, lambda m: b""),
    Bad(
        "duplicate-tensor",
        "m.safetensors",
        MALFORMED,
        lambda m: safetensors(
            b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
            b"x",
        ),
    ),
    Bad(
        "duplicate-field",
        "m.safetensors",
        MALFORMED,
        lambda m: safetensors(b'{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"),
    ),
    Bad("unknown-dtype", "m.safetensors", MALFORMED, lambda m: safetensors(one("OBJ"), b"1234")),
    Bad("negative-shape", "m.safetensors", MALFORMED, lambda m: safetensors(one(shape=[-4]), b"1234")),
    Bad("float-shape", "m.safetensors", MALFORMED, lambda m: safetensors(one(shape=[4.0]), b"1234")),
    Bad(
        "boolean-shape",
        "m.safetensors",
        MALFORMED,
        lambda m: safetensors(one(shape=[True], offsets=[0, 1]), b"1"),
    ),
    Bad(
        "overflowing-shape",
        "m.safetensors",
        MALFORMED,
        lambda m: safetensors(one(shape=[1 << 63, 4]), b"1234"),
    ),
    Bad("wrong-size", "m.safetensors", MALFORMED, lambda m: safetensors(one("F32"), b"1234")),
    Bad("half-a-byte", "m.safetensors", MALFORMED, lambda m: safetensors(one("F4", [1], [0, 1]), b"1")),
    Bad(
        "hole-at-the-start", "m.safetensors", MALFORMED, lambda m: safetensors(one(offsets=[1, 5]), b"12345")
    ),
    Bad(
        "overlap",
        "m.safetensors",
        MALFORMED,
        lambda m: safetensors({**one(), **one(offsets=[2, 6], name="b")}, b"123456"),
    ),
    Bad(
        "bytes-behind-the-tensors",
        "m.safetensors",
        MALFORMED,
        lambda m: safetensors(one(), b"1234" + system(m)),
    ),
    Bad("cut-off", "m.safetensors", MALFORMED, lambda m: safetensors(one(), b"12")),
    Bad(
        "metadata-not-strings", "m.safetensors", MALFORMED, lambda m: safetensors({"__metadata__": {"a": 1}})
    ),
    Bad(
        "tensor-as-array", "m.safetensors", MALFORMED, lambda m: safetensors({"a": ["U8", [1], [0, 1]]}, b"1")
    ),
    Bad("safetensors-named-bin", "m.bin", "content.mismatch", lambda m: safetensors(one(), b"1234")),
    *BAD_FORMATS,
    *BAD_DISGUISES,
    *BAD_NAMES,
)


GOOD: tuple[Good, ...] = (
    Good("safetensors by the library", "model.safetensors", real_safetensors),
    Good("safetensors without tensors", "model.safetensors", lambda: safetensors(b"{}")),
    Good(
        "safetensors with sub-byte items",
        "m.safetensors",
        lambda: safetensors(one("F4", [8], [0, 4]), b"1234"),
    ),
    Good("pickle of plain values, protocol 0", "a.pkl", lambda: pickle.dumps([1, "x", {"a": 2.5}], 0)),
    Good("pickle of an OrderedDict, protocol 1", "a.pkl", lambda: ordered_dict(1)),
    Good("pickle of an OrderedDict, protocol 2", "a.pkl", lambda: ordered_dict(2)),
    Good("pickle of an OrderedDict, protocol 5", "a.pkl", lambda: ordered_dict(5)),
    Good("two stacked pickles", "a.pkl", lambda: pickle.dumps(1) + pickle.dumps({"a": 2})),
    Good("pickle of arrays, protocol 2", "a.pkl", lambda: array_pickle(2)),
    Good("pickle of arrays, protocol 4", "a.pkl", lambda: array_pickle(4)),
    Good("pickle of a long string", "a.pkl", lambda: pickle.dumps(["x" * 100_000, b"y" * 3_000_000], 4)),
    Good("zlib pickle", "a.pkl", lambda: zlib.compress(ordered_dict(4))),
    Good("gzip pickle", "a.pkl", lambda: gzip.compress(ordered_dict(4))),
    Good("bz2 pickle", "a.pkl", lambda: bz2.compress(array_pickle(4))),
    Good("xz pickle", "a.pkl", lambda: lzma.compress(array_pickle(4))),
    Good("lz4 pickle", "a.pkl", lambda: lz4_stored(array_pickle(4))),
    Good("lz4 pickle with a match", "a.pkl", lz4_matches),
    Good("torch zip", "pytorch_model.bin", lambda: torch_zip(weights_dict())),
    Good("torch zip of another root", "model.pt", lambda: torch_zip(weights_dict(), "epoch_3")),
    Good("torch legacy", "pytorch_model.bin", lambda: torch_legacy(weights_dict(), ["0"], LEGACY_STORAGE)),
    Good("numpy array", "a.npy", lambda: npy(np.arange(12.0).reshape(3, 4))),
    Good("numpy scalar array of text", "a.npy", lambda: npy(np.array(["ab", "c"]))),
    Good("numpy record array", "a.npy", lambda: npy(np.zeros(3, dtype=[("a", "f4"), ("b", "i8")]))),
    Good("numpy archive", "a.npz", lambda: npz({"a": np.arange(4), "b": np.eye(3)})),
    Good("numpy archive, packed", "a.npz", lambda: npz({"a": np.arange(4), "b": np.eye(300)}, True)),
    Good("card", "README.md", lambda: "---\nlicense: mit\n---\n# Title\n\nIt's a model. Résumé ✓\n".encode()),
    Good("card that begins with an opcode", "README.md", lambda: b"This model\n" * 1000),
    Good(
        "configuration", "config.json", lambda: json.dumps({"model_type": "bert", "auto_map": None}).encode()
    ),
    Good("vocabulary", "vocab.txt", lambda: "\n".join(["[PAD]", "c", "I1", "N.", "##s", "日本"]).encode()),
    Good("Latin-1 text", "notes.txt", lambda: "Größe\n".encode("latin1")),
    Good("empty text", "__init__.txt", lambda: b""),
    Good("picture", "logo.png", lambda: b"\x89PNG\r\n\x1a\n" + bytes(40)),
    Good("attributes", ".gitattributes", lambda: b"*.bin filter=lfs\n"),
    *GOOD_DISGUISES,
    *GOOD_NAMES,
)

LOOKED_AT = frozenset({".joblib", ".z", ".gz", ".bz2", ".xz", ".lzma", ".pt2"})
"""Endings of good files that ask for review by their nature: they name classes, or are programs."""


def made_by_libraries() -> list[tuple[str, bool]]:
    """The files of ``good``, and whether each is let in without a look."""
    found = []
    for file in sorted(GOOD_FILES.rglob("*")):
        path = file.relative_to(GOOD_FILES).as_posix()
        if file.is_file() and path != "made.json":
            found.append(
                (
                    path,
                    not (file.suffix in LOOKED_AT or path in ("torch/script.pt", "tensorflow/flex.tflite")),
                )
            )
    return found


REVIEW: tuple[Bad, ...] = (
    Bad(
        "sklearn estimator",
        "m.pkl",
        GLOBAL,
        lambda m: P2 + call("sklearn.linear_model._logistic", "LogisticRegression", "x") + b".",
    ),
    Bad(
        "training arguments",
        "training_args.bin",
        GLOBAL,
        lambda m: P2 + b"ctransformers.training_args\nTrainingArguments\n)\x81}b.",
    ),
    Bad("joblib array", "m.joblib", GLOBAL, lambda m: joblib_array()),
    Bad("arrays, protocol 5", "m.pkl", GLOBAL, lambda m: array_pickle(5)),
    Bad("joblib array of old joblib", "m.joblib", GLOBAL, lambda m: joblib_array(aligned=False)),
    Bad("joblib array, zlib", "m.pkl", GLOBAL, lambda m: zlib.compress(joblib_array())),
    Bad("scipy sparse matrix", "m.pkl", GLOBAL, lambda m: P2 + b"cscipy.sparse._csr\ncsr_matrix\n)\x81}b."),
    Bad("data frame", "m.pkl", GLOBAL, lambda m: P2 + b"cpandas.core.frame\nDataFrame\n)\x81}b."),
    Bad(
        "TorchScript",
        "model.pt",
        "code.torchscript",
        lambda m: torch_zip(weights_dict(), **{"constants.pkl": P2 + b").", "code/__torch__.py": b"x = 1\n"}),
    ),
    Bad("python", "modeling_x.py", "code.python", lambda m: b"import torch\n"),
    Bad("shell script", "run.sh", "code.script", lambda m: b"#!/bin/sh\nls\n"),
    Bad("auto_map", "config.json", "code.auto_map", lambda m: b'{"auto_map": {"AutoModel": "modeling.X"}}'),
    Bad(
        "own pipeline",
        "model_index.json",
        "code.custom_pipeline",
        lambda m: b'{"_class_name": ["pipeline", "X"]}',
    ),
    Bad("foreign module", "modules.json", "code.modules", lambda m: b'[{"type": "evil.Module"}]'),
    Bad("broken configuration", "config.json", "json.malformed", lambda m: b"{nope"),
    Bad("plain zip", "a.zip", "archive.generic", lambda m: zipped({"a.md": b"hello"})),
    Bad("unknown binary", "weights.bin", "scan.unsupported", lambda m: bytes(range(256)) * 4),
    Bad("zstd", "a.zst", "scan.unsupported", lambda m: b"\x28\xb5\x2f\xfd" + bytes(30)),
    *REVIEW_FORMATS,
    *REVIEW_DISGUISES,
    *REVIEW_NAMES,
)
