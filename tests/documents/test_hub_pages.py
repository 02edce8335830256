"""The commands of docs/credentials.md, docs/repositories.md and docs/info.md, run as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.cli_in_process import Shell
from tests.doors.uploading import Registry, registry_at
from tests.hub_server import serve_hub

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home", WEIGHBRIDGE_SERVE="all") as running:
        yield running


@pytest.fixture
def shell(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.chdir(tmp_path)
    env = {"HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(tmp_path / "home"), "HF_ENDPOINT": registry.url}
    return Shell(env, monkeypatch, capsys)


def commands(page: str) -> list[list[str]]:
    """The lines of a page's examples that call weighbridge, without their comments."""
    lines = re.findall(r"^    weighbridge (.*)$", (DOCS / page).read_text(), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def test_the_page_on_repositories(shell: Shell, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text(registry.tokens["ann"])
    shell.run("login", "--token-file", "token.txt")
    shown = commands("repositories.md")
    assert len(shown) > 10
    for arguments in shown:
        shell.run(*arguments)


def test_the_page_on_tokens(shell: Shell, registry: Registry, tmp_path: Path) -> None:
    """A terminal and a pipe are in tests/doors/test_login.py; the Hub of the example is nobody's."""
    (tmp_path / "token.txt").write_text(registry.tokens["ann"])
    shown = commands("credentials.md")
    unattended = [arguments for arguments in shown if arguments[0] != "login" or "--token-file" in arguments]
    assert [arguments[0] for arguments in unattended] == ["whoami", "logout", "login"]
    shell.run(*unattended[0], code=8)
    for arguments in (unattended[2], unattended[0], unattended[1]):
        shell.run(*arguments)
    for arguments in shown:
        if arguments[0] == "login" and "--token-file" not in arguments:
            shell.run(*arguments, "--token-file", "token.txt", "--no-check")


def test_the_page_on_info(shell: Shell) -> None:
    card = b"---\nlicense: mit\n---\n# A model\n"
    with serve_hub({"org/name": {"README.md": card, "model.safetensors": b"\x02\0\0\0\0\0\0\0{}"}}) as hub:
        hub.repos["org/name"].tags["v1.0"] = hub.repos["org/name"].head
        shell.env["HF_ENDPOINT"] = hub.url
        shown = commands("info.md")
        assert len(shown) == 4
        for arguments in shown:
            shell.run(*arguments)
