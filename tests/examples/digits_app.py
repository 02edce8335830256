"""The classifier application for tests: trained once for all of them, started as a process."""

from __future__ import annotations

import fcntl
import io
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weighbridge.settings import child_environment

HOME = Path(__file__).resolve().parents[2] / "examples" / "classifier_app"
FILES = (
    "embedder.safetensors",
    "classifier_deep_mlp.safetensors",
    "classifier_condition.safetensors",
    "README.md",
)


def trained_once(base: Path) -> Path:
    """``results/cache`` of a short training; the processes of one test run share it."""
    place, claim = base / "digits-trained", base / "digits-trained.lock"
    with claim.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (place / "README.md").exists():
            run(["-m", "digits.train", "--images", "300", "--out", str(place)], base)
    return place


def shared_base(factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of a test run."""
    base = factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def environment(place: Path, **changes: str) -> dict[str, str]:
    """What the application sees: its own home, nothing of ours, few threads on a busy machine."""
    return child_environment(
        {
            "HOME": str(place / "user"),
            "HF_HOME": str(place / "hf"),
            "WEIGHBRIDGE_HOME": str(place / "weighbridge"),
            "PYTHONPATH": str(HOME),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **changes,
        }
    )


def run(arguments: list[str], place: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """A program of the application, to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env=environment(place, **changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def check(place: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """The application's start without serving: exit code 0, or the reason why not."""
    return run(["-m", "digits", "--check"], place, **changes)


@dataclass
class Said:
    """An answer of the application."""

    status: int
    headers: Mapping[str, str]
    text: str


@contextmanager
def application(place: Path, **changes: str) -> Iterator[str]:
    """The address of the running application."""
    process = subprocess.Popen(
        [sys.executable, "-m", "digits", "--port", "0"],
        cwd=place,
        env=environment(place, **changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("http://"):
                yield line.strip()
                return
        raise AssertionError(process.communicate(timeout=600)[1])
    finally:
        process.terminate()
        process.communicate(timeout=600)


def ask(url: str, picture: bytes | None = None, *, name: str = "seven.png", **headers: str) -> Said:
    """The page at an address; with a picture, the answer to its upload."""
    body = None
    if picture is not None:
        line = "--a-line"
        head = f'{line}\r\nContent-Disposition: form-data; name="picture"; filename="{name}"\r\n'
        body = f"{head}Content-Type: image/png\r\n\r\n".encode() + picture + f"\r\n{line}--\r\n".encode()
        headers = {"Content-Type": "multipart/form-data; boundary=a-line", **headers}
    request = urllib.request.Request(url, data=body, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=600) as answer:
            return Said(answer.status, dict(answer.headers), answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Said(error.code, dict(error.headers), error.read().decode())


def drawn(image: np.ndarray, *, light_on_dark: bool = False) -> bytes:
    """An 8x8 image as somebody would upload it: large, with a margin, not in the middle."""
    large = Image.fromarray(np.rint(255 * image).astype(np.uint8)).resize(
        (240, 240), Image.Resampling.BICUBIC
    )
    sheet = Image.new("L", (420, 360), 0)
    sheet.paste(large, (120, 30))
    shown = sheet if light_on_dark else sheet.point(lambda ink: 255 - ink)
    out = io.BytesIO()
    shown.save(out, "PNG")
    return out.getvalue()
