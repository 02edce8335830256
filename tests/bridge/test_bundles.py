"""Packages over an air gap: two registries, one file, and nothing between them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.opening import a_registry
from tests.bridge.test_repos import ANN, REPO, judged, model, put
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_models import Made
from weighbridge.adapters.attestation_key import attestation_key
from weighbridge.adapters.bundle_file import open_bundle, write_bundle
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge import Bridge
from weighbridge.bridge.bundles import Imported
from weighbridge.bridge.bundling import Written
from weighbridge.bridge.repos import State
from weighbridge.domain.access import LOCAL, Permission, Principal
from weighbridge.domain.attestation import attested_in, envelope_from_bytes, sealed
from weighbridge.domain.bundle import Index, Member, Packed
from weighbridge.domain.evidence import evidence_from_json
from weighbridge.domain.json_values import canonical
from weighbridge.domain.package import IngestRequest, Version
from weighbridge.domain.ref import ModelRef, RepoKind
from weighbridge.doors.demo.models import MADE
from weighbridge.errors import (
    BadBundle,
    BadInput,
    BadSignature,
    Conflict,
    Disabled,
    NoSuchPackage,
    NotPermitted,
    PackageExists,
)

UPLOADER = Principal(
    name="una", permissions=frozenset({Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD})
)
CODE = {"modeling_made.py": b"import json\n\nprint(json.dumps({}))\n"}
POLICY = """\
thresholds: {bus_factor: 0.2, performance_claims: 0.4, dataset_and_code_score: 0.4, dataset_quality: 0.4}
"""
"""Single people publish here, and models that are alike."""
STRICT = "thresholds: {performance_claims: 0.99}\n"


@pytest.fixture
def hub(made: Made) -> Iterator[HubServer]:
    with serve_hub(made.repos()) as server:
        yield server


@contextmanager
def registry(home: Path, upstream: str, policy: str = POLICY) -> Iterator[Bridge]:
    home.mkdir(exist_ok=True)
    (home / "policy.yaml").write_text(policy)
    with a_registry(home, upstream, WEIGHBRIDGE_POLICY=str(home / "policy.yaml")) as bridge:
        yield bridge


@pytest.fixture
def here(tmp_path: Path, hub: HubServer) -> Iterator[Bridge]:
    """The registry with a network."""
    with registry(tmp_path / "here", hub.url) as bridge:
        bridge.packages.ingest(LOCAL, request(MADE, description="a line"))
        yield bridge


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Bridge]:
    """The registry behind the gap: its upstream does not answer."""
    with registry(tmp_path / "there", "http://127.0.0.1:9") as bridge:
        yield bridge


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "made.bundle"


def request(name: str, **more: Any) -> IngestRequest:
    return IngestRequest(ref=ModelRef.parse(name), **more)


def write(bridge: Bridge, place: Path, *names: str) -> Written:
    return bridge.bundles.write(LOCAL, names or (MADE,), place, SilentReporter())


def read(bridge: Bridge, place: Path, **more: Any) -> Imported:
    return bridge.bundles.read(LOCAL, place, SilentReporter(), **more)


def listed(bridge: Bridge) -> list[str]:
    return [f"{package.name}@{package.version}" for package in bridge.packages.packages(LOCAL)]


def key_of(tmp_path: Path, who: str = "here") -> bytes:
    return attestation_key(tmp_path / who / "home").public.pem.encode()


def test_a_package_is_judged_again_and_listed_there(
    here: Bridge, there: Bridge, place: Path, tmp_path: Path, hub: HubServer
) -> None:
    told = write(here, place)
    assert told.sha256 == hashlib.sha256(place.read_bytes()).hexdigest()
    done = read(there, place, wanted_sha256=told.sha256, key=key_of(tmp_path))
    assert (done.keyid, done.is_known) == (told.keyid, True)
    (one,) = done.packages
    assert (one.fate, one.name, one.version, one.follows) == ("listed", MADE, "1.0.0", True)
    package = there.packages.package(LOCAL, one.id)
    original = here.packages.packages(LOCAL)[0]
    assert package.manifest == original.manifest
    assert (package.description, package.created_by) == ("a line", "local")
    assert package.metrics == original.metrics
    evidence = evidence_from_json(there.packages.evidence(LOCAL, package.id))
    assert evidence.origin is not None
    assert (evidence.origin.keyid, evidence.origin.hub) == (told.keyid, hub.url)
    brought = evidence_from_json(here.packages.evidence(LOCAL, original.id))
    assert replace(evidence, origin=None) == brought, "the files say there what they said here"
    (line,) = there.audit.lines(LOCAL)
    assert (line.verb, line.target) == ("import", f"{MADE}@{package.manifest.commit}")
    assert f"in a bundle signed by {told.keyid}" in line.detail
    envelope = envelope_from_bytes(canonical(there.papers.attestation(LOCAL, package.id)))
    assert attested_in(envelope.payload).predicate["source"] == {
        "repo": MADE,
        "kind": "model",
        "commit": package.manifest.commit,
        "hub": hub.url,
    }
    assert there.hub.scan(LOCAL, RepoKind.MODEL, MADE, "1.0.0") == there.packages.verdict(LOCAL, one.id).scan


def test_a_bundle_of_the_same_packages_has_the_same_bytes(here: Bridge, place: Path, tmp_path: Path) -> None:
    first, second = write(here, place), write(here, tmp_path / "again.bundle", f"{MADE}@1.0.0", MADE)
    assert first.sha256 == second.sha256
    assert first.holds == (f"{MADE}@1.0.0",)


def test_importing_again_is_harmless(here: Bridge, there: Bridge, place: Path) -> None:
    write(here, place)
    (first,), (again,) = read(there, place).packages, read(there, place).packages
    assert (again.fate, again.id) == ("held", first.id)
    assert len(there.audit.lines(LOCAL)) == 1


def test_what_the_policy_here_refuses_is_refused_with_reasons(
    here: Bridge, place: Path, tmp_path: Path
) -> None:
    write(here, place)
    with registry(tmp_path / "there", "http://127.0.0.1:9", STRICT) as there:
        (one,) = read(there, place).packages
        assert one.fate == "refused"
        assert one.verdict is not None
        assert "Performance Claims (" in one.verdict.sentence()
        refusal, verdict = there.packages.refusal(LOCAL, one.id)
        assert (refusal.sentence, verdict) == (one.verdict.sentence(), one.verdict)
        assert one.to_json()["failures"]
        assert listed(there) == []
        assert read(there, place).packages[0].id == one.id
        assert len(there.packages.refusals(LOCAL)) == 1, "the same judgement is kept once"
        assert f"{one.verdict.outcome.value} as {one.id}" in there.audit.lines(LOCAL)[0].detail
    with registry(tmp_path / "there", "http://127.0.0.1:9") as there:
        assert read(there, place).packages[0].fate == "listed", "another policy, another verdict"


def test_a_waiver_of_one_registry_is_none_of_another(
    here: Bridge, there: Bridge, place: Path, hub: HubServer, good: dict[str, bytes], tmp_path: Path
) -> None:
    hub.repos["acme/code"] = HubRepo({**good, **CODE})
    hub.repos["acme/code"].info = hub.repos[MADE].info
    commit = hub.repos["acme/code"].head
    waived = f"name: acme/code, waive: [safety], commit: {commit}, author: ada, reason: read it"
    policy = f"{POLICY}models:\n  - {{{waived}}}\n"
    with registry(tmp_path / "third", hub.url, policy) as third:
        third.packages.ingest(LOCAL, request("acme/code"))
        write(third, place, "acme/code")
    (one,) = read(there, place).packages
    assert one.fate == "refused"
    assert one.verdict is not None
    assert [file.path for file in one.verdict.unsafe] == ["modeling_made.py"]
    with registry(tmp_path / "fourth", "http://127.0.0.1:9", policy) as fourth:
        assert read(fourth, place).packages[0].fate == "listed", "its own policy may waive the same"


def test_what_passes_and_what_does_not_are_kept_in_one_go(
    here: Bridge, place: Path, hub: HubServer, good: dict[str, bytes], tmp_path: Path
) -> None:
    hub.repos["acme/two"] = HubRepo({**good, "NOTES.txt": b"another"})
    hub.repos["acme/two"].info = hub.repos[MADE].info
    here.packages.ingest(LOCAL, request("acme/two"))
    told = write(here, place, MADE, "acme/two")
    assert told.holds == (f"{MADE}@1.0.0", "acme/two@1.0.0")
    assert place.stat().st_size < 1.5 * sum(map(len, good.values())) + 400_000, "contents are carried once"
    policy = (
        POLICY
        + "models:\n  - {name: acme/two, thresholds: {performance_claims: 0.99}, author: a, reason: b}\n"
    )
    with registry(tmp_path / "there", "http://127.0.0.1:9", policy) as there:
        fates = {one.name: one.fate for one in read(there, place).packages}
        assert fates == {MADE: "listed", "acme/two": "refused"}
        assert listed(there) == [f"{MADE}@1.0.0"]


def test_imports_at_the_same_time_list_it_once(here: Bridge, there: Bridge, place: Path) -> None:
    write(here, place)
    with ThreadPoolExecutor(max_workers=4) as pool:
        done = [future.result() for future in [pool.submit(read, there, place) for _ in range(4)]]
    assert sorted(one.packages[0].fate for one in done) == ["held", "held", "held", "listed"]
    assert len({one.packages[0].id for one in done}) == 1
    assert listed(there) == [f"{MADE}@1.0.0"]
    assert [line.verb for line in there.audit.lines(LOCAL)] == ["import"]


def test_what_is_damaged_in_the_store_there_comes_right(
    here: Bridge, there: Bridge, place: Path, tmp_path: Path, good: dict[str, bytes]
) -> None:
    write(here, place)
    read(there, place)
    for path in ("README.md", "model.safetensors"):
        sha256 = hashlib.sha256(good[path]).hexdigest()
        held = tmp_path / "there" / "home" / "blobs-v1" / "sha256" / sha256[:2] / sha256
        held.chmod(0o644)
        held.write_bytes(good[path][:-1] if path == "README.md" else bytes(len(good[path])))
        assert read(there, place).packages[0].fate == "held"
        assert held.read_bytes() == good[path]


def test_withdrawn_and_unknown_packages_are_not_exported(here: Bridge, place: Path) -> None:
    with pytest.raises(NoSuchPackage):
        write(here, place, "acme/absent")
    package = here.packages.packages(LOCAL)[0]
    here.upkeep.withdraw(LOCAL, package.id, "leaks")
    with pytest.raises(Disabled, match="leaks"):
        write(here, place, f"{MADE}@1.0.0")
    assert not place.exists()


def test_what_was_withdrawn_there_does_not_come_back(here: Bridge, there: Bridge, place: Path) -> None:
    write(here, place)
    there.upkeep.withdraw(LOCAL, read(there, place).packages[0].id, "we found something")
    with pytest.raises(Conflict, match="we found something"):
        read(there, place)


def test_a_taken_version_is_told_before_a_byte_is_read(
    here: Bridge, place: Path, hub: HubServer, good: dict[str, bytes], tmp_path: Path
) -> None:
    with registry(tmp_path / "there", hub.url) as there:
        write(here, place)
        hub.repos[MADE].commit({**good, "NOTES.txt": b"changed"})
        there.packages.ingest(LOCAL, request(MADE))
        place.write_bytes(place.read_bytes()[:-2000])
        with pytest.raises(PackageExists):
            read(there, place)


def test_what_was_pushed_here_is_a_mirror_there(
    here: Bridge, there: Bridge, place: Path, good: dict[str, bytes]
) -> None:
    here.repos.create(ANN, REPO)
    commit = put(here, *model(here, good))
    assert judged(here, commit).state is State.ACCEPTED
    write(here, place, REPO.full_name)
    (one,) = read(there, place).packages
    assert (one.fate, one.follows) == ("listed", True)
    assert there.packages.package(LOCAL, one.id).manifest.commit == commit
    origin = there.packages.origin(LOCAL, one.id)
    assert origin is not None
    assert origin.hub == ""
    with pytest.raises(Conflict, match="hosted here"):
        read(here, place)


def test_only_an_admin_may(here: Bridge, there: Bridge, place: Path) -> None:
    with pytest.raises(NotPermitted):
        here.bundles.write(UPLOADER, (MADE,), place, SilentReporter())
    write(here, place)
    with pytest.raises(NotPermitted):
        there.bundles.read(UPLOADER, place, SilentReporter())


def test_the_key_of_another_registry_is_refused(
    here: Bridge, there: Bridge, place: Path, tmp_path: Path
) -> None:
    write(here, place)
    with pytest.raises(BadSignature, match="not by"):
        read(there, place, key=key_of(tmp_path, "there"))
    with pytest.raises(BadInput, match="no public key"):
        read(there, place, key=b"nonsense")
    with pytest.raises(BadBundle, match="the whole file"):
        read(there, place, wanted_sha256="0" * 64)
    assert listed(there) == []
    assert not read(there, place).is_known


Contents = dict[str, bytes]


def forged(place: Path, change: Callable[[Packed, Contents], Packed], key_pem: str = "") -> None:
    """Rewrite a bundle, sound as a file: ``change`` alters its first package and may add contents."""
    contents: Contents = {}
    with open_bundle(place) as reading:
        index = reading.index
        for member, pieces in reading.contents():
            contents[member.sha256] = b"".join(pieces)
    packed = change(index.packages[0], contents)
    named = {entry.sha256 for entry in packed.manifest.files} | set(packed.papers.values())
    papers = {sha256: name for name, sha256 in packed.papers.items()}
    members = [
        Member(
            name=f"papers/1/{papers[sha256]}" if sha256 in papers else f"blobs/{sha256}",
            size_bytes=len(content),
            sha256=sha256,
        )
        for sha256, content in contents.items()
        if sha256 in named
    ]
    forged_index = Index(
        members=tuple(members),
        packages=(packed, *index.packages[1:]),
        key_pem=key_pem or index.key_pem,
        made_by=index.made_by,
    )
    write_bundle(place, forged_index, lambda member: BytesIO(contents[member.sha256]), lambda _: None)


def add(contents: Contents, content: bytes) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    contents[sha256] = content
    return sha256


def with_paper(name: str, edit: Callable[[Any], Any]) -> Callable[[Packed, Contents], Packed]:
    def change(packed: Packed, contents: Contents) -> Packed:
        document = edit(json.loads(contents[packed.papers[name]]))
        sha256 = add(contents, canonical(document))
        return replace(packed, papers={**packed.papers, name: sha256})

    return change


def with_file(packed: Packed, contents: Contents) -> Packed:
    file = packed.manifest.by_path["README.md"]
    sha256 = add(contents, b"better")
    entry = replace(file, size_bytes=6, digests=(replace(file.strongest, value=sha256),))
    files = tuple(entry if each.path == "README.md" else each for each in packed.manifest.files)
    return replace(packed, manifest=replace(packed.manifest, files=files))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (with_paper("evidence", lambda d: {**d, "captured_at": ""}), "another evidence than was signed"),
        (with_paper("verdict", lambda d: {**d, "warnings": ["x"]}), "another verdict than was signed"),
        (with_paper("evidence", lambda d: [d]), "cannot be read"),
        (with_paper("verdict", lambda d: {**d, "scores": [{"metric": 1}]}), "cannot be read"),
        (with_paper("attestation", lambda d: {**d, "signatures": []}), "cannot be read"),
        (lambda packed, _: replace(packed, version=Version("2.0.0")), "under another version"),
        (lambda p, _: replace(p, manifest=replace(p.manifest, commit="d" * 40)), "with a statement about"),
        (lambda packed, _: replace(packed, created_at="2026-01-02T03:04:05Z"), "another version or time"),
        (with_file, "other files than were signed"),
    ],
)
def test_what_was_not_signed_so_is_a_lie(
    here: Bridge, there: Bridge, place: Path, change: Callable[[Packed, Contents], Packed], why: str
) -> None:
    write(here, place)
    forged(place, change)
    with pytest.raises(BadBundle, match=why):
        read(there, place)
    assert (listed(there), there.packages.refusals(LOCAL)) == ([], ())


def test_a_statement_that_the_key_did_not_sign(here: Bridge, there: Bridge, place: Path) -> None:
    write(here, place)
    forged(place, with_paper("attestation", lambda d: {**d, "payload": d["payload"][:-8] + "AAAAAAA="}))
    with pytest.raises(BadSignature):
        read(there, place)
    assert listed(there) == []


def resigned(place: Path, home: Path, edit: Callable[[Any], Any]) -> None:
    """The bundle as somebody would make it who has a registry of his own, with better evidence."""
    key = attestation_key(home)

    def change(packed: Packed, contents: Contents) -> Packed:
        packed = with_paper("evidence", edit)(packed, contents)
        signed = envelope_from_bytes(contents[packed.papers["attestation"]])
        statement = json.loads(signed.payload)
        statement["predicate"]["evidence_sha256"] = packed.papers["evidence"]
        envelope = canonical(sealed(statement, key.public.id, key.sign).to_json())
        return replace(packed, papers={**packed.papers, "attestation": add(contents, envelope)})

    forged(place, change, key.public.pem)


def better(document: Any) -> Any:
    document["texts"]["README.md"]["content"] = "---\nlicense: mit\n---\n# The best model\n"
    document["front_matter"] = {"license": "mit"}
    document["headers"] = {"model.safetensors": {"parameters": 1}}
    document["blocked"] = {}
    document["notes"] = []
    return document


def test_what_the_files_say_is_not_taken_from_the_bundle(
    here: Bridge, there: Bridge, place: Path, tmp_path: Path
) -> None:
    write(here, place)
    (tmp_path / "mallory").mkdir()
    resigned(place, tmp_path / "mallory", better)
    with pytest.raises(BadSignature):
        read(there, place, key=key_of(tmp_path))
    (one,) = read(there, place).packages
    assert one.follows is False, "the verdict is not the one of this evidence"
    found = evidence_from_json(there.packages.evidence(LOCAL, one.id))
    true = evidence_from_json(here.packages.evidence(LOCAL, here.packages.packages(LOCAL)[0].id))
    assert (found.texts, found.front_matter, found.headers) == (true.texts, true.front_matter, true.headers)


@pytest.mark.parametrize("hub_address", ["javascript:alert(1)", "http://x y", "https://" + "a" * 400])
def test_an_address_that_is_none_is_forgotten(
    here: Bridge, there: Bridge, place: Path, tmp_path: Path, hub_address: str
) -> None:
    write(here, place)
    key = attestation_key(tmp_path / "there" / "home")

    def change(packed: Packed, contents: Contents) -> Packed:
        statement = json.loads(envelope_from_bytes(contents[packed.papers["attestation"]]).payload)
        statement["predicate"]["source"]["hub"] = hub_address
        envelope = canonical(sealed(statement, key.public.id, key.sign).to_json())
        return replace(packed, papers={**packed.papers, "attestation": add(contents, envelope)})

    forged(place, change, key.public.pem)
    (one,) = read(there, place).packages
    origin = there.packages.origin(LOCAL, one.id)
    assert origin is not None
    assert origin.hub == ""


def test_a_flipped_byte_lists_nothing(here: Bridge, there: Bridge, place: Path) -> None:
    write(here, place)
    whole = place.read_bytes()
    for part in range(1, 20):
        at = len(whole) * part // 20
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1 :])
        with pytest.raises(BadBundle):
            read(there, place)
    assert (listed(there), there.packages.refusals(LOCAL), there.audit.lines(LOCAL)) == ([], (), ())
    place.write_bytes(whole)
    assert read(there, place).packages[0].fate == "listed"
