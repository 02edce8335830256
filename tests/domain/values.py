"""Strategies for the nouns, shared by the laws."""

from __future__ import annotations

import hashlib
import string

from hypothesis import strategies as st

from weighbridge.domain.lock import Lock, LockEntry, Spec
from weighbridge.domain.manifest import FileEntry, Manifest, Storage, digests_of, sha256
from weighbridge.domain.paths import collisions
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind

NAME = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=8)
COMMITS = st.binary(max_size=8).map(lambda seed: hashlib.sha1(seed).hexdigest())
PATHS = st.lists(NAME | st.sampled_from(["é", "模型", "a b", "x.bin"]), min_size=1, max_size=3).map("/".join)
CONTENTS = st.binary(max_size=6)
REPOS = st.builds(
    RepoId,
    kind=st.sampled_from(RepoKind),
    namespace=st.just("") | NAME,
    name=NAME.filter(lambda n: n != "git"),
)
REVISIONS = st.sampled_from(["main", "v1.0", "refs/pr/1", "dev/x", "012", "1e5"]) | COMMITS


def entry_of(path: str, content: bytes, *, lfs: bool = False) -> FileEntry:
    """The entry that a store makes of a file: a sha256, and for a regular file the git id too."""
    known = (sha256(hashlib.sha256(content).hexdigest()),) if lfs else digests_of(content)
    storage = Storage.LFS if lfs else Storage.REGULAR
    return FileEntry(path=path, size_bytes=len(content), digests=known, storage=storage)


ENTRIES = st.builds(entry_of, PATHS, CONTENTS, lfs=st.booleans())


def _free(entries: list[FileEntry]) -> list[FileEntry]:
    """Those entries, in order, that clash with none before them."""
    kept: list[FileEntry] = []
    for entry in entries:
        if not collisions([*(e.path for e in kept), entry.path]):
            kept.append(entry)
    return kept


MANIFESTS = st.builds(
    lambda repo, commit, files: Manifest(repo=repo, commit=commit, files=tuple(_free(files))),
    REPOS,
    COMMITS,
    st.lists(ENTRIES, min_size=1, max_size=6),
)
PATTERNS = st.lists(st.sampled_from(["*", "*.bin", "!x", "a/", "config.json"]), max_size=3).map(tuple)
LOCK_ENTRIES = st.builds(
    LockEntry,
    revision=REVISIONS,
    patterns=PATTERNS,
    license=st.none() | st.sampled_from(["mit", "apache-2.0"]),
    manifest=MANIFESTS,
)
LOCKS = st.builds(lambda entries: Lock(entries=entries), st.dictionaries(NAME, LOCK_ENTRIES, max_size=4))


def spec_of(id: str, entry: LockEntry) -> Spec:
    """The spec that an entry answers."""
    ref = ModelRef(repo=entry.manifest.repo, revision=entry.revision)
    return Spec(id=id, ref=ref, files=entry.patterns)
