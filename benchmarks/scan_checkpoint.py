"""What it costs to scan a checkpoint of 1 GiB, beside the sha256 that every byte is hashed with anyway.

    python benchmarks/scan_checkpoint.py [--gib 1] [--rounds 5] [--quick]

Three files of the same numbers: a torch checkpoint (ZIP), safetensors and GGUF. Scanned as `weighbridge
scan` does it, in the process that keeps what is untrusted apart; hashed by `openssl dgst -sha256` and by
hashlib. The bar: a scan costs less than the faster of both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from _bench import interleaved, scratch, timed
from weighbridge.domain.scan import Severity
from weighbridge.scanners import scan_file
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.table import scanners

PIECE = os.urandom(1 << 22)


def main() -> None:
    """Measure, print, and fail where the bar is not reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a smoke run; the bar is not asked for")
    options = parser.parse_args()
    if options.quick:
        options.gib, options.rounds = 1 / 64, 1
    tensors = max(1, int(options.gib * 256))
    with scratch(Path.cwd() / ".bench-scan") as place:
        files = [torch_zip(place, tensors), safetensors(place, tensors), gguf(place, tensors)]
        print(
            f"{tensors * len(PIECE) / 2**30:.3g} GiB in {tensors} tensors; median seconds of {options.rounds}"
        )
        print(f"{'':24}{'scan':>8}{'openssl':>10}{'hashlib':>10}{'of the faster':>16}")
        for file in files:
            found = interleaved(
                {
                    "scan": lambda file=file: scanned(file),
                    "openssl": lambda file=file: timed(["openssl", "dgst", "-sha256", str(file)], {}),
                    "hashlib": lambda file=file: hashed(file),
                },
                options.rounds,
            )
            scan, *hashes = found.values()
            print(f"{file.name:24}{scan:8.3f}{hashes[0]:10.3f}{hashes[1]:10.3f}{scan / min(hashes):16.2f}")
            assert options.quick or scan < min(hashes), "a scan costs more than the hash"


def scanned(file: Path) -> float:
    """Wall seconds of one scan, with the start of its process."""
    started = time.perf_counter()
    with Sandbox() as sandbox:
        found = scan_file(file.name, file, "0" * 64, scanners(sandbox))
    assert found.verdict is Severity.ALLOW, found.findings
    return time.perf_counter() - started


def hashed(file: Path) -> float:
    """Wall seconds of hashlib over the file."""
    started = time.perf_counter()
    with file.open("rb") as source:
        hashlib.file_digest(source, "sha256")
    return time.perf_counter() - started


def torch_zip(place: Path, tensors: int) -> Path:
    """What ``torch.save`` writes for a dictionary of float tensors, without torch."""
    file = place / "pytorch_model.bin"
    count = len(PIECE) // 4
    body = b"\x80\x02ccollections\nOrderedDict\n)R("
    for number in range(tensors):
        pid = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(str(number)) + text("cpu")
        pid += b"J" + struct.pack("<i", count) + b"tQ"
        shape = b"J" + struct.pack("<i", count) + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)R"
        body += (
            text(f"layer.{number}.weight") + b"ctorch._utils\n_rebuild_tensor_v2\n(" + pid + b"K\x00" + shape
        )
        body += b"tR"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", body + b"u.")
        archive.writestr("archive/byteorder", b"little")
        for number in range(tensors):
            archive.writestr(f"archive/data/{number}", PIECE)
        archive.writestr("archive/version", b"3\n")
    return file


def text(value: str) -> bytes:
    """A short text in a pickle."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def safetensors(place: Path, tensors: int) -> Path:
    """The same numbers, as safetensors."""
    file, size = place / "model.safetensors", len(PIECE)
    header = {
        f"layer.{n}.weight": {
            "dtype": "F32",
            "shape": [size // 4],
            "data_offsets": [n * size, (n + 1) * size],
        }
        for n in range(tensors)
    }
    raw = json.dumps(header).encode()
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(raw)) + raw)
        for _ in range(tensors):
            out.write(PIECE)
    return file


def gguf(place: Path, tensors: int) -> Path:
    """The same numbers, as GGUF with a vocabulary of 128,000 tokens and as many merges."""
    file, words = place / "model.gguf", [f"token{n}".encode() for n in range(128_000)]
    listed = b"".join(struct.pack("<Q", len(word)) + word for word in words)
    array = struct.pack("<IIQ", 9, 8, len(words)) + listed
    keys = (b"tokenizer.ggml.tokens", b"tokenizer.ggml.merges")
    entries = b"".join(struct.pack("<Q", len(key)) + key + array for key in keys)
    head = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(keys)) + entries
    for number in range(tensors):
        name = f"blk.{number}.weight".encode()
        head += struct.pack("<Q", len(name)) + name
        head += struct.pack("<IQIQ", 1, len(PIECE) // 4, 0, number * len(PIECE))
    with file.open("wb") as out:
        out.write(head + bytes(-len(head) % 32))
        for _ in range(tensors):
            out.write(PIECE)
    return file


if __name__ == "__main__":
    if subprocess.run(["openssl", "version"], capture_output=True, check=False).returncode:
        sys.exit("openssl is needed to compare with")
    main()
