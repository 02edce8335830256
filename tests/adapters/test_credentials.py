"""Where tokens come from: the order, one Hub never another's, files that only their owner reads."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from weighbridge.adapters.credentials import FILE_NAME, Credentials
from weighbridge.adapters.os_keyring import OsKeyring
from weighbridge.domain.credential import Source
from weighbridge.domain.invalid import Invalid
from weighbridge.errors import BadInput, MissingExtra, StoreDown

HUB, OTHER = "https://huggingface.co", "https://hub.acme.test"


class Memory(KeyringBackend):
    """A keyring that keeps secrets as long as the test lasts."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        try:
            del self.kept[service, username]
        except KeyError:
            raise PasswordDeleteError("none") from None


@pytest.fixture
def ring() -> Iterator[Memory]:
    before, ring = keyring.get_keyring(), Memory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def _credentials(home: Path, *, environment: str = "", file: Path | None = None) -> Credentials:
    return Credentials(
        home,
        environment={HUB: environment} if environment else {},
        files={HUB: file} if file else {},
        keyring=OsKeyring(),
    )


def _token(found: Credentials, hub: str = HUB, given: str | None = None) -> tuple[str, Source] | None:
    credential = found.find(hub, given)
    return (credential.token, credential.source) if credential else None


def test_the_first_place_that_has_a_token_counts(tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert _token(_credentials(tmp_path, file=file)) is None
    _credentials(tmp_path).keep(HUB, "kept")
    assert _token(_credentials(tmp_path, file=file)) == ("kept", Source.CREDENTIALS)
    file.write_text("filed\n")
    assert _token(_credentials(tmp_path, file=file)) == ("filed", Source.TOKEN_FILE)
    everything = _credentials(tmp_path, file=file, environment="said")
    assert _token(everything) == ("said", Source.ENVIRONMENT)
    assert _token(everything, given="given") == ("given", Source.GIVEN)


def test_a_token_for_one_hub_is_given_out_for_no_other(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("filed")
    found = _credentials(tmp_path, file=file, environment="said")
    found.keep(HUB, "kept")
    for other in (
        OTHER,
        "http://huggingface.co",
        "https://huggingface.co:8443",
        "https://huggingface.co.test",
    ):
        assert found.find(other) is None
    found.keep(OTHER, "acme's")
    assert _token(found, f"{OTHER}/hub/") == ("acme's", Source.CREDENTIALS)
    assert _token(found, "https://HUB.acme.test:443") == ("acme's", Source.CREDENTIALS)
    assert found.forget(OTHER) == str(tmp_path / FILE_NAME)
    assert found.forget(OTHER) is None
    assert found.find(OTHER) is None
    assert _token(found) == ("said", Source.ENVIRONMENT)


def test_what_is_kept_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = os.umask(0)
    try:
        _credentials(home).keep(HUB, "canary-token")
    finally:
        os.umask(before)
    assert (home / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.iterdir() if path.is_file()] == [FILE_NAME]


def test_where_a_link_stands_for_the_file_a_forgotten_token_lies_nowhere(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    home.mkdir()
    (home / FILE_NAME).symlink_to(elsewhere / "tokens.json")
    found = _credentials(home)
    found.keep(HUB, "canary-token")
    found.keep(OTHER, "acme's")
    assert "canary-token" in (elsewhere / "tokens.json").read_text()
    assert (elsewhere / "tokens.json").stat().st_mode & 0o777 == 0o600
    assert found.forget(HUB)
    assert (home / FILE_NAME).is_symlink()
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert "canary-token" not in "".join(texts)
    assert _token(found, OTHER) == ("acme's", Source.CREDENTIALS)


def test_what_a_kill_left_half_written_goes_with_the_next_change(tmp_path: Path) -> None:
    left = tmp_path / f".{FILE_NAME}.0123456789abcdef"
    left.write_text('{"format": 1, "hubs": {"https://huggingface.co": {"token": "canary-token"}}}')
    found = _credentials(tmp_path)
    assert _token(found) is None
    found.keep(OTHER, "acme's")
    assert not left.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    found = _credentials(tmp_path)
    found.keep(HUB, "canary-token")
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(BadInput, match="may be read by others") as refused:
        found.find(HUB)
    assert f"chmod 600 '{tmp_path / FILE_NAME}'" in refused.value.hint
    with pytest.raises(BadInput):
        found.keep(OTHER, "another")
    assert _token(_credentials(tmp_path, environment="said")) == ("said", Source.ENVIRONMENT)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 2, "hubs": {}}', '{"format": 1, "hubs": 3}', "[" * 100_000, "\xff"]
)
def test_a_damaged_file_is_refused_and_never_overwritten(tmp_path: Path, content: str) -> None:
    place = tmp_path / FILE_NAME
    place.write_text(content, encoding="latin-1")
    place.chmod(0o600)
    for ask in (lambda found: found.find(HUB), lambda found: found.keep(HUB, "t")):
        with pytest.raises(BadInput, match="damaged") as refused:
            ask(_credentials(tmp_path))
        assert "remove it" in refused.value.hint
    assert place.read_text(encoding="latin-1") == content


@pytest.mark.parametrize("kept", [None, 3, [], "t", {}, {"token": 7}, {"token": ""}, {"keyring": "yes"}])
def test_an_entry_of_another_shape_is_no_token(tmp_path: Path, kept: object) -> None:
    place = tmp_path / FILE_NAME
    place.write_text(json.dumps({"format": 1, "hubs": {HUB: kept, OTHER: {"token": "good"}}}))
    place.chmod(0o600)
    found = _credentials(tmp_path)
    assert found.find(HUB) is None
    assert _token(found, OTHER) == ("good", Source.CREDENTIALS)


@pytest.mark.parametrize("where", ["environment", "file", "kept", "given"])
def test_a_token_that_cannot_stand_in_a_header_is_told_by_its_place_and_not_shown(
    tmp_path: Path, where: str
) -> None:
    bad, file, given = "canary\x01token", tmp_path / "token", None
    if where == "file":
        file.write_text(bad)
    elif where == "kept":
        (tmp_path / FILE_NAME).write_text(json.dumps({"format": 1, "hubs": {HUB: {"token": bad}}}))
        (tmp_path / FILE_NAME).chmod(0o600)
    elif where == "given":
        given = bad
    found = _credentials(tmp_path, environment=bad if where == "environment" else "", file=file)
    with pytest.raises(BadInput) as refused:
        found.find(HUB, given)
    place = {"environment": "HF_TOKEN", "file": str(file), "kept": FILE_NAME, "given": "the caller"}[where]
    assert place in str(refused.value)
    assert "canary" not in f"{refused.value!r}{refused.value.hint}"


def test_a_token_file_of_other_tools_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfe")
    assert _credentials(tmp_path, file=file).find(HUB) is None
    assert _credentials(tmp_path, file=tmp_path).find(HUB) is None


def test_many_who_log_in_at_once_lose_nothing(tmp_path: Path) -> None:
    hubs = [f"https://hub{number}.test" for number in range(24)]
    threads = [
        threading.Thread(target=lambda hub=hub: _credentials(tmp_path).keep(hub, f"of-{hub[8:]}"))
        for hub in hubs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [_token(_credentials(tmp_path), hub) for hub in hubs] == [
        (f"of-{hub[8:]}", Source.CREDENTIALS) for hub in hubs
    ]


def test_who_reads_while_others_write_never_sees_half_a_file(tmp_path: Path) -> None:
    found = _credentials(tmp_path)
    found.keep(HUB, "first")
    writing = threading.Thread(
        target=lambda: [_credentials(tmp_path).keep(OTHER, f"t{n}") for n in range(100)]
    )
    writing.start()
    reads = 0
    while writing.is_alive() or not reads:
        assert _token(found) == ("first", Source.CREDENTIALS)
        reads += 1
    writing.join()
    assert _token(found, OTHER) == ("t99", Source.CREDENTIALS)


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)  # as Python marks what cannot be imported
    with pytest.raises(MissingExtra) as refused:
        _credentials(tmp_path).keep(HUB, "t", in_keyring=True)
    assert "weighbridge[keyring]" in refused.value.hint
    assert _credentials(tmp_path).find(HUB) is None


def test_a_keyring_keeps_the_token_and_the_file_only_that_it_does(tmp_path: Path, ring: Memory) -> None:
    found = _credentials(tmp_path)
    kept = found.keep(HUB, "canary-token", in_keyring=True)
    assert kept.source is Source.KEYRING
    assert ring.kept == {("weighbridge", HUB): "canary-token"}
    assert "canary" not in (tmp_path / FILE_NAME).read_text()
    assert "canary" not in repr(kept)
    assert _token(found) == ("canary-token", Source.KEYRING)
    found.keep(HUB, "in-the-file")
    assert ring.kept == {}
    assert _token(found) == ("in-the-file", Source.CREDENTIALS)
    found.keep(HUB, "again", in_keyring=True)
    assert "in-the-file" not in (tmp_path / FILE_NAME).read_text()
    assert found.forget(HUB) == OsKeyring.name
    assert (ring.kept, found.find(HUB)) == ({}, None)


def test_a_locked_keyring_says_so_and_one_that_was_emptied_has_none(tmp_path: Path, ring: Memory) -> None:
    found = _credentials(tmp_path)
    found.keep(HUB, "t", in_keyring=True)
    ring.locked = True
    with pytest.raises(StoreDown, match="keyring") as refused:
        found.find(HUB)
    assert "unlock" in refused.value.hint
    ring.locked = False
    ring.kept.clear()
    assert found.find(HUB) is None
    assert found.forget(HUB) == OsKeyring.name


def test_where_there_is_no_keyring_nothing_is_kept(tmp_path: Path) -> None:
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        with pytest.raises(BadInput, match="no keyring"):
            _credentials(tmp_path).keep(HUB, "t", in_keyring=True)
    finally:
        keyring.set_keyring(before)
    assert _credentials(tmp_path).find(HUB) is None


def test_a_home_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(StoreDown, match="nothing can be kept"):
        _credentials(place / "home").keep(HUB, "t")


def test_an_address_with_a_token_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        _credentials(tmp_path).keep("https://me:canary@hub.test", "t")
    assert "canary" not in str(refused.value)
