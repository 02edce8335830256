"""``weighbridge hub FOLDER --write`` in this process, and clients that write it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.doors.asgi_server import Answer, call, serving
from weighbridge.bridge.folder import open_written_folder
from weighbridge.doors.hub import hub_app
from weighbridge.settings import load_settings


@dataclass(frozen=True, kw_only=True)
class Written:
    """A written folder that is served; any token will do."""

    url: str
    folder: Path
    tokens: Mapping[str, str] = field(default_factory=lambda: {"ann": "hf_whatever"})

    def call(self, method: str, path: str, body: Any = None, *, token: str = "t", **headers: str) -> Answer:
        """One request, with a token unless it is empty."""
        known = {"Authorization": f"Bearer {token}"} if token else {}
        return call(self.url, method, path, body, {**known, **headers})

    def commit(self, repo: str, files: Mapping[str, str | None], branch: str = "main") -> str:
        """Put texts (None: delete) on a branch of a model; gives the commit's id."""
        lines: list[dict[str, Any]] = [{"key": "header", "value": {"summary": "by a client"}}]
        for path, content in files.items():
            if content is None:
                lines.append({"key": "deletedFile", "value": {"path": path}})
            else:
                value = {"path": path, "content": content, "encoding": "utf-8"}
                lines.append({"key": "file", "value": value})
        body = "\n".join(map(json.dumps, lines)).encode()
        answer = self.call("POST", f"/api/models/{repo}/commit/{branch}", body)
        assert answer.status == 200, answer.body
        commit: str = answer.json["commitOid"]
        return commit

    def sha(self, repo: str) -> str:
        """The commit that main is at."""
        answer = self.call("GET", f"/api/models/{repo}")
        assert answer.status == 200, answer.body
        sha: str = answer.json["sha"]
        return sha

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        """Every file of a revision as a client gets it."""
        listed = self.call("GET", f"/api/models/{repo}/tree/{revision}?recursive=true").json
        paths = [entry["path"] for entry in listed if entry["type"] == "file"]
        return {path: self.call("GET", f"/{repo}/resolve/{revision}/{quote(path)}").body for path in paths}

    def titles(self, repo: str) -> list[str]:
        """The titles of main's commits, the newest first."""
        return [each["title"] for each in self.call("GET", f"/api/models/{repo}/commits/main").json]


@contextmanager
def written_folder(folder: Path) -> Iterator[Written]:
    """The folder, served and written."""
    folder.mkdir(exist_ok=True)
    bridge = open_written_folder(folder, load_settings({"WEIGHBRIDGE_LFS_PART_BYTES": str(1 << 20)}))
    try:
        with serving(hub_app(bridge.hub, bridge.repos, bridge.xet)) as url:
            yield Written(url=url, folder=folder)
    finally:
        bridge.close()


def plain_files(root: Path) -> dict[str, bytes]:
    """What lies in a repository's folder."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
