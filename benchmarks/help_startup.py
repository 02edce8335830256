"""How long until the help is there: `weighbridge --help` beside `hf --help`, whole processes.

python benchmarks/help_startup.py [--rounds 15] [--quick]
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from _bench import interleaved, scratch, timed


def main() -> None:
    """Measure, print, and fail where ours is not the quicker one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="a smoke run; the bar is not asked for")
    options = parser.parse_args()
    tools = Path(sys.executable).parent
    with scratch(Path.cwd() / ".bench-help") as place:
        environ = {"PATH": os.environ["PATH"], "HOME": str(place), "HF_HUB_DISABLE_TELEMETRY": "1"}
        took = interleaved(
            {
                "weighbridge": lambda: timed([str(tools / "weighbridge"), "--help"], environ),
                "hf": lambda: timed([str(tools / "hf"), "--help"], environ),
            },
            1 if options.quick else options.rounds,
        )
    for name, seconds in took.items():
        print(f"{name + ' --help':20}{seconds * 1e3:8.0f} ms")
    print(f"{'ratio':20}{took['hf'] / took['weighbridge']:8.1f}x")
    if not options.quick:
        assert took["weighbridge"] < took["hf"], "the bar: less time than hf --help"


if __name__ == "__main__":
    main()
