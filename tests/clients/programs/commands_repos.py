"""The ``hf`` command: accounts, lists, repositories."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cases import ENDPOINT, GIVEN, case, run, same
from typed import has, hf

NAME = "ann/commanded"


@case("create")
def repos_create_and_fill() -> None:
    hf("repos", "create", NAME)
    has(hf("repos", "create", NAME, code=1), "already")
    Path("README.md").write_text("---\nlicense: mit\n---\n# T\n")
    hf("upload", NAME, "README.md")


@case("sign in")
def auth_login_with_a_token() -> None:
    fresh = {"HF_HOME": str(Path("fresh").resolve()), "HF_TOKEN": ""}
    hf("auth", "login", "--token", GIVEN["bob"], **fresh)
    has(hf("auth", "whoami", **fresh), "bob")


@case("sign in")
def env() -> None:
    has(hf("env"), ENDPOINT, "ann")


@case("info")
def models_info() -> None:
    same(json.loads(hf("models", "info", NAME, "--format", "json"))["id"], NAME)


@case("list")
def models_ls() -> None:
    has(hf("models", "ls", "--author", "ann", "--search", "commanded", "--format", "json"), NAME)


@case("list")
def models_ls_of_a_repository() -> None:
    has(hf("models", "ls", NAME), "README.md")


@case("list")
def repos_ls() -> None:
    has(hf("repos", "ls", "--format", "json"), NAME)


@case("cards")
def models_card() -> None:
    has(hf("models", "card", NAME), "# T")


@case("list")
def cache_ls() -> None:
    has(hf("cache", "ls"), "commanded")


@case("branches and tags")
def branches() -> None:
    hf("repos", "branch", "create", NAME, "dev")
    hf("repos", "branch", "delete", NAME, "dev")


@case("branches and tags")
def tags() -> None:
    hf("repos", "tag", "create", NAME, "v1")
    has(hf("repos", "tag", "list", NAME), "v1")
    hf("repos", "tag", "delete", NAME, "v1", "--yes")


@case("settings")
def repos_settings() -> None:
    hf("repos", "settings", NAME, "--private")


@case("settings")
def repos_move() -> None:
    hf("repos", "move", NAME, f"{NAME}-moved")


@case("delete a repository")
def repos_delete() -> None:
    hf("repos", "delete", f"{NAME}-moved", "--yes")
    has(hf("models", "info", f"{NAME}-moved", code=1).lower(), "not found")


if __name__ == "__main__":
    sys.exit(run())
