"""What every Hub must do: a folder, our catalogue, our own repositories, the folder over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.hub_process import TINY, hub_process, safetensors, write_repo
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_catalog import CatalogHub
from weighbridge.adapters.hub_dir import FolderHub
from weighbridge.adapters.hub_either import EitherHub
from weighbridge.adapters.hub_hosted import HostedHub
from weighbridge.adapters.hub_http import HttpHub
from weighbridge.adapters.hub_offline import OfflineHub
from weighbridge.bridge.last_commits import LastCommits
from weighbridge.domain.access import AuditLine, Permission, Principal
from weighbridge.domain.hosted import Change, Gate, LargeFile, Repository, SmallFile, make_revision
from weighbridge.domain.json_values import JsonObject, canonical, child, objects
from weighbridge.domain.manifest import FileEntry, Manifest, Storage, digests_of
from weighbridge.domain.package import Package, Version
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import DiscussionHead, Owner, OwnerKind
from weighbridge.errors import HubDown, NoSuchFile, NoSuchOwner, NoSuchRepo, NoSuchRevision
from weighbridge.flows.push import Push, PushTools, push
from weighbridge.ports import Hub

REPO = RepoId.parse("acme/Tiny")
STATUS = {"scansDone": True, "filesWithIssues": [{"path": "model.safetensors", "level": "suspicious"}]}
DETAILED = {
    "childrenModelCount": {"finetune": 3},
    "evalResults": [{"dataset": "acme/words", "value": 0.5}],
    "securityRepoStatus": STATUS,
}
TALKS = (
    DiscussionHead(number=12, title="A question", author="cid", status="open", is_pull=False),
    *(
        DiscussionHead(number=n, title=f"Fix {n}", author="bob", status="merged", is_pull=True)
        for n in range(11, 0, -1)
    ),
)
TALKED = {
    "discussions": [
        {
            "num": t.number,
            "title": t.title,
            "author": t.author,
            "status": t.status,
            "isPullRequest": t.is_pull,
        }
        for t in TALKS
    ]
}
NOWHERE = "0" * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    history = [
        {"title": "Better words", "date": "2026-02-01T00:00:00.000Z", "authors": ["ann"]},
        {"title": "First", "date": "2026-01-01T00:00:00.000Z", "authors": ["bob"]},
    ]
    said = {"owner": {"kind": "organization", "members": 6, "isVerified": True}, **DETAILED, **TALKED}
    write_repo(made, "acme/Tiny", TINY, {"downloads": 5, "likes": 2, "history": history, **said})
    write_repo(made, "acme/popular", {"config.json": b"{}", "w.bin": b"\0" * 100}, {"downloads": 99})
    write_repo(made, "datasets/acme/words", {"README.md": b"---\nlicense: mit\n---\n", "a.csv": b"a\n"})
    return made


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    with hub_process(folder) as url:
        yield url


def read(hub: Hub, manifest: Manifest, path: str, start: int = 0, stop: int | None = None) -> bytes:
    """A file's bytes through ``open``, in small pieces."""
    content, buffer = bytearray(), memoryview(bytearray(70_000))
    with hub.open(manifest.repo, manifest.commit, manifest.by_path[path], start, stop) as stream:
        while got := stream.readinto(buffer):
            content += buffer[:got]
    return bytes(content)


class HubContract:
    """The suite; a subclass gives ``hub``, which serves what ``folder`` holds."""

    counts = (5, 2)
    """Downloads and likes of the repository; a Hub of our own counts its own, from nothing."""
    listed = ("acme/popular", "acme/Tiny")
    owner = Owner(name="acme", kind=OwnerKind.ORGANIZATION, members=6, is_verified=True)
    talks: Sequence[DiscussionHead] = TALKS
    details: JsonObject = DETAILED
    """What the sidecar says; a Hub of our own knows its own people and talks, and no other scanners."""

    def manifest(self, hub: Hub) -> Manifest:
        return hub.manifest(REPO, hub.info(ModelRef(repo=REPO)).commit)

    def test_info_says_what_the_card_says(self, hub: Hub) -> None:
        info = hub.info(ModelRef(repo=REPO))
        assert (info.repo, info.license, info.pipeline_tag) == (REPO, "apache-2.0", "text-classification")
        assert (info.library, info.downloads, info.likes) == ("transformers", *self.counts)
        assert {"tiny", "en", "de", "dataset:acme/words", "license:apache-2.0"} <= set(info.tags)
        assert info.raw["sha"] == info.commit
        assert info.raw["safetensors"] == {"parameters": {"F32": 64_000}, "total": 64_000}

    def test_every_name_of_the_commit_means_it(self, hub: Hub) -> None:
        commit = hub.info(ModelRef(repo=REPO)).commit
        for revision in ("refs/heads/main", "HEAD", commit, commit[:7], commit[:5], commit[:9].upper()):
            assert hub.info(ModelRef(repo=REPO, revision=revision)).commit == commit

    def test_upper_and_lower_case_do_not_matter(self, hub: Hub) -> None:
        assert hub.info(ModelRef.parse("ACME/tiny")).raw["id"] == "acme/Tiny"

    def test_the_manifest_lists_every_file_truly(self, hub: Hub) -> None:
        manifest = self.manifest(hub)
        assert list(manifest.by_path) == sorted(TINY)
        for path, content in TINY.items():
            entry = manifest.by_path[path]
            true = FileEntry(path=path, size_bytes=len(content), digests=digests_of(content))
            assert entry.agrees_with(true)
            assert (entry.storage is Storage.LFS) == (path == "model.safetensors")
            assert (entry.sha256 if entry.storage is Storage.LFS else entry.git_sha1) is not None

    @pytest.mark.parametrize("path", TINY)
    def test_open_gives_the_bytes(self, hub: Hub, path: str) -> None:
        assert read(hub, self.manifest(hub), path) == TINY[path]

    @pytest.mark.parametrize(("start", "stop"), [(0, 1), (1, None), (100_000, 200_001), (255_000, None)])
    def test_open_gives_just_the_range(self, hub: Hub, start: int, stop: int | None) -> None:
        wanted = TINY["model.safetensors"][start:stop]
        assert read(hub, self.manifest(hub), "model.safetensors", start, stop) == wanted

    def test_what_is_located_here_is_the_file(self, hub: Hub) -> None:
        manifest = self.manifest(hub)
        where = hub.locate(REPO, manifest.commit, manifest.by_path["config.json"])
        assert where is None or where.read_bytes() == TINY["config.json"]

    def test_a_file_that_is_not_listed_is_missing(self, hub: Hub) -> None:
        manifest = self.manifest(hub)
        entry = FileEntry(path="nope.json", size_bytes=2, digests=digests_of(b"{}"))
        with pytest.raises(NoSuchFile) as told, hub.open(REPO, manifest.commit, entry) as stream:
            stream.readinto(memoryview(bytearray(2)))
        assert told.value.path == "nope.json"

    @pytest.mark.parametrize("name", ["acme/nothing", "nobody/Tiny", "Tiny"])
    def test_a_missing_repository(self, hub: Hub, name: str) -> None:
        missing = RepoId.parse(name)
        with pytest.raises(NoSuchRepo):
            hub.info(ModelRef(repo=missing))
        with pytest.raises(NoSuchRepo):
            hub.manifest(missing, NOWHERE)
        with pytest.raises(NoSuchRepo):
            hub.refs(missing)

    def test_a_missing_revision(self, hub: Hub) -> None:
        for revision in ("dev", NOWHERE, "refs/pr/1"):
            with pytest.raises(NoSuchRevision):
                hub.info(ModelRef(repo=REPO, revision=revision))
        with pytest.raises(NoSuchRevision):
            hub.manifest(REPO, NOWHERE)
        with pytest.raises(NoSuchRevision):
            hub.commits(REPO, "dev")

    def test_refs_and_commits_begin_at_main(self, hub: Hub) -> None:
        commit = hub.info(ModelRef(repo=REPO)).commit
        assert hub.refs(REPO).branches["main"] == commit
        history = hub.commits(REPO, "main")
        assert history[0].id == commit
        assert history[0].authors
        assert hub.commits(REPO, "main", limit=1) == history[:1]
        assert [c.created_at for c in history] == sorted((c.created_at for c in history), reverse=True)

    def test_every_file_and_folder_names_a_commit_of_the_history(self, hub: Hub) -> None:
        manifest = self.manifest(hub)
        last = LastCommits().of(hub, REPO, manifest.commit)
        assert set(last) == {"", "sub dir", "sub dir/deep", *manifest.by_path}
        assert {commit.id for commit in last.values()} <= {c.id for c in hub.commits(REPO, "main")}

    def test_repositories_come_by_downloads(self, hub: Hub) -> None:
        listed = list(hub.repos(RepoKind.MODEL))
        assert tuple(info.repo.full_name for info in listed) == self.listed
        assert [info.commit for info in listed] == [hub.info(ModelRef(repo=i.repo)).commit for i in listed]

    def test_kinds_are_kept_apart(self, hub: Hub) -> None:
        words = RepoId.parse("acme/words", RepoKind.DATASET)
        info = hub.info(ModelRef(repo=words))
        assert (info.license, info.repo.kind) == ("mit", RepoKind.DATASET)
        manifest = hub.manifest(words, info.commit)
        assert read(hub, manifest, "a.csv") == b"a\n"
        assert [listed.repo for listed in hub.repos(RepoKind.DATASET)] == [words]
        assert list(hub.repos(RepoKind.SPACE)) == []

    def test_the_details_are_those_that_are_known(self, hub: Hub) -> None:
        said = dict(hub.details(ModelRef(repo=REPO)))
        base = said.pop("baseModels", None)
        assert said == self.details
        assert base is None or [m["id"] for m in objects(child({"base": base}, "base"), "models")] == [
            "acme/base"
        ]
        with pytest.raises(NoSuchRepo):
            hub.details(ModelRef.parse("acme/nothing"))
        with pytest.raises(NoSuchRevision):
            hub.details(ModelRef(repo=REPO, revision=NOWHERE))

    def test_discussions_come_newest_first_and_no_more_than_are_asked_for(self, hub: Hub) -> None:
        assert tuple(hub.discussions(REPO, 50)) == tuple(self.talks)
        assert tuple(hub.discussions(REPO, 11)) == tuple(self.talks[:11])
        with pytest.raises(NoSuchRepo):
            hub.discussions(RepoId.parse("acme/nothing"))

    def test_the_owner_is_who_publishes_under_the_namespace(self, hub: Hub) -> None:
        assert hub.owner(REPO) == self.owner


class TestFolder(HubContract):
    @pytest.fixture
    def hub(self, folder: Path) -> Hub:
        return FolderHub(folder)


class TestFolderOverHttp(HubContract):
    @pytest.fixture
    def hub(self, served: str) -> Hub:
        return HttpHub(served, environ={})


class TestCatalogue(HubContract):
    @pytest.fixture
    def hub(self, folder: Path, tmp_path: Path) -> Iterator[Hub]:
        with closing(Catalog.open("sqlite://")) as catalog:
            yield CatalogHub(catalog, admitted(catalog, folder, tmp_path))


class TestHosted(HubContract):
    counts, listed = (0, 0), ("acme/Tiny", "acme/popular")
    owner, talks, details = Owner(name="acme", kind=OwnerKind.USER), (), {}

    @pytest.fixture
    def hub(self, folder: Path, tmp_path: Path) -> Iterator[Hub]:
        with closing(Catalog.open("sqlite://")) as catalog:
            blobs = hosted(catalog, folder, tmp_path, list(RepoKind))
            yield HostedHub(catalog, blobs, principal=READER, serve_all=True)


class TestHostedBesideMirrored(HubContract):
    """Models are hosted; data sets are mirrored, and so are models that the caller may not see."""

    counts, listed = (0, 0), ("acme/Tiny", "acme/popular")
    owner, talks, details = Owner(name="acme", kind=OwnerKind.USER), (), {}

    @pytest.fixture
    def hub(self, folder: Path, tmp_path: Path) -> Iterator[Hub]:
        with closing(Catalog.open("sqlite://")) as ours, closing(Catalog.open("sqlite://")) as others:
            blobs = hosted(ours, folder, tmp_path, [RepoKind.MODEL])
            admitted(others, folder, tmp_path)
            seen = HostedHub(ours, blobs, serve_all=True).seen_by(READER)
            yield EitherHub(lambda repo: ours.hosted(repo) is not None, seen, CatalogHub(others, blobs))


READER = Principal(name="rita", permissions=frozenset({Permission.SEARCH, Permission.DOWNLOAD}))


def hosted(catalog: Catalog, folder: Path, home: Path, kinds: Sequence[RepoKind]) -> FolderBlobs:
    """Every repository of the folder as one of our own, in one push on top of an empty commit."""
    upstream, blobs = FolderHub(folder), FolderBlobs(home)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    for kind in kinds:
        for info in upstream.repos(kind):
            repository = Repository(
                key=f"{kind}-{info.repo.name}",
                id=info.repo,
                private=False,
                gate=Gate.OPEN,
                created_at=at,
                created_by="ann",
            )
            first = make_revision(
                info.repo, (), parents=(), author="ann", title="initial commit", description="", at=at
            )
            line = AuditLine(at=at, by="ann", verb="repo.create", target=info.repo.full_name)
            catalog.create_repository(repository, "main", first, line)
            wish = Push(
                repository=repository,
                branch="main",
                changes=tuple(changes_of(upstream, info.repo, info.commit, blobs)),
                author="ann",
                at=datetime(2026, 3, 2, tzinfo=UTC),
                title="Everything",
            )
            push(PushTools(branches=catalog, blobs=blobs, sent=lambda _: True), wish)
    return blobs


def changes_of(upstream: FolderHub, repo: RepoId, commit: str, blobs: FolderBlobs) -> Iterator[Change]:
    for entry in upstream.manifest(repo, commit).files:
        content = upstream.locate(repo, commit, entry).read_bytes()
        if entry.storage is Storage.LFS:
            yield LargeFile(path=entry.path, sha256=blobs.add(content), size_bytes=len(content))
        else:
            yield SmallFile(path=entry.path, content=content)


def admitted(catalog: Catalog, folder: Path, home: Path) -> FolderBlobs:
    """Every repository of the folder as version 1.0.0 in the catalogue, its bytes in a store."""
    upstream, blobs = FolderHub(folder), FolderBlobs(home)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    for kind in RepoKind:
        for info in upstream.repos(kind):
            manifest = upstream.manifest(info.repo, info.commit)
            for entry in manifest.files:
                blobs.add(upstream.locate(info.repo, info.commit, entry).read_bytes())
            owner = upstream.owner(info.repo).to_json() if info.repo == REPO else None
            talks = [talk.to_json() for talk in upstream.discussions(info.repo)]
            evidence = blobs.add(canonical({"info": info.raw, "owner": owner, "discussions": talks}))
            package = Package(
                id=f"{kind}-{info.repo.name}",
                version=Version("1.0.0"),
                manifest=manifest,
                net_score=0.7,
                metrics={},
                evidence_sha256=evidence,
                verdict_sha256=evidence,
                created_at=at,
                created_by="ann",
            )
            line = AuditLine(at=at, by="ann", verb="ingest", target=package.name)
            catalog.add(package, (), line)
    return blobs


def test_nobody_is_asked_offline_and_nothing_is_taken_for_an_answer() -> None:
    for ask in (
        lambda: OfflineHub().details(ModelRef(repo=REPO)),
        lambda: OfflineHub().discussions(REPO),
        lambda: OfflineHub().owner(REPO),
        lambda: OfflineHub().commits(REPO, "main"),
    ):
        with pytest.raises(HubDown, match="offline"):
            ask()


def test_a_folder_without_sidecars_knows_nobody(tmp_path: Path) -> None:
    write_repo(tmp_path, "acme/bare", {"config.json": b"{}"})
    bare = RepoId.parse("acme/bare")
    with hub_process(tmp_path) as url:
        for hub in (FolderHub(tmp_path), HttpHub(url, environ={})):
            with pytest.raises(NoSuchOwner):
                hub.owner(bare)
            assert list(hub.discussions(bare)) == []


def test_a_user_who_publishes_is_one_over_http_too(tmp_path: Path) -> None:
    write_repo(tmp_path, "ann/bare", {"config.json": b"{}"}, {"owner": {"kind": "user"}})
    with hub_process(tmp_path) as url:
        owner = HttpHub(url, environ={}).owner(RepoId.parse("ann/bare"))
    assert owner == Owner(name="ann", kind=OwnerKind.USER)


def test_the_tensor_file_is_one() -> None:
    assert len(safetensors(64)) == 8 + int.from_bytes(safetensors(64)[:8], "little") + 4 * 64
