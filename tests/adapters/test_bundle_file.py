"""A bundle as a file: every byte of it counts."""

from __future__ import annotations

import io
import random
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.domain.test_bundle import blob, entry, lock_of, sha
from weighbridge.adapters.bundle_file import open_bundle, write_bundle
from weighbridge.domain.bundle import Index, Member, header, index_name, padded
from weighbridge.errors import BadBundle, BadInput, NotFound, StoreDown

GOLDEN = Path(__file__).parent.parent / "golden" / "bundles"
CONTENTS = {sha(c): c for c in (b"{}", b"weights" * 200, b"", bytes(512))}
NAMES = dict(zip(CONTENTS, ("config.json", "w.bin", "empty", "block.bin"), strict=True))
INDEX = Index(
    members=tuple(map(blob, CONTENTS.values())),
    lock=lock_of(*(entry(NAMES[sha], content) for sha, content in CONTENTS.items())),
    made_by="test",
)


def held(member: Member) -> io.BytesIO:
    return io.BytesIO(CONTENTS[member.sha256])


def nobody(count: int) -> None:
    """Hears of nothing."""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "a.bundle", INDEX, held, nobody)
    return tmp_path / "a.bundle"


def read(place: Path) -> dict[str, bytes]:
    """Everything of a bundle, checked as a store would."""
    found = {}
    with open_bundle(place) as reading:
        for member, pieces in reading.contents():
            content = b"".join(pieces)
            if sha(content) != member.sha256:
                raise BadBundle(str(place), reading.index.labels[member.sha256], "has other bytes")
            found[member.sha256] = content
        assert reading.sha256 == sha(place.read_bytes())
    return found


def test_what_was_written_is_read(bundle: Path) -> None:
    assert read(bundle) == CONTENTS
    assert bundle.stat().st_size == INDEX.total_bytes


def test_a_bundle_of_the_first_format_is_read_for_good() -> None:
    assert read(GOLDEN / "v1-models.bundle") == CONTENTS
    spelled = (GOLDEN / "v1-packages.json").read_bytes()
    index = Index.loads(spelled)
    assert index.dumps() == spelled
    assert [packed.label for packed in index.packages] == ["org/a@1.0.0"]


def test_the_digest_is_that_of_the_file_and_the_same_each_time(bundle: Path, tmp_path: Path) -> None:
    moved: list[int] = []
    again = tmp_path / "b.bundle"
    assert write_bundle(again, INDEX, held, moved.append) == sha(bundle.read_bytes())
    assert again.read_bytes() == bundle.read_bytes()
    assert sum(moved) == INDEX.total_bytes


def test_any_tar_can_look_into_it(bundle: Path) -> None:
    with tarfile.open(bundle) as archive:
        names = archive.getnames()
        assert names == [index_name(INDEX.dumps()), *(member.name for member in INDEX.members)]
        for member in INDEX.members:
            taken = archive.extractfile(member.name)
            assert taken is not None
            assert taken.read() == CONTENTS[member.sha256]
    listed = subprocess.run(["tar", "tf", str(bundle)], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == names


def test_one_flipped_bit_anywhere_is_found_and_its_place_is_named(bundle: Path) -> None:
    whole = bundle.read_bytes()
    rng = random.Random(5)
    at_random = [rng.randrange(len(whole)) for _ in range(300)]
    for at in (0, 100, 257, 511, 512, len(whole) - 1, *at_random):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << rng.randrange(8)
        bundle.write_bytes(damaged)
        with pytest.raises(BadBundle) as caught:
            read(bundle)
        assert caught.value.member in {*INDEX.labels.values(), "the index", "the end"}, at
    begins = len(whole) - 1024 - 512
    damaged = bytearray(whole)
    damaged[begins] ^= 1
    bundle.write_bytes(damaged)
    with pytest.raises(BadBundle, match=r"block\.bin"):
        read(bundle)


def test_wherever_it_is_cut_off_that_is_told(bundle: Path) -> None:
    whole = bundle.read_bytes()
    for length in (len(whole) - 1, len(whole) - 1024, len(whole) // 2, 1000, 600):
        bundle.write_bytes(whole[:length])
        with pytest.raises(BadBundle, match="cut off"):
            read(bundle)
    for length in (0, 300):
        bundle.write_bytes(whole[:length])
        with pytest.raises((BadBundle, BadInput)):
            read(bundle)


def spelled(index: bytes, *members: tuple[str, bytes]) -> bytes:
    """An archive with this index and these members, whatever the index says of them."""
    rows = [(index_name(index), index), *members]
    told = [header(name, len(c)) + c + bytes(padded(len(c)) - len(c)) for name, c in rows]
    return b"".join(told) + bytes(1024)


MEMBERS = [(member.name, CONTENTS[member.sha256]) for member in INDEX.members]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda: spelled(INDEX.dumps(), *MEMBERS, ("extra", b"x")), "the end is damaged"),
        (lambda: spelled(INDEX.dumps(), *MEMBERS) + b"more", "followed by more"),
        (lambda: spelled(INDEX.dumps(), *MEMBERS) + bytes(512), "followed by more"),
        (lambda: spelled(INDEX.dumps(), MEMBERS[0], MEMBERS[0], *MEMBERS[1:]), "damaged header"),
        (lambda: spelled(INDEX.dumps(), *reversed(MEMBERS)), "damaged header"),
        (lambda: spelled(INDEX.dumps(), *MEMBERS[1:]), "damaged header"),
        (lambda: spelled(INDEX.dumps().replace(b'"size":2', b'"size":3'), *MEMBERS), "contradicts itself"),
    ],
    ids=["extra", "bytes after", "blocks after", "twice", "order", "missing", "a lie on a size"],
)
def test_an_archive_that_is_not_what_its_index_says(
    bundle: Path, change: Callable[[], bytes], why: str
) -> None:
    bundle.write_bytes(change())
    with pytest.raises(BadBundle, match=why):
        read(bundle)


def test_the_spelling_of_the_attacks_is_right(bundle: Path) -> None:
    assert spelled(INDEX.dumps(), *MEMBERS) == bundle.read_bytes()


def test_other_files_and_later_formats_are_the_callers_mistake(bundle: Path) -> None:
    bundle.write_bytes(b"PK\x03\x04" + bytes(2000))
    with pytest.raises(BadInput, match="is no bundle"):
        read(bundle)
    with tarfile.open(bundle, "w") as other:
        other.add(__file__, "somebody-elses.py")
    with pytest.raises(BadInput, match="is no bundle"):
        read(bundle)
    bundle.write_bytes(spelled(INDEX.dumps().replace(b'"bundle_format":1', b'"bundle_format":2'), *MEMBERS))
    with pytest.raises(BadInput, match="is not 1") as caught:
        read(bundle)
    assert "update this one" in caught.value.hint
    with pytest.raises(NotFound):
        read(bundle.with_name("absent"))
    with pytest.raises((NotFound, StoreDown)):
        read(bundle.parent)


def test_a_content_with_other_bytes_leaves_nothing_behind(bundle: Path) -> None:
    before = bundle.read_bytes()
    for wrong in (b"{]", b"", b"{"):
        with pytest.raises(BadBundle, match=r"a: config.json is held with other bytes"):
            write_bundle(bundle, INDEX, lambda _, wrong=wrong: io.BytesIO(wrong), nobody)  # type: ignore[misc]
    assert bundle.read_bytes() == before
    assert list(bundle.parent.iterdir()) == [bundle]


def test_what_a_kill_left_is_swept_and_what_others_write_is_not(bundle: Path) -> None:
    left = bundle.with_name(".a.bundle.0123.part")
    left.write_bytes(b"half")
    meanwhile = []

    def opened(member: Member) -> io.BytesIO:
        meanwhile.extend(bundle.parent.glob(".*.part"))
        if len(meanwhile) == 1:
            write_bundle(bundle, INDEX, held, nobody)
        return held(member)

    write_bundle(bundle, INDEX, opened, nobody)
    assert left not in meanwhile
    assert meanwhile
    assert list(bundle.parent.iterdir()) == [bundle]
    assert read(bundle) == CONTENTS


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreDown, match="cannot write"):
        write_bundle(tmp_path / "absent" / "a.bundle", INDEX, held, nobody)
    with pytest.raises(BadInput, match="is a folder"):
        write_bundle(tmp_path, INDEX, held, nobody)
