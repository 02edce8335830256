"""Products of huggingface.co that a registry has no use for: each is refused with a sentence."""

from __future__ import annotations

from collections.abc import Mapping

_KEEPS = "it keeps repositories and weighs them"
_RUNS_NOTHING = f"{_KEEPS}, and runs nothing"
_NO_SPACES = "Weighbridge runs no spaces: a space is a repository of files here, as a model is"

_BY_FIRST: Mapping[str, str] = {
    "jobs": f"Weighbridge has no jobs: {_RUNS_NOTHING}",
    "scheduled-jobs": f"Weighbridge has no jobs: {_RUNS_NOTHING}",
    "buckets": f"Weighbridge has no buckets: {_KEEPS}, so files go into a repository",
    "kernels": "Weighbridge has no kernels: its repositories are models, datasets and spaces",
    "collections": f"Weighbridge has no collections: {_KEEPS}",
    "papers": f"Weighbridge has no papers: {_KEEPS}",
    "daily_papers": f"Weighbridge has no papers: {_KEEPS}",
    "notifications": f"Weighbridge has no notifications: {_KEEPS}",
    "inference-proxy": f"Weighbridge has no inference: {_RUNS_NOTHING}",
    "partners": f"Weighbridge has no inference: {_RUNS_NOTHING}",
    "tasks": f"Weighbridge has no inference: {_RUNS_NOTHING}",
}
_OF_SPACES = frozenset({"hardware", "semantic-search", "templates", "zero-gpu"})
_OF_A_SPACE = frozenset(
    {"dev-mode", "events", "hardware", "hot-reload", "logs", "metrics", "pause", "restart", "runtime"}
    | {"secrets", "sleeptime", "sse", "variables", "volumes"}
)
_OF_A_DATASET: Mapping[str, str] = {
    "leaderboard": f"Weighbridge has no leaderboards: {_KEEPS}",
    "parquet": "Weighbridge converts no datasets: read the files as they were pushed",
    "croissant": "Weighbridge describes no datasets: read the files as they were pushed",
}


def why_absent(segments: tuple[str, ...]) -> str:
    """Why an address below ``/api`` is not served by a registry; empty where that is not known."""
    match segments:
        case ("settings", "webhooks", *_):
            return f"Weighbridge has no webhooks: {_KEEPS}"
        case ("users" | "organizations", _, "followers" | "following"):
            return f"Weighbridge has no followers: {_KEEPS}"
        case ("spaces", only, *_) if only in _OF_SPACES:
            return _NO_SPACES
        case ("spaces", _, _, call, *_) | ("spaces", _, call) if call in _OF_A_SPACE:
            return _NO_SPACES
        case ("datasets", _, _, call, *_) | ("datasets", _, call):
            return _OF_A_DATASET.get(call, "")
        case (first, *_):
            return _BY_FIRST.get(first, "")
    return ""
