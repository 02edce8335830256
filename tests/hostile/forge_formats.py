"""Makes model files byte by byte: GGUF, protocol buffers, Keras configurations, NeMo, skops, msgpack."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from tests.hostile.forge import patched, tarred, torch_zip, weights_dict, zipped

GOOD_FILES = Path(__file__).parent / "good"


def good(name: str) -> bytes:
    """A file that a real library made."""
    return (GOOD_FILES / name).read_bytes()


# -- GGUF ---------------------------------------------------------------------------------------


def gstring(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def kv(key: str, kind: int, value: bytes) -> bytes:
    return gstring(key) + struct.pack("<I", kind) + value


def gtensor(name: str = "a", shape: tuple[int, ...] = (8,), kind: int = 0, offset: int = 0) -> bytes:
    sides = b"".join(struct.pack("<Q", side) for side in shape)
    return gstring(name) + struct.pack("<I", len(shape)) + sides + struct.pack("<IQ", kind, offset)


def gguf(
    entries: tuple[bytes, ...] = (),
    tensors: tuple[bytes, ...] = (gtensor(),),
    data: bytes = bytes(32),
    counts: tuple[int, int] | None = None,
    version: int = 3,
) -> bytes:
    listed = counts or (len(tensors), len(entries))
    head = b"GGUF" + struct.pack("<IQQ", version, *listed) + b"".join(entries) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + data


def gtemplate(text: str) -> bytes:
    return gguf((kv("tokenizer.chat_template", 8, gstring(text)),))


def nested_arrays(depth: int) -> bytes:
    """An array in an array in an array, which makes a recursive reader fall."""
    return gguf((kv("a", 9, struct.pack("<IQ", 9, 1) * depth + struct.pack("<IQ", 0, 0)),))


# -- protocol buffers: ONNX and TensorFlow --------------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def onode(kind: str, domain: str = "", attribute: bytes = b"") -> bytes:
    node = field(1, "x") + field(2, "y") + field(4, kind) + (field(7, domain) if domain else b"")
    return node + (field(5, attribute) if attribute else b"")


def oexternal(location: str) -> bytes:
    """A TensorProto whose numbers stand in another file."""
    return (
        field(1, 2)
        + field(2, 1)
        + field(8, "w")
        + field(13, field(1, "location") + field(2, location))
        + field(14, 1)
    )


def onnx(*nodes: bytes, initializers: tuple[bytes, ...] = (), extra: bytes = b"") -> bytes:
    graph = b"".join(field(1, node) for node in nodes) + field(2, "g")
    graph += b"".join(field(5, tensor) for tensor in initializers)
    return field(1, 9) + field(2, "pytorch") + field(7, graph) + field(8, field(2, 17)) + extra


def nested_onnx(depth: int) -> bytes:
    node = onode("Identity")
    for _ in range(depth):
        node = onode("If", attribute=field(1, "then_branch") + field(6, field(1, node)))
    return onnx(node)


def tnode(kind: str, calls: str = "", name: str = "n", inputs: tuple[str, ...] = ()) -> bytes:
    attribute = field(1, "f") + field(2, field(10, field(1, calls)))
    node = field(1, name) + field(2, kind) + b"".join(field(3, each) for each in inputs)
    return node + (field(5, attribute) if calls else b"")


def tfunction(name: str, *nodes: bytes) -> bytes:
    return field(1, field(1, name)) + b"".join(field(3, node) for node in nodes)


def tgraph(*nodes: bytes, functions: tuple[bytes, ...] = ()) -> bytes:
    library = b"".join(field(1, function) for function in functions)
    return b"".join(field(1, node) for node in nodes) + (field(2, library) if library else b"")


def saved_model(graph: bytes, extra: bytes = b"", top: bytes = b"") -> bytes:
    return field(1, 1) + field(2, field(1, field(4, "serve")) + field(2, graph) + extra) + top


# -- Keras ----------------------------------------------------------------------------------------


def layer(
    kind: str, config: object = None, module: str | None = "keras.layers", **more: object
) -> dict[str, object]:
    made = {"class_name": kind, "config": {} if config is None else config, "registered_name": None, **more}
    return made if module is None else {"module": module, **made}


def lambda_layer(marker: str) -> dict[str, object]:
    """What Keras writes for ``Lambda(lambda x: open(marker, "w"))``: marshalled bytecode."""
    import base64
    import marshal

    code = compile(f"lambda x: open({marker!r}, 'w') and x", "<x>", "eval").co_consts[0]
    packed = base64.b64encode(marshal.dumps(code)).decode()
    return layer("Lambda", {"function": {"class_name": "__lambda__", "config": {"code": packed}}})


def sequential(*layers: object) -> dict[str, object]:
    return layer("Sequential", {"name": "s", "layers": list(layers)}, "keras")


def keras(config: object, **more: bytes) -> bytes:
    raw = config if isinstance(config, bytes) else json.dumps(config).encode()
    weights = good("keras/sequential.weights.h5")
    return zipped({"metadata.json": b"{}", "config.json": raw, "model.weights.h5": weights, **more})


def keras_h5(old: bytes, new: bytes) -> bytes:
    """The real HDF5 model with a piece of its configuration replaced; the length must stay."""
    assert len(old) == len(new)
    return patched(good("keras/sequential.h5"), old, new)


# -- archives with a configuration ------------------------------------------------------------------


def nemo(config: str, checkpoint: bytes | None = None) -> bytes:
    weights = torch_zip(weights_dict()) if checkpoint is None else checkpoint
    return tarred({"./model_config.yaml": config.encode(), "./model_weights.ckpt": weights})


def skops(module: str, name: str, loader: str = "ObjectNode", **more: object) -> bytes:
    inner = {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 2, **more}
    outer = {
        "__class__": "list",
        "__module__": "builtins",
        "__loader__": "ListNode",
        "__id__": 1,
        "content": [inner],
    }
    return zipped({"schema.json": json.dumps({**outer, "protocol": 2, "_skops_version": "0.16.0"}).encode()})


def ext(kind: int, data: bytes) -> bytes:
    """A MessagePack extension of up to 255 bytes."""
    return b"\xc7" + bytes([len(data), kind]) + data
