"""What one file of 5 GB by LFS costs the server, sent whole and sent in parts.

    python benchmarks/large_lfs.py [--gb 5] [--quick]

Each way gets a registry of its own. Counted are the CPU seconds of the server's process while the
unmodified client uploads and downloads (`hf upload`, `hf download`), the client's wall time, and
the server's largest resident memory so far. What comes back is compared. The bar: under 300 MB.
"""

from __future__ import annotations

import argparse
import filecmp
import tempfile
import time
from pathlib import Path

from upload import REPO, Server, client, make, registry

PART_BYTES = 1 << 30


def measured(server: Server, work: Path, what: str, *arguments: str) -> None:
    """One command of the client's, and a line that says what it cost."""
    cpu, began = server.cpu_s(), time.perf_counter()
    client(server, work, *arguments, xet=False)
    wall, cpu = time.perf_counter() - began, server.cpu_s() - cpu
    print(f"{what:24}{cpu:10.2f}{wall:10.2f}{server.peak_mib():12.0f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gb", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    mib = 64 if asked.quick else asked.gb * 1000**3 // (1 << 20)
    part = (16 << 20) if asked.quick else PART_BYTES
    print(f"one file of {mib} MiB by LFS, whole and in parts of {part} bytes")
    print(f"{'':24}{'server':>10}{'client':>10}{'server':>12}")
    print(f"{'':24}{'CPU s':>10}{'wall s':>10}{'peak MiB':>12}")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "model.bin"
        make(file, mib)
        for way, bytes_at_once in (("whole", 1 << 50), ("in parts", part)):
            work = Path(scratch) / way
            with registry(work / "home", WEIGHBRIDGE_LFS_PART_BYTES=str(bytes_at_once)) as server:
                measured(server, work, f"upload, {way}", "upload", REPO, str(file), "model.bin")
                got = work / "got"
                measured(server, work, "download", "download", REPO, "--local-dir", str(got))
                if not filecmp.cmp(file, got / "model.bin", shallow=False):
                    raise SystemExit("what was downloaded is something else")
                (got / "model.bin").unlink()


if __name__ == "__main__":
    main()
