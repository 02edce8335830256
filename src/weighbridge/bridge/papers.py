"""What a package carries for others: its bill of materials, its licence's terms, a signed statement."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge import __version__
from weighbridge.bridge.packages import Packages
from weighbridge.domain.about import About, Children
from weighbridge.domain.access import Principal
from weighbridge.domain.attestation import (
    MAX_ENVELOPE_BYTES,
    Attested,
    attested_in,
    envelope_from_bytes,
    sealed,
    statement_of,
)
from weighbridge.domain.bom import bill_of
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.licence_wish import LicenceWish
from weighbridge.domain.package import Package, PackageState
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.terms import Terms
from weighbridge.errors import BadInput, Disabled, FolderMismatch, LicenseMismatch, NoSuchPackage, NotFound
from weighbridge.metrics.licence_terms import licence_terms
from weighbridge.metrics.results import stated_claims, stated_results
from weighbridge.metrics.size_score import memory_of

if TYPE_CHECKING:
    from weighbridge.adapters.attestation_key import PublicKey

FILES: Mapping[str, str] = {
    "verdict": "verdict.json",
    "evidence": "evidence.json",
    "licence": "licence.json",
    "bom": "bom.cdx.json",
    "attestation": "attestation.intoto.json",
}
"""Every paper of a package, and what its file is called."""
SCANS_SHOWN = 3
_NOT_OF_THE_MODEL = (".git/", ".cache/huggingface/", ".weighbridge/")
"""What clients put beside the files of a model."""


class Papers:
    """One method per paper; ``Packages`` decides who may see the package."""

    def __init__(
        self,
        packages: Packages,
        home: Path,
        upstream: str,
        is_hosted: Callable[[RepoId], bool],
        children: Callable[[RepoId], Children] = lambda repo: Children(unknown="nobody was asked"),
    ) -> None:
        self._packages, self._home, self._upstream = packages, home, upstream
        self._is_hosted, self._children = is_hosted, children

    def find(self, principal: Principal, spelled: str) -> Package:
        """The package that is meant by ``NAME@VERSION``, ``NAME`` (its newest) or an id.

        ``datasets/`` before a name says that it is a data set's.

        Raises:
            NoSuchPackage: there is none, or this principal may not see it.
        """
        name, at, version = spelled.partition("@")
        if at:
            return self._packages.named(principal, RepoId.read(name), version)
        with suppress(Invalid):  # an id need not be a name
            repo, state = RepoId.read(name), PackageState.ACTIVE
            found = self._packages.packages(
                principal, kind=repo.kind, name=repo.full_name, state=state, limit=1
            )
            if found:
                return found[0]
        try:
            return self._packages.package(principal, spelled)
        except NoSuchPackage as error:
            raise NoSuchPackage(spelled, hint="write it as org/name@1.0.0") from error

    def about(self, principal: Principal, ref: ModelRef, wish: str = "") -> About:
        """What a revision of the upstream is, before anything large of it is fetched.

        ``wish`` is what its licences must allow: ``commercial``, ``unconditional`` or an SPDX expression.

        Raises:
            LicenseMismatch: the licences in force are not what is wished for.
            BadInput: the wish is neither.
            NotFound, Denied, Unreachable, IntegrityError: as the upstream is met.
        """
        wished = _wish(wish)
        evidence, verdict = self._packages.weighed(principal, ref)
        terms = licence_terms(evidence)
        if faults := (*wished.faults(terms), *wished.doubts(terms)):
            raise LicenseMismatch(ref.repo.full_name, wanted=wish, got="; ".join(faults))
        held = self._packages.packages(principal, kind=ref.repo.kind, name=ref.repo.full_name)
        return About(
            evidence=evidence,
            revision=ref.revision,
            terms=terms,
            verdict=verdict,
            memory=memory_of(evidence, verdict.policy),
            claims=stated_claims(evidence),
            children=self._children(ref.repo),
            packages=tuple(held),
            scans={p.id: self._packages.verdict(principal, p.id).scan.verdict for p in held[:SCANS_SHOWN]},
        )

    def licence(self, principal: Principal, id: str) -> Terms:
        """What the licences of the model, its base models and its data sets allow together."""
        return licence_terms(self._packages.whole_evidence(principal, id))

    def bom(self, principal: Principal, id: str) -> JsonObject:
        """The bill of materials: CycloneDX 1.6."""
        package, evidence = (
            self._packages.package(principal, id),
            self._packages.whole_evidence(principal, id),
        )
        return bill_of(
            package,
            evidence,
            self._packages.verdict(principal, id),
            licence_terms(evidence),
            stated_results(evidence),
            tool_version=__version__,
            address=self._hub_of(principal, package),
        )

    def attestation(self, principal: Principal, id: str) -> JsonObject:
        """The signed statement: which files, from where, judged how.

        Raises:
            Disabled: the package was withdrawn or deleted; nobody is told that it may be used.
            StoreDown: the home's key cannot be used.
        """
        from weighbridge.adapters.attestation_key import attestation_key

        package = self._packages.package(principal, id)
        if package.state is not PackageState.ACTIVE:
            raise Disabled(f"'{package.name}@{package.version}' was {package.state}: {package.state_reason}")
        verdict = self._packages.verdict(principal, id)
        key = attestation_key(self._home)
        statement = statement_of(package, verdict, upstream=self._hub_of(principal, package))
        return sealed(statement, key.public.id, key.sign).to_json()

    def public_key(self) -> PublicKey:
        """By what others check the attestations of this registry; everybody may know it."""
        return public_key(self._home)

    def all_of(self, principal: Principal, id: str) -> Mapping[str, JsonObject]:
        """Every paper by its name (``FILES``)."""
        return {
            "verdict": self._packages.verdict(principal, id).to_json(),
            "evidence": self._packages.evidence(principal, id),
            "licence": self.licence(principal, id).to_json(),
            "bom": self.bom(principal, id),
            "attestation": self.attestation(principal, id),
        }

    def _hub_of(self, principal: Principal, package: Package) -> str:
        """The Hub that a mirrored package came from; empty for what is hosted here."""
        if origin := self._packages.origin(principal, package.id):
            return origin.hub
        return "" if self._is_hosted(package.manifest.repo) else self._upstream


def _wish(spelled: str) -> LicenceWish:
    from weighbridge.adapters.spdx import permitted

    if not spelled:
        return LicenceWish()
    if spelled in ("commercial", "unconditional"):
        return LicenceWish(commercial="required" if spelled == "commercial" else spelled)
    return LicenceWish(spdx=permitted([spelled]))


def public_key(home: Path) -> PublicKey:
    """The public half of a home's key, which is made where there is none; nothing else is opened.

    Raises:
        StoreDown: the key cannot be used.
    """
    from weighbridge.adapters.attestation_key import attestation_key

    return attestation_key(home).public


def verify_attestation(
    file: Path, folder: Path | None, key: Path | None, home: Path
) -> tuple[Attested, PublicKey]:
    """Check a signature and, with a folder, that it holds exactly the attested files.

    Nothing is asked anywhere. Without ``key`` the public half of the home's own key is used.

    Raises:
        NotFound: a file or the folder is not there.
        BadInput, Invalid: the file is no attestation, or there is no key to check it by.
        BadSignature: it was not signed by the key, or changed since.
        FolderMismatch: a file is missing, is another, or was not attested.
    """
    from weighbridge.adapters.attestation_key import attestation_key, public_key_in

    envelope = envelope_from_bytes(_content(file))
    if key is not None:
        by = public_key_in(_content(key))
    elif (home / "attestation.key").exists():
        by = attestation_key(home).public
    else:
        raise BadInput(
            "there is no key to check it by",
            hint="give the registry's public key as --key; its 'weighbridge attestation-key' prints it",
        )
    by.check(envelope)
    attested = attested_in(envelope.payload)
    if folder is not None:
        _require_same(folder, attested.files)
    return attested, by


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_ENVELOPE_BYTES + 1)
    except OSError as error:
        raise NotFound(f"'{file}' cannot be read: {error.strerror}") from error
    if len(content) > MAX_ENVELOPE_BYTES:
        raise BadInput(f"'{file}' has more than {MAX_ENVELOPE_BYTES} bytes")
    return content


def _require_same(folder: Path, wanted: Mapping[str, str]) -> None:
    if not folder.is_dir():
        raise NotFound(f"there is no folder '{folder}'")
    there = dict(_files(folder))
    wrong = {path: "is missing" for path in wanted if path not in there}
    wrong |= {path: "was not attested" for path in there if path not in wanted}
    held = [path for path in wanted if path in there]
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="sha256") as pool:
        for path, why in zip(held, pool.map(lambda p: _fault(there[p], wanted[p]), held), strict=True):
            if why:
                wrong[path] = why
    if wrong:
        raise FolderMismatch(str(folder), dict(sorted(wrong.items())))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in folder.rglob("*"):
        path = file.relative_to(folder).as_posix()
        if not path.startswith(_NOT_OF_THE_MODEL) and (file.is_symlink() or not file.is_dir()):
            yield path, file


def _fault(file: Path, wanted: str) -> str:
    """What is wrong with one file; a link is read as what it leads to."""
    if not file.is_file():
        return "is no file"
    try:
        with file.open("rb") as opened:
            got = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if got == wanted else f"should be sha256:{wanted} but is sha256:{got}"
