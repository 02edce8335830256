"""The life of a repository through the real client: renamed, squashed, duplicated, taken away."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doors.asgi_server import Answer
from tests.doors.uploading import Client, Registry, registry_at
from weighbridge.domain.access import LOCAL
from weighbridge.domain.ref import RepoId
from weighbridge.doors.hub.api import REPO_CALLS
from weighbridge.doors.hub.repo_life import NAMES_OF_CALLS


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home", WEIGHBRIDGE_SERVE="all") as running:
        yield running


@pytest.fixture
def clients(registry: Registry, tmp_path: Path) -> dict[str, Client]:
    return {
        user: Client(registry=registry, home=tmp_path / user, user=user) for user in ("ann", "bob", "rita")
    }


@pytest.fixture
def ann(clients: dict[str, Client]) -> Client:
    return clients["ann"]


def test_a_former_name_leads_the_client_to_the_new_one(ann: Client) -> None:
    got = ann.python("""
api.create_repo("before", repo_type="dataset")
where = {"repo_id": "ann/before", "repo_type": "dataset"}
for at, name in enumerate(["a.txt", "sub dir/\u00fc 1.txt"]):
    api.upload_file(**where, path_or_fileobj=b"x" * (at + 1), path_in_repo=name)
api.create_branch("ann/before", branch="dev/x", repo_type="dataset")
api.move_repo("ann/before", "ann/after", repo_type="dataset")
known = {"repo_id": "ann/before", "repo_type": "dataset"}
result = {}
result["info"] = [api.repo_info(**known).id, api.repo_info(**known, revision="dev/x").id]
result["files"] = sorted(api.list_repo_files(**known))
result["tree"] = [e.path for e in api.list_repo_tree(**known, path_in_repo="sub dir", revision="dev/x")]
result["paths"] = [e.path for e in api.get_paths_info(**known, paths=["a.txt", "none"])]
result["refs"] = sorted(b.name for b in api.list_repo_refs(**known).branches)
result["commits"] = len(api.list_repo_commits(**known))
result["file"] = Path(hf_hub_download(**known, filename="sub dir/\u00fc 1.txt", revision="dev/x")).read_text()
result["snapshot"] = sorted(files_of(snapshot_download(**known)))
result["missing"] = [api.file_exists(**known, filename="none"), api.revision_exists(**known, revision="none")]
api.auth_check("ann/before", repo_type="dataset")
from huggingface_hub import HfFileSystem
result["read"] = HfFileSystem().cat_file("datasets/ann/before/a.txt", start=0, end=1).decode()
again = api.upload_file(**known, path_or_fileobj=b"more", path_in_repo="more.txt")
api.create_tag(**known, tag="v1")
api.update_repo_settings(**known, private=True)
result["written"] = [again.commit_url, api.repo_info("ann/after", repo_type="dataset").sha == again.oid]
result["taken"] = [said(api.create_repo, "ann/before", repo_type="dataset")[0],
    str(api.create_repo("ANN/Before", repo_type="dataset", exist_ok=True))]
result["model"] = said(api.model_info, "ann/before")[0]
""")
    written = got.pop("written")
    assert written[0].startswith(f"{ann.registry.url}/datasets/ann/after/commit/")
    assert written[1]
    assert got == {
        "info": ["ann/after", "ann/after"],
        "files": [".gitattributes", "a.txt", "sub dir/\u00fc 1.txt"],
        "tree": ["sub dir/\u00fc 1.txt"],
        "paths": ["a.txt"],
        "refs": ["dev/x", "main"],
        "commits": 3,
        "file": "xx",
        "snapshot": [".gitattributes", "a.txt", "sub dir/\u00fc 1.txt"],
        "missing": [False, False],
        "read": "x",
        "taken": ["HfHubHTTPError", f"{ann.registry.url}/datasets/ann/after"],
        "model": "RepositoryNotFoundError",
    }


def test_a_redirect_keeps_everything_behind_the_name(registry: Registry, ann: Client) -> None:
    ann.python("""
api.create_repo("Old-Name")
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/Old-Name")
api.create_branch("ann/Old-Name", branch="dev/x")
api.move_repo("ann/Old-Name", "ann/New.Name")
""")
    for asked, led in (
        ("/api/models/ann/Old-Name", "/api/models/ann/New.Name"),
        ("/api/models/ANN/old-name", "/api/models/ann/New.Name"),
        ("/api/models/ann%2FOld-Name", "/api/models/ann/New.Name"),
        ("/api/models/ann/Old-Name?blobs=true&a=%2F", "/api/models/ann/New.Name?blobs=true&a=%2F"),
        ("/api/models/ann/old%2Dname/tree/dev%2Fx", "/api/models/ann/New.Name/tree/dev%2Fx"),
        ("/ann/Old-Name/resolve/main/a.txt?download=true", "/ann/New.Name/resolve/main/a.txt?download=true"),
        ("/ann/Old-Name/resolve/main/%C3%BC/ann/Old-Name", "/ann/New.Name/resolve/main/%C3%BC/ann/Old-Name"),
        ("/ann/Old-Name/raw/main/a.txt", "/ann/New.Name/raw/main/a.txt"),
    ):  # fmt: skip
        for method in ("GET", "HEAD"):
            answer = registry.call("bob", method, asked)
            assert (answer.status, answer.headers.get("location")) == (307, led), asked
    form = registry.call("bob", "POST", "/api/models/ann/Old-Name/paths-info/main", {"paths": ["a.txt"]})
    assert (form.status, form.headers["location"]) == (307, "/api/models/ann/New.Name/paths-info/main")
    assert registry.call("bob", "GET", "/api/models/ANN/new.name").status == 200
    missing = registry.call("bob", "GET", "/api/models/ann/Old-Name/revision/none")
    assert missing.status in (307, 404)


def test_a_former_name_says_nothing_of_a_private_repository(
    registry: Registry, clients: dict[str, Client]
) -> None:
    clients["ann"].python("""
api.create_repo("shown", private=True)
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/shown")
api.move_repo("ann/shown", "ann/hidden-plan")
""")
    for path in ("/api/models/ann/{}", "/ann/{}/resolve/main/a.txt", "/api/models/ann/{}/tree/main"):
        for user in ("bob", "rita", ""):
            former = registry.call(user, "GET", path.format("shown"))
            nothing = registry.call(user, "GET", path.format("no-such"))
            assert former.status == nothing.status == 404
            assert former.body.replace(b"shown", b"no-such") == nothing.body
            assert "hidden" not in str(former.headers)
    for method, at, body in (
        ("POST", "/api/models/ann/{}/tag/main", {"tag": "v"}),
        ("POST", "/api/models/ann/{}/discussions", {"title": "t", "description": ""}),
        ("PUT", "/api/models/ann/{}/settings", {"private": False}),
        ("POST", "/ann/{}.git/info/lfs/objects/batch", {"operation": "upload", "objects": []}),
    ):
        answer = registry.call("bob", method, at.format("shown"), body)
        assert answer.status == 404
        assert b"hidden" not in answer.body


def test_a_name_is_taken_without_telling_by_whom(registry: Registry, clients: dict[str, Client]) -> None:
    ann = registry.bridge.people.principal(registry.tokens["ann"])
    bob = RepoId.parse("bob/given")
    clients["bob"].python('api.create_repo("given", private=True)')
    registry.bridge.repos.move(LOCAL, bob, RepoId.parse("ann/Quiet-Plan"))
    clients["ann"].python('api.update_repo_settings("ann/Quiet-Plan", private=True)')
    answer = registry.call("bob", "POST", "/api/repos/create", {"name": "given"})
    assert (answer.status, answer.json["url"]) == (409, f"{registry.url}/bob/given")
    assert b"uiet" not in answer.body
    clients["bob"].python('api.create_repo("else")')
    for where in (bob, RepoId.parse("BOB/Given")):
        answer = registry.call(
            "bob", "POST", "/api/repos/move", {"fromRepo": "bob/else", "toRepo": where.full_name}
        )
        assert answer.status == 409
        assert b"uiet" not in answer.body
    assert registry.bridge.repos.repository(ann, bob).id.full_name == "ann/Quiet-Plan"


def test_a_history_is_squashed(clients: dict[str, Client]) -> None:
    got = clients["ann"].python("""
api.create_repo("long")
for number in range(3):
    api.upload_file(path_or_fileobj=b"%d" % number, path_in_repo=f"{number}.txt", repo_id="ann/long")
api.upload_file(path_or_fileobj=bytes(range(256)) * 9, path_in_repo="w.bin", repo_id="ann/long")
api.create_branch("ann/long", branch="dev/x")
api.create_tag("ann/long", tag="v1")
before = api.list_repo_tree("ann/long", recursive=True)
before = {e.path: e.blob_id for e in before if hasattr(e, "blob_id")}
api.super_squash_history("ann/long")
api.super_squash_history("ann/long", branch="dev/x", commit_message="One\\n\\nand only")
after = {e.path: e.blob_id for e in api.list_repo_tree("ann/long", recursive=True) if hasattr(e, "blob_id")}
titles = lambda revision: [(c.title, c.message) for c in api.list_repo_commits("ann/long", revision=revision)]
result = [before == after, titles("main"), titles("dev/x"), len(titles("v1"))]
result.append(sorted(files_of(snapshot_download("ann/long"))))
result += [said(api.super_squash_history, "ann/long", branch=name)[0] for name in ("none", "v1", "refs/pr/1")]
api.upload_file(path_or_fileobj=b"x", path_in_repo="next.txt", repo_id="ann/long")
result.append(len(titles("main")))
""")
    assert got[0]
    assert got[1] == [["Super-squash branch 'main' using huggingface_hub", ""]]
    assert got[2] == [["One", "and only"]]
    assert got[3] == 5
    assert got[4] == [".gitattributes", "0.txt", "1.txt", "2.txt", "w.bin"]
    assert got[5:8] == ["RevisionNotFoundError", "BadRequestError", "BadRequestError"]
    assert got[8] == 2
    bob = 'result = said(api.super_squash_history, "ann/long")'
    assert "403" in clients["bob"].python(bob)[1]


def test_what_a_registry_has_no_use_for_is_refused_with_a_sentence(
    registry: Registry, clients: dict[str, Client]
) -> None:
    got = clients["ann"].python("""
api.create_repo("app", repo_type="space", space_sdk="static")
calls = {
    "no jobs": (lambda: list(api.list_jobs()), lambda: api.run_job(image="x", command=["true"]),
        lambda: list(api.list_scheduled_jobs()), lambda: api.cancel_job(job_id="1")),
    "no buckets": (lambda: api.create_bucket("b"), lambda: list(api.list_buckets())),
    "no collections": (lambda: list(api.list_collections(owner="ann")), lambda: api.create_collection("t"),
        lambda: api.get_collection("ann/t-1")),
    "no webhooks": (api.list_webhooks, lambda: api.create_webhook(url="http://x", watched=[])),
    "no papers": (lambda: list(api.list_papers(query="x")), lambda: list(api.list_daily_papers())),
    "no followers": (lambda: list(api.list_user_followers("ann")),),
    "runs no spaces": (lambda: api.get_space_runtime("ann/app"), lambda: api.pause_space("ann/app"),
        lambda: api.add_space_secret("ann/app", "K", "hidden"), lambda: api.restart_space("ann/app"),
        lambda: api.get_space_variables("ann/app"), lambda: api.list_space_templates(),
        lambda: api.request_space_hardware("ann/app", "t4-medium")),
}
result = {words: [said(call) for call in each] for words, each in calls.items()}
""")
    for words, answers in got.items():
        for kind, said in answers:
            assert kind in ("HfHubHTTPError", "JobNotFoundError", "BucketNotFoundError"), (words, said)
            assert "404" in said
            assert f"Weighbridge has {words}" in said or f"Weighbridge {words}" in said
    answer = registry.call("", "POST", "/api/jobs/ann", {"a": 1})
    assert (answer.status, answer.json["error"]) == (404, answer.headers["x-error-message"])
    for command in (("jobs", "ps"), ("buckets", "list"), ("webhooks", "ls"), ("collections", "ls")):
        ran = clients["ann"].hf(*command)
        assert ran.returncode != 0
        assert "Weighbridge has no" in ran.stderr + ran.stdout, ran.stderr
        assert "Traceback" not in ran.stderr


def test_a_repository_is_duplicated(registry: Registry, clients: dict[str, Client]) -> None:
    clients["ann"].python("""
api.create_repo("origin")
api.upload_file(path_or_fileobj=bytes(range(256)) * 99, path_in_repo="w.bin", repo_id="ann/origin")
api.create_tag("ann/origin", tag="v1")
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/origin")
api.create_repo("screen", repo_type="space", space_sdk="static", private=True)
api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/screen", repo_type="space")
""")
    got = clients["bob"].python("""
made = api.duplicate_repo("ann/origin")
result = [str(made), made.repo_id, made.files_copy_pending]
titles = lambda name: [c.title for c in api.list_repo_commits(name)]
result.append(titles("bob/origin") == titles("ann/origin"))
result.append([t.name for t in api.list_repo_refs("bob/origin").tags])
root = snapshot_download("bob/origin", revision="v1")
result.append(len(Path(root, "w.bin").read_bytes()))
api.create_commit("bob/origin", commit_message="Again", operations=[
    CommitOperationAdd("again.bin", bytes(range(256)) * 99), CommitOperationCopy("w.bin", "copy.bin")])
result.append(sorted(api.list_repo_files("bob/origin")))
result.append(said(api.duplicate_repo, "ann/origin"))
result.append(str(api.duplicate_repo("ann/origin", exist_ok=True)))
private = api.duplicate_repo("ann/origin", to_id="bob/hidden", private=True)
result.append(api.model_info("bob/hidden").private)
result += [said(api.duplicate_repo, "ann/origin", to_id="ann/theirs")[1],
    said(api.duplicate_repo, "ann/none")[0], said(api.duplicate_repo, "ann/screen", repo_type="space")[0]]
""")
    address = f"{registry.url}/bob/origin"
    assert got[:6] == [address, "bob/origin", False, True, ["v1"], 256 * 99]
    assert got[6] == [".gitattributes", "a.txt", "again.bin", "copy.bin", "w.bin"]
    assert "409" in got[7][1]
    assert got[8:10] == [address, True]
    assert "403" in got[10]
    assert got[11:] == ["RepositoryNotFoundError"] * 2
    space = clients["ann"].python("""
made = api.duplicate_repo("ann/screen", to_id="twin", repo_type="space")
info = api.space_info("ann/twin")
result = [str(made), info.private, sorted(s.rfilename for s in info.siblings)]
""")
    assert space[:2] == [f"{registry.url}/spaces/ann/twin", True]
    assert "a.txt" in space[2]


def test_large_files_are_named_in_another_repository(registry: Registry, clients: dict[str, Client]) -> None:
    clients["ann"].python("""
api.create_repo("lender")
api.upload_file(path_or_fileobj=b"lent" * 9999, path_in_repo="w.bin", repo_id="ann/lender")
""")
    got = clients["bob"].python("""
api.create_repo("borrower")
result = said(api.create_commit, "bob/borrower", commit_message="Copy", operations=[CommitOperationCopy(
    "w.bin", "w.bin", src_repo_id="ann/lender", src_repo_type="model")])
""")
    assert "no xet hash" in got[1], "the client itself refuses to copy what is not kept by Xet"
    content = hashlib.sha256(b"lent" * 9999).hexdigest()
    files = [{"sha256": content, "filename": "w.bin"}, {"sha256": "0" * 64, "filename": "none"}]
    target = {"type": "model", "name": "bob/borrower"}
    where = "/api/models/ann/lender/lfs-files/duplicate"
    answer = registry.call("bob", "POST", where, {"target": target, "files": files})
    assert (answer.status, [each["sha256"] for each in answer.json["failed"]]) == (200, ["0" * 64])
    assert registry.call("rita", "POST", where, {"target": target, "files": files}).status == 403
    assert registry.call("bob", "POST", where, {"target": target, "files": [{}]}).status == 400
    assert registry.call("bob", "POST", "/api/models/ann/lender/lfs-files/x", {}).status == 404
    lines = [
        {"key": "header", "value": {"summary": "Named"}},
        {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": content}},
    ]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    assert registry.call("bob", "POST", "/api/models/bob/borrower/commit/main", body).status == 200
    assert registry.call("bob", "GET", "/bob/borrower/resolve/main/w.bin").body == b"lent" * 9999


def test_a_repository_begins_with_what_the_client_for_node_sends(registry: Registry) -> None:
    def create(**body: Any) -> Answer:
        return registry.call("ann", "POST", "/api/repos/create", {"organization": "ann", **body})

    content = b64encode(b"\x00\xffbytes").decode()
    files = [
        {"path": "a/b.bin", "encoding": "base64", "content": content},
        {"path": ".gitattributes", "encoding": "base64", "content": b64encode(b"*.x -text\n").decode()},
    ]
    made = create(name="node", type="model", visibility="private", license="mit", files=files)
    assert made.status == 200, made.body
    assert registry.call("ann", "GET", "/ann/node/resolve/main/a/b.bin").body == b"\x00\xffbytes"
    assert registry.call("ann", "GET", "/ann/node/resolve/main/.gitattributes").body == b"*.x -text\n"
    info = registry.call("ann", "GET", "/api/models/ann/node").json
    assert (info["private"], info["cardData"]["license"]) == (True, "mit")
    assert len(registry.call("ann", "GET", "/api/models/ann/node/commits/main").json) == 1
    assert registry.call("bob", "GET", "/api/models/ann/node").status == 404
    made = create(name="show", type="space", sdk="gradio", hardware="t4-medium", secrets=[{"key": "K"}])
    assert made.headers["x-hf-warning"].startswith("space; Weighbridge runs no spaces: hardware, secrets")
    card = registry.call("ann", "GET", "/spaces/ann/show/raw/main/README.md").body
    assert card == b"---\nsdk: gradio\n---\n"
    mine = [{"path": "README.md", "content": "# Mine\n", "encoding": "utf-8"}]
    assert create(name="carded", license="mit", files=mine).status == 200
    assert registry.call("ann", "GET", "/ann/carded/raw/main/README.md").body == b"# Mine\n"
    for wrong in (
        {"files": "x"},
        {"files": [1]},
        {"files": [{"path": "a"}]},
        {"files": [{"path": "../a", "content": ""}]},
        {"files": [{"path": "run.exe", "content": ""}]},
        {"files": [{"path": "a", "encoding": "base64", "content": "?"}]},
        {"files": [{"path": "a", "content": ""}, {"path": "A", "content": ""}]},
        {"files": [{"path": str(number), "content": ""} for number in range(101)]},
        {"license": "mit\nsdk: x"},
        {"visibility": "protected"},
    ):
        assert create(name="wrong", **wrong).status == 400, wrong
    assert registry.call("ann", "GET", "/api/models/ann/wrong").status == 404


def test_branches_as_the_client_for_node_makes_them(registry: Registry, clients: dict[str, Client]) -> None:
    head = clients["ann"].python("""
api.create_repo("node-branches")
result = api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/node-branches").oid
""")
    at = "/api/models/ann/node-branches/branch/"

    def made(name: str, **body: Any) -> tuple[int, str]:
        answer = registry.call("ann", "POST", at + name, body)
        return answer.status, answer.json.get("targetCommit", "")

    def files(branch: str) -> list[str]:
        tree = registry.call("ann", "GET", f"/api/models/ann/node-branches/tree/{branch}").json
        return [entry["path"] for entry in tree]

    assert made("a%2Fb", overwrite=True) == (200, head), "made if it is not there"
    status, empty = made("void", emptyBranch=True)
    assert (status, files("void")) == (200, [])
    assert made("void")[0] == 409
    assert made("void", overwrite=True) == (200, empty)
    assert made("void", overwrite=True, startingPoint="a/b") == (200, head)
    assert files("void") == [".gitattributes", "a.txt"]
    assert made("a%2Fb", overwrite=True, emptyBranch=True)[0] == 200
    assert files("a%2Fb") == []
    assert made("void", overwrite=True, startingPoint="none")[0] == 404
    for name in ("refs%2Fheads%2Fx", "a..b", "x.lock", "a" * 40, "HEAD"):
        assert made(name)[0] == 400, name
    assert registry.call("ann", "DELETE", at + "a%2Fb").status == 200
    assert registry.call("ann", "DELETE", at + "a%2Fb").headers["x-error-code"] == "RevisionNotFound"


def test_tags_at_any_revision(registry: Registry, clients: dict[str, Client]) -> None:
    got = clients["ann"].python("""
api.create_repo("tagged")
first = api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id="ann/tagged").oid
second = api.upload_file(path_or_fileobj=b"2", path_in_repo="a.txt", repo_id="ann/tagged").oid
api.create_branch("ann/tagged", branch="dev/x", revision=first)
api.create_pull_request("ann/tagged", title="Draft")
for tag, revision in (("head", None), ("at/branch", "dev/x"), ("short", first[:8]), ("full", first),
        ("again", "full"), ("ref", "refs/heads/dev/x"), ("pull", "refs/pr/1")):
    api.create_tag("ann/tagged", tag=tag, revision=revision, tag_message="Why\\nit is")
tags = {t.name: t.target_commit for t in api.list_repo_refs("ann/tagged").tags}
result = [tags.pop("head") == second, tags.pop("pull") == second, set(tags.values()) == {first}, len(tags)]
result += [said(api.create_tag, "ann/tagged", tag="none", revision="none")[0],
    said(api.create_tag, "ann/tagged", tag="bad name")[0]]
api.delete_tag("ann/tagged", tag="at/branch")
result.append(api.revision_exists("ann/tagged", "at/branch"))
""")
    assert got == [True, True, True, 5, "RevisionNotFoundError", "BadRequestError", False]
    lines = registry.bridge.audit.lines(LOCAL)
    assert "short: Why it is" in [line.detail for line in lines if line.verb == "repo.tag"]


def test_names_are_freed_and_kinds_are_apart(clients: dict[str, Client]) -> None:
    got = clients["ann"].python("""
api.create_repo("twice")
api.create_repo("twice", repo_type="dataset")
result = [said(api.create_repo, "ann/Twice")[0], str(api.create_repo("ANN/TWICE", exist_ok=True))]
api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id="ann/twice")
api.delete_repo("ann/twice", repo_type="dataset")
result += [said(api.delete_repo, "ann/twice", repo_type="space")[0], api.file_exists("ann/TWICE", "a.txt")]
api.delete_repo("ann/TWICE")
api.create_repo("Twice", private=True)
result += [api.list_repo_files("ann/twice"), api.model_info("ann/twice").id]
api.move_repo("ann/Twice", "ann/tWICE")
result.append(api.model_info("ann/twice").id)
api.create_repo("other")
result.append(said(api.move_repo, "ann/other", "ann/TWICE")[0])
api.delete_repo("ann/twice")
api.move_repo("ann/other", "ann/TWICE")
result.append(api.model_info("ann/other").id)
""")
    address = f"{clients['ann'].registry.url}/ann/twice"
    assert got == [
        "HfHubHTTPError", address, "RepositoryNotFoundError", True, [".gitattributes"], "ann/Twice",
        "ann/tWICE", "HfHubHTTPError", "ann/TWICE",
    ]  # fmt: skip


def test_large_files_are_listed_and_deleted_for_good(registry: Registry, clients: dict[str, Client]) -> None:
    got = clients["ann"].python("""
api.create_repo("heavy")
def put(**files):
    adds = [CommitOperationAdd(p.replace("_", "."), c) for p, c in files.items()]
    return api.create_commit("ann/heavy", commit_message=" ".join(files), operations=adds).oid
one, two = bytes(range(256)) * 40, bytes(range(255)) * 40
first = put(a_txt=b"a")
second = put(one_bin=one, two_bin=two)
api.create_tag("ann/heavy", tag="v1")
api.create_pull_request("ann/heavy", title="Draft")
api.create_commit("ann/heavy", commit_message="more", revision="refs/pr/1",
    operations=[CommitOperationAdd("p.txt", b"p")])
api.delete_file("one.bin", "ann/heavy")
last = put(b_txt=b"b")
files = sorted(api.list_lfs_files("ann/heavy"), key=lambda f: f.filename)
told = lambda f: (f.filename, f.size, f.ref, f.file_oid == f.oid, f.pushed_at.year > 2000)
result = {"listed": [told(f) for f in files]}
result["kept"] = said(api.permanently_delete_lfs_files, "ann/heavy", files[:1], rewrite_history=False)
api.permanently_delete_lfs_files("ann/heavy", [f for f in files if f.filename == "one.bin"])
result["left"] = [f.filename for f in api.list_lfs_files("ann/heavy")]
of = lambda revision: sorted(api.list_repo_files("ann/heavy", revision=revision))
result["files"] = [of("main"), of("v1"), of("refs/pr/1")]
result["titles"] = [c.title for c in api.list_repo_commits("ann/heavy")]
result["ids"] = [api.revision_exists("ann/heavy", id) for id in (first, second, last)]
result["fetched"] = Path(hf_hub_download("ann/heavy", "two.bin", revision="v1")).read_bytes() == two
result["gone"] = said(hf_hub_download, "ann/heavy", "one.bin", revision=second)[0]
result["merged"] = said(api.merge_pull_request, "ann/heavy", 1)[0]
result["after"] = of("main")
api.permanently_delete_lfs_files("ann/heavy", files)
result["empty"] = list(api.list_lfs_files("ann/heavy"))
merged = api.get_discussion_details("ann/heavy", 1).merge_commit_oid
result["same"] = merged == api.model_info("ann/heavy").sha
""")
    assert got["listed"] == [
        ["one.bin", 10240, "refs/heads/main", True, True],
        ["two.bin", 10200, "refs/heads/main", True, True],
    ]
    assert got["kept"][0] == "BadRequestError"
    assert "rewrite_history=True" in got["kept"][1]
    assert got["left"] == ["two.bin"]
    assert got["files"] == [
        [".gitattributes", "a.txt", "b.txt", "two.bin"],
        [".gitattributes", "a.txt", "two.bin"],
        [".gitattributes", "a.txt", "p.txt", "two.bin"],
    ]
    assert got["titles"] == [
        "b_txt", "Delete one.bin with huggingface_hub", "one_bin two_bin", "a_txt", "initial commit",
    ]  # fmt: skip
    assert got["ids"] == [True, False, False]
    assert (got["fetched"], got["gone"], got["merged"]) == (True, "RevisionNotFoundError", "done")
    assert got["after"] == [".gitattributes", "a.txt", "b.txt", "p.txt", "two.bin"]
    assert (got["empty"], got["same"]) == ([], True)
    at = "/api/models/ann/heavy/lfs-files"
    assert registry.call("bob", "GET", at).status == 403
    assert registry.call("", "GET", at).status == 401
    wish = {"deletions": {"sha": ["a" * 64], "rewriteHistory": True}}
    assert registry.call("bob", "POST", f"{at}/batch", wish).status == 403
    assert registry.call("ann", "POST", f"{at}/batch", wish).status == 200, "what is not there is not missed"
    for wrong in ({}, {"sha": []}, {"sha": "x"}, {"sha": [1]}, {"sha": ["x"], "rewriteHistory": True}):
        assert registry.call("ann", "POST", f"{at}/batch", {"deletions": wrong}).status == 400, wrong


def test_large_files_come_in_pages(registry: Registry, clients: dict[str, Client]) -> None:
    clients["ann"].python("""
api.create_repo("pages", repo_type="dataset")
api.create_commit("ann/pages", repo_type="dataset", commit_message="many", operations=[
    CommitOperationAdd(f"{n}.bin", bytes([n]) * 300) for n in range(5)])
""")
    seen: list[str] = []
    path = "/api/datasets/ann/pages/lfs-files?limit=2"
    while path:
        answer = registry.call("ann", "GET", path)
        seen += [each["filename"] for each in answer.json]
        link = answer.headers.get("link", "")
        path = link.partition("<")[2].partition(">")[0].removeprefix(registry.url)
    assert sorted(seen) == [f"{n}.bin" for n in range(5)]


def test_no_repository_has_a_name_that_addresses_use_for_something_else(ann: Client) -> None:
    assert set(REPO_CALLS) < NAMES_OF_CALLS
    got = ann.python("""
api.create_repo("sought")
result = [*(said(api.create_repo, f"ann/{name}") for name in ("refs", "discussions", "duplicate")),
    said(api.move_repo, "ann/sought", "ann/tree"), said(api.duplicate_repo, "ann/sought", "ann/resolve"),
    ["found", api.model_info("ann/sought").id]]
""")
    assert all("no repository can be called" in told for _, told in got[:-1]), got
    assert got[-1] == ["found", "ann/sought"]
