"""Clients that have environments of their own, which ``make test-all`` sets up below .venv/clients/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.clients.suite import Run

PLACE = Path(__file__).resolve().parents[2] / ".venv" / "clients"

OWN: Sequence[Run] = (
    *(
        Run(
            program="older_hub.py",
            mode=mode,
            version=version,
            column=f"huggingface_hub {version}",
            command=str(PLACE / folder / "bin" / "python"),
            needs=str(PLACE / folder / "bin" / "python"),
        )
        for folder, version in (("hub-0", "0.36.2"), ("hub-1", "1.33.0"))
        for mode in ("xet", "lfs")
    ),
    Run(
        program="node_hub.mjs",
        mode="lfs",
        column="@huggingface/hub 2.17.5",
        command="node",
        needs=str(PLACE / "node" / "node_modules" / "@huggingface" / "hub"),
    ),
)


def missing(run: Run) -> str:
    """Why a client cannot be run here; nothing if it can."""
    return "" if not run.needs or Path(run.needs).exists() else f"{run.column}: there is no {run.needs}"
