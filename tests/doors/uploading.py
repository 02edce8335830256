"""A registry with accounts on loopback, and the real clients that upload to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.doors.asgi_server import Answer, call, serving
from tests.made_models import ONE_PERSON
from weighbridge.bridge import Bridge, open_bridge
from weighbridge.domain.access import LOCAL, Permission
from weighbridge.doors.hub import hub_app
from weighbridge.doors.rest import rest_app
from weighbridge.doors.server import compose
from weighbridge.settings import load_settings

_WRITER = frozenset({Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD})


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A running registry; ``tokens`` by user: ann and bob may upload, rita may only read."""

    url: str
    home: Path
    bridge: Bridge
    tokens: Mapping[str, str] = field(repr=False)

    def call(self, user: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request of a user; nobody's with an empty name."""
        known = {"Authorization": f"Bearer {self.tokens[user]}"} if user else {}
        return call(self.url, method, path, body, {**known, **headers})


@contextmanager
def registry_at(home: Path, **more: str) -> Iterator[Registry]:
    """A registry over ``home``; its upstream answers nothing."""
    home.mkdir(parents=True, exist_ok=True)
    policy = home / "policy.yaml"
    policy.write_text(ONE_PERSON)
    environ = {
        "WEIGHBRIDGE_HOME": str(home),
        "WEIGHBRIDGE_POLICY": str(policy),
        "WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:9",
        "HOME": str(home),
        **more,
    }
    bridge = open_bridge(load_settings(environ))
    try:
        tokens = {}
        for name in ("ann", "bob", "rita"):
            permissions = _WRITER if name != "rita" else _WRITER - {Permission.UPLOAD}
            bridge.people.add_user(LOCAL, name, permissions, "correct horse")
            tokens[name] = bridge.people.authenticate(name, "correct horse")
        with serving(compose(rest_app(bridge), hub_app(bridge.hub, bridge.repos, bridge.xet))) as url:
            yield Registry(url=url, home=home, bridge=bridge, tokens=tokens)
    finally:
        bridge.close()


class Served(Protocol):
    """What a client needs to know of a Hub."""

    @property
    def url(self) -> str: ...

    @property
    def tokens(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, kw_only=True)
class Client:
    """Runs clients as one user, with one home of its own."""

    registry: Served
    home: Path
    user: str = "ann"
    xet: bool = False

    def env(self) -> dict[str, str]:
        """Nothing but the address and the token; and no Xet where that is asked."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "WEIGHBRIDGE_"))}
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "NO_COLOR": "1"}
        token = {"HF_TOKEN": self.registry.tokens[self.user]} if self.user else {}
        plain = {} if self.xet else {"HF_HUB_DISABLE_XET": "1"}
        where = {"HF_ENDPOINT": self.registry.url, "HF_HOME": str(self.home / "hf")}
        return {**kept, **quiet, **where, **token, **plain}

    def python(self, code: str) -> Any:
        """What the code leaves in ``result``, through JSON; ``said`` there calls and tells the error."""
        program = f"{_PRELUDE}\n{code}\nprint('\\n' + json.dumps(result))"
        self.home.mkdir(parents=True, exist_ok=True)
        ran = subprocess.run(
            [sys.executable, "-c", program], env=self.env(), capture_output=True, text=True,
            check=False, timeout=600, cwd=self.home,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    def hf(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The client's own command."""
        self.home.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [str(Path(sys.executable).with_name("hf")), *arguments], env=self.env(), capture_output=True,
            text=True, check=False, timeout=600, cwd=self.home,
        )  # fmt: skip


_PRELUDE = """
import json
from pathlib import Path
from huggingface_hub import (
    CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi, hf_hub_download, snapshot_download,
)
api, result = HfApi(), None

def said(call, *args, **kwargs):
    try:
        return ["done", str(call(*args, **kwargs))]
    except Exception as error:
        return [type(error).__name__, str(error)]

def files_of(root):
    root = Path(root)
    return {p.relative_to(root).as_posix(): p.read_bytes().hex() for p in root.rglob("*") if p.is_file()}
"""
