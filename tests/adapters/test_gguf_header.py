"""What discovery reads of GGUF files, sound and broken."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hub_process import write_repo
from weighbridge.adapters.gguf_header import gguf_info
from weighbridge.adapters.hub_dir import FolderHub
from weighbridge.domain.ref import ModelRef, RepoId


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(*shapes: tuple[int, ...], version: int = 3) -> bytes:
    """A GGUF head with keys of most kinds and a tensor of each shape."""
    words = struct.pack("<IQ", 8, 2) + text("a") + text("b")
    pairs = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("llama.context_length") + struct.pack("<II", 4, 4096),
        text("tokenizer.ggml.tokens") + struct.pack("<I", 9) + words,
        text("tokenizer.ggml.scores") + struct.pack("<IIQ", 9, 6, 2) + b"\0" * 8,
        text("llama.rope.freq_base") + struct.pack("<If", 6, 1e4),
        text("tokenizer.chat_template") + struct.pack("<I", 8) + text("{{ messages }}"),
    ]
    tensors = [
        text(f"t{n}") + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + b"\0" * 12
        for n, shape in enumerate(shapes)
    ]
    return struct.pack("<4sIQQ", b"GGUF", version, len(tensors), len(pairs)) + b"".join([*pairs, *tensors])


def told(tmp_path: Path, content: bytes) -> object:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    return gguf_info(path)


def test_the_head_tells_parameters_and_a_few_keys(tmp_path: Path) -> None:
    assert told(tmp_path, gguf((4, 8), (16,), version=2)) == {
        "total": 48,
        "architecture": "llama",
        "context_length": 4096,
        "chat_template": "{{ messages }}",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        gguf((1,))[:-13],
        b"GGUX" + gguf((1,))[4:],
        gguf((1,), version=9),
        gguf((1,)).replace(struct.pack("<Q", 5) + b"llama", struct.pack("<Q", 1 << 62) + b"llama"),
        struct.pack("<4sIQQ", b"GGUF", 3, 1 << 63, 0),
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 1 << 63),
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + text("k") + struct.pack("<IIQ", 9, 8, 1 << 60),
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + text("k") + struct.pack("<IIQ", 9, 0, 1 << 60),
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + text("k") + struct.pack("<IIQ", 9, 9, 1),
        gguf((1 << 63, 1 << 63)),
        gguf(tuple([1] * 9)),
    ],
)
def test_a_head_that_is_none_or_too_much_says_nothing(tmp_path: Path, content: bytes) -> None:
    assert told(tmp_path, content) is None


@given(st.binary(max_size=200), st.integers(0, 300))
def test_no_bytes_are_too_odd(tmp_path_factory: pytest.TempPathFactory, odd: bytes, at: int) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.gguf"
    content = gguf((4, 8))
    path.write_bytes(content[:at] + odd + content[at + len(odd) :])
    found = gguf_info(path)
    assert found is None or isinstance(found["total"], int)


def test_a_repository_shows_the_whole_of_its_first_model(tmp_path: Path) -> None:
    shards = {f"m-0000{n}-of-00002.gguf": gguf((10,)) for n in (1, 2)}
    write_repo(tmp_path, "acme/split", {**shards, "n.gguf": gguf((7,)), "mmproj-a.gguf": gguf((3,))})
    write_repo(tmp_path, "acme/one", {"m.gguf": gguf((7,)), "n.gguf": gguf((9,))})
    write_repo(tmp_path, "acme/broken", {"m.gguf": b"GGUF"})
    hub = FolderHub(tmp_path)
    totals = {}
    for name in ("split", "one", "broken"):
        raw = hub.info(ModelRef(repo=RepoId.parse(f"acme/{name}"))).raw
        shown = raw.get("gguf")
        totals[name] = shown["total"] if isinstance(shown, dict) else None
    assert totals == {"split": 20, "one": 7, "broken": None}
