"""``weighbridge papers``, ``attest``, ``attestation-key`` and ``verify-attestation``."""

from __future__ import annotations

import json as json_format
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.domain.access import LOCAL
from weighbridge.domain.json_values import JsonObject
from weighbridge.doors.cli.render import AsJson, printable, show_json, show_table, size
from weighbridge.errors import StoreDown
from weighbridge.settings import load_settings

if TYPE_CHECKING:
    from weighbridge.bridge.papers import Papers


def papers(package: str, *, out: Path | None = None, json: AsJson = False) -> None:
    """What a package carries: verdict, evidence, licence, bill of materials, attestation.

    Parameters
    ----------
    package
        org/name@version, org/name for the newest (datasets/org/name of a data set), or a package's id.
    out
        A folder that all of them are written to, with the key that the attestation is signed by.
    """
    from weighbridge.bridge.papers import FILES

    with _papers() as desk:
        found = desk.find(LOCAL, package)
        documents = desk.all_of(LOCAL, found.id)
        key = desk.public_key()
    if out is not None:
        texts = {FILES[name]: _spelled(document) for name, document in documents.items()}
        for name, text in {**texts, "attestation-key.pem": key.pem}.items():
            _write(out / name, text)
    if json:
        show_json({"package": found.to_json(), "papers": dict(documents)})
        return
    print(printable(f"{found.spelled} (commit {found.manifest.commit[:12]})"))
    rows = [(name, FILES[name], size(len(_spelled(doc).encode()))) for name, doc in documents.items()]
    show_table(("paper", "file", "size"), rows)
    print(f"written to {out}" if out else "write them with --out DIR, print them with --json")


def attest(package: str, *, out: Path | None = None, json: AsJson = False) -> None:
    """Sign what the gate found: an in-toto statement over the sha256 of every file.

    The envelope (DSSE) is JSON in any case.

    Parameters
    ----------
    package
        org/name@version, org/name for the newest (datasets/org/name of a data set), or a package's id.
    out
        The file to write; default: standard output.
    """
    with _papers() as desk:
        envelope = desk.attestation(LOCAL, desk.find(LOCAL, package).id)
    if out is None:
        show_json(envelope)
        return
    _write(out, _spelled(envelope))
    if json:
        show_json({"file": str(out), "attestation": envelope})
    else:
        print(f"written to {out}")


def attestation_key(*, json: AsJson = False) -> None:
    """Print the public key by which others check this registry's attestations."""
    from weighbridge.bridge.papers import public_key

    key = public_key(load_settings().home)
    if json:
        show_json({"algorithm": "ed25519", "keyid": key.id, "pem": key.pem})
    else:
        print(key.pem, end="")


def verify_attestation(
    file: Path, folder: Path | None = None, *, key: Path | None = None, json: AsJson = False
) -> None:
    """Check who signed an attestation, and that a folder holds what was attested.

    Nothing is asked anywhere. Exit code 7: the signature does not hold, or a file is not the one.

    Parameters
    ----------
    file
        The attestation.
    folder
        The model's files; each is read whole.
    key
        The public key (PEM) of the registry; default: that of this home.
    """
    from weighbridge.bridge.papers import verify_attestation as verified

    attested, by = verified(file, folder, key, load_settings().home)
    if json:
        show_json(
            {
                "name": attested.name,
                "commit": attested.commit,
                "keyid": by.id,
                "files": dict(attested.files),
                "folder": str(folder) if folder else None,
                "predicate": attested.predicate,
            }
        )
        return
    what = f"{attested.name} (commit {attested.commit[:12]})"
    print(printable(f"{what}: signed by {by.id[:16]}, {len(attested.files)} files attested"))
    if folder is not None:
        print(printable(f"{folder} holds exactly these files"))


@contextmanager
def _papers() -> Iterator[Papers]:
    from weighbridge.bridge import open_bridge

    with open_bridge(load_settings()) as bridge:
        yield bridge.papers


def _spelled(document: JsonObject) -> str:
    return json_format.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _write(place: Path, text: str) -> None:
    """Write a file in one rename."""
    made = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.write_text(text, "utf-8")
            made.replace(place)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise StoreDown(f"cannot write '{place}': {error.strerror}") from error
