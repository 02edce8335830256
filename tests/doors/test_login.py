"""``weighbridge login``, ``logout`` and ``whoami`` against our own Hub; a token stands in one file only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import keyring
import pytest

from tests.adapters.test_credentials import Memory
from tests.clients.live import clean_environment
from tests.doors.cli_in_process import Shell
from tests.doors.uploading import Registry, registry_at
from tests.hub_process import safetensors
from tests.hub_server import serve_hub
from weighbridge.adapters.credentials import FILE_NAME
from weighbridge.bridge import now
from weighbridge.bridge.organizations import open_organizations
from weighbridge.domain.access import LOCAL, Role
from weighbridge.settings import load_settings

CANARY = "canary.5e0f2b71-of-any-shape"


class User:
    """Somebody at a shell of their own, whose upstream is ``hub``."""

    def __init__(
        self, place: Path, hub: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.place = place
        self.kept = place / "home" / FILE_NAME
        self.env = {
            "HOME": str(place),
            "WEIGHBRIDGE_HOME": str(place / "home"),
            "HF_ENDPOINT": hub,
            "NO_PROXY": "127.0.0.1",
        }
        monkeypatch.chdir(place)
        self._shell = Shell(self.env, monkeypatch, capsys)

    def run(self, *arguments: str, code: int = 0, given: str = "", **env: str) -> tuple[str, str]:
        """What a command prints to stdout and to stderr; no secret is in it."""
        self._shell.env = {**self.env, **env}
        out, err = self._shell.run(*arguments, code=code, given=given)
        for secret in (CANARY, given, env.get("HF_TOKEN")):
            assert not secret or secret.strip() not in out + err
        return out, err

    def json(self, *arguments: str, code: int = 0, given: str = "", **env: str) -> Any:
        """The document of a command."""
        return json.loads(self.run(*arguments, "--json", code=code, given=given, **env)[0])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home") as running:
        with open_organizations(load_settings({"WEIGHBRIDGE_HOME": str(running.home)}), now) as organizations:
            organizations.add(LOCAL, "acme")
            organizations.set_member(LOCAL, "acme", "ann", Role.WRITE)
        yield running


@pytest.fixture
def user(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> User:
    return User(tmp_path, registry.url, monkeypatch, capsys)


def test_who_logged_in_is_known_until_logging_out(user: User, registry: Registry) -> None:
    token = registry.tokens["ann"]
    out, err = user.run("login", "--stdin", given=f"{token}\n")
    assert out == ""
    assert f"logged in to {registry.url} as ann, member of acme (write); the token is in {user.kept}" in err
    assert user.kept.stat().st_mode & 0o777 == 0o600

    assert user.run("whoami")[0] == "ann, member of acme (write)\n"
    said = user.json("whoami")
    assert (said["name"], said["organizations"]) == ("ann", {"acme": "write"})
    assert (said["endpoint"], said["source"], said["place"]) == (registry.url, "credentials", str(user.kept))

    assert user.json("logout") == {"endpoint": registry.url, "removed_from": str(user.kept), "still_in": None}
    assert token not in user.kept.read_text()
    refused = user.run("whoami", code=8)[1]
    assert f"hint: run 'weighbridge login --endpoint {registry.url}'" in refused
    assert "no token" in user.run("logout")[1]


def test_a_token_that_the_hub_does_not_know_is_not_kept(user: User) -> None:
    refused = user.run("login", "--stdin", given=CANARY, code=8)[1]
    assert "does not accept the token" in refused
    assert not user.kept.exists()
    assert user.json("login", "--stdin", given=CANARY, code=8)["error"]["code"] == "not-authenticated"


def test_a_token_may_come_from_a_file_and_be_kept_unchecked(user: User) -> None:
    (user.place / "token").write_text(f"{CANARY}\n")
    said = user.run("login", "--token-file", "token", "--no-check", HF_ENDPOINT="http://127.0.0.1:9")[1]
    assert "not checked" in said
    assert json.loads(user.kept.read_text())["hubs"] == {"http://127.0.0.1:9": {"token": CANARY}}


def test_the_environment_goes_before_what_is_kept_and_login_says_so(user: User, registry: Registry) -> None:
    bob = {"HF_TOKEN": registry.tokens["bob"]}
    said = user.run("login", "--stdin", given=registry.tokens["ann"], **bob)[1]
    assert "note: the token of HF_TOKEN goes first" in said
    assert user.run("whoami", **bob)[0] == "bob\n"
    assert "a token of HF_TOKEN is still used" in user.run("logout", **bob)[1]


def test_a_token_for_one_hub_is_not_shown_to_another(user: User, registry: Registry) -> None:
    user.run("login", "--stdin", given=registry.tokens["ann"])
    with serve_hub({"org/a": {"config.json": b"{}"}}) as other:
        for env in ({}, {"HF_TOKEN": registry.tokens["ann"]}):
            refused = user.run("whoami", "--endpoint", other.url, code=8, **env)[1]
            assert f"there is no token for {other.url}" in refused
        # The token file of Hugging Face's tools is for the Hub that they ask, and this is another one.
        file = user.place / ".cache" / "huggingface" / "token"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CANARY)
        user.run("info", "org/a", WEIGHBRIDGE_UPSTREAM=other.url)
        assert other.requests
        assert all("authorization" not in asked.headers for asked in other.requests)


def test_every_command_uses_what_is_kept_and_no_output_or_other_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_hub({"org/a": {"config.json": b"{}", "README.md": b"---\nlicense: mit\n---\n"}}) as hub:
        hub.token, hub.repos["org/a"].private = CANARY, True
        user = User(tmp_path, hub.url, monkeypatch, capsys)
        (tmp_path / "models.yaml").write_text("models: [{id: a, repo_id: org/a}]\n")
        assert "weighbridge login" in user.run("lock", code=4)[1]
        user.run("login", "--stdin", "--no-check", given=CANARY)
        user.run("lock")
        user.run("sync")
        user.run("info", "org/a")
        hub.fault("*", status=403, body=f'{{"error": "your token is {CANARY}"}}'.encode())
        user.run("whoami", code=8)
        user.run("whoami", "--json", code=8)
        user.run("sync", code=0)
        user.run("lock", "--upgrade", "a", code=8)
        user.run("ingest", "org/a", code=8)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path != user.kept]
    assert len(files) > 5
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path


def test_what_is_published_goes_out_under_the_name_that_is_kept(user: User, registry: Registry) -> None:
    folder = user.place / "folder"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors").write_bytes(safetensors(64))
    publish = ("publish", "folder", "--repo", "ann/mine", "--license", "mit")
    assert "weighbridge login" in user.run(*publish, code=8)[1]
    user.run("login", "--stdin", given=registry.tokens["ann"])
    done = user.json(*publish)
    assert done["url"].startswith(registry.url)
    assert "ann" in [one["repo"].partition("/")[0] for one in user.json("repo", "list")["repositories"]]


def test_who_is_asked_sees_no_token_on_the_screen_nor_in_the_process_list(
    user: User, registry: Registry
) -> None:
    token = registry.tokens["ann"]
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "weighbridge", "login"],
        cwd=user.place, env={**clean_environment(), **user.env}, start_new_session=True,
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        asked = b""
        while not asked.endswith(b": ") and (byte := process.stderr.read(1)):
            asked += byte
        os.write(ours, f"{token}\n".encode())
        with suppress(OSError):  # it has ended, or there is no /proc
            assert token.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        said = asked + b"".join(process.communicate(timeout=600))
        assert process.returncode == 0, said
    os.set_blocking(ours, False)
    try:
        shown = os.read(ours, 10_000)
    except BlockingIOError:
        shown = b""
    os.close(ours)
    os.close(theirs)
    assert asked == b"Token (it is not shown): "
    assert token.encode() not in said + shown
    assert b"logged in" in said


def test_the_client_shows_no_token_however_much_it_is_asked_to_tell(user: User, registry: Registry) -> None:
    token = registry.tokens["ann"]
    loud = {"HF_TOKEN": token, "HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug"}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "weighbridge", "whoami"],
        env={**clean_environment(), **user.env, **loud},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "whoami-v2" in done.stderr
    assert token not in done.stdout + done.stderr


def test_a_keyring_may_keep_it(user: User, registry: Registry) -> None:
    before, ring = keyring.get_keyring(), Memory()
    keyring.set_keyring(ring)
    try:
        said = user.run("login", "--stdin", "--keyring", given=registry.tokens["ann"])[1]
        assert "the token is in the keyring of the operating system" in said
        assert user.json("whoami")["source"] == "keyring"
        assert registry.tokens["ann"] not in user.kept.read_text()
        assert list(ring.kept) == [("weighbridge", registry.url)]
        user.run("logout")
        assert ring.kept == {}
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["login"], 2, "no terminal"),
        (["login", "--stdin", "--token-file", "x"], 2, "two places"),
        (["login", "--token-file", "absent"], 2, "cannot read the file"),
        (["login", "--token-file", "models"], 2, "cannot read the file"),
        (["login", "--token-file", "file", "--endpoint", "hub.test"], 2, "address of a Hub 'hub.test'"),
        (
            ["login", "--token-file", "file", "--endpoint", "https://me:canary@hub.test"],
            2,
            "carries credentials",
        ),
        (["login", CANARY], 2, "never given on a command line"),
        (["login", "--stdin", CANARY], 2, "never given on a command line"),
        (["login", "--token", CANARY], 2, "never given on a command line"),
        (["login", f"--token={CANARY}"], 2, "never given on a command line"),
        (["login", "--token-file", CANARY], 2, "cannot read the file"),
        (["whoami", "--endpoint", "http://127.0.0.1:9"], 8, "no token"),
    ],
)
def test_wrong_questions_end_with_an_error_and_a_hint(
    user: User, arguments: list[str], code: int, said: str
) -> None:
    (user.place / "models").mkdir()
    (user.place / "file").write_text("of_a_file")
    out, err = user.run(*arguments, code=code)
    assert out == ""
    assert said in err
    assert "hint: " in err
    assert not user.kept.exists()
