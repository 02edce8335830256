"""What real torch writes and reads: ``make test-all`` installs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import pytest

from tests.hub_process import hub_process
from weighbridge.bridge.scan import scan_path
from weighbridge.domain.scan import Severity
from weighbridge.doors.demo.embedding import embed
from weighbridge.doors.demo.models import REAL, place_real

pytestmark = pytest.mark.heavy
torch = pytest.importorskip("torch", reason="make test-all installs torch")


def states() -> dict[str, object]:
    """Checkpoints as people save them."""
    module = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.BatchNorm1d(4))
    tied = torch.zeros(3, 3)
    return {
        "state_dict": module.state_dict(),
        "plain_dict": {"weight": torch.arange(6).reshape(2, 3)},
        "nested": {"model": module.state_dict(), "step": 7, "lr": 1e-3, "name": "x", "betas": (0.9, 0.99)},
        "shared_storage": {"a": tied, "b": tied[1:]},
        "dtypes": {
            str(kind): torch.zeros(2, dtype=kind)
            for kind in (torch.float16, torch.bfloat16, torch.int8, torch.bool, torch.float8_e4m3fn)
        },
        "parameter": {"w": torch.nn.Parameter(torch.ones(2))},
        "ordered": OrderedDict(weight=torch.ones(1)),
        "sparse": {"s": torch.eye(3).to_sparse()},
        "quantised": {"q": torch.quantize_per_tensor(torch.ones(4), 0.1, 10, torch.quint8)},
    }


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", sorted(states()))
def test_a_real_checkpoint_is_allowed(name: str, is_zip: bool, tmp_path: Path) -> None:
    file = tmp_path / "pytorch_model.bin"
    torch.save(states()[name], file, _use_new_zipfile_serialization=is_zip)
    report = scan_path(file)
    assert report.verdict is Severity.ALLOW, [f.message for f in report.files[0].findings]


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_a_whole_module_is_not(is_zip: bool, tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    torch.save(torch.nn.Linear(2, 2), file, _use_new_zipfile_serialization=is_zip)
    report = scan_path(file)
    assert report.verdict is Severity.BLOCK
    assert "torch.nn.modules.linear.Linear" in {f.subject for f in report.files[0].findings}


def test_torchscript_asks_for_review(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    assert scan_path(file).verdict >= Severity.REVIEW


def test_transformers_computes_what_the_demo_computes(tmp_path: Path) -> None:
    """AutoModel loads the real model from our Hub; the demo's numpy agrees with torch."""
    place_real(tmp_path / "hub")
    sentence = "The truck is weighed before it enters the yard."
    program = """
import json, sys, torch
from transformers import AutoModel, AutoTokenizer
tokens = AutoTokenizer.from_pretrained(sys.argv[1])(sys.argv[2], return_tensors="pt")
with torch.no_grad():
    pooled = AutoModel.from_pretrained(sys.argv[1])(**tokens).last_hidden_state[0].mean(0)
print(json.dumps((pooled / pooled.norm()).tolist()))
"""
    with hub_process(tmp_path / "hub") as hub:
        ran = subprocess.run(
            [sys.executable, "-c", program, REAL, sentence],
            env={"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path)},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    expected = json.loads(ran.stdout.strip().splitlines()[-1])
    got = embed(tmp_path / "hub" / REAL, sentence)
    assert max(abs(float(a) - b) for a, b in zip(got, expected, strict=True)) < 1e-5
