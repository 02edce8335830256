"""A registry as an operator runs it: ``weighbridge serve`` as a process, with accounts and tokens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.made_models import ONE_PERSON
from tests.warm import run_warm

_UPLOADERS, _READERS = ("ann", "bob"), ("rita",)


@dataclass(frozen=True, kw_only=True)
class Live:
    """Where it is, and a token for each user: ann and bob may upload, rita may only read.

    ann and bob are members of the organization acme; ann is its admin.
    """

    url: str
    tokens: Mapping[str, str] = field(repr=False)


def clean_environment() -> dict[str, str]:
    """This one without anything that a client or the registry reads."""
    ours = ("WEIGHBRIDGE_", "HF_", "HUGGING", "TRANSFORMERS_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


@contextmanager
def live_registry(home: Path, *, serve: str) -> Iterator[Live]:
    """A registry that fetches from nowhere; ``serve`` is 'accepted' or 'all'."""
    home.mkdir(parents=True, exist_ok=True)
    policy = home / "policy.yaml"
    policy.write_text(ONE_PERSON)
    env = {
        **clean_environment(),
        "WEIGHBRIDGE_POLICY": str(policy),
        "WEIGHBRIDGE_HOME": str(home),
        "WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:9",
        "WEIGHBRIDGE_SERVE": serve,
        "WEIGHBRIDGE_LFS_PART_BYTES": "5000000",  # so that files of a few megabytes come in parts
        "HOME": str(home),
    }
    tokens = {name: _account(env, name, name in _UPLOADERS) for name in (*_UPLOADERS, *_READERS)}
    _told(env, ["org", "add", "acme"], "")
    for name, role in (("ann", "admin"), ("bob", "write")):
        _told(env, ["org", "member", "acme", name, "--role", role], "")
    with (home / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*_WEIGHBRIDGE, "serve", "--port", "0", "--json"],
            env=env, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, (home / "serve.log").read_text()
        yield Live(url=json.loads(said)["url"], tokens=tokens)
    finally:
        process.terminate()
        process.communicate(timeout=600)


_WEIGHBRIDGE = (sys.executable, "-m", "weighbridge")


def _account(env: Mapping[str, str], name: str, uploads: bool) -> str:
    may = ["search", "download", *(["upload"] if uploads else [])]
    permissions = [word for each in may for word in ("--permission", each)]
    _told(env, ["user", "add", name, *permissions, "--password-stdin"], "correct horse battery\n")
    return _told(env, ["token", "create", "--user", name], "").strip()


def _told(env: Mapping[str, str], arguments: list[str], given: str) -> str:
    done = run_warm(arguments, env=env, input=given)
    assert done.returncode == 0, done.stderr
    return done.stdout
