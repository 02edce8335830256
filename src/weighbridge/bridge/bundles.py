"""The verbs of bundles that hold packages: what one registry admitted, for another one to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from weighbridge.adapters.attestation_key import PublicKey, public_key_in
from weighbridge.adapters.bundle_file import open_bundle
from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.bridge.bundle_trust import Vouched, follows, vouched
from weighbridge.bridge.bundling import MADE_BY, Written, members_of, pour, written
from weighbridge.bridge.papers import FILES, Papers
from weighbridge.bridge.waiting import PackedShelf, WaitingLedger
from weighbridge.domain.access import Permission, Principal
from weighbridge.domain.bundle import Index, Member, Packed
from weighbridge.domain.json_values import JsonObject, canonical
from weighbridge.domain.manifest import digests_of
from weighbridge.domain.package import IngestRequest, Package, PackageState
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import ModelRef, RepoKind
from weighbridge.domain.sources import Origin
from weighbridge.domain.verdict import Verdict
from weighbridge.errors import BadBundle, BadInput, BadSignature, Conflict, PackageExists, Rejected
from weighbridge.flows.documents import keep
from weighbridge.flows.ingest_state import State, Tools
from weighbridge.flows.readmit import READMIT
from weighbridge.ports import BlobStore, Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """One package of a bundle: ``listed``, ``held`` (it was listed before) or ``refused``.

    ``id`` is that of the package, or of the refusal. ``follows`` tells whether the other registry's
    verdict comes out again of its own case; None: it was not tried, or cannot be told.
    """

    name: str
    version: str
    fate: str
    id: str
    verdict: Verdict | None = None
    follows: bool | None = None

    def to_json(self) -> JsonObject:
        """All fields; of the verdict what it comes to."""
        return {
            "name": self.name,
            "version": self.version,
            "fate": self.fate,
            "id": self.id,
            "sentence": self.verdict.sentence() if self.verdict else None,
            "failures": self.verdict.failures_json() if self.verdict else [],
            "verdict_follows": self.follows,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of a bundle of packages, signed by ``keyid``; ``is_known``: the key was given by hand."""

    keyid: str
    is_known: bool
    packages: tuple[Brought, ...]


class Bundles:
    """Both verbs ask for ``admin``: evidence quotes private models, and brought evidence is believed."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        papers: Papers,
        tools: Tools,
        policy: Policy,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog, self._blobs, self._papers = catalog, blobs, papers
        self._tools, self._policy, self._now = tools, policy, now

    def write(self, principal: Principal, names: Sequence[str], place: Path, reporter: Reporter) -> Written:
        """Write packages with their files, evidence, verdicts and papers into one file.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            NoSuchPackage: nothing has one of the names.
            Disabled: one of them was withdrawn or deleted.
            BadBundle: a file is held with other bytes than it should have.
            StoreDown, NotFound: the bundle cannot be written, or the store lost something.
        """
        require(principal, Permission.ADMIN)
        chosen = {package.id: package for package in (self._papers.find(principal, n) for n in names)}
        spelled: dict[str, bytes] = {}
        members: dict[str, Member] = {}
        packed = [
            self._packed(principal, package, number, members, spelled)
            for number, package in enumerate(chosen.values(), 1)
        ]
        for package in chosen.values():
            members = {**members_of(package.manifest.files), **members}
        key = self._papers.public_key()
        index = Index(
            members=tuple(members.values()), packages=tuple(packed), key_pem=key.pem, made_by=MADE_BY
        )

        def opened(member: Member) -> BinaryIO:
            content = spelled.get(member.sha256)
            return self._blobs.open(member.sha256) if content is None else BytesIO(content)

        digest = written(place, index, opened, reporter)
        labels = tuple(each.label for each in packed)
        return Written(path=place, sha256=digest, size_bytes=index.total_bytes, holds=labels, keyid=key.id)

    def read(
        self,
        principal: Principal,
        place: Path,
        reporter: Reporter,
        *,
        wanted_sha256: str = "",
        key: bytes | None = None,
    ) -> Imported:
        """Take a bundle in, judge each of its packages by this registry's rules, and list what passes.

        All of it is listed, or its refusal kept, in one transaction after the last judgement. ``key``
        is the public key (PEM) that must have signed; without it the one in the bundle counts.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadInput: the bundle holds the models of a list.
            BadBundle, BadSignature: it is damaged, or is not what was signed; nothing is listed.
            Conflict, PackageExists: a name, a version or a commit is taken by something else.
            StoreDown, Unreachable: the store or the catalogue fails.
        """
        require(principal, Permission.ADMIN)
        with open_bundle(place) as reading:
            index = reading.index
            if not index.packages:
                raise BadInput(
                    f"'{place}' holds the models of a list", hint="give the list as --config models.yaml"
                )
            signer = _signer(place, index, key)
            for packed in index.packages:
                self._held(packed)  # what cannot be listed is told before gigabytes are read
            pour(reading, self._blobs, reporter, wanted_sha256)
        said = {p.label: vouched(str(place), p, signer, self._blobs) for p in index.packages}
        try:
            done = self._kept(principal, index, said, signer)
        except PackageExists:  # somebody imported the same meanwhile; if not, it is told by this try
            done = self._kept(principal, index, said, signer)
        return Imported(keyid=signer.id, is_known=key is not None, packages=done)

    def _kept(
        self, principal: Principal, index: Index, said: Mapping[str, Vouched], signer: PublicKey
    ) -> tuple[Brought, ...]:
        """Judge every package, then list and keep all of it in one transaction."""
        ledger = WaitingLedger(self._catalog, f"in a bundle signed by {signer.id}")
        done = tuple(self._judged(principal, p, said[p.label], signer, ledger) for p in index.packages)
        self._catalog.add_together(ledger.admitted, ledger.turned)
        return done

    def _packed(
        self,
        principal: Principal,
        package: Package,
        number: int,
        members: dict[str, Member],
        spelled: dict[str, bytes],
    ) -> Packed:
        """A package for the index; adds its papers to ``members``, and to ``spelled`` what is not stored."""
        documents = self._papers.all_of(principal, package.id)
        papers = {"evidence": package.evidence_sha256, "verdict": package.verdict_sha256}
        if later := self._catalog.latest_scan(package.id):
            papers["scan"] = later
        sizes = {sha256: self._size(sha256) for sha256 in papers.values()}
        for name in ("licence", "bom", "attestation"):
            content = canonical(documents[name])
            sha256 = digests_of(content)[1].value
            papers[name], spelled[sha256], sizes[sha256] = sha256, content, len(content)
        for name, sha256 in papers.items():
            label = f"papers/{number}/{FILES.get(name, f'{name}.json')}"
            members.setdefault(sha256, Member(name=label, size_bytes=sizes[sha256], sha256=sha256))
        return Packed(
            manifest=package.manifest,
            version=package.version,
            papers=papers,
            created_at=package.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            description=package.description,
        )

    def _size(self, sha256: str) -> int:
        with self._blobs.open(sha256) as file:
            return file.seek(0, 2)

    def _held(self, packed: Packed) -> Package | None:
        """The package, where it is listed here already; raises where it cannot be."""
        repo, commit = packed.manifest.repo, packed.manifest.commit
        if self._catalog.hosted(repo) is not None:
            raise Conflict(f"'{repo}' is hosted here", hint="a repository is mirrored or hosted, never both")
        for package in self._catalog.packages_of(repo):
            if package.version == packed.version and package.manifest.commit == commit:
                if package.state is not PackageState.ACTIVE:
                    raise Conflict(f"{packed.label} was {package.state} here: {package.state_reason}")
                if package.manifest.diff(packed.manifest):
                    raise PackageExists(package.name, package.version.text)
                return package
        self._catalog.require_free(repo, commit, packed.version)
        return None

    def _judged(
        self, principal: Principal, packed: Packed, said: Vouched, signer: PublicKey, ledger: WaitingLedger
    ) -> Brought:
        about = Brought(name=packed.manifest.repo.full_name, version=packed.version.text, fate="held", id="")
        if held := self._held(packed):
            return replace(about, id=held.id)
        scales = self._tools.scales
        pushed = packed.manifest.repo.kind is not RepoKind.MODEL and not said.verdict.all_scores
        if pushed:  # what was pushed there and is no model was scanned and not scored
            scales = replace(scales, metrics={}, reports={})
        tools = replace(self._tools, ledger=ledger, shelf=PackedShelf(packed), scales=scales)
        about = replace(about, follows=follows(packed, said, tools.scales))
        state = self._state(principal, packed, said, signer)
        try:
            for _, step in READMIT:
                state = step(tools, state)
        except Rejected as refused:
            refusal = ledger.turned[-1].refusal
            return replace(about, fate="refused", id=refusal.id, verdict=refused.verdict)
        return replace(about, fate="listed", id=state.id)

    def _state(self, principal: Principal, packed: Packed, said: Vouched, signer: PublicKey) -> State:
        repo, at = packed.manifest.repo, self._now()
        brought = replace(said.evidence, origin=Origin(keyid=signer.id, hub=said.hub))
        return State(
            id=str(uuid4()),
            request=IngestRequest(
                ref=ModelRef(repo=repo, revision=packed.manifest.commit),
                version=packed.version,
                description=packed.description,
            ),
            policy=self._policy.for_repo(repo, at.date()),
            by=principal.name,
            at=at,
            commit=packed.manifest.commit,
            version=packed.version,
            draft_sha256=keep(self._blobs, brought.to_json()),
        )


def _signer(place: Path, index: Index, key: bytes | None) -> PublicKey:
    """Who must have signed everything in the bundle."""
    try:
        named = public_key_in(index.key_pem.encode())
    except BadInput as error:
        raise BadBundle(str(place), "the index", f"names no key: {error.message}") from error
    if key is None:
        return named
    wanted = public_key_in(key)
    if wanted.id != named.id:
        raise BadSignature(
            f"'{place}' is signed by the key {named.id[:16]}, not by {wanted.id[:16]}",
            hint="'weighbridge attestation-key' prints the key of the registry that exported it",
        )
    return wanted
