"""``weighbridge demo``: what ``make run`` runs."""

from __future__ import annotations

import json as json_module
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

from weighbridge.doors.cli.render import AsJson
from weighbridge.errors import BadInput

if TYPE_CHECKING:
    from weighbridge.doors.demo.walk import RoundTrip, Weighing, Yard

COLUMNS = {
    "license": "licence",
    "size_score": "size",
    "ramp_up_time": "ramp",
    "bus_factor": "bus",
    "performance_claims": "claims",
    "dataset_and_code_score": "d&c",
    "dataset_quality": "data",
    "code_quality": "code",
}


def demo(*, once: bool = False, port: int = 8000, json: AsJson = False) -> None:
    """Weigh, store, serve and fetch back two models, with real servers and the official client.

    Parameters
    ----------
    once
        End after the round trip instead of serving until Ctrl-C.
    port
        The registry's port; a free one where this is taken.
    """
    from weighbridge.doors.demo.walk import open_yard

    signal.signal(signal.SIGTERM, _interrupt)
    with open_yard(_free(port), _tell) as yard:
        _tell(f"a Hub over a folder at {yard.hub_url}, the registry at {yard.registry_url}")
        weighed = yard.weigh(_tell)
        if not json:
            _show(weighed)
        _tell("fetching back with huggingface_hub, only HF_ENDPOINT set ...")
        trip = yard.fetch_back()
        if json:
            print(json_module.dumps({"weighed": [_plain(w) for w in weighed], "fetched": trip.to_json()}))
        else:
            _show_trip(trip)
        if not once:
            _serve_on(yard)


def _interrupt(*_: object) -> None:
    """A plain kill takes the way of Ctrl-C, so that the servers are stopped and the folder goes."""
    raise KeyboardInterrupt


def _free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
        except OverflowError as error:
            raise BadInput(f"{port} is no port", hint="a number from 0 to 65535") from error
    return port


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _plain(weighing: Weighing) -> dict[str, object]:
    return {
        "model": weighing.model, "outcome": weighing.outcome, "metrics": dict(weighing.metrics),
        "reasons": list(weighing.reasons), "not_judged": weighing.answer.get("not_judged", []),
    }  # fmt: skip


def _show(weighed: list[Weighing]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Verdicts", title_justify="left")
    for heading in ("model", "verdict", *COLUMNS.values(), "net"):
        table.add_column(heading, overflow="fold")
    for weighing in weighed:
        scores = [weighing.metrics.get(metric) for metric in (*COLUMNS, "net_score")]
        if scores[-1] is None:
            verdict = weighing.answer.get("verdict")
            scores[-1] = verdict.get("net_score") if isinstance(verdict, dict) else None
        marks = [">" if metric in weighing.at_least else "" for metric in (*COLUMNS, "net_score")]
        shown = [
            f"{mark}{score:.2f}" if isinstance(score, (int, float)) else "-"
            for mark, score in zip(marks, scores, strict=True)
        ]
        table.add_row(weighing.model.rpartition("/")[2], weighing.outcome, *shown)
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(table)
    if any(weighing.at_least for weighing in weighed):
        console.print("  >: at least; what it hangs on was not fetched before the refusal", highlight=False)
    for weighing in weighed:
        for reason in weighing.reasons:
            console.print(f"  {weighing.model.rpartition('/')[2]}: {reason}", markup=False, highlight=False)


def _show_trip(trip: RoundTrip) -> None:
    print(f"{trip.model} came back: {trip.files} files, {trip.size_bytes:,} bytes, every byte as it went in")
    print(
        "its embeddings, in numpy: a sentence and its paraphrase "
        f"{trip.near:.2f}, the same sentence and another subject {trip.far:.2f} (cosine)"
    )


def _serve_on(yard: Yard) -> None:
    _tell(f"\nServing until Ctrl-C. {yard.registry_url}/docs is the REST interface;")
    _tell(f"the password of 'admin' is in {yard.password_file}. In another terminal:")
    _tell(f"  HF_ENDPOINT={yard.registry_url} hf download sentence-transformers/all-MiniLM-L6-v2")
    while True:  # a signal that comes just before a wait without end wakes nobody
        time.sleep(1.0)
