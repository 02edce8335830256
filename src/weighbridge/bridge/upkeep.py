"""The verbs that look after what was admitted: withdraw it, delete it, scan it again, tell its waivers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.domain.access import AuditLine, Permission, Principal, sight_of
from weighbridge.domain.evidence import evidence_from_json
from weighbridge.domain.exceptions import Exceptions, overrides_of
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import child, is_unicode
from weighbridge.domain.package import Package, PackageState, Version
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoId
from weighbridge.domain.rescan import Fate, Rescan, Rescanned
from weighbridge.domain.resemblance import fingerprints_of
from weighbridge.domain.scan import ScanReport, ScanState, Severity
from weighbridge.domain.verdict import judge
from weighbridge.errors import BadInput, NoSuchPackage, NotFound
from weighbridge.flows.documents import keep, load
from weighbridge.flows.ingest_state import ScanTree
from weighbridge.ports import BlobStore

MOST_REASON = 500
_PAGE = 200


class Upkeep:
    """One method per verb; what changes anything asks for ``admin``. ``rules`` is the present rule set."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        scan_tree: ScanTree,
        rules: str,
        policy: Policy,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog, self._blobs, self._scan_tree = catalog, blobs, scan_tree
        self._rules, self._policy, self._now = rules, policy, now

    def withdraw(self, principal: Principal, id: str, reason: str) -> Package:
        """Take a package out of service at once; it stays listed with the reason.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadInput: the reason is empty or too long.
            NoSuchPackage: there is none.
            Conflict: it was withdrawn or deleted before.
        """
        require(principal, Permission.ADMIN)
        reason, package = _told_reason("a withdrawal", reason), self._catalog.package(id)
        self._catalog.withdraw(id, reason, self._line(package, principal.name, "withdraw", reason))
        return self._catalog.package(id)

    def delete(self, principal: Principal, id: str, reason: str) -> Package:
        """Delete a package for good, served or withdrawn; its entry stays as a tombstone with the reason.

        Its name and version stay taken, its verdict and evidence are kept. What else nothing names goes
        with the next ``gc``. A package that is deleted already is answered as it is, with its own reason.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadInput: the reason is empty or too long.
            NoSuchPackage: there is none.
        """
        require(principal, Permission.ADMIN)
        reason, package = _told_reason("a deletion", reason), self._catalog.package(id)
        self._catalog.delete_package(
            id, reason, self._line(package, principal.name, "package.delete", reason)
        )
        return self._catalog.package(id)

    def waivers(
        self,
        principal: Principal,
        repo: RepoId | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
    ) -> Exceptions:
        """The waivers by which packages were admitted, newest first, and those of the policy.

        Raises:
            NotAuthenticated, NotPermitted: without ``upload``.
            BadInput: ``after`` is no waiver.
        """
        require(principal, Permission.UPLOAD)
        return Exceptions(
            admittances=self._catalog.admittances(repo, limit=limit, after=after, sight=sight_of(principal)),
            overrides=overrides_of(self._policy, repo),
            today=self._now().date(),
        )

    def named(self, principal: Principal, name: str) -> Package:
        """The package that ``org/name@version`` means, or ``datasets/org/name@version``.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadInput: no version is named, or the text is no version.
            NoSuchPackage: there is none.
        """
        require(principal, Permission.ADMIN)
        repo, _, version = name.partition("@")
        if not version:
            raise BadInput(f"'{name}' names no version", hint=f"write {repo}@1.0.0")
        return next(self._chosen(repo, version))

    def rescan(
        self,
        principal: Principal,
        name: str | None = None,
        *,
        everything: bool = False,
        told: Callable[[Rescanned], None] = lambda _: None,
    ) -> Rescan:
        """Scan with the present rules what older rules let in; withdraw at once what they would not.

        ``name`` is ``org/name`` or ``org/name@version``; ``everything`` looks again at what these very
        rules have seen. After a kill the same call goes on where it was: each package is one
        transaction. A file that could not be looked into withdraws nothing by itself.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadInput: the version is none.
            NoSuchPackage: nothing has this name.
        """
        require(principal, Permission.ADMIN)
        repo, _, version = (name or "").partition("@")
        seen = frozenset() if everything else self._catalog.scanned_by(self._rules)
        found = []
        for package in self._chosen(repo or None, version or None):
            self._make_known(package)
            if package.state is PackageState.ACTIVE:
                found.append(self._again(principal, package, seen, everything=everything))
                told(found[-1])
        done = Rescan(rules=self._rules, packages=tuple(found))
        withdrawn = sum(each.fate is Fate.WITHDRAWN for each in found)
        detail = f"rules={self._rules} packages={len(found)} withdrawn={withdrawn}"
        line = AuditLine(
            at=self._now(), by=principal.name, verb="rescan.run", target=name or "all packages", detail=detail
        )
        self._catalog.add_audit(line)
        return done

    def _again(
        self, principal: Principal, package: Package, seen: frozenset[str], *, everything: bool
    ) -> Rescanned:
        about = Rescanned(
            package_id=package.id,
            name=package.name,
            version=package.version.text,
            fate=Fate.CURRENT,
        )
        if package.id in seen:
            return about
        try:
            before = self._last_report(package)
            about = replace(about, before=before.verdict.word)
            if before.rules == self._rules and not everything:
                return about
            report = self._scan(package)
        except NotFound as error:  # the store lost a document or a file
            return replace(about, fate=Fate.UNSURE, reason=error.message)
        after = replace(about, after=report.verdict.word)
        reason = self._reason(package, report)
        if not reason and any(file.state is ScanState.ERROR for file in report.files):
            return replace(after, fate=Fate.UNSURE, reason="the scan of a file failed")
        if self._record(principal, package, report, reason):
            return replace(after, fate=Fate.WITHDRAWN, reason=reason)
        return replace(after, fate=Fate.KEPT)

    def _scan(self, package: Package) -> ScanReport:
        files = [(e.path, self._blobs.path(e.sha256), e.sha256) for e in package.manifest.files if e.sha256]
        return self._scan_tree(files)

    def _reason(self, package: Package, report: ScanReport) -> str:
        """Why these findings keep the package out, under the waivers that admitted it; empty: they do not."""
        looked = replace(
            report,
            files=tuple(
                file
                for file in report.files
                if file.state is not ScanState.ERROR or file.verdict is Severity.BLOCK
            ),
        )
        today = self._now().date()
        policy = self._policy.for_repo(package.manifest.repo, today)
        policy = replace(policy, waivers=(*policy.waivers, *self._catalog.waivers(package.id)))
        repo, commit = package.manifest.repo, package.manifest.commit
        verdict = judge((), looked, policy, repo=repo.full_name, commit=commit, as_of=today, kind=repo.kind)
        return f"rules {report.rules}: {verdict.sentence()}"[:MOST_REASON] if verdict.unsafe else ""

    def _record(self, principal: Principal, package: Package, report: ScanReport, reason: str) -> bool:
        line = self._line(package, principal.name, "rescan", f"withdrawn: {reason}")
        return self._catalog.rescanned(
            package.id,
            rules=report.rules,
            verdict=report.verdict.word,
            report_sha256=keep(self._blobs, report.to_json()),
            at=self._now(),
            withdrawn=(reason, line) if reason else None,
        )

    def _make_known(self, package: Package) -> None:
        """Fingerprint what was admitted before there were fingerprints, where its evidence can be read."""
        if not self._catalog.is_fingerprinted(package.id):
            try:
                evidence = evidence_from_json(load(self._blobs, package.evidence_sha256))
            except (NotFound, Invalid):
                return
            self._catalog.fingerprint(package.id, fingerprints_of(evidence))

    def _last_report(self, package: Package) -> ScanReport:
        later = self._catalog.latest_scan(package.id)
        if later:
            return ScanReport.from_json(load(self._blobs, later))
        return ScanReport.from_json(child(load(self._blobs, package.verdict_sha256), "scan"))

    def _chosen(self, name: str | None, version: str | None) -> Iterator[Package]:
        """The packages with this name, or all, whatever their state, newest first.

        Raises:
            NoSuchPackage: nothing has this name.
        """
        wanted = Version(version) if version else None
        after, any_found = None, name is None
        repo = RepoId.read(name) if name else None
        kind, full_name = (repo.kind, repo.full_name) if repo else (None, None)
        while page := self._catalog.packages(kind=kind, name=full_name, limit=_PAGE, after=after):
            after = page[-1].id
            for package in page:
                if wanted is None or package.version == wanted:
                    any_found = True
                    yield package
        if not any_found:
            raise NoSuchPackage(f"{name}@{version}" if version else name or "")

    def _line(self, package: Package, by: str, verb: str, detail: str) -> AuditLine:
        target = f"{package.name}@{package.version}"
        return AuditLine(at=self._now(), by=by, verb=verb, target=target, detail=detail)


def _told_reason(change: str, reason: str) -> str:
    """A reason as clients are shown it, on one line.

    Raises:
        BadInput: it is empty or too long.
    """
    told = " ".join(reason.split())
    if not told or len(told) > MOST_REASON or not is_unicode(told):
        raise BadInput(
            f"{change} needs a reason of 1 to {MOST_REASON} characters",
            hint="clients are shown it: say what is wrong and what to use instead",
        )
    return told
