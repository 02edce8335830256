"""A llama of two layers with a vocabulary of bytes, as a GGUF file that llama.cpp runs.

Format: ggml's docs/gguf.md, version 3. The weights are random, so that it says nonsense, always the same.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence
from random import Random

WIDTH, HEADS, LAYERS, INNER, CONTEXT = 64, 4, 2, 128, 512
VOCABULARY = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
_PRINTABLE = range(VOCABULARY.index("<0x21>"), VOCABULARY.index("<0x7F>"))
_UNKNOWN, _CONTROL, _BYTE = 2, 3, 6
_U32, _I32, _F32, _STRING, _ARRAY = 4, 5, 6, 8, 9
_ALIGNMENT = 32


def tiny_gguf(seed: int = 1, **more: str | int) -> bytes:
    """The file; ``more`` are further texts and numbers of its metadata, with ``__`` for a dot."""
    entries = [
        _entry("general.architecture", _STRING, _text("llama")),
        _entry("general.name", _STRING, _text("tiny")),
        _entry("llama.context_length", _U32, _number(CONTEXT)),
        _entry("llama.embedding_length", _U32, _number(WIDTH)),
        _entry("llama.block_count", _U32, _number(LAYERS)),
        _entry("llama.feed_forward_length", _U32, _number(INNER)),
        _entry("llama.attention.head_count", _U32, _number(HEADS)),
        _entry("llama.attention.head_count_kv", _U32, _number(HEADS)),
        _entry("llama.rope.dimension_count", _U32, _number(WIDTH // HEADS)),
        _entry("llama.attention.layer_norm_rms_epsilon", _F32, struct.pack("<f", 1e-5)),
        _entry("tokenizer.ggml.model", _STRING, _text("llama")),
        _entry("tokenizer.ggml.tokens", _ARRAY, _many(_STRING, [_text(word) for word in VOCABULARY])),
        _entry("tokenizer.ggml.scores", _ARRAY, _many(_F32, [struct.pack("<f", 0)] * len(VOCABULARY))),
        _entry("tokenizer.ggml.token_type", _ARRAY, _many(_I32, [_number(kind) for kind in _kinds()])),
        _entry("tokenizer.ggml.bos_token_id", _U32, _number(1)),
        _entry("tokenizer.ggml.eos_token_id", _U32, _number(2)),
        *(_more(key.replace("__", "."), value) for key, value in more.items()),
    ]
    infos, data = _tensors(Random(seed))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(entries)) + b"".join((*entries, *infos))
    return head + bytes(-len(head) % _ALIGNMENT) + data


def _tensors(drawn: Random) -> tuple[list[bytes], bytes]:
    infos, data = [], bytearray()
    for name, shape in _shapes():
        count = math.prod(shape)
        is_norm = len(shape) == 1
        values = array("f", [1.0] * count if is_norm else [drawn.gauss(0, 0.05) for _ in range(count)])
        if name == "output":  # it only ever says what can be printed
            values = array("f", [v if at // WIDTH in _PRINTABLE else 0 for at, v in enumerate(values)])
        sides = b"".join(struct.pack("<Q", side) for side in shape)
        infos.append(_text(f"{name}.weight") + _number(len(shape)) + sides + struct.pack("<IQ", 0, len(data)))
        data += values.tobytes()
        data += bytes(-len(data) % _ALIGNMENT)
    return infos, bytes(data)


def _shapes() -> Sequence[tuple[str, tuple[int, ...]]]:
    """Names and sides, the fastest side first, as GGUF spells them."""
    words = len(VOCABULARY)
    shapes: list[tuple[str, tuple[int, ...]]] = [
        ("token_embd", (WIDTH, words)), ("output_norm", (WIDTH,)), ("output", (WIDTH, words)),
    ]  # fmt: skip
    for block in (f"blk.{number}" for number in range(LAYERS)):
        shapes += [(f"{block}.attn_norm", (WIDTH,)), (f"{block}.ffn_norm", (WIDTH,))]
        shapes += [(f"{block}.{name}", (WIDTH, WIDTH)) for name in ("attn_q", "attn_k", "attn_v")]
        shapes += [(f"{block}.attn_output", (WIDTH, WIDTH)), (f"{block}.ffn_down", (INNER, WIDTH))]
        shapes += [(f"{block}.{name}", (WIDTH, INNER)) for name in ("ffn_gate", "ffn_up")]
    return shapes


def _kinds() -> Sequence[int]:
    return [_UNKNOWN, _CONTROL, _CONTROL, *[_BYTE] * 256]


def _entry(key: str, kind: int, value: bytes) -> bytes:
    return _text(key) + _number(kind) + value


def _more(key: str, value: str | int) -> bytes:
    return _entry(key, _U32, _number(value)) if isinstance(value, int) else _entry(key, _STRING, _text(value))


def _many(kind: int, values: Sequence[bytes]) -> bytes:
    return _number(kind) + struct.pack("<Q", len(values)) + b"".join(values)


def _text(text: str) -> bytes:
    spelled = text.encode()
    return struct.pack("<Q", len(spelled)) + spelled


def _number(value: int) -> bytes:
    return struct.pack("<I", value)
