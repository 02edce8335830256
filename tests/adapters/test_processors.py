"""How many processors may be used, read from made files of the kernel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.adapters.processors import usable_processors

BOUND = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
TWO = {"proc/self/cgroup": "0::/kube/pod/app\n"}
ONE = {"proc/self/cgroup": "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n"}


def kernel(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root


@pytest.mark.parametrize(
    "files",
    [
        {},
        {**TWO, "sys/fs/cgroup/kube/pod/app/cpu.max": "max 100000\n"},
        {**ONE, "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "-1\n"},
        {**TWO, "sys/fs/cgroup/cpu.max": "nonsense"},
        {**TWO, "sys/fs/cgroup/cpu.max": "100000 0\n"},
        {"proc/self/cgroup": "no line of a kernel"},
    ],
    ids=["nothing", "v2 max", "v1 none", "nonsense", "no period", "bad group"],
)
def test_without_a_quota_it_is_what_we_are_bound_to(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert usable_processors(kernel(tmp_path, files)) == BOUND


@pytest.mark.parametrize(
    "files",
    [
        {**TWO, "sys/fs/cgroup/kube/pod/app/cpu.max": "100000 100000\n"},
        {**TWO, "sys/fs/cgroup/kube/cpu.max": "50000 100000\n",
         "sys/fs/cgroup/kube/pod/app/cpu.max": "max 100000\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "10000 100000\n"},
        {**ONE, "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "100000\n",
         "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n"},
        {**ONE, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "90000\n",
         "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
    ],
    ids=["v2", "v2 above", "v2 inside a container", "v1", "v1 under another name"],
)  # fmt: skip
def test_a_quota_of_one_processor_is_one_thread(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert usable_processors(kernel(tmp_path, files)) == 1


@given(quota=st.integers(1, 10**7), period=st.integers(1000, 10**6))
def test_it_is_never_less_than_one_nor_more_than_bound(
    tmp_path_factory: pytest.TempPathFactory, quota: int, period: int
) -> None:
    root = kernel(
        tmp_path_factory.mktemp("root"), {**TWO, "sys/fs/cgroup/kube/cpu.max": f"{quota} {period}\n"}
    )
    found = usable_processors(root)
    assert 1 <= found <= BOUND
    assert found == min(BOUND, -(-quota // period))
