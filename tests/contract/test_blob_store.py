"""What every blob store must do; an implementation is a subclass with its fixture."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.s3 import S3Server, s3_server
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.blobs_s3 import S3Blobs, open_bucket
from weighbridge.domain.manifest import Digest, FileEntry, digests_of, sha256
from weighbridge.errors import DigestMismatch, HubDown, NotFound, SizeMismatch, StoreDown
from weighbridge.ports import BlobStore, ByteStream
from weighbridge.settings import load_settings

MIB = 1 << 20
SIZES = [0, 1, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 17, 33 * MIB + 5]


def content_of(size: int) -> bytes:
    return hashlib.shake_128(b"content").digest(size)


def entry_of(content: bytes, *which: int, path: str = "w.bin") -> FileEntry:
    """The entry with both digests, or those at the indices (0: git-sha1, 1: sha256)."""
    both = digests_of(content)
    digests: tuple[Digest, ...] = tuple(both[n] for n in which) or both
    return FileEntry(path=path, size_bytes=len(content), digests=digests)


class Origin:
    """Serves one content in small pieces; ``breaks_at`` ends every stream there, for lack of a Hub."""

    def __init__(self, content: bytes, breaks_at: int | None = None, piece: int = 100_000) -> None:
        self.content, self.breaks_at, self.piece = content, breaks_at, piece
        self.asked: list[tuple[int, int | None]] = []
        self.given = 0

    @contextmanager
    def __call__(self, start: int, stop: int | None) -> Iterator[ByteStream]:
        self.asked.append((start, stop))
        yield _Stream(self, start, len(self.content) if stop is None else stop)


class _Stream:
    def __init__(self, origin: Origin, at: int, stop: int) -> None:
        self.origin, self.at, self.stop = origin, at, stop

    def readinto(self, buffer: memoryview) -> int:
        end = self.stop if self.origin.breaks_at is None else min(self.stop, self.origin.breaks_at)
        piece = self.origin.content[self.at : min(end, self.at + self.origin.piece, self.at + len(buffer))]
        if not piece and end < self.stop:
            raise HubDown("the hub went away")
        buffer[: len(piece)] = piece
        self.at += len(piece)
        self.origin.given += len(piece)
        return len(piece)

    def close(self) -> None:
        """Nothing to give back."""


class BlobStoreContract:
    """Subclass it with a ``store`` fixture, an empty store."""

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
    def test_a_fetched_content_is_held_whole(
        self, store: BlobStore, size: int, which: tuple[int, ...]
    ) -> None:
        content = content_of(size)
        moved: list[int] = []
        known = store.fetch(entry_of(content, *which), Origin(content), moved.append)
        name = hashlib.sha256(content).hexdigest()
        assert known.sha256 == name
        assert known.agrees_with(entry_of(content))
        assert store.holds(name)
        assert store.path(name).read_bytes() == content
        with store.open(name) as file:
            file.seek(size // 2)
            assert file.read() == content[size // 2 :]
        assert list(store.walk()) == [(name, size)]
        assert sum(moved) == size

    def test_what_is_held_is_not_fetched_again(self, store: BlobStore) -> None:
        for size in (10, 3 * MIB):
            content = content_of(size)
            store.fetch(entry_of(content), Origin(content))
            again = Origin(content)
            assert store.fetch(entry_of(content, 1), again).sha256
            assert again.asked == []

    def test_a_held_content_of_another_size_than_listed(self, store: BlobStore) -> None:
        store.add(b"abc")
        lie = FileEntry(path="w", size_bytes=4, digests=(sha256(hashlib.sha256(b"abc").hexdigest()),))
        with pytest.raises(SizeMismatch):
            store.fetch(lie, Origin(b"abcd"))

    @pytest.mark.parametrize("size", SIZES[1:])
    @pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
    @pytest.mark.parametrize("at", [0, -1])
    def test_one_wrong_byte(self, store: BlobStore, size: int, which: tuple[int, ...], at: int) -> None:
        content = content_of(size)
        wrong = bytearray(content)
        wrong[at] ^= 1
        with pytest.raises(DigestMismatch, match=r"w\.bin"):
            store.fetch(entry_of(content, *which), Origin(bytes(wrong)))
        self.nothing_left(store)

    def test_one_of_two_digests_wrong(self, store: BlobStore) -> None:
        entry = FileEntry(path="w", size_bytes=3, digests=(digests_of(b"xyz")[0], digests_of(b"abc")[1]))
        with pytest.raises(DigestMismatch, match="git-sha1"):
            store.fetch(entry, Origin(b"abc"))
        self.nothing_left(store)

    @pytest.mark.parametrize("size", SIZES[1:])
    @pytest.mark.parametrize("change", [-1, 1, 70_000])
    def test_a_short_or_overlong_body(self, store: BlobStore, size: int, change: int) -> None:
        content = content_of(size)
        body = content + bytes(change) if change > 0 else content[:change]
        with pytest.raises(SizeMismatch):
            store.fetch(entry_of(content), Origin(body))
        self.nothing_left(store)

    @pytest.mark.parametrize("size", [3 * MIB, 5 * MIB + 17, 33 * MIB + 5])
    def test_a_broken_fetch_goes_on_where_it_was(self, store: BlobStore, size: int) -> None:
        content = content_of(size)
        with pytest.raises(HubDown):
            store.fetch(entry_of(content), Origin(content, breaks_at=2 * MIB + 500_000))
        assert list(store.walk()) == []
        rest, moved = Origin(content), list[int]()
        assert store.fetch(entry_of(content), rest, moved.append).sha256
        assert rest.given == size - 2 * MIB
        assert rest.asked[0][0] == 2 * MIB
        assert sum(moved) == size

    def test_a_broken_small_fetch_can_be_repeated(self, store: BlobStore) -> None:
        with pytest.raises(HubDown):
            store.fetch(entry_of(b"abc"), Origin(b"abc", breaks_at=1))
        self.nothing_left(store)
        assert store.fetch(entry_of(b"abc"), Origin(b"abc")).sha256

    def test_a_wrong_byte_in_what_was_kept_is_found_and_healed_by_an_honest_source(
        self, store: BlobStore
    ) -> None:
        content = content_of(3 * MIB)
        wrong = bytearray(content)
        wrong[5] ^= 1
        with pytest.raises(HubDown):
            store.fetch(entry_of(content), Origin(bytes(wrong), breaks_at=2 * MIB))
        assert store.fetch(entry_of(content), Origin(content)).sha256
        store.remove(entry_of(content).sha256 or "")
        with pytest.raises(HubDown):
            store.fetch(entry_of(content), Origin(content, breaks_at=2 * MIB))
        wrong = bytearray(content)
        wrong[-1] ^= 1
        with pytest.raises(DigestMismatch):
            store.fetch(entry_of(content), Origin(bytes(wrong)))
        self.nothing_left(store)

    @pytest.mark.parametrize("which", [(0,), (1,)])
    @pytest.mark.parametrize("size", [1000, 5 * MIB])
    def test_callers_of_one_content_do_the_work_once(
        self, store: BlobStore, size: int, which: tuple[int, ...]
    ) -> None:
        content = content_of(size)
        start = threading.Barrier(4)
        origin, known = _Slowly(content), list[str | None]()

        def fetch() -> None:
            start.wait()
            known.append(store.fetch(entry_of(content, *which), origin).sha256)

        threads = [threading.Thread(target=fetch) for _ in range(4)]
        for thread in threads:
            thread.start()
        origin.begun.wait()
        origin.go.set()
        for thread in threads:
            thread.join()
        assert known == [hashlib.sha256(content).hexdigest()] * 4
        assert origin.most_at_once == 1
        if which == (1,):
            assert origin.given == size

    def test_add_and_remove(self, store: BlobStore) -> None:
        name = store.add(b"verdict")
        assert (name, store.add(b"verdict")) == (hashlib.sha256(b"verdict").hexdigest(),) * 2
        assert store.path(name).read_bytes() == b"verdict"
        store.remove(name)
        store.remove(name)
        self.nothing_left(store)
        for ask in (store.open, store.path):
            with pytest.raises(NotFound):
                ask(name)

    def test_a_store_that_nothing_was_put_into_has_room(self, store: BlobStore) -> None:
        store.require_room(1)
        with pytest.raises(StoreDown, match="bytes free"):
            store.require_room(1 << 60)

    @pytest.mark.parametrize("name", ["", "abc", "../../etc/passwd", "A" * 64, "0" * 63 + "/", "0" * 64])
    def test_names_that_nothing_lies_under(self, store: BlobStore, name: str) -> None:
        assert not store.holds(name)
        store.remove(name)
        asks: list[Callable[[str], object]] = [store.open, store.path]
        for ask in asks:
            with pytest.raises(NotFound):
                ask(name)

    def test_walk_names_everything(self, store: BlobStore) -> None:
        names = {store.add(b"%d" % n): len(b"%d" % n) for n in range(30)}
        assert dict(store.walk()) == names

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(cuts=st.lists(st.integers(0, 4 * MIB), max_size=5), piece=st.integers(1000, 2 * MIB))
    def test_any_history_of_cuts_ends_right(self, store: BlobStore, cuts: list[int], piece: int) -> None:
        content = content_of(4 * MIB + 99)
        entry = entry_of(content, 1)
        for cut in cuts:
            with pytest.raises(HubDown):
                store.fetch(entry, Origin(content, breaks_at=cut, piece=piece))
            assert not store.holds(entry.sha256 or "")
        store.fetch(entry, Origin(content, piece=piece))
        assert store.path(entry.sha256 or "").read_bytes() == content
        store.remove(entry.sha256 or "")

    @pytest.mark.parametrize("size", [0, 1, MIB + 1, 5 * MIB])
    def test_what_is_sent_is_taken_in_whole(self, store: BlobStore, size: int) -> None:
        content = content_of(size)
        name = hashlib.sha256(content).hexdigest()
        pieces = [memoryview(content)[at : at + 99_999] for at in range(0, size, 99_999)]
        store.take(name, size, pieces)
        assert store.path(name).read_bytes() == content
        store.take(name, size, pieces)
        assert list(store.walk()) == [(name, size)]

    @pytest.mark.parametrize("held", [False, True])
    def test_something_else_that_is_sent_leaves_nothing(self, store: BlobStore, held: bool) -> None:
        content = content_of(3 * MIB)
        name = hashlib.sha256(content).hexdigest()
        if held:
            store.add(content)
        for wrong, size, error in (
            (content[:-1] + b"x", len(content), DigestMismatch),
            (content[:-1], len(content), SizeMismatch),
            (content + b"x", len(content), SizeMismatch),
            (content, len(content) - 1, SizeMismatch),
        ):
            with pytest.raises(error):
                store.take(name, size, [wrong[:MIB], wrong[MIB:]])
        assert store.holds(name) is held
        if not held:
            self.nothing_left(store)

    def test_who_stops_sending_leaves_nothing_and_is_told_its_own_error(self, store: BlobStore) -> None:
        def cut() -> Iterator[bytes]:
            yield bytes(MIB)
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            store.take("0" * 64, 3 * MIB, cut())
        self.nothing_left(store)

    def test_an_endless_body_is_cut_off(self, store: BlobStore) -> None:
        given = []

        def endless() -> Iterator[bytes]:
            while True:
                given.append(1)
                yield bytes(MIB)

        with pytest.raises(SizeMismatch):
            store.take("0" * 64, 3 * MIB, endless())
        assert len(given) == 4
        self.nothing_left(store)

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("which", [(), (0,), (1,)], ids=["both digests", "git-sha1", "sha256"])
    def test_a_file_of_this_machine_is_adopted(
        self, store: BlobStore, size: int, which: tuple[int, ...], tmp_path: Path
    ) -> None:
        content, file = content_of(size), tmp_path / "theirs"
        file.write_bytes(content)
        known = store.adopt(entry_of(content, *which), file)
        assert known is not None
        assert known.sha256 == hashlib.sha256(content).hexdigest()
        assert file.stat().st_nlink == 1
        with file.open("r+b") as theirs:  # what its owner does to it afterwards is no affair of the store
            theirs.write(b"other bytes")
        with store.open(known.sha256) as held:
            assert held.read() == content

    @pytest.mark.parametrize("size", [1, 1000, 3 * MIB])
    def test_a_file_that_holds_something_else_is_not_adopted(
        self, store: BlobStore, size: int, tmp_path: Path
    ) -> None:
        content, file = content_of(size), tmp_path / "theirs"
        for other in (content[:-1], content + b"x", content[:-1] + bytes([content[-1] ^ 1])):
            file.write_bytes(other)
            for which in ((), (0,), (1,)):
                assert store.adopt(entry_of(content, *which), file) is None
        assert store.adopt(entry_of(content), tmp_path) is None
        assert store.adopt(entry_of(content), tmp_path / "nothing") is None
        self.nothing_left(store)

    def test_one_turn_at_a_time_and_who_waited_knows_it(self, store: BlobStore) -> None:
        waited, told, inside = threading.Event(), [], []

        def second() -> None:
            with store.turn("name", waited.set) as had:
                told.append(had)
                inside.append("second")

        with store.turn("name", pytest.fail) as had, store.turn("another", pytest.fail):
            assert not had
            other = threading.Thread(target=second)
            other.start()
            assert waited.wait(600)
            inside.append("first")
        other.join()
        assert (inside, told) == (["first", "second"], [True])
        self.nothing_left(store)

    def nothing_left(self, store: BlobStore) -> None:
        assert list(store.walk()) == []


class _Slowly(Origin):
    """An origin whose streams wait until they may go; counts how many are open at once."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.begun, self.go = threading.Event(), threading.Event()
        self.most_at_once = self._open = 0
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, start: int, stop: int | None) -> Iterator[ByteStream]:
        with self._lock:
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        self.begun.set()
        self.go.wait()
        with super().__call__(start, stop) as stream:
            yield stream
        with self._lock:
            self._open -= 1


class TestFolderBlobs(BlobStoreContract):
    @pytest.fixture(params=[False, True], ids=["client", "durable"])
    def store(self, tmp_path: Path, request: pytest.FixtureRequest) -> FolderBlobs:
        self.home = tmp_path / "home"
        return FolderBlobs(self.home, durable=request.param)

    def nothing_left(self, store: BlobStore) -> None:
        super().nothing_left(store)
        for folder in ("partial", "locks", "tmp"):
            assert list((self.home / folder).iterdir()) == []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


class TestS3Blobs(BlobStoreContract):
    """Each store is a prefix of its own; another machine, whose disk is empty, sees the same."""

    @pytest.fixture
    def store(self, server: S3Server, tmp_path: Path) -> S3Blobs:
        self.home = tmp_path / "home"
        bucket = open_bucket(f"s3://models/{tmp_path.name}", load_settings(server.environ).s3)
        self.elsewhere = S3Blobs(bucket, FolderBlobs(tmp_path / "elsewhere"), kept_bytes=1 << 40)
        return S3Blobs(bucket, FolderBlobs(self.home), kept_bytes=1 << 40)

    def nothing_left(self, store: BlobStore) -> None:
        super().nothing_left(store)
        for folder in ("partial", "locks", "tmp"):
            assert not (self.home / folder).exists() or list((self.home / folder).iterdir()) == []

    def test_another_machine_reads_what_was_taken_in(self, store: S3Blobs) -> None:
        for size in (0, 5, 3 * MIB):
            name = store.fetch(entry_of(content_of(size)), Origin(content_of(size))).sha256 or ""
            assert self.elsewhere.holds(name)
            assert self.elsewhere.path(name).read_bytes() == content_of(size)
            with self.elsewhere.open(name) as file:
                assert file.read() == content_of(size)
