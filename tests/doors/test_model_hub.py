"""``weighbridge.model_hub`` over a real Hub: one file, pinned, checked, downloaded once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hub_server import HubServer, serve_hub
from weighbridge.errors import (
    BadInput,
    Conflict,
    DigestMismatch,
    HubDown,
    IntegrityError,
    NoSuchFile,
    NoSuchRepo,
    NotFound,
    WeighbridgeError,
)
from weighbridge.model_hub import (
    clear_cache,
    download_model_from_hf,
    fetch_model,
    source_from_env,
    upgrade_models,
    verify_cache,
)
from weighbridge.settings import child_environment

HEAD, OTHER, WHOLE = b"head" * 5_000, b"other" * 5_000, b"tuned" * 6_000
FILES = {
    "head.safetensors": HEAD,
    "other.safetensors": OTHER,
    "card.json": b"{}",
    "tuned/config.json": b"[]",
    "tuned/model.safetensors": WHOLE,
}
REPO = "acme/models"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with serve_hub({REPO: FILES}) as server:
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "USE_HF_MODELS", "HF_REPO_ID", "HF_REVISION"):
            monkeypatch.delenv(name, raising=False)
        for name, value in child_environment(
            {
                "HF_ENDPOINT": server.url,
                "HF_HOME": str(tmp_path / "hf"),
                "WEIGHBRIDGE_HOME": str(tmp_path / "w"),
            }
        ).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(scope="module")
def all_held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Every file of the repository, held below the folder 'app'."""
    place = tmp_path_factory.mktemp("held")
    with serve_hub({REPO: FILES}) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", server.url)
        patch.setenv("HF_HOME", str(place / "hf"))
        yield {name: fetch_model(REPO, name, "app").path for name in FILES}


def test_the_file_is_in_the_folder_of_the_application_and_asked_for_once(
    hub: HubServer, tmp_path: Path
) -> None:
    path = download_model_from_hf(repo_id=REPO, filename="head.safetensors", cache_subdir="app")
    assert path.read_bytes() == HEAD
    assert path.is_relative_to(tmp_path / "hf" / "app")
    assert path.name == "head.safetensors"
    hub.forget()
    assert download_model_from_hf(REPO, "head.safetensors", "app") == path
    assert hub.requests == []
    assert not (tmp_path / "w").exists()  # all of it is in the one folder that clearing removes


def test_a_small_file_of_git_itself_is_checked_too(hub: HubServer) -> None:
    held = fetch_model(REPO, "card.json")
    assert held.path.read_bytes() == b"{}"
    assert len(held.sha256) == 64


def test_a_folder_is_meant_by_a_slash(hub: HubServer) -> None:
    held = fetch_model(REPO, "tuned/")
    assert (held.path / "model.safetensors").read_bytes() == WHOLE
    assert [entry.path for entry in held.files] == ["tuned/config.json", "tuned/model.safetensors"]
    assert held.sha256 == ""


def test_a_repository_that_moves_on_changes_nothing_until_it_is_upgraded(hub: HubServer) -> None:
    first = fetch_model(REPO, "head.safetensors")
    hub.repos[REPO].commit({**FILES, "head.safetensors": b"new" * 9_000, "other.safetensors": b"new" * 9_999})
    again, other = fetch_model(REPO, "head.safetensors"), fetch_model(REPO, "other.safetensors")
    assert (again.path, again.commit) == (first.path, first.commit)
    assert other.commit == first.commit  # a file that is asked for later comes from the same commit
    assert other.path.read_bytes() == OTHER

    moved = upgrade_models(REPO)
    assert moved == hub.repos[REPO].head
    now = fetch_model(REPO, "head.safetensors")
    assert (now.commit, now.path.read_bytes()) == (moved, b"new" * 9_000)
    assert fetch_model(REPO, "other.safetensors").commit == moved
    assert first.path.read_bytes() == HEAD  # for whoever has it open


def test_an_upgrade_to_a_commit_without_the_file_moves_nothing(hub: HubServer) -> None:
    first, other = fetch_model(REPO, "head.safetensors"), fetch_model(REPO, "other.safetensors")
    hub.repos[REPO].commit({"heads/head.safetensors": HEAD, "other.safetensors": OTHER})
    with pytest.raises(NoSuchFile, match=r"head\.safetensors") as raised:
        upgrade_models(REPO)
    assert "heads/head.safetensors" in raised.value.hint
    assert fetch_model(REPO, "head.safetensors").commit == first.commit
    assert fetch_model(REPO, "other.safetensors").commit == other.commit
    with pytest.raises(BadInput, match="no file of"):
        upgrade_models("acme/never-asked")


def test_a_revision_is_a_pin_of_its_own(hub: HubServer) -> None:
    old = hub.repos[REPO].head
    new = hub.repos[REPO].commit({**FILES, "head.safetensors": b"new" * 9_000})
    assert fetch_model(REPO, "head.safetensors").commit == new
    pinned = fetch_model(REPO, "head.safetensors", revision=old)
    assert (pinned.commit, pinned.path.read_bytes()) == (old, HEAD)


def test_a_missing_file_is_an_error_with_the_nearest_name_and_no_folder(
    hub: HubServer, tmp_path: Path
) -> None:
    with pytest.raises(NoSuchFile) as raised:
        fetch_model(REPO, "head.pkl", "app")
    assert "head.safetensors" in raised.value.hint
    with pytest.raises(NoSuchFile):
        fetch_model(REPO, "nothing/", "app")
    with pytest.raises(NoSuchRepo):
        fetch_model("acme/none", "head.safetensors", "app")
    left = [path for path in (tmp_path / "hf" / "app").rglob("*") if ".weighbridge" not in path.parts]
    assert left == []


@pytest.mark.parametrize("filename", ["*.safetensors", "../head", "/etc/passwd", "", "a\\b", "!head", "/"])
def test_a_name_that_is_none_is_refused_before_anything_is_asked(hub: HubServer, filename: str) -> None:
    with pytest.raises(BadInput):
        fetch_model(REPO, filename)
    assert hub.requests == []


@pytest.mark.parametrize("subdir", ["hub", "Hub", "../x", "/tmp", "", "xet/mine"])
def test_the_folders_of_others_are_not_taken(hub: HubServer, subdir: str) -> None:
    with pytest.raises(BadInput):
        fetch_model(REPO, "head.safetensors", subdir)
    with pytest.raises(BadInput):
        clear_cache(subdir)


def test_a_folder_with_files_of_others_is_neither_used_nor_cleared(hub: HubServer, tmp_path: Path) -> None:
    mine = tmp_path / "hf" / "app" / "thesis.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(Conflict, match=r"thesis\.txt"):
        fetch_model(REPO, "head.safetensors", "app")
    with pytest.raises(Conflict):
        clear_cache("app")
    assert mine.read_text() == "mine"


def test_a_wrong_byte_on_the_line_is_an_error_and_leaves_nothing(hub: HubServer, tmp_path: Path) -> None:
    hub.fault("*/resolve/*/head.safetensors", flip=17)
    with pytest.raises(DigestMismatch, match=r"head\.safetensors"):
        fetch_model(REPO, "head.safetensors", "app")
    assert list((tmp_path / "hf" / "app").rglob("head.safetensors")) == []
    hub.forget()
    assert fetch_model(REPO, "head.safetensors", "app").path.read_bytes() == HEAD


def test_a_file_that_was_changed_is_noticed_and_healed(hub: HubServer) -> None:
    path = fetch_model(REPO, "head.safetensors").path
    path.chmod(0o644)
    path.write_bytes(b"X" + HEAD[1:])
    assert fetch_model(REPO, "head.safetensors").path.read_bytes() == HEAD


@given(number=st.integers(0, 4), at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_is_found_and_named(
    all_held: dict[str, Path], number: int, at: float, bit: int
) -> None:
    name = sorted(FILES)[number]
    path = all_held[name]
    content, found = bytearray(FILES[name]), path.stat()
    content[int(at * len(content))] ^= 1 << bit
    path.chmod(0o644)
    try:
        path.write_bytes(content)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))  # whoever hides it
        with pytest.raises(IntegrityError, match=f"1 of the files .*{re.escape(name)}' should be sha256"):
            verify_cache("app")
    finally:
        path.write_bytes(FILES[name])
    assert verify_cache("app") == len(FILES)


def test_a_changed_file_is_never_used_while_the_hub_is_away(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fetch_model(REPO, "head.safetensors")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch_model(REPO, "head.safetensors").path.read_bytes() == HEAD
    with pytest.raises(HubDown):
        fetch_model(REPO, "other.safetensors")
    for file in (tmp_path / "hf").rglob("*"):
        if file.is_file() and file.read_bytes() == HEAD:  # the stored file as well
            file.chmod(0o644)
            file.write_bytes(b"X" + HEAD[1:])
    with pytest.raises(HubDown):
        fetch_model(REPO, "head.safetensors")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert fetch_model(REPO, "head.safetensors").path.read_bytes() == HEAD


def test_removing_the_folder_by_hand_is_all_of_clearing_it(hub: HubServer, tmp_path: Path) -> None:
    fetch_model(REPO, "head.safetensors", "app")
    shutil.rmtree(tmp_path / "hf" / "app")
    assert fetch_model(REPO, "head.safetensors", "app").path.read_bytes() == HEAD
    assert clear_cache("app") == len(HEAD)
    assert list((tmp_path / "hf").iterdir()) == []
    assert clear_cache("app") == 0
    hub.forget()
    assert fetch_model(REPO, "head.safetensors", "app").fetched_bytes == len(HEAD)
    assert len(hub.asked("*/resolve/*/head.safetensors")) == 1


def test_what_a_killed_clearing_left_is_taken_away_by_the_next(hub: HubServer, tmp_path: Path) -> None:
    fetch_model(REPO, "head.safetensors", "app")
    left = tmp_path / "hf" / f".app-cleared-{'0' * 16}"
    (tmp_path / "hf" / "app").rename(left)
    mine = tmp_path / "hf" / ".app-cleared-by-me"
    mine.mkdir()
    assert clear_cache("app") == 0
    assert list((tmp_path / "hf").iterdir()) == [mine]


def test_a_private_repository_opens_to_the_token_that_is_given_or_set(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.repos[REPO].private, hub.token = True, "hf_canary_token"
    with pytest.raises(NotFound):
        fetch_model(REPO, "head.safetensors")
    with pytest.raises(WeighbridgeError) as raised:
        fetch_model(REPO, "head.safetensors", token="hf_wrong_canary")
    assert "canary" not in f"{raised.value} {raised.value.hint}"
    assert fetch_model(REPO, "head.safetensors", token="hf_canary_token").path.read_bytes() == HEAD
    monkeypatch.setenv("HF_TOKEN", "hf_canary_token")
    assert fetch_model(REPO, "other.safetensors").path.read_bytes() == OTHER
    written = [path.read_bytes() for path in (tmp_path / "hf").rglob("*") if path.is_file()]
    assert written
    assert not any(b"canary" in content for content in written)


ASK = """
import sys
import time
from weighbridge.model_hub import fetch_model
for name in sys.argv[1:]:
    held = fetch_model("acme/models", name, "app")
    print(held.commit, held.sha256)
"""


def test_processes_that_ask_at_once_agree_on_the_commit(hub: HubServer) -> None:
    names = ["head.safetensors", "other.safetensors", "card.json"]
    command = [sys.executable, "-c", ASK]
    running = [
        subprocess.Popen([*command, *names[n:], *names[:n]], stdout=subprocess.PIPE, text=True)
        for n in range(3)
    ]
    hub.repos[REPO].commit({**FILES, "new.txt": b"moves on while they ask"})
    said = [child.communicate(timeout=600)[0].splitlines() for child in running]
    assert [child.returncode for child in running] == [0, 0, 0]
    assert len({line.split()[0] for lines in said for line in lines}) == 1
    assert len({tuple(sorted(lines)) for lines in said}) == 1
    assert len(hub.asked("*/resolve/*/head.safetensors")) == 1


def test_the_switch_takes_models_from_one_place_and_never_from_the_other(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = tmp_path / "results"
    local.mkdir()
    (local / "classifier_deep_mlp.safetensors").write_bytes(b"mine")
    source = source_from_env(local, "app", hint="make train-all")
    assert not source.is_hub
    found = source.find(source.classifier_file)
    assert (found.path.read_bytes(), found.repo_id, found.commit) == (b"mine", "", "")
    with pytest.raises(NotFound) as raised:
        source.find(source.condition_file)
    assert raised.value.hint == "make train-all"
    with pytest.raises(BadInput):
        source.find("../secret")

    monkeypatch.setenv("USE_HF_MODELS", "true")
    with pytest.raises(BadInput, match="HF_REPO_ID"):
        source_from_env(local, "app")
    monkeypatch.setenv("HF_REPO_ID", REPO)
    source = source_from_env(local, "app")
    with pytest.raises(NoSuchFile):  # although a file of that name is here
        source.find(source.classifier_file)
    monkeypatch.setenv("HF_CLASSIFIER_FILE", "head.safetensors")
    source = source_from_env(local, "app")
    held = source.find(source.classifier_file)
    assert (held.path.read_bytes(), held.repo_id) == (HEAD, REPO)


def test_a_switch_that_is_neither_on_nor_off_is_a_mistake(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USE_HF_MODELS", "maybe")
    with pytest.raises(BadInput, match="USE_HF_MODELS is 'maybe'"):
        source_from_env(tmp_path)


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "weighbridge.model_hub", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_the_command_downloads_upgrades_and_clears(hub: HubServer, tmp_path: Path) -> None:
    done = _command("download", REPO, "head.safetensors", "tuned/", "--cache-subdir", "app")
    assert done.returncode == 0, done.stderr
    head, tuned = map(Path, done.stdout.splitlines())
    assert (head.read_bytes(), (tuned / "model.safetensors").read_bytes()) == (HEAD, WHOLE)
    assert f"fetching {REPO}" in done.stderr
    again = json.loads(
        _command("download", REPO, "head.safetensors", "--cache-subdir", "app", "--json").stdout
    )
    (told,) = again["models"]
    assert (told["path"], told["repo"], told["fetched_bytes"]) == (str(head), REPO, 0)
    assert told["files"][0]["sha256"] == hashlib.sha256(HEAD).hexdigest()

    assert _command("verify", "--cache-subdir", "app").stdout == "3 files are as they were pinned\n"
    moved = hub.repos[REPO].commit({**FILES, "head.safetensors": b"new" * 9_000})
    assert moved in _command("upgrade", REPO, "--cache-subdir", "app").stdout
    cleared = _command("clear", "--cache-subdir", "app", "--json")
    assert json.loads(cleared.stdout) == {"removed_bytes": 3 * 9_000 + len(WHOLE) + 2}
    assert not (tmp_path / "hf" / "app").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["download", REPO, "none.bin"], 4, "no file 'none.bin'"),
        (["download", "acme/none", "x"], 4, "not found"),
        (["download", REPO, "*.bin"], 2, "holds one of"),
        (["upgrade", REPO], 2, "no file of"),
        (["clear", "--cache-subdir", "hub"], 2, "belongs to"),
        (["download", REPO], 2, "FILE"),
        ([], 2, "COMMAND"),
    ],
)
def test_the_command_ends_with_a_true_exit_code(
    hub: HubServer, arguments: list[str], code: int, told: str
) -> None:
    done = _command(*arguments)
    assert done.returncode == code
    assert told in done.stderr
    assert done.stdout == ""


def test_a_kill_at_any_moment_leaves_nothing_half_done(hub: HubServer, tmp_path: Path) -> None:
    large = bytes(range(256)) * 8_000
    hub.repos[REPO].commit({**FILES, "large.bin": large})
    hub.fault("*/resolve/*/large.bin", bytes_per_s=6_000_000)
    arguments = ["download", REPO, "large.bin", "card.json", "--cache-subdir", "app"]
    wanted, killed = {"large.bin": large, "card.json": b"{}"}, 0
    for point in range(10):
        asked = len(hub.requests)
        process = subprocess.Popen(
            [sys.executable, "-m", "weighbridge.model_hub", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and len(hub.requests) < asked + point % 4 + 1:
            time.sleep(0.001)
        time.sleep(0.01 * point)
        process.kill()
        killed += process.wait() != 0
        shown = [path for path in (tmp_path / "hf" / "app").rglob("*") if path.is_file()]
        for path in shown:
            if ".weighbridge" not in path.parts and path.name != "models.lock":
                assert path.read_bytes() == wanted[path.name]
    assert killed > 0
    hub.forget()
    done = _command(*arguments)
    assert done.returncode == 0, done.stderr
    assert [Path(line).read_bytes() for line in done.stdout.splitlines()] == [large, b"{}"]
