"""One model, all the way through: weigh, store, serve, fetch back, use."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from weighbridge.domain.json_values import JsonObject, child, objects, text, texts
from weighbridge.doors.demo.embedding import embed
from weighbridge.doors.demo.models import MADE, REAL, place_real, require_libraries, train_made
from weighbridge.doors.demo.servers import running
from weighbridge.errors import DigestMismatch, WeighbridgeError
from weighbridge.settings import child_environment

WAIVERS_OF_REAL = {
    "performance_claims": "its results are in the sentence-transformers documentation, not in its card",
    "bus_factor": "the demo's Hub is a folder, which knows neither its history nor its organization",
    "dataset_quality": "the demo's Hub is a folder, which has none of the data sets that its card names",
}
WAIVERS_OF_MADE = {"bus_factor": "a program made it a moment ago, and nobody is going to maintain it"}
SENTENCES = (
    "The truck is weighed before it enters the yard.",
    "Every lorry goes over the scale at the gate.",
    "The soup needs more salt.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """One answer of the registry to an ingestion."""

    model: str
    status: int
    answer: JsonObject

    @property
    def outcome(self) -> str:
        """What came of it, in a word or two."""
        if self.status == 200:
            return "accepted, waived" if objects(self.answer, "waived") else "accepted"
        return text(child(self.answer, "verdict"), "outcome") or f"error {self.status}"

    @property
    def metrics(self) -> JsonObject:
        """Metric name to score."""
        return child(self.answer if self.status == 200 else child(self.answer, "verdict"), "metrics")

    @property
    def at_least(self) -> frozenset[str]:
        """The metrics that may still be higher: something was not read before the refusal."""
        failures = objects(child(self.answer, "verdict"), "failures")
        return frozenset(text(f, "metric") or "" for f in failures if f.get("certain") is False)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in sentences."""
        if self.status != 200:
            failures = objects(child(self.answer, "verdict"), "failures")
            certain = [failure for failure in failures if failure.get("certain") is True]
            remedies = [r for failure in certain for r in texts(failure, "how_to_improve")[:2]]
            return (text(self.answer, "detail") or "", *(f"to improve: {r}" for r in remedies))
        waived = objects(self.answer, "waived")
        return tuple(
            f"{text(w, 'metric')} waived by {text(w, 'author')}: {text(w, 'reason')}" for w in waived
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """What was fetched back, compared and used."""

    model: str
    files: int
    size_bytes: int
    near: float
    far: float

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "model": self.model, "files": self.files, "size_bytes": self.size_bytes,
            "similarity_near": round(self.near, 4), "similarity_far": round(self.far, 4),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Yard:
    """The demo's two running servers and its folders."""

    folder: Path
    hub_url: str
    registry_url: str
    password_file: Path

    def weigh(self, tell: Callable[[str], None]) -> list[Weighing]:
        """Ingest both models through REST: refuse, admit by waiver, accept."""
        login = {"username": "admin", "password": self.password_file.read_text().strip()}
        token = text(_post(f"{self.registry_url}/authenticate", login)[1], "token") or ""
        wishes: list[Mapping[str, object]] = [
            {"model_id": REAL},
            {"model_id": REAL, "waivers": _waivers(WAIVERS_OF_REAL)},
            {"model_id": MADE, "description": "made by the demo", "waivers": _waivers(WAIVERS_OF_MADE)},
        ]
        weighed = []
        for wish in wishes:
            tell(f"weighing {wish['model_id']}{' with waivers' if 'waivers' in wish else ''} ...")
            status, answer = _post(f"{self.registry_url}/package/ingest-huggingface", wish, token)
            weighed.append(Weighing(model=str(wish["model_id"]), status=status, answer=answer))
        return weighed

    def fetch_back(self) -> RoundTrip:
        """Fetch the real model with the official client, compare every byte, compute with it.

        Raises:
            DigestMismatch: a file is not what went in.
        """
        fetched = self._fetch(REAL)
        files = _compare(self.folder / "hub" / REAL, fetched)
        vectors = [embed(fetched, sentence) for sentence in SENTENCES]
        return RoundTrip(
            model=REAL,
            files=len(files),
            size_bytes=sum(files.values()),
            near=float(vectors[0] @ vectors[1]),
            far=float(vectors[0] @ vectors[2]),
        )

    def _fetch(self, repo: str) -> Path:
        client = Path(__file__).with_name("client.py")
        ran = subprocess.run(
            [sys.executable, str(client), repo, str(self.folder / "hf-cache")],
            env=child_environment({"HF_ENDPOINT": self.registry_url}),
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise WeighbridgeError(f"huggingface_hub could not fetch {repo}: {ran.stderr.strip()[-500:]}")
        return Path(ran.stdout.strip().splitlines()[-1])


@contextmanager
def open_yard(port: int, tell: Callable[[str], None]) -> Iterator[Yard]:
    """Models in a folder, a Hub over the folder, a registry over the Hub; gone at the end."""
    require_libraries()
    folder = Path(tempfile.mkdtemp(prefix="weighbridge-demo-"))
    try:
        place_real(folder / "hub")
        tell("training the demo's own classifier ...")
        train_made(folder / "hub")
        password = folder / "admin-password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(16) + "\n")
        with running("hub", str(folder / "hub"), "--port", "0", environment={}) as hub_url:
            surroundings = {
                "WEIGHBRIDGE_HOME": str(folder / "home"),
                "WEIGHBRIDGE_UPSTREAM": hub_url,
                "WEIGHBRIDGE_ADMIN_PASSWORD_FILE": str(password),
            }
            with running("serve", "--port", str(port), environment=surroundings) as registry_url:
                yield Yard(folder=folder, hub_url=hub_url, registry_url=registry_url, password_file=password)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _waivers(reasons: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"metric": metric, "reason": reason} for metric, reason in reasons.items()]


def _post(url: str, body: Mapping[str, object], token: str = "") -> tuple[int, JsonObject]:
    """POST JSON on loopback; the answer's status and document, whatever the status."""
    request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")  # noqa: S310
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=600) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _compare(original: Path, fetched: Path) -> dict[str, int]:
    """Sizes of the files, all of them equal byte for byte.

    Raises:
        DigestMismatch: a file differs, is missing or is one too many.
    """
    sides = [
        {path.relative_to(side).as_posix(): path for path in sorted(side.rglob("*")) if path.is_file()}
        for side in (original, fetched)
    ]
    sizes = {}
    for name in sorted({*sides[0], *sides[1]}):
        wanted, got = (_digest(side.get(name)) for side in sides)
        if wanted != got:
            raise DigestMismatch(name, wanted=wanted, got=got)
        sizes[name] = sides[0][name].stat().st_size
    return sizes


def _digest(path: Path | None) -> str:
    if path is None:
        return "no such file"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
