"""Clients that have environments of their own, which ``make test-all`` sets up below .venv/clients/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.clients.suite import Run

PLACE = Path(__file__).resolve().parents[2] / ".venv" / "clients"


def _both(folder: str, program: str, column: str, version: str = "") -> Sequence[Run]:
    """A client for Python, with Xet and without; .had stands in its environment once that is whole."""
    return [
        Run(
            program=program,
            mode=mode,
            version=version,
            column=column,
            command=str(PLACE / folder / "bin" / "python"),
            needs=str(PLACE / folder / ".had"),
        )
        for mode in ("xet", "lfs")
    ]


OWN: Sequence[Run] = (
    *_both("torch", "with_torch.py", "transformers with torch"),
    *_both("torch", "with_peft.py", "peft 0.21.2"),
    *_both("torch", "with_sentences.py", "sentence-transformers 6.2.0"),
    *_both("llama", "with_llama.py", "llama-cpp-python 0.3.36"),
    *_both("hub-0", "older_hub.py", "huggingface_hub 0.36.2", "0.36.2"),
    *_both("hub-1", "older_hub.py", "huggingface_hub 1.33.0", "1.33.0"),
    *(
        Run(
            program=program,
            mode="xet",
            column="@huggingface/hub 2.17.5",
            command="node",
            needs=str(PLACE / "node" / "node_modules" / "@huggingface" / "hub"),
        )
        for program in ("node_hub.mjs", "node_more.mjs")
    ),
)


def missing(run: Run) -> str:
    """Why a client cannot be run here; nothing if it can."""
    return "" if not run.needs or Path(run.needs).exists() else f"{run.column}: there is no {run.needs}"
