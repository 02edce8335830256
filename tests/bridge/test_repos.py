"""Hosted repositories through the bridge: a real store, a real catalogue, real judgements."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge import Bridge
from weighbridge.bridge.repos import Candidate, Standing, State
from weighbridge.domain.access import LOCAL, AuditLine, Permission, Principal
from weighbridge.domain.hosted import (
    Change,
    CopyFile,
    DeleteFile,
    DeleteFolder,
    Gate,
    LargeFile,
    SmallFile,
)
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import Storage, digests_of
from weighbridge.domain.package import IngestRequest
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo_query import RepoQuery
from weighbridge.doors.demo.models import MADE
from weighbridge.errors import (
    BadInput,
    Conflict,
    DigestMismatch,
    Disabled,
    Gated,
    NoSuchFile,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RefExists,
    Renamed,
    RepoExists,
    SizeMismatch,
    StaleParent,
)
from weighbridge.settings import load_settings

ALL = frozenset({Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD})
ANN = Principal(name="ann", permissions=ALL)
BOB = Principal(name="bob", permissions=ALL)
RITA = Principal(name="rita", permissions=frozenset({Permission.SEARCH, Permission.DOWNLOAD}))
NOBODY = Principal(name="anonymous", permissions=RITA.permissions, is_anonymous=True)
REPO = RepoId.parse("ann/Tiny")
MODEL = RepoKind.MODEL


Opener = Callable[..., Bridge]


def put(bridge: Bridge, *changes: Change, by: Principal = ANN, repo: RepoId = REPO, **more: str) -> str:
    wish = {"title": "change", **more}
    return bridge.repos.commit(by, repo, wish.pop("revision", "main"), changes, **wish).id  # type: ignore[arg-type]


def small(path: str, content: bytes = b"words\n") -> SmallFile:
    return SmallFile(path=path, content=content)


def large(bridge: Bridge, path: str, content: bytes) -> LargeFile:
    sha256 = hashlib.sha256(content).hexdigest()
    bridge.repos.receive(ANN, REPO, sha256, len(content), [content[:100], content[100:]])
    return LargeFile(path=path, sha256=sha256, size_bytes=len(content))


def files(bridge: Bridge, by: Principal = ANN, revision: str = "main", repo: RepoId = REPO) -> list[str]:
    return list(bridge.hub.tree(by, repo.kind, repo.full_name, revision).manifest.by_path)


def model(bridge: Bridge, good: Mapping[str, bytes]) -> list[Change]:
    return [
        large(bridge, path, content) if path.endswith(".safetensors") else small(path, content)
        for path, content in good.items()
    ]


def judged(bridge: Bridge, commit: str, repo: RepoId = REPO) -> Standing:
    """How a commit stands once it is judged; a judgement that never comes ends the test by its limit."""
    while (standing := bridge.repos.standing(LOCAL, repo, commit)).state is State.WAITING:
        time.sleep(0.05)
    return standing


def test_a_new_repository_is_its_owners_and_empty_for_others(bridge: Bridge) -> None:
    assert files(bridge) == [".gitattributes"]
    assert bridge.repos.owned(ANN) == (bridge.repos.repository(RITA, REPO),)
    with pytest.raises(NoSuchRepo):
        files(bridge, RITA)
    assert bridge.hub.repos(RITA, MODEL, RepoQuery()) == ()
    assert [info.repo for info in bridge.hub.repos(ANN, MODEL, RepoQuery())] == [REPO]
    with pytest.raises(RepoExists) as told:
        bridge.repos.create(ANN, RepoId.parse("ANN/tiny"))
    assert told.value.repo == "ann/Tiny"
    assert bridge.repos.create(BOB, RepoId.parse("mine")).id.full_name == "bob/mine"


def test_a_pushed_model_is_seen_by_its_owner_at_once_and_by_others_when_accepted(
    bridge: Bridge, good: dict[str, bytes]
) -> None:
    changes = model(bridge, good)
    commit = put(bridge, *changes, title="A model")
    assert set(good) <= set(files(bridge))
    standing = judged(bridge, commit)
    assert (standing.state, standing.sentence) == (State.ACCEPTED, "")
    assert files(bridge, NOBODY) == files(bridge)
    package = bridge.packages.package(RITA, standing.record_id)
    assert (package.name, package.manifest.commit, package.created_by) == ("ann/Tiny", commit, "ann")
    served = bridge.hub.file(RITA, MODEL, "ann/tiny", "main", "README.md")
    assert served.path is not None
    assert served.path.read_bytes() == good["README.md"]
    assert bridge.hub.refs(NOBODY, MODEL, "ann/Tiny").tags == {"1.0.0": commit}
    later = put(bridge, small("README.md", b"no card\n"), title="Worse")
    assert judged(bridge, later).state is State.REFUSED
    assert judged(bridge, later).sentence.startswith("Model does not meet")
    assert bridge.hub.info(ANN, MODEL, "ann/Tiny").commit == later
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny").commit == commit
    assert [c.title for c in bridge.hub.commits(ANN, MODEL, "ann/Tiny", "main")] == [
        "Worse",
        "A model",
        "initial commit",
    ]
    assert [c.title for c in bridge.hub.commits(RITA, MODEL, "ann/Tiny", "main")] == ["A model"]
    last = bridge.hub.last_commits(ANN, MODEL, "ann/Tiny", "main")
    assert [last[path].title for path in ("", "README.md", ".gitattributes")] == [
        "Worse", "Worse", "initial commit",
    ]  # fmt: skip
    assert {c.title for c in bridge.hub.last_commits(RITA, MODEL, "ann/Tiny", commit).values()} == {"A model"}
    with pytest.raises(NoSuchRevision):
        bridge.hub.info(RITA, MODEL, "ann/Tiny", later)


def test_with_serve_all_everybody_sees_the_head(opener: Opener) -> None:
    bridge = opener(WEIGHBRIDGE_SERVE="all")
    bridge.repos.create(ANN, REPO)
    commit = put(bridge, small("a.txt"))
    assert bridge.hub.info(NOBODY, MODEL, "ann/tiny").commit == commit


def test_what_is_withdrawn_is_gone_at_once_and_says_why(
    opener: Opener, tmp_path: Path, good: dict[str, bytes]
) -> None:
    bridge = opener()
    bridge.repos.create(ANN, REPO)
    first = judged(bridge, put(bridge, *model(bridge, good)))
    second = judged(bridge, put(bridge, small("notes.txt")))
    catalog = Catalog.open(f"sqlite:///{tmp_path / 'home' / 'catalog.sqlite3'}")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    line = AuditLine(at=at, by="admin", verb="withdraw", target="ann/Tiny")
    catalog.withdraw(second.record_id, "a worm", line)
    catalog.close()
    for principal in (ANN, RITA):
        for revision in (second.commit, "1.1.0"):
            with pytest.raises((Disabled, NoSuchRevision)):
                bridge.hub.info(principal, MODEL, "ann/Tiny", revision)
        with pytest.raises(Disabled, match="was withdrawn: a worm"):
            bridge.hub.info(principal, MODEL, "ann/Tiny", second.commit)
        assert bridge.hub.info(principal, MODEL, "ann/Tiny").commit == first.commit
    standing = bridge.repos.standing(ANN, REPO, second.commit)
    assert (standing.state, standing.sentence) == (State.WITHDRAWN, "a worm")


def test_a_private_repository_does_not_exist_for_others(bridge: Bridge, good: dict[str, bytes]) -> None:
    bridge.repos.change_settings(ANN, REPO, private=True)
    standing = judged(bridge, put(bridge, *model(bridge, good)))
    assert standing.state is State.ACCEPTED
    for other in (BOB, RITA, NOBODY):
        with pytest.raises(NoSuchRepo):
            bridge.hub.info(other, MODEL, "ann/Tiny")
        with pytest.raises(NoSuchRepo):
            bridge.hub.info(other, MODEL, "ann/Tiny", standing.commit)
        with pytest.raises(NoSuchRepo):
            bridge.repos.standing(other, REPO)
        with pytest.raises(NoSuchRepo):
            put(bridge, small("a"), by=other)
        assert bridge.hub.repos(other, MODEL, RepoQuery()) == ()
        assert bridge.packages.packages(other) == ()
        with pytest.raises(NotFound):
            bridge.packages.package(other, standing.record_id)
        with pytest.raises(NotFound):
            bridge.packages.evidence(other, standing.record_id)
    assert bridge.hub.info(LOCAL, MODEL, "ann/Tiny").raw["private"] is True
    assert [p.id for p in bridge.packages.packages(ANN)] == [standing.record_id]
    bad = judged(bridge, put(bridge, small("README.md", b"")))
    assert bridge.packages.refusals(BOB) == ()
    with pytest.raises(NotFound):
        bridge.packages.refusal(BOB, bad.record_id)
    assert [r.id for r in bridge.packages.refusals(ANN)] == [bad.record_id]


def test_gated_files_go_to_those_who_were_let_in(opener: Opener) -> None:
    bridge = opener(WEIGHBRIDGE_SERVE="all")
    bridge.repos.create(ANN, REPO)
    put(bridge, small("a.txt"))
    bridge.repos.change_settings(ANN, REPO, gate=Gate.AUTO)
    with pytest.raises(Gated):
        bridge.hub.file(RITA, MODEL, "ann/Tiny", "main", "a.txt")
    with pytest.raises(Gated):
        bridge.hub.file(NOBODY, MODEL, "ann/Tiny", "main", "a.txt")
    bridge.repos.change_settings(ANN, REPO, gate=Gate.MANUAL)
    assert files(bridge, RITA)
    with pytest.raises(Gated):
        bridge.hub.file(RITA, MODEL, "ann/Tiny", "main", "a.txt")
    with pytest.raises(Gated):
        bridge.hub.require_access(RITA, MODEL, "ann/Tiny")
    assert bridge.hub.file(ANN, MODEL, "ann/Tiny", "main", "a.txt").path


def test_only_its_owner_changes_a_repository(bridge: Bridge) -> None:
    head = put(bridge, small("a"))
    for other, error in ((BOB, NotPermitted), (RITA, NotPermitted), (NOBODY, NotAuthenticated)):
        with pytest.raises(error):
            put(bridge, small("a"), by=other)
        with pytest.raises(error):
            bridge.repos.preupload(other, REPO, "main", [])
        with pytest.raises(error):
            bridge.repos.lfs_missing(other, REPO, [])
        with pytest.raises(error):
            bridge.repos.delete(other, REPO)
        with pytest.raises(error):
            bridge.repos.move(other, REPO, RepoId.parse(f"{other.name}/taken"))
        with pytest.raises(error):
            bridge.repos.create_branch(other, REPO, "dev")
        with pytest.raises(error):
            bridge.repos.create_tag(other, REPO, "v1")
        with pytest.raises(error):
            bridge.repos.create(other, RepoId.parse("ann/other"))
    assert bridge.hub.refs(ANN, MODEL, "ann/Tiny").branches == {"main": head}
    put(bridge, small("b"), by=LOCAL)
    assert files(bridge) == [".gitattributes", "a", "b"]


def test_a_mirrored_repository_takes_no_push_and_a_hosted_name_no_mirror(
    bridge: Bridge, good: dict[str, bytes]
) -> None:
    mirror = RepoId.parse(MADE)
    bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef(repo=mirror)))
    with pytest.raises(NotPermitted, match="mirror of the upstream"):
        put(bridge, small("a"), by=LOCAL, repo=mirror)
    with pytest.raises(RepoExists, match="mirror of the upstream"):
        bridge.repos.create(LOCAL, mirror)
    with pytest.raises(RepoExists):
        bridge.repos.move(LOCAL, REPO, mirror)
    bridge.repos.change_settings(ANN, REPO, private=True)
    with pytest.raises(NoSuchRepo):
        bridge.packages.ingest(BOB, IngestRequest(ref=ModelRef(repo=REPO)))
    assert files(bridge, RITA, repo=mirror) == sorted(good)
    with pytest.raises(Conflict, match="hosted here"):
        bridge.packages.ingest(LOCAL, IngestRequest(ref=ModelRef(repo=RepoId.parse("ANN/tiny"))))


def test_a_renamed_repository_is_found_under_both_names(bridge: Bridge, good: dict[str, bytes]) -> None:
    commit = put(bridge, *model(bridge, good))
    assert judged(bridge, commit).state is State.ACCEPTED
    new = RepoId.parse("ann/Great")
    assert bridge.repos.move(ANN, REPO, new).id == new
    assert bridge.repos.repository(RITA, REPO).id == new
    info = bridge.hub.info(RITA, MODEL, "ann/Great")
    assert (info.repo, info.commit) == (new, commit)
    for former in ("ann/Tiny", "ANN/tiny"):
        with pytest.raises(Renamed) as raised:
            bridge.hub.info(RITA, MODEL, former)
        assert raised.value.now == "ann/Great"
    with pytest.raises(RepoExists):
        bridge.repos.create(ANN, REPO)
    assert bridge.repos.move(ANN, new, REPO).id == REPO
    with pytest.raises(Renamed):
        files(bridge, RITA, repo=new)
    bridge.repos.change_settings(ANN, REPO, private=True)
    with pytest.raises(NoSuchRepo, match="ann/Great"):
        files(bridge, RITA, repo=new)


def test_a_deleted_repository_is_gone_and_its_name_free(bridge: Bridge, good: dict[str, bytes]) -> None:
    standing = judged(bridge, put(bridge, *model(bridge, good)))
    bridge.repos.delete(ANN, REPO)
    with pytest.raises(NoSuchRepo):
        put(bridge, small("a"))
    with pytest.raises(NoSuchRepo):
        bridge.repos.repository(ANN, REPO)
    assert bridge.packages.package(LOCAL, standing.record_id).state_reason == "the repository was deleted"
    for revision in ("main", standing.commit, "1.0.0"):
        with pytest.raises(NoSuchRepo):
            bridge.hub.info(RITA, MODEL, "ann/Tiny", revision)
    assert bridge.hub.repos(RITA, MODEL, RepoQuery()) == ()
    bridge.repos.create(ANN, REPO)
    assert files(bridge) == [".gitattributes"]


def test_branches_and_tags(bridge: Bridge) -> None:
    first = put(bridge, small("a"))
    second = put(bridge, small("b"))
    assert bridge.repos.create_branch(ANN, REPO, "dev/x", start=first[:8]) == first
    assert bridge.repos.create_tag(ANN, REPO, "v1", revision="dev/x") == first
    third = put(bridge, small("c"), revision="dev/x")
    assert files(bridge, revision="dev/x") == [".gitattributes", "a", "c"]
    assert bridge.hub.refs(ANN, MODEL, "ann/Tiny").branches == {"main": second, "dev/x": third}
    assert bridge.hub.info(ANN, MODEL, "ann/Tiny", "v1").commit == first
    with pytest.raises(RefExists):
        bridge.repos.create_branch(ANN, REPO, "dev/x")
    with pytest.raises(RefExists):
        bridge.repos.create_tag(ANN, REPO, "v1")
    assert bridge.repos.create_branch(ANN, REPO, "dev/x", overwrite=True) == third, "nothing was asked for"
    assert bridge.repos.create_branch(ANN, REPO, "dev/x", start="main", overwrite=True) == second
    bridge.repos.create_branch(ANN, REPO, "empty", empty=True)
    assert files(bridge, revision="empty") == []
    with pytest.raises(NotPermitted):
        bridge.repos.delete_branch(ANN, REPO, "main")
    bridge.repos.delete_branch(ANN, REPO, "dev/x")
    bridge.repos.delete_tag(ANN, REPO, "v1")
    for gone in (bridge.repos.delete_branch, bridge.repos.delete_tag):
        with pytest.raises(NoSuchRevision):
            gone(ANN, REPO, "dev/x")
    for revision in ("dev/x", first, "refs/pr/1"):
        with pytest.raises(NoSuchRevision):
            put(bridge, small("d"), revision=revision)
    with pytest.raises(NoSuchRevision):
        bridge.repos.create_branch(ANN, REPO, "other", start="nope")
    for bad in ("a..b", "-x", "a b", "f" * 40, "refs/heads/x", "HEAD", "x.lock", ""):
        with pytest.raises(Invalid):
            bridge.repos.create_branch(ANN, REPO, bad)
        with pytest.raises(Invalid):
            bridge.repos.create_tag(ANN, REPO, bad)


def test_changes_are_applied_in_order_or_not_at_all(bridge: Bridge) -> None:
    put(bridge, small("d/a"), small("d/b"), small("e/a"), small("keep"))
    put(
        bridge,
        DeleteFile(path="d/a"),
        CopyFile(path="copy", source="keep"),
        DeleteFolder(path="e/"),
        small("e", b"now a file"),
        large(bridge, "w.bin", b"\0" * 3000),
    )
    assert files(bridge) == [".gitattributes", "copy", "d/b", "e", "keep", "w.bin"]
    put(bridge, DeleteFile(path="d"), CopyFile(path="old", source="d/b", revision="main"))
    assert files(bridge) == [".gitattributes", "copy", "e", "keep", "old", "w.bin"]
    head = bridge.hub.info(ANN, MODEL, "ann/Tiny").commit
    nowhere = "0" * 64
    refused: list[tuple[type[Exception], tuple[Change, ...]]] = [
        (NoSuchFile, (small("new"), DeleteFile(path="nope"))),
        (NoSuchFile, (DeleteFolder(path="nope/"),)),
        (NoSuchFile, (CopyFile(path="x", source="nope"),)),
        (NoSuchRevision, (CopyFile(path="x", source="e", revision="nope"),)),
        (BadInput, (LargeFile(path="x", sha256=nowhere, size_bytes=3),)),
        (BadInput, (LargeFile(path="x", sha256=hashlib.sha256(b"\0" * 3000).hexdigest(), size_bytes=3),)),
        (Invalid, (LargeFile(path="x", sha256="A" * 64),)),
        (Invalid, (small("../x"),)),
        (Invalid, (small("a\\..\\x"),)),
        (Invalid, (small(".git/config"),)),
        (Invalid, (DeleteFolder(path="../"),)),
        (Invalid, (small("KEEP"),)),
        (Invalid, (small("keep/x"),)),
        (BadInput, (small("setup.EXE"),)),
    ]
    for error, changes in refused:
        with pytest.raises(error):
            put(bridge, *changes)
    for title in ("", " ", "a\nb", "\ud800", "a\0b"):
        with pytest.raises(BadInput):
            put(bridge, small("x"), title=title)
    assert bridge.hub.info(ANN, MODEL, "ann/Tiny").commit == head


def test_a_stale_parent_is_refused_and_without_one_the_commit_lands_on_top(bridge: Bridge) -> None:
    first = put(bridge, small("a"))
    put(bridge, small("b"), parent=first[:7])
    for stale in (first, first[:7], "", "0" * 40, "nonsense"):
        with pytest.raises(StaleParent):
            put(bridge, small("c"), parent=stale)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: put(bridge, small(f"n{n}")), range(16)))
    assert len(set(made)) == 16
    assert files(bridge) == sorted([".gitattributes", "a", "b", *(f"n{n}" for n in range(16))])
    assert len(bridge.hub.commits(ANN, MODEL, "ann/Tiny", "main")) == 19


def test_of_two_writers_on_one_parent_one_is_stale(bridge: Bridge) -> None:
    head = put(bridge, small("a"))

    def write(number: int) -> str | None:
        try:
            return put(bridge, small(f"f{number}"), parent=head)
        except StaleParent:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [commit for commit in pool.map(write, range(8)) if commit]
    assert made == [bridge.hub.info(ANN, MODEL, "ann/Tiny").commit]


def test_preupload_says_how_each_file_is_to_be_sent(bridge: Bridge) -> None:
    put(
        bridge,
        small(".gitattributes", b"*.big filter=lfs\n*.txt -filter\n"),
        small(".gitignore", b"*.log\n"),
        small("notes.txt", b"words"),
        large(bridge, "w.big", b"weights"),
    )
    asked = [
        Candidate(path="notes.txt", size_bytes=5, sample=b"\0\0"),
        Candidate(path="w.big", size_bytes=5, sample=b"words"),
        Candidate(path="x.md", size_bytes=10_000_001, sample=b"words"),
        Candidate(path="x.dat", size_bytes=5, sample=b"\0\1"),
        Candidate(path="x.log", size_bytes=5, sample=b"words"),
        Candidate(path="empty.big", size_bytes=0),
    ]
    advised = bridge.repos.preupload(ANN, REPO, "main", asked)
    lfs, regular = Storage.LFS, Storage.REGULAR
    assert [each.storage for each in advised] == [regular, lfs, lfs, lfs, regular, regular]
    assert [each.path for each in advised if each.ignored] == ["x.log"]
    oids = {each.path: each.oid for each in advised if each.oid}
    weights = hashlib.sha256(b"weights").hexdigest()
    assert oids == {"notes.txt": digests_of(b"words")[0].value, "w.big": weights}
    advised = bridge.repos.preupload(ANN, REPO, "main", asked, "x.*\n")
    assert [each.path for each in advised if each.ignored] == ["x.md", "x.dat", "x.log"]
    for path, error in (("../x", Invalid), ("virus.exe", BadInput)):
        with pytest.raises(error):
            bridge.repos.preupload(ANN, REPO, "main", [Candidate(path=path, size_bytes=1)])
    with pytest.raises(NoSuchRevision):
        bridge.repos.preupload(ANN, REPO, "nope", asked)


def test_what_is_too_large_is_refused_before_it_is_sent(opener: Opener) -> None:
    bridge = opener(WEIGHBRIDGE_MAX_FILE_BYTES="1000")
    bridge.repos.create(ANN, REPO)
    with pytest.raises(BadInput, match="at most 1000 bytes"):
        bridge.repos.preupload(ANN, REPO, "main", [Candidate(path="a", size_bytes=1001)])
    with pytest.raises(BadInput):
        bridge.repos.lfs_missing(ANN, REPO, [("0" * 64, 1001)])
    with pytest.raises(BadInput):
        bridge.repos.receive(ANN, REPO, "0" * 64, 1001, [b"x" * 1001])
    with pytest.raises(BadInput):
        put(bridge, small("a", b"x" * 1001))


def test_only_right_bytes_become_visible(bridge: Bridge) -> None:
    content = b"weights" * 1000
    sha256 = hashlib.sha256(content).hexdigest()
    wish = (sha256, len(content))
    for wrong, error in (
        (content[:-1] + b"x", DigestMismatch),
        (content[:-1], SizeMismatch),
        (content + b"x", SizeMismatch),
    ):
        with pytest.raises(error):
            bridge.repos.receive(ANN, REPO, *wish, [wrong])
        assert bridge.repos.lfs_missing(ANN, REPO, [wish]) == (wish,)

    def broken() -> Iterator[bytes]:
        yield content[:500]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        bridge.repos.receive(ANN, REPO, *wish, broken())
    assert bridge.repos.lfs_missing(ANN, REPO, [wish]) == (wish,)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bridge.repos.receive(ANN, REPO, *wish, [content]), range(4)))
    assert bridge.repos.lfs_missing(ANN, REPO, [wish]) == ()
    with pytest.raises(DigestMismatch):  # knowing the digest is not having the content
        bridge.repos.receive(ANN, REPO, *wish, [b"x" * len(content)])
    with pytest.raises(SizeMismatch):
        bridge.repos.lfs_missing(ANN, REPO, [(sha256, 5)])


def test_data_sets_and_spaces_are_weighed_by_their_findings_alone(bridge: Bridge) -> None:
    for kind in (RepoKind.DATASET, RepoKind.SPACE):
        repo = RepoId.parse("ann/Tiny", kind)
        bridge.repos.create(ANN, repo)
        commit = put(bridge, small("words.csv", b"a,b\n1,2\n"), repo=repo)
        assert judged(bridge, commit, repo).state is State.ACCEPTED
        assert "words.csv" in files(bridge, NOBODY, repo=repo)


def test_a_lost_judgement_is_made_at_the_next_start(opener: Opener, good: dict[str, bytes]) -> None:
    first = opener()
    first.repos.create(ANN, REPO)
    changes = model(first, good)
    first.close()  # no judgement begins any more, as after a kill
    second = opener()
    second.close()
    commit = put(second, *changes)
    third = opener()
    assert third.repos.standing(ANN, REPO).state is State.WAITING
    third.repos.resume()
    assert judged(third, commit).state is State.ACCEPTED


def test_rules_that_would_cost_too_much_are_refused(bridge: Bridge) -> None:
    many = [Candidate(path=f"{n:04}/" + "a" * 200, size_bytes=1) for n in range(256)]
    with pytest.raises(BadInput, match="too many files"):
        bridge.repos.preupload(ANN, REPO, "main", many, "*a*b\n" * 12_000)
    with pytest.raises(BadInput, match=r"\.gitignore"):
        bridge.repos.preupload(ANN, REPO, "main", many[:1], "x\n" * 40_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVE", "some"),
        ("MAX_FILE_BYTES", "0"),
        ("MAX_FILE_BYTES", "1e9"),
        ("MAX_FILE_BYTES", "9" * 5000),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"WEIGHBRIDGE_{name}"):
        load_settings({f"WEIGHBRIDGE_{name}": value})


def test_a_squashed_branch_stays_for_readers_where_it_was_accepted(
    bridge: Bridge, good: dict[str, bytes]
) -> None:
    first = put(bridge, *model(bridge, good))
    assert judged(bridge, first).state is State.ACCEPTED
    waiting = put(bridge, small("notes.txt", b"not judged yet\n"))
    squashed = bridge.repos.squash(ANN, REPO, "main", "All of it\n\nin one").id
    seen = bridge.hub.commits(ANN, MODEL, "ann/Tiny", "main")
    assert [(c.id, c.title, c.message, c.parents) for c in seen] == [(squashed, "All of it", "in one", ())]
    assert "notes.txt" in files(bridge)
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny").commit in (first, waiting, squashed)
    again = bridge.repos.squash(ANN, REPO, "main", "Once more").id
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny").commit in (first, waiting, squashed, again)
    assert judged(bridge, again).state is State.ACCEPTED
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny").commit == again
    assert [c.id for c in bridge.hub.commits(RITA, MODEL, "ann/Tiny", "main")] == [again]
    assert bridge.hub.info(RITA, MODEL, "ann/Tiny", first).commit == first, "pins hold"
    newest = put(bridge, small("more.txt"))
    assert judged(bridge, newest).state is State.ACCEPTED
    assert [c.id for c in bridge.hub.commits(RITA, MODEL, "ann/Tiny", "main")] == [newest, again]


def test_a_squash_that_is_refused_changes_nothing_for_readers(bridge: Bridge, good: dict[str, bytes]) -> None:
    first = put(bridge, *model(bridge, good))
    assert judged(bridge, first).state is State.ACCEPTED
    put(bridge, *(DeleteFile(path=path) for path in good), small("bad.py", b"import os\n"))
    for title in ("once", "twice"):
        bad = bridge.repos.squash(ANN, REPO, "main", title).id
        assert judged(bridge, bad).state is State.REFUSED
        assert bridge.hub.info(RITA, MODEL, "ann/Tiny").commit == first
        assert [c.id for c in bridge.hub.commits(RITA, MODEL, "ann/Tiny", "main")] == [first]
        assert bridge.hub.info(ANN, MODEL, "ann/Tiny").commit == bad


def test_only_branches_are_squashed_by_those_who_may_write(bridge: Bridge) -> None:
    commit = put(bridge, small("a.txt"))
    bridge.repos.create_tag(ANN, REPO, "v1")
    bridge.repos.create_branch(ANN, REPO, "dev/x")
    for name in ("v1", commit, "refs/pr/1", "refs/tags/v1"):
        with pytest.raises(BadInput, match="no branch"):
            bridge.repos.squash(ANN, REPO, name, "title")
    with pytest.raises(NoSuchRevision):
        bridge.repos.squash(ANN, REPO, "none", "title")
    for message in ("", " \n ", "a\0b", "x" * 5000):
        with pytest.raises(BadInput):
            bridge.repos.squash(ANN, REPO, "main", message)
    for who, error in ((BOB, NotPermitted), (RITA, NotPermitted), (NOBODY, NotAuthenticated)):
        with pytest.raises(error):
            bridge.repos.squash(who, REPO, "main", "title")
    made = bridge.repos.squash(ANN, REPO, "refs/heads/dev/x", "title").id
    assert bridge.hub.refs(ANN, MODEL, "ann/Tiny").branches == {"main": commit, "dev/x": made}
    assert bridge.hub.refs(ANN, MODEL, "ann/Tiny").tags == {"v1": commit}


def test_squashing_while_others_push_loses_nothing(bridge: Bridge) -> None:
    def push_one(number: int) -> str:
        return put(bridge, small(f"{number}.txt"))

    def squash(number: int) -> str:
        return bridge.repos.squash(ANN, REPO, "main", f"squash {number}").id

    with ThreadPoolExecutor(8) as pool:
        pushes = [pool.submit(push_one, number) for number in range(12)]
        squashes = [pool.submit(squash, number) for number in range(6)]
        assert len({each.result() for each in (*pushes, *squashes)}) == 18
    assert files(bridge) == sorted([".gitattributes", *(f"{number}.txt" for number in range(12))])


def test_rules_count_in_every_folder(bridge: Bridge) -> None:
    def advised(*paths: str, gitignore: str | None = None) -> list[tuple[bool, bool]]:
        candidates = [Candidate(path=path, size_bytes=9) for path in paths]
        advice = bridge.repos.preupload(ANN, REPO, "main", candidates, gitignore)
        return [(each.storage is Storage.LFS, each.ignored) for each in advice]

    put(
        bridge,
        small(".gitignore", b"*.log\n"),
        small("data/.gitattributes", b"*.txt filter=lfs\n*.bin -filter\n"),
        small("data/raw/.gitattributes", b"*.txt -filter\n"),
        small("data/.gitignore", b"!keep.log\n/own\n"),
    )
    assert advised("a.txt", "data/a.txt", "data/raw/a.txt", "data/raw/b.bin", "b.bin") == [
        (False, False), (True, False), (False, False), (False, False), (True, False),
    ]  # fmt: skip
    assert advised("keep.log", "data/x/keep.log", "data/own", "own") == [
        (False, True), (False, False), (False, True), (False, False),
    ]  # fmt: skip
    assert advised("data/own", "x.tmp", gitignore="*.tmp") == [(False, False), (False, True)]
    many = [small(f"n/{number}/.gitignore", b"*\n" * 400) for number in range(120)]
    put(bridge, *many)
    asked = [f"n/{number}/x" for number in range(120)]
    assert 0 < sum(ignored for _, ignored in advised(*asked)) < 120, "no more than so many rules are read"
