"""The papers of a package, by command and over HTTP; a stranger checks attestations with the key alone."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.bridge.shelved import FILES, laid_out, shelve
from tests.doors.asgi_server import call, serving
from tests.warm import run_warm
from weighbridge.bridge import open_bridge
from weighbridge.domain.attestation import signed_bytes
from weighbridge.domain.package import Package
from weighbridge.doors.rest import rest_app
from weighbridge.settings import load_settings


class Desk:
    """A home with one package, and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "WEIGHBRIDGE_HOME": str(self.home),
            "WEIGHBRIDGE_UPSTREAM": "https://hub.test",
        }
        self.package: Package = shelve(self.home)
        self.name = f"{self.package.name}@{self.package.version}"

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = run_warm(arguments, env=self.environ)
        assert done.returncode == code, done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def attested(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("attested") / "a.json"
    desk.run("attest", desk.name, "--out", str(file))
    return file


@pytest.fixture(scope="module")
def url(desk: Desk) -> Iterator[str]:
    bridge = open_bridge(load_settings(desk.environ))
    with serving(rest_app(bridge)) as address:
        yield address
    bridge.close()


def test_all_papers_are_written_into_a_folder(desk: Desk, tmp_path: Path) -> None:
    told = desk.run("papers", desk.name, "--out", str(tmp_path / "out")).stdout
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written == {
        "verdict.json",
        "evidence.json",
        "licence.json",
        "bom.cdx.json",
        "attestation.intoto.json",
        "attestation-key.pem",
    }
    assert all(name in told for name in written - {"attestation-key.pem"})
    bom = (tmp_path / "out" / "bom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bom) is None
    assert f"https://hub.test/{desk.package.name}" in bom
    printed = desk.json("papers", desk.package.name)["papers"]
    for name, file in (("bom", "bom.cdx.json"), ("attestation", "attestation.intoto.json")):
        assert printed[name] == json.loads((tmp_path / "out" / file).read_text())


def test_the_papers_over_http_are_the_same(desk: Desk, url: str) -> None:
    printed = desk.json("papers", desk.package.id)["papers"]
    types = {"bom": "application/vnd.cyclonedx+json", "attestation": "application/vnd.dsse.envelope.v1+json"}
    for name in ("verdict", "evidence", "licence", "bom", "attestation"):
        answer = call(url, "GET", f"/package/{desk.package.id}/{name}")
        assert answer.status == 200, answer.body
        assert answer.json == printed[name]
        assert answer.headers["content-type"].startswith(types.get(name, "application/json"))
    assert call(url, "GET", "/package/none/bom").status == 404


def test_a_stranger_checks_the_signature_with_nothing_but_the_key(attested: Path, url: str) -> None:
    key = call(url, "GET", "/attestation-key").json
    envelope = json.loads(attested.read_text())
    payload = base64.b64decode(envelope["payload"])
    [signature] = envelope["signatures"]
    assert signature["keyid"] == key["keyid"]
    public = load_pem_public_key(key["pem"].encode())
    public.verify(base64.b64decode(signature["sig"]), signed_bytes(payload))  # type: ignore[call-arg,union-attr]
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert {subject["name"] for subject in statement["subject"]} == set(FILES)


def test_the_files_are_what_was_attested(desk: Desk, attested: Path, tmp_path: Path) -> None:
    folder = laid_out(tmp_path / "model")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "x.metadata").write_text("of the client")
    told = desk.run("verify-attestation", str(attested), str(folder)).stdout
    assert "holds exactly these files" in told
    shown = desk.json("verify-attestation", str(attested), str(folder))
    assert (shown["name"], shown["commit"]) == (desk.package.name, desk.package.manifest.commit)
    assert shown["predicate"]["verdict"]["outcome"]


def test_links_of_a_cache_are_read(desk: Desk, attested: Path, tmp_path: Path) -> None:
    blobs = laid_out(tmp_path / "blobs")
    (tmp_path / "snapshot" / "weights").mkdir(parents=True)
    for path in FILES:
        (tmp_path / "snapshot" / path).symlink_to(blobs / path)
    desk.run("verify-attestation", str(attested), str(tmp_path / "snapshot"))


@pytest.mark.parametrize("wrong", ["changed", "missing", "more", "a folder"])
def test_another_file_ends_with_seven_and_is_named(
    desk: Desk, attested: Path, tmp_path: Path, wrong: str
) -> None:
    folder = laid_out(tmp_path / "model")
    weights = folder / "weights" / "model.safetensors"
    if wrong == "changed":
        weights.write_bytes(b"\1" + weights.read_bytes()[1:])
    elif wrong == "missing":
        weights.unlink()
    elif wrong == "a folder":
        weights.unlink()
        weights.mkdir()
    else:
        (folder / "weights" / "model.py").write_text("import os")
    told = desk.run("verify-attestation", str(attested), str(folder), code=7).stderr
    assert ("model.py" if wrong == "more" else "weights/model.safetensors") in told
    assert "config.json" not in told


def test_a_forged_statement_ends_with_seven(desk: Desk, attested: Path, tmp_path: Path) -> None:
    envelope = json.loads(attested.read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["subject"][0]["digest"]["sha256"] = "0" * 64
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(envelope))
    assert "bad-signature" in desk.run("verify-attestation", str(forged), "--json", code=7).stdout


def test_elsewhere_it_is_checked_with_the_key_of_its_registry(
    desk: Desk, attested: Path, tmp_path: Path
) -> None:
    elsewhere = {**desk.environ, "WEIGHBRIDGE_HOME": str(tmp_path / "elsewhere")}
    key = tmp_path / "key.pem"
    key.write_text(desk.run("attestation-key").stdout)

    def verify(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "weighbridge", "verify-attestation", str(attested), *more]
        return subprocess.run(
            command, capture_output=True, text=True, env=elsewhere, timeout=600, check=False
        )

    without = verify()
    assert (without.returncode, "--key" in without.stderr) == (2, True)
    assert not (tmp_path / "elsewhere").exists()
    assert verify("--key", str(key)).returncode == 0
    other = Desk(tmp_path)
    key.write_text(other.run("attestation-key").stdout)
    assert verify("--key", str(key)).returncode == 7


def test_the_private_key_is_nowhere_told(desk: Desk, attested: Path, url: str) -> None:
    secret = (desk.home / "attestation.key").read_text().splitlines()[1]
    told = [
        attested.read_text(),
        desk.run("attestation-key").stdout,
        call(url, "GET", "/attestation-key").body,
    ]
    assert not any(secret in str(text) for text in told)


def test_no_such_package(desk: Desk) -> None:
    for spelled in ("no/such", f"{desk.package.name}@9.9.9"):
        assert "not found" in desk.run("attest", spelled, code=4).stderr


def test_the_public_key_is_told_without_opening_a_catalogue(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(home)}
    command = [sys.executable, "-m", "weighbridge", "attestation-key"]
    told = [
        subprocess.run(command, capture_output=True, text=True, env=environ, timeout=600, check=True).stdout
        for _ in range(2)
    ]
    assert told[0] == told[1]
    assert told[0].startswith("-----BEGIN PUBLIC KEY-----")
    assert [file.name for file in home.iterdir()] == ["attestation.key"]
    assert home.stat().st_mode & 0o077 == 0
