"""The real clients as they upload, with nothing but HF_ENDPOINT and HF_TOKEN set."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.doors.uploading import Client, Registry, registry_at

LARGE = random.Random(3).randbytes(3_000_001)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home") as running:
        yield running


@pytest.fixture
def client(registry: Registry, tmp_path: Path) -> Client:
    return Client(registry=registry, home=tmp_path / "ann")


def test_a_repository_from_its_beginning_to_its_end(client: Client) -> None:
    got = client.python("""
result = {}
url = api.create_repo("first")
result["url"] = [str(url), url.repo_id, str(api.create_repo("ann/first", exist_ok=True))]
result["again"] = said(api.create_repo, "ann/first")
result["begun"] = api.list_repo_files("ann/first")
commit = api.upload_file(path_or_fileobj=b"one\\n", path_in_repo="a.txt", repo_id="ann/first")
result["commit"] = [commit.oid, commit.commit_url, api.model_info("ann/first").sha]
result["file"] = Path(hf_hub_download("ann/first", "a.txt")).read_text()
api.create_branch("ann/first", branch="dev/x")
result["branch again"] = said(api.create_branch, "ann/first", branch="dev/x")
api.create_branch("ann/first", branch="dev/x", exist_ok=True)
api.upload_file(path_or_fileobj=b"two\\n", path_in_repo="b/b.txt", repo_id="ann/first", revision="dev/x")
api.create_tag("ann/first", tag="v1", revision="dev/x")
result["tag again"] = said(api.create_tag, "ann/first", tag="v1")
refs = api.list_repo_refs("ann/first")
result["refs"] = [sorted(b.name for b in refs.branches), [t.name for t in refs.tags]]
result["main"] = sorted(api.list_repo_files("ann/first"))
result["v1"] = sorted(api.list_repo_files("ann/first", revision="v1"))
api.delete_file("a.txt", "ann/first", revision="dev/x")
result["dev"] = sorted(api.list_repo_files("ann/first", revision="dev/x"))
result["titles"] = [c.title for c in api.list_repo_commits("ann/first", revision="dev/x")][:2]
result["default"] = said(api.delete_branch, "ann/first", branch="main")
api.delete_branch("ann/first", branch="dev/x")
api.delete_tag("ann/first", tag="v1")
result["no tag"] = said(api.delete_tag, "ann/first", tag="v1")
api.move_repo("ann/first", "ann/second")
result["moved"] = [api.repo_exists("ann/second"), Path(hf_hub_download("ann/first", "a.txt")).read_text()]
api.delete_repo("ann/second")
result["gone"] = [api.repo_exists("ann/second"), said(api.delete_repo, "ann/second")[0]]
api.delete_repo("ann/second", missing_ok=True)
""")
    address = client.registry.url
    assert got["url"] == [f"{address}/ann/first", "ann/first", f"{address}/ann/first"]
    assert got["again"][0] == "HfHubHTTPError"
    assert "409" in got["again"][1]
    assert "there is a repository 'ann/first' already" in got["again"][1]
    assert got["begun"] == [".gitattributes"]
    oid, url, head = got["commit"]
    assert re.fullmatch(r"[0-9a-f]{40}", oid)
    assert (url, head) == (f"{address}/ann/first/commit/{oid}", oid)
    assert got["file"] == "one\n"
    assert "409" in got["branch again"][1]
    assert "409" in got["tag again"][1]
    assert got["refs"] == [["dev/x", "main"], ["v1"]]
    assert got["main"] == [".gitattributes", "a.txt"]
    assert got["v1"] == [".gitattributes", "a.txt", "b/b.txt"]
    assert got["dev"] == [".gitattributes", "b/b.txt"]
    assert got["titles"] == ["Delete a.txt with huggingface_hub", "Upload b/b.txt with huggingface_hub"]
    assert "403" in got["default"][1]
    assert got["no tag"][0] == "RevisionNotFoundError"
    assert got["moved"] == [True, "one\n"]
    assert got["gone"] == [False, "RepositoryNotFoundError"]


@pytest.mark.parametrize(
    ("kind", "xet"), [("model", False), ("model", True), ("dataset", True), ("space", False)]
)
def test_a_folder_up_and_down_again(client: Client, kind: str, xet: bool) -> None:
    client = Client(registry=client.registry, home=client.home, xet=xet)
    name = f"ann/folder-{kind}-{'xet' if xet else 'lfs'}"
    folder = client.home / "folder"
    files = {
        "README.md": b"---\nlicense: mit\n---\n# Words\n",
        "config.json": b"{}",
        "empty.txt": b"",
        "weights.bin": LARGE,
        "sub dir/\u00fc 1.txt": "gr\u00fc\u00dfe\n".encode(),
        "sub dir/deep/more.bin": LARGE[:200_000],
    }
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    more = ', space_sdk="static"' if kind == "space" else ""
    got = client.python(f"""
name, kind = {name!r}, {kind!r}
api.create_repo(name, repo_type=kind{more})
first = api.upload_folder(repo_id=name, repo_type=kind, folder_path={str(folder)!r})
again = api.upload_folder(repo_id=name, repo_type=kind, folder_path={str(folder)!r})
tree = {{e.path: (e.size, e.lfs.sha256 if e.lfs else None)
        for e in api.list_repo_tree(name, repo_type=kind, recursive=True) if hasattr(e, "size")}}
root = snapshot_download(name, repo_type=kind)
result = [first.oid, again.oid, tree, files_of(root)]
""")
    first, again, tree, back = got
    assert first == again, "nothing changed, so nothing was committed"
    assert back.pop(".gitattributes")
    assert back == {path: content.hex() for path, content in files.items()}
    assert tree["weights.bin"][1] is not None
    assert tree["config.json"][1] is None


def test_a_commit_of_every_kind_of_change(client: Client) -> None:
    got = client.python(f"""
api.create_repo("ann/changes")
large = bytes.fromhex({LARGE[:50_000].hex()!r})
api.create_commit("ann/changes", commit_message="First", operations=[
    CommitOperationAdd("keep.txt", b"keep"), CommitOperationAdd("old.txt", b"old"),
    CommitOperationAdd("dir/a.txt", b"a"), CommitOperationAdd("dir/b/c.txt", b"c"),
    CommitOperationAdd("w.bin", large),
])
head = api.model_info("ann/changes").sha
second = api.create_commit(
    "ann/changes", commit_message="Second", commit_description="because", parent_commit=head, operations=[
        CommitOperationDelete("old.txt"), CommitOperationDelete("dir/", is_folder=True),
        CommitOperationCopy("keep.txt", "copy.txt"), CommitOperationCopy("w.bin", "more/w.bin"),
        CommitOperationAdd("keep.txt", b"kept"),
    ])
root = snapshot_download("ann/changes")
newest = api.list_repo_commits("ann/changes")[0]
result = [files_of(root), [newest.commit_id == second.oid, newest.title, newest.message, newest.authors]]
result.append(said(api.create_commit, "ann/changes", commit_message="Late", parent_commit=head,
    operations=[CommitOperationAdd("late.txt", b"late")]))
result.append(said(api.delete_file, "none.txt", "ann/changes"))
api.upload_file(path_or_fileobj=b"x", path_in_repo="d/x.txt", repo_id="ann/changes")
api.delete_folder("d", "ann/changes")
result.append(sorted(api.list_repo_files("ann/changes")))
result.append(said(api.create_commit, "ann/changes", commit_message="One bad, so none",
    operations=[CommitOperationAdd("fine.txt", b"x"), CommitOperationDelete("none.txt")])[0])
result.append(sorted(api.list_repo_files("ann/changes")))
""")
    files, newest, late, missing, after, refused, same = got
    attributes = files.pop(".gitattributes")
    assert attributes
    assert {path: bytes.fromhex(content) for path, content in files.items()} == {
        "keep.txt": b"kept",
        "copy.txt": b"keep",
        "w.bin": LARGE[:50_000],
        "more/w.bin": LARGE[:50_000],
    }
    assert newest == [True, "Second", "because", ["ann"]]
    assert "412" in late[1]
    assert "read the branch again" in late[1] or "is at" in late[1]
    assert missing[0] == "RemoteEntryNotFoundError"
    assert "A file with this name doesn't exist" in missing[1]
    assert after == same == [".gitattributes", "copy.txt", "keep.txt", "more/w.bin", "w.bin"]
    assert refused == "RemoteEntryNotFoundError"


def test_a_private_repository_is_its_owner_s(client: Client, tmp_path: Path) -> None:
    got = client.python("""
api.create_repo("ann/secret", private=True)
api.upload_file(path_or_fileobj=b"s", path_in_repo="s.txt", repo_id="ann/secret")
result = [api.model_info("ann/secret").private, [m.id for m in api.list_models(author="ann") if m.private]]
""")
    assert got == [True, ["ann/secret"]]
    others = 'result = [said(api.model_info, "ann/secret")[0], said(api.upload_file, path_or_fileobj=b"x", '
    others += 'path_in_repo="x", repo_id="ann/secret")[0], [m.id for m in api.list_models() if m.private]]'
    for user in ("bob", "rita"):
        seen = Client(registry=client.registry, home=tmp_path / user, user=user).python(others)
        assert seen == ["RepositoryNotFoundError", "RepositoryNotFoundError", []], user
    nobody = Client(registry=client.registry, home=tmp_path / "nobody", user="").python(
        'result = said(api.model_info, "ann/secret")[0]'
    )
    assert nobody == "RepositoryNotFoundError"
    changed = client.python("""
api.update_repo_settings("ann/secret", private=False)
result = [api.model_info("ann/secret").private]
api.update_repo_settings("ann/secret", visibility="private", gated="auto")
info = api.model_info("ann/secret")
result += [info.private, info.gated]
""")
    assert changed == [False, True, "auto"]


def test_who_may_not_is_told_why(client: Client, tmp_path: Path) -> None:
    client.python('api.create_repo("ann/hers")')
    push = 'result = said(api.upload_file, path_or_fileobj=b"x", path_in_repo="x", repo_id="ann/hers")'
    bob = Client(registry=client.registry, home=tmp_path / "bob", user="bob").python(push)
    assert bob[0] == "HfHubHTTPError"
    assert "403" in bob[1]
    into = Client(registry=client.registry, home=tmp_path / "bob", user="bob").python(
        'result = said(api.create_repo, "ann/mine")'
    )
    assert "403" in into[1]
    rita = Client(registry=client.registry, home=tmp_path / "rita", user="rita").python(
        'result = said(api.create_repo, "rita/mine")'
    )
    assert "403" in rita[1]
    nobody = Client(registry=client.registry, home=tmp_path / "nobody", user="").python(push)
    assert "401" in nobody[1]
    unsafe = client.python("""
result = said(api.upload_file, path_or_fileobj=b"x", path_in_repo="a\\\\..\\\\b.txt", repo_id="ann/hers")
""")
    assert unsafe[0] == "BadRequestError"
    assert "holds a backslash" in unsafe[1]


def test_the_commands_of_hf(client: Client) -> None:
    folder = client.home / "up"
    folder.mkdir(parents=True)
    (folder / "w.bin").write_bytes(LARGE)
    (folder / "notes.txt").write_text("notes")
    for xet in (True, False):
        same = Client(registry=client.registry, home=client.home, xet=xet)
        ran = same.hf("upload", f"ann/by-hf-{xet}", str(folder))
        assert ran.returncode == 0, ran.stderr
        assert f"{client.registry.url}/ann/by-hf-{xet}/" in ran.stdout + ran.stderr
        down = same.hf("download", f"ann/by-hf-{xet}", "--local-dir", str(client.home / f"down-{xet}"))
        assert down.returncode == 0, down.stderr
        assert (client.home / f"down-{xet}" / "w.bin").read_bytes() == LARGE
    for command in (
        ("repos", "create", "made"),
        ("repos", "branch", "create", "ann/made", "dev"),
        ("repos", "tag", "create", "ann/made", "v1"),
        ("repos", "delete", "ann/made", "--yes"),
    ):
        ran = client.hf(*command)
        assert ran.returncode == 0, (command, ran.stderr)
    assert "ann" in client.hf("auth", "whoami").stdout


def test_others_are_told_to_wait_for_the_verdict(client: Client, tmp_path: Path) -> None:
    made = client.registry.call("ann", "POST", "/api/repos/create", {"name": "weighed"})
    assert made.status == 200
    header = {"key": "header", "value": {"summary": "A model"}}
    file = {"key": "file", "value": {"path": "run.py", "content": "print(1)\n", "encoding": "utf-8"}}
    body = "\n".join(json.dumps(line) for line in (header, file)).encode()
    got = client.registry.call("ann", "POST", "/api/models/ann/weighed/commit/main", body)
    assert got.status == 200
    warning = got.headers["x-hf-warning"]
    assert warning.startswith("verdict; ann/weighed@")
    assert f"{client.registry.url}/standing/model/{got.json['commitOid']}/ann/weighed" in warning
    path = "/ann/weighed/resolve/main/run.py"
    assert client.registry.call("ann", "GET", path).body == b"print(1)\n"
    for user in ("bob", "rita", ""):
        assert client.registry.call(user, "GET", path).status == 404


def test_two_clients_with_the_same_file_at_once(client: Client, tmp_path: Path) -> None:
    content = random.Random(9).randbytes(2_000_000)
    code = f"""
import random
name = api.whoami()["name"] + "/same-MODE"
api.create_repo(name)
content = random.Random(9).randbytes({len(content)})
for turn in range(3):
    api.upload_file(path_or_fileobj=content, path_in_repo=f"{{turn}}/w.bin", repo_id=name)
result = [len(Path(hf_hub_download(name, f"{{turn}}/w.bin")).read_bytes()) for turn in range(3)]
"""
    runs = [(user, xet) for user in ("ann", "bob") for xet in (False, True)]

    def run(each: tuple[str, bool]) -> object:
        user, xet = each
        one = Client(registry=client.registry, home=tmp_path / f"{user}-{xet}", user=user, xet=xet)
        return one.python(code.replace("MODE", "xet" if xet else "lfs"))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, runs)) == [[len(content)] * 3] * 4


def test_a_folder_of_many_files(client: Client) -> None:
    folder = client.home / "many"
    for number in range(300):
        place = folder / f"{number % 7}" / f"{number}.{'bin' if number % 10 == 0 else 'txt'}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(random.Random(number).randbytes(500) if number % 10 == 0 else b"%d" % number)
    ran = Client(registry=client.registry, home=client.home, xet=True).hf("upload", "ann/many", str(folder))
    assert ran.returncode == 0, ran.stderr
    down = client.hf("download", "ann/many", "--local-dir", str(client.home / "back"))
    assert down.returncode == 0, down.stderr
    for place in folder.rglob("*.*"):
        assert (client.home / "back" / place.relative_to(folder)).read_bytes() == place.read_bytes()


def test_the_whole_process(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "WEIGHBRIDGE_"))}
    home = {"WEIGHBRIDGE_HOME": str(tmp_path / "home"), "WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:9"}
    program = [sys.executable, "-m", "weighbridge"]

    def run(*arguments: str, said: str = "") -> str:
        return subprocess.run(
            [*program, *arguments],
            env={**env, **home},
            input=said,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    permissions = [part for name in ("search", "download", "upload") for part in ("--permission", name)]
    run("user", "add", "ann", "--password-stdin", *permissions, said="correct horse")
    token = json.loads(run("token", "create", "--user", "ann", "--json"))["token"]
    server = subprocess.Popen(
        [*program, "serve", "--port", "0", "--json"], env={**env, **home}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        (tmp_path / "w.bin").write_bytes(LARGE)
        hub = {"HF_ENDPOINT": url, "HF_TOKEN": token, "HF_HOME": str(tmp_path / "hf"), "NO_COLOR": "1"}
        hf = str(Path(sys.executable).with_name("hf"))
        for command in (
            (hf, "upload", "words", str(tmp_path / "w.bin")),
            (hf, "download", "ann/words", "w.bin", "--local-dir", str(tmp_path / "down")),
        ):
            ran = subprocess.run(command, env={**env, **hub}, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr
        assert (tmp_path / "down" / "w.bin").read_bytes() == LARGE
    finally:
        server.terminate()
        server.communicate(timeout=600)


def test_a_card_is_checked_before_the_commit(client: Client) -> None:
    got = client.python("""
api.create_repo("ann/card")
bad = b"---\\nlicense: [mit\\n---\\n# x\\n"
result = [said(api.upload_file, path_or_fileobj=bad, path_in_repo="README.md", repo_id="ann/card")]
from huggingface_hub import ModelCard
card = ModelCard("---\\nlicense: mit\\n---\\n# Good\\n")
card.validate()
result.append(str(card.push_to_hub("ann/card")))
result.append(ModelCard.load("ann/card").data.license)
""")
    assert got[0][0] == "ValueError"
    assert "the metadata of README.md cannot be read: line " in got[0][1]
    assert got[2] == "mit"
