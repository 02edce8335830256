"""Makes files byte by byte: pickles, torch layouts, archives, arrays, safetensors headers.

What would run something writes a marker file, and nothing else.
"""

from __future__ import annotations

import collections
import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable

import numpy as np

P2 = b"\x80\x02"
P4 = b"\x80\x04"

# -- pieces of pickles ------------------------------------------------------------------------


def uni(text: str) -> bytes:
    """SHORT_BINUNICODE, or BINUNICODE where it is longer."""
    raw = text.encode()
    return b"\x8c" + bytes([len(raw)]) + raw if len(raw) < 256 else b"X" + struct.pack("<I", len(raw)) + raw


def shell(marker: str) -> str:
    return f"touch {marker}"


def call(module: str, name: str, argument: str) -> bytes:
    """GLOBAL, one string, TUPLE1, REDUCE."""
    return b"c" + f"{module}\n{name}\n".encode() + uni(argument) + b"\x85R"


def system(marker: str) -> bytes:
    return P2 + call("os", "system", shell(marker)) + b"."


def system_0(marker: str) -> bytes:
    return f"cos\nsystem\n(S'{shell(marker)}'\ntR.".encode()


def system_stack(marker: str) -> bytes:
    return P4 + uni("os") + uni("system") + b"\x93" + uni(shell(marker)) + b"\x85R."


class _Reduces:
    def __init__(self, function: Callable[..., object], *args: object) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.function, self.args


def dumped(function: Callable[..., object], *args: object, protocol: int = 4) -> bytes:
    return pickle.dumps(_Reduces(function, *args), protocol)


# -- torch layouts, by hand, as torch writes them -----------------------------------------------


def tensor(key: str, count: int, kind: str = "FloatStorage") -> bytes:
    """One ``torch._utils._rebuild_tensor_v2`` call with a persistent storage."""
    pid = b"(" + uni("storage") + f"ctorch\n{kind}\n".encode() + uni(key) + uni("cpu")
    pid += b"M" + struct.pack("<H", count) + b"tQ"
    strides = b"K\x00" + b"M" + struct.pack("<H", count) + b"\x85" + b"K\x01\x85" + b"\x89"
    hooks = b"ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + pid + strides + hooks + b"tR"


def state_dict(tensors: dict[str, bytes], extra: bytes = b"") -> bytes:
    body = b"".join(uni(name) + value for name, value in tensors.items())
    return P2 + b"ccollections\nOrderedDict\n)R(" + body + b"u" + extra + b"."


WEIGHTS = np.arange(10, dtype="<f4").tobytes()


def torch_zip(data: bytes, root: str = "archive", **extra: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{root}/data.pkl", data)
        archive.writestr(f"{root}/byteorder", b"little")
        archive.writestr(f"{root}/data/0", WEIGHTS)
        archive.writestr(f"{root}/version", b"3\n")
        archive.writestr(f"{root}/.data/serialization_id", b"1234567890")
        for name, content in extra.items():
            archive.writestr(f"{root}/{name}", content)
    return out.getvalue()


def torch_legacy(data: bytes, keys: list[str], storages: bytes) -> bytes:
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
    info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    return magic + pickle.dumps(info, 2) + data + pickle.dumps(keys, 2) + storages


def weights_dict(extra: bytes = b"") -> bytes:
    return state_dict({"layer.weight": tensor("0", 10)}, extra)


LEGACY_STORAGE = struct.pack("<q", 10) + WEIGHTS


# -- archives -----------------------------------------------------------------------------------


def zipped(members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tar_link() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("weights")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return out.getvalue()


def patched(data: bytes, old: bytes, new: bytes, which: int = 0) -> bytes:
    """``data`` with the ``which``-th ``old`` replaced."""
    at = -1
    for _ in range(which + 1):
        at = data.index(old, at + 1)
    return data[:at] + new + data[at + len(old) :]


def two_names() -> bytes:
    data = zipped({"aaaa.txt": b"hello"})
    return patched(data, b"aaaa.txt", b"bbbb.txt")


def encrypted() -> bytes:
    data = zipped({"weights.txt": b"hello"})
    local, central = data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8
    return data[:local] + b"\x01\0" + data[local + 2 : central] + b"\x01\0" + data[central + 2 :]


def duplicate_members(marker: str) -> bytes:
    data = zipped({"archive/data.pkl": weights_dict(), "archive/dat4.pkl": system(marker)})
    return data.replace(b"archive/dat4.pkl", b"archive/data.pkl")


def hidden_member(marker: str) -> bytes:
    """A whole member between the others that only a reader from the front sees."""
    inner = zipped({"x.pkl": system(marker)})
    inner = inner[: inner.index(b"PK\x01\x02")]
    outer = zipped({"a.txt": b"hello"})
    at = outer.index(b"PK\x01\x02")
    end = struct.unpack_from("<I", outer, len(outer) - 6)[0]
    return outer[:at] + inner + outer[at : len(outer) - 6] + struct.pack("<I", end + len(inner)) + b"\0\0"


def lz4_stored(data: bytes) -> bytes:
    """An LZ4 frame of uncompressed blocks."""
    out = b"\x04\x22\x4d\x18" + b"\x60\x70" + b"\0"
    for at in range(0, len(data), 1 << 20):
        block = data[at : at + (1 << 20)]
        out += struct.pack("<I", len(block) | 1 << 31) + block
    return out + b"\0\0\0\0"


# -- numpy, joblib, safetensors -----------------------------------------------------------------


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=allow_pickle)
    return out.getvalue()


def object_npy(marker: str) -> bytes:
    head = npy(np.array([None], dtype=object), allow_pickle=True)
    return head[: head.index(b"\n") + 1] + system(marker)


def npz(arrays: dict[str, np.ndarray], compressed: bool = False) -> bytes:
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def joblib_array(tail: bytes = b"", dtype: bytes = b"f8", aligned: bool = True) -> bytes:
    """What ``joblib.dump(np.arange(5.0))`` writes: wrapper, BUILD, padding, raw items, STOP."""
    state = uni("subclass") + b"cnumpy\nndarray\n" + uni("shape") + b"K\x05\x85" + uni("order") + uni("C")
    state += uni("dtype") + b"cnumpy\ndtype\n(" + uni(dtype.decode()) + b"\x89\x88tR"
    state += b"(K\x03" + uni("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state += uni("allow_mmap") + b"\x88"
    if aligned:
        state += uni("numpy_array_alignment_bytes") + b"K\x10"
    head = P4 + b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + state + b"ub"
    raw = (b"\x07" + b"\xff" * 7 if aligned else b"") + np.arange(5.0).tobytes()
    return head + (raw if not dtype.startswith(b"O") else b"") + tail + b"."


def safetensors(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + body


def one(
    dtype: str = "U8", shape: object = (4,), offsets: object = (0, 4), name: str = "a"
) -> dict[str, object]:
    return {name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def ordered_dict(protocol: int) -> bytes:
    return pickle.dumps(collections.OrderedDict(a=1, b=[1.5, "x", None, {1, 2}]), protocol)


def memo_trick(marker: str) -> bytes:
    """Module and name come from the memo, with decoys pushed between."""
    names = uni("os") + b"\x94" + uni("system") + b"\x94" + uni("collections") + uni("OrderedDict") + b"00"
    return P4 + names + b"00" + b"h\x00h\x01\x93" + uni(shell(marker)) + b"\x85R."


def utf8_text_pickle(marker: str) -> bytes:
    """Valid UTF-8 without NUL that is a pickle: STACK_GLOBAL hides as the second byte of U+0093."""
    return b"S'os'\nS'system'\nq\xc2\x93" + f"(S'{shell(marker)}'\ntR.".encode()


def elf() -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(200)


def pe() -> bytes:
    return b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + bytes(100)


def trailing_legacy(marker: str) -> bytes:
    return torch_legacy(weights_dict(), ["0"], LEGACY_STORAGE) + system(marker)


def bomb() -> bytes:
    return zipped({"a.txt": bytes(80 << 20)}, zipfile.ZIP_DEFLATED)


def real_safetensors() -> bytes:
    from safetensors.numpy import save

    return save({"w": np.ones((3, 4), dtype=np.float32), "b": np.zeros(4, dtype=np.int64), "e": np.zeros(0)})


def array_pickle(protocol: int) -> bytes:
    return pickle.dumps({"w": np.arange(6.0).reshape(2, 3), "s": np.float32(1.5)}, protocol)


def lz4_matches() -> bytes:
    """Five literals and a match that repeats them, then a pickle's tail: a compressed block."""
    plain = pickle.dumps("abcd" * 20, 2)
    at = plain.index(b"abcd")
    tail = plain[at + 80 :]
    literals = plain[: at + 4]
    block = bytes([len(literals) << 4 | 15]) + literals + struct.pack("<H", 4) + bytes([76 - 19])
    block += bytes([len(tail) << 4]) + tail
    return b"\x04\x22\x4d\x18\x60\x40\0" + struct.pack("<I", len(block)) + block + b"\0\0\0\0"
