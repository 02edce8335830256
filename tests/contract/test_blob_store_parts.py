"""What every blob store must do with contents that come in parts."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.parts import PartedContent
from weighbridge.errors import BadInput, Conflict, DigestMismatch, IncompleteUpload, NotFound, SizeMismatch
from weighbridge.ports import BlobStore

PART, MIB = 100_000, 1 << 20
CONTENT = hashlib.shake_128(b"parts").digest(4 * PART + 321)
OID = hashlib.sha256(CONTENT).hexdigest()


def parted(content: bytes = CONTENT, part: int = PART, oid: str = "") -> PartedContent:
    return PartedContent(
        upload=os.urandom(16).hex(),
        sha256=oid or hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        part_bytes=part,
    )


def pieces(content: bytes, of: PartedContent, number: int, step: int = 30_001) -> list[memoryview]:
    start, stop = of.span(number)
    whole = memoryview(content)[start:stop]
    return [whole[at : at + step] for at in range(0, len(whole), step)]


def send(store: BlobStore, of: PartedContent, content: bytes, numbers: Sequence[int]) -> dict[int, str]:
    return {number: store.take_part(of, number, pieces(content, of, number)) for number in numbers}


def in_order(tags: dict[int, str]) -> list[str]:
    return [tags[number] for number in sorted(tags)]


class PartsContract:
    """Subclass it with a ``store`` fixture, an empty store."""

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.permutations(range(1, 6)), st.lists(st.integers(1, 5), max_size=4))
    def test_any_order_and_any_part_again(self, store: BlobStore, order: list[int], again: list[int]) -> None:
        of = parted()
        tags = send(store, of, os.urandom(len(CONTENT)), again)  # what comes again replaces itself
        tags |= send(store, of, CONTENT, order)
        assert not store.holds(OID)
        store.join_parts(of, in_order(tags))
        assert store.path(OID).read_bytes() == CONTENT
        store.remove(OID)
        self.nothing_left(store)

    def test_all_parts_at_once(self, store: BlobStore) -> None:
        of = parted(part=9_000)
        start = threading.Barrier(8)

        def some(first: int) -> dict[int, str]:
            start.wait()
            return send(store, of, CONTENT, range(first, of.count + 1, 8))

        with ThreadPoolExecutor(8) as pool:
            tags = {number: tag for each in pool.map(some, range(1, 9)) for number, tag in each.items()}
        store.join_parts(of, in_order(tags))
        assert store.path(OID).read_bytes() == CONTENT

    @pytest.mark.parametrize("size", [16 * MIB, 16 * MIB + 77])
    @pytest.mark.parametrize("part", [3 * MIB, 4 * MIB, 3 * MIB + 5, 5_000_001])
    def test_large_parts_at_once_in_the_end_and_again(self, store: BlobStore, size: int, part: int) -> None:
        content = hashlib.shake_128(b"large").digest(size)
        of = parted(content, part)
        send(store, of, bytes(size), range(1, of.count + 1))
        with ThreadPoolExecutor(4) as pool:
            sent = pool.map(lambda n: send(store, of, content, [n]), range(of.count, 0, -1))
            tags = {number: tag for each in sent for number, tag in each.items()}
        store.join_parts(of, in_order(tags))
        assert store.path(of.sha256).read_bytes() == content

    @pytest.mark.parametrize("change", [-1, 1, -PART])
    def test_a_part_of_another_size_counts_as_not_sent(self, store: BlobStore, change: int) -> None:
        of = parted()
        tags = send(store, of, CONTENT, range(1, 6))
        start, stop = of.span(2)
        with pytest.raises(SizeMismatch, match="part 2 of 5"):
            store.take_part(of, 2, [CONTENT[start : stop + change]])
        with pytest.raises(IncompleteUpload, match="part 2 of"):
            store.join_parts(of, in_order(tags))
        assert not store.holds(OID)
        tags |= send(store, of, CONTENT, [2])
        store.join_parts(of, in_order(tags))
        assert store.holds(OID)

    def test_parts_that_are_missing_are_named(self, store: BlobStore) -> None:
        of = parted()
        tags = send(store, of, CONTENT, [1, 3, 4])
        with pytest.raises(IncompleteUpload) as caught:
            store.join_parts(of, in_order(tags))
        assert caught.value.parts == (2, 5)
        assert "part 2 of the upload" in caught.value.message
        assert "(and 1 more)" in caught.value.message

    def test_a_tag_of_another_sending_or_another_upload(self, store: BlobStore) -> None:
        of, other = parted(), parted()
        tags, others = (send(store, each, CONTENT, range(1, 6)) for each in (of, other))
        newer = tags | send(store, of, CONTENT, [3])
        for wrong in (tags, newer | {5: others[5]}, {**newer, 1: newer[2]}):
            with pytest.raises(IncompleteUpload, match="ETag"):
                store.join_parts(of, in_order(wrong))
        store.join_parts(of, in_order(newer))
        assert store.holds(OID)

    def test_parts_that_make_something_else_leave_nothing(self, store: BlobStore) -> None:
        of = parted()
        wrong = bytearray(CONTENT)
        wrong[PART + 5] ^= 1
        tags = send(store, of, bytes(wrong), range(1, 6))
        with pytest.raises(DigestMismatch):
            store.join_parts(of, in_order(tags))
        self.nothing_left(store)
        with pytest.raises(NotFound, match="no part of this upload"):
            store.join_parts(of, in_order(tags))

    def test_completed_twice_and_a_part_that_comes_too_late(self, store: BlobStore) -> None:
        of = parted()
        tags = send(store, of, CONTENT, range(1, 6))

        def late() -> Iterator[bytes]:
            yield CONTENT[:1000]
            tags.update(send(store, of, CONTENT, [1]))
            store.join_parts(of, in_order(tags))
            yield b"x" * (PART - 1000)

        with pytest.raises(Conflict, match="too late"):
            store.take_part(of, 1, late())
        assert store.path(OID).read_bytes() == CONTENT
        store.join_parts(of, in_order(tags))
        store.remove(OID)
        with pytest.raises(NotFound, match="no part of this upload"):
            store.join_parts(of, in_order(tags))

    def test_all_who_complete_at_once_hear_the_same(self, store: BlobStore) -> None:
        for _ in range(5):
            of = parted()
            tags, start = in_order(send(store, of, CONTENT, range(1, 6))), threading.Barrier(4)

            def join(of: PartedContent, tags: list[str], start: threading.Barrier) -> None:
                start.wait()
                store.join_parts(of, tags)

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(join, [of] * 4, [tags] * 4, [start] * 4))
            assert list(store.walk()) == [(OID, len(CONTENT))]
            store.remove(OID)

    def test_who_begins_a_part_takes_it_over(self, store: BlobStore) -> None:
        of = parted()
        rest = send(store, of, CONTENT, [1, 2, 3, 4])

        def slow() -> Iterator[bytes]:
            yield b"x"
            rest.update(send(store, of, CONTENT, [5]))
            yield b"x" * 320

        with pytest.raises(Conflict, match="is being sent again"):
            store.take_part(of, 5, slow())
        store.join_parts(of, in_order(rest))
        assert store.path(OID).read_bytes() == CONTENT

    def test_who_stops_sending_is_told_its_own_error(self, store: BlobStore) -> None:
        of = parted()

        def cut() -> Iterator[bytes]:
            yield bytes(100)
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            store.take_part(of, 1, cut())
        with pytest.raises(IncompleteUpload):
            store.join_parts(of, ["x"] * 5)

    def test_an_endless_part_is_cut_off(self, store: BlobStore) -> None:
        given = []

        def endless() -> Iterator[bytes]:
            while True:
                given.append(1)
                yield bytes(PART // 2)

        with pytest.raises(SizeMismatch):
            store.take_part(parted(), 1, endless())
        assert len(given) == 3

    @pytest.mark.parametrize("number", [0, -1, 6, 1 << 40])
    def test_a_part_that_there_is_not(self, store: BlobStore, number: int) -> None:
        with pytest.raises(Invalid, match="none of the 5 parts"):
            store.take_part(parted(), number, [b"x"])
        self.nothing_left(store)

    def test_a_held_content_comes_again(self, store: BlobStore) -> None:
        store.add(CONTENT)
        of = parted()
        store.join_parts(of, in_order(send(store, of, CONTENT, range(1, 6))))
        assert list(store.walk()) == [(OID, len(CONTENT))]
        lie = parted(oid="0" * 64)
        with pytest.raises(DigestMismatch):
            store.join_parts(lie, in_order(send(store, lie, CONTENT, range(1, 6))))
        assert not store.holds("0" * 64)

    def test_two_uploads_of_one_content_do_not_meet(self, store: BlobStore) -> None:
        one, two = parted(), parted(part=PART * 2)
        noise = os.urandom(len(CONTENT))
        bad = send(store, one, noise, range(1, 6))
        good = send(store, two, CONTENT, range(1, 4))
        with pytest.raises(DigestMismatch):
            store.join_parts(one, in_order(bad))
        store.join_parts(two, in_order(good))
        assert store.path(OID).read_bytes() == CONTENT

    def nothing_left(self, store: BlobStore) -> None:
        assert list(store.walk()) == []


class TestFolderParts(PartsContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FolderBlobs:
        self.home = tmp_path / "home"
        return FolderBlobs(self.home, durable=True)

    def nothing_left(self, store: BlobStore) -> None:
        super().nothing_left(store)
        assert [file for file in (self.home / "tmp").iterdir() if file.stat().st_size] == []

    def test_a_kill_before_the_rename_is_made_good_by_asking_again(self, store: FolderBlobs) -> None:
        of = parted()
        tags = send(store, of, CONTENT, range(1, 6))
        (begun,) = (self.home / "tmp").iterdir()
        os.truncate(begun, len(CONTENT))  # as a kill leaves it that hits while the whole is hashed
        assert not store.holds(OID)
        with pytest.raises(Conflict, match="too late"):
            send(store, of, CONTENT, [1])
        store.join_parts(of, in_order(tags))
        assert store.path(OID).read_bytes() == CONTENT
        assert [file for file in (self.home / "tmp").iterdir() if file.stat().st_size] == []

    def test_a_kill_before_the_first_byte(self, store: FolderBlobs) -> None:
        of = parted()
        send(store, of, CONTENT, [1])
        (begun,) = (self.home / "tmp").iterdir()
        os.truncate(begun, 0)
        with pytest.raises(BadInput):
            store.join_parts(of, ["x"] * 5)
        store.join_parts(of, in_order(send(store, of, CONTENT, range(1, 6))))
        assert store.holds(OID)

    def test_what_was_given_up_is_swept(self, store: FolderBlobs) -> None:
        of = parted()
        tags = send(store, of, CONTENT, range(1, 5))
        assert store.sweep(3600) == 0
        (begun,) = (self.home / "tmp").iterdir()
        os.utime(begun, (1, 1))
        assert store.sweep(3600) >= len(CONTENT)
        self.nothing_left(store)
        with pytest.raises(NotFound):
            store.join_parts(of, in_order(tags))

    def test_only_what_came_takes_room(self, store: FolderBlobs) -> None:
        of = replace(parted(), size_bytes=10_000_000_000, part_bytes=1_000_000_000)
        with pytest.raises(SizeMismatch):
            store.take_part(of, 7, [b"hello"])
        (begun,) = (self.home / "tmp").iterdir()
        assert begun.stat().st_blocks * 512 < 64 << 20
