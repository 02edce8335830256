"""Discussions and pull requests through the real client, and what the door says to others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.asgi_server import Answer
from tests.doors.uploading import Client, Registry, registry_at


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry") / "home", WEIGHBRIDGE_SERVE="all") as running:
        yield running


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Nothing is shown to others before it was accepted."""
    with registry_at(tmp_path_factory.mktemp("gated") / "home") as running:
        yield running


@pytest.fixture
def ann(registry: Registry, tmp_path: Path) -> Client:
    return Client(registry=registry, home=tmp_path / "ann")


@pytest.fixture
def bob(registry: Registry, tmp_path: Path) -> Client:
    return Client(registry=registry, home=tmp_path / "bob", user="bob")


def post(registry: Registry, user: str, path: str, **body: object) -> Answer:
    return registry.call(user, "POST", f"/api/models/{path}", json.dumps(body).encode())


def test_a_discussion_from_its_beginning_to_its_end(ann: Client) -> None:
    got = ann.python("""
result = {}
api.create_repo("talk")
made = api.create_discussion("ann/talk", title="Why?", description="Just asking.")
result["made"] = [made.num, made.status, made.is_pull_request, made.author, made.title, made.url[-23:]]
result["first"] = made.events[0].content
said = api.comment_discussion("ann/talk", 1, comment="One word")
result["said"] = [said.content, said.edited, said.hidden, said.author, said.type]
edited = api.edit_discussion_comment("ann/talk", 1, said.id, new_content="Another word")
result["edited"] = [edited.content, edited.edited, edited.id == said.id]
hidden = api.hide_discussion_comment("ann/talk", 1, said.id)
result["hidden"] = [hidden.hidden, "Another word" in hidden.content]
renamed = api.rename_discussion("ann/talk", 1, new_title="Because")
result["renamed"] = [renamed.old_title, renamed.new_title]
closed = api.change_discussion_status("ann/talk", 1, new_status="closed", comment="Done.")
result["closed"] = closed.new_status
details = api.get_discussion_details("ann/talk", 1)
result["details"] = [details.title, details.status, [e.type for e in details.events], details.diff]
for title in ("Two", "Three"):
    api.create_discussion("ann/talk", title=title)
api.create_pull_request("ann/talk", title="Four")
listed = lambda **more: [d.num for d in api.get_repo_discussions("ann/talk", **more)]
result["listed"] = [listed(), listed(discussion_type="pull_request"), listed(discussion_type="discussion"),
    listed(discussion_status="open"), listed(discussion_status="closed"), listed(author="bob")]
""")
    assert got == {
        "made": [1, "open", False, "ann", "Why?", "/ann/talk/discussions/1"],
        "first": "Just asking.",
        "said": ["One word", False, False, "ann", "comment"],
        "edited": ["Another word", True, True],
        "hidden": [True, False],
        "renamed": ["Why?", "Because"],
        "closed": "closed",
        "details": [
            "Because",
            "closed",
            ["comment", "comment", "title-change", "comment", "status-change"],
            None,
        ],
        "listed": [[4, 3, 2, 1], [4], [3, 2, 1], [4, 3, 2], [1], []],
    }


def test_somebody_else_proposes_and_the_owner_merges(ann: Client, bob: Client) -> None:
    ann.python("""
api.create_repo("model")
api.upload_file(path_or_fileobj=b"one\\n", path_in_repo="a.txt", repo_id="ann/model")
api.upload_file(path_or_fileobj=b"old\\n", path_in_repo="old.txt", repo_id="ann/model")
""")
    got = bob.python("""
result = {}
result["direct"] = said(api.upload_file, path_or_fileobj=b"x", path_in_repo="b.txt", repo_id="ann/model")[0]
made = api.upload_file(path_or_fileobj=b"two\\n", path_in_repo="a.txt", repo_id="ann/model", create_pr=True,
    commit_message="Better", commit_description="It is.")
result["made"] = [made.pr_url[-24:], made.pr_num, made.pr_revision]
where = {"repo_id": "ann/model", "revision": "refs/pr/1"}
more = api.upload_file(path_or_fileobj=b"new\\n", path_in_repo="n/new.txt", **where)
api.delete_file("old.txt", "ann/model", revision="refs/pr/1")
result["more"] = more.pr_url
result["files"] = sorted(api.list_repo_files("ann/model", revision="refs/pr/1"))
result["read"] = Path(hf_hub_download("ann/model", "a.txt", revision="refs/pr/1")).read_text()
result["main"] = sorted(api.list_repo_files("ann/model"))
refs = api.list_repo_refs("ann/model", include_pull_requests=True)
result["refs"] = [r.name for r in refs.pull_requests]
details = api.get_discussion_details("ann/model", 1)
result["details"] = [details.title, details.status, details.author, details.target_branch,
    details.conflicting_files, details.merge_commit_oid, [e.type for e in details.events]]
result["diff"] = details.diff
result["merge"] = said(api.merge_pull_request, "ann/model", 1)[0]
result["sends"] = api.list_repo_commits("ann/model", revision="refs/pr/1")[0].title
""")
    assert got["direct"] == "HfHubHTTPError"
    assert got["made"] == ["/ann/model/discussions/1", 1, "refs/pr/1"]
    assert got["more"] is None
    assert got["files"] == [".gitattributes", "a.txt", "n/new.txt"]
    assert (got["read"], got["refs"]) == ("two\n", ["refs/pr/1"])
    assert got["main"] == [".gitattributes", "a.txt", "old.txt"]
    types = ["comment", "commit", "commit", "commit"]
    assert got["details"] == ["Better", "open", "bob", "refs/heads/main", [], None, types]
    assert "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n" in got["diff"]
    assert "deleted file mode 100644\n--- a/old.txt\n+++ /dev/null\n" in got["diff"]
    assert got["merge"] == "HfHubHTTPError"
    merged = ann.python("""
api.upload_file(path_or_fileobj=b"own\\n", path_in_repo="own.txt", repo_id="ann/model")
api.merge_pull_request("ann/model", 1, comment="Thanks!")
details = api.get_discussion_details("ann/model", 1)
top = api.list_repo_commits("ann/model")[0]
result = {"status": details.status, "is top": details.merge_commit_oid == top.commit_id, "title": top.title,
    "types": [e.type for e in details.events][-2:], "files": sorted(api.list_repo_files("ann/model")),
    "again": said(api.merge_pull_request, "ann/model", 1)}
""")
    assert merged["status"] == "merged"
    assert merged["is top"]
    assert merged["title"] == "Better (#1)"
    assert merged["types"] == ["comment", "status-change"]
    assert merged["files"] == [".gitattributes", "a.txt", "n/new.txt", "own.txt"]
    assert "merged" in merged["again"][1]


@pytest.mark.parametrize("xet", [False, True])
def test_a_folder_with_large_files_is_proposed(
    registry: Registry, ann: Client, tmp_path: Path, xet: bool
) -> None:
    name = f"folder-{xet}".lower()
    ann.python(f"api.create_repo({name!r})")
    bob = Client(registry=registry, home=tmp_path / "bob", user="bob", xet=xet)
    got = bob.python(f"""
folder = Path("up"); folder.mkdir()
(folder / "w.bin").write_bytes(bytes(range(256)) * 9000); (folder / "README.md").write_text("# Hello")
made = api.upload_folder(folder_path=folder, repo_id="ann/{name}", create_pr=True)
result = {{"url": made.pr_url, "files": sorted(api.list_repo_files("ann/{name}", revision="refs/pr/1")),
    "same": Path(hf_hub_download("ann/{name}", "w.bin", revision="refs/pr/1")).read_bytes()
        == (folder / "w.bin").read_bytes()}}
""")
    assert got["files"] == [".gitattributes", "README.md", "w.bin"]
    assert got["same"]


def test_what_both_changed_is_a_conflict(ann: Client, registry: Registry) -> None:
    ann.python("""
api.create_repo("clash")
api.upload_file(path_or_fileobj=b"mine\\n", path_in_repo="a.txt", repo_id="ann/clash", create_pr=True)
api.upload_file(path_or_fileobj=b"other\\n", path_in_repo="a.txt", repo_id="ann/clash")
""")
    got = ann.python("""
details = api.get_discussion_details("ann/clash", 1)
result = [details.conflicting_files, said(api.merge_pull_request, "ann/clash", 1),
    api.get_discussion_details("ann/clash", 1).status]
""")
    assert got[0] == ["a.txt"]
    assert got[1][0] == "HfHubHTTPError"
    assert "409" in got[1][1]
    assert "'main' has changed a.txt too" in got[1][1]
    assert got[2] == "open"
    path = "ann/clash/discussions/1/status"
    assert post(registry, "ann", path, status="closed").status == 200
    assert post(registry, "ann", "ann/clash/discussions/1/merge").status == 409


def test_a_draft_without_commits_is_opened_and_merged(ann: Client) -> None:
    got = ann.python("""
api.create_repo("draft", repo_type="dataset")
where = {"repo_id": "ann/draft", "repo_type": "dataset"}
made = api.create_pull_request(title="Soon", **where)
result = [made.status, made.is_pull_request, made.git_reference]
api.change_discussion_status(discussion_num=made.num, new_status="open", **where)
api.merge_pull_request(discussion_num=made.num, **where)
after = api.get_discussion_details(discussion_num=made.num, **where)
result += [after.status, after.merge_commit_oid == api.dataset_info("ann/draft").sha]
""")
    assert got == ["draft", True, "refs/pr/1", "merged", True]


def test_others_may_not_put_words_into_a_mouth(registry: Registry, ann: Client) -> None:
    ann.python(
        "api.create_repo('words')\napi.create_discussion('ann/words', title='One', description='Mine')"
    )
    talk = registry.call("", "GET", "/api/models/ann/words/discussions/1").json
    at = f"ann/words/discussions/1/comment/{talk['events'][0]['id']}"
    assert post(registry, "", f"{at}/edit", content="x").status == 401
    assert post(registry, "bob", f"{at}/edit", content="x").status == 403
    assert post(registry, "bob", f"{at}/hide").status == 403
    assert post(registry, "bob", "ann/words/discussions/1/title", title="x").status == 403
    assert post(registry, "bob", "ann/words/discussions/1/status", status="closed").status == 403
    assert post(registry, "bob", "ann/words/discussions/1/comment", comment="Hm").status == 200
    last = registry.call("rita", "GET", "/api/models/ann/words/discussions/1").json["events"][-1]
    assert last["data"]["latest"]["raw"] == "Hm"
    theirs = f"ann/words/discussions/1/comment/{last['id']}"
    assert post(registry, "ann", f"{theirs}/edit", content="x").status == 403
    hidden = post(registry, "ann", f"{theirs}/hide").json["updatedComment"]["data"]
    assert (hidden["hidden"], "Hm" in json.dumps(hidden)) == (True, False)
    assert post(registry, "bob", f"{theirs}/edit", content="x").status == 409
    assert post(registry, "rita", "ann/words/discussions", title="From a reader").status == 200
    assert post(registry, "rita", "ann/words/discussions", title="x", pullRequest=True).status == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("discussions", {}, 400),
        ("discussions", {"title": " "}, 400),
        ("discussions", {"title": "x" * 201}, 400),
        ("discussions", {"title": "a\nb"}, 400),
        ("discussions", {"title": "a", "description": "b\0"}, 400),
        ("discussions/1/comment", {}, 400),
        ("discussions/1/comment", {"comment": "x" * 70_000}, 400),
        ("discussions/1/status", {"status": "merged"}, 400),
        ("discussions/1/status", {"status": "draft"}, 400),
        ("discussions/1/status", {"status": "open"}, 400),
        ("discussions/1/merge", {}, 400),
        ("discussions/2/comment", {"comment": "x"}, 404),
        ("discussions/x/comment", {"comment": "x"}, 404),
        ("discussions/1/comment/none/edit", {"content": "x"}, 404),
        ("discussions/1/dance", {}, 404),
    ],
)
def test_what_is_no_discussion(registry: Registry, path: str, body: dict[str, object], status: int) -> None:
    repos = registry.call("ann", "POST", "/api/repos/create", b'{"name":"none"}')
    if repos.status == 200:
        assert post(registry, "ann", "ann/none/discussions", title="One").status == 200
    answer = post(registry, "ann", f"ann/none/{path}", **body)
    assert answer.status == status
    assert answer.headers["x-error-message"]
    talk = registry.call("ann", "GET", "/api/models/ann/none/discussions").json
    assert [each["title"] for each in talk["discussions"]] == ["One"]


def test_a_private_repository_has_no_discussions_for_others(registry: Registry, ann: Client) -> None:
    ann.python("api.create_repo('quiet', private=True)\napi.create_discussion('ann/quiet', title='One')")
    for user in ("", "bob"):
        for path in ("", "/1"):
            answer = registry.call(user, "GET", f"/api/models/ann/quiet/discussions{path}")
            assert (answer.status, answer.headers["x-error-code"]) == (404, "RepoNotFound")
    assert post(registry, "bob", "ann/quiet/discussions", title="x").status == 404


def test_proposed_files_are_seen_by_their_author_and_the_owner_alone(gated: Registry, tmp_path: Path) -> None:
    """An unweighed commit is not served for being proposed; it is weighed when it was merged."""
    ann = Client(registry=gated, home=tmp_path / "ann")
    bob = Client(registry=gated, home=tmp_path / "bob", user="bob")
    ann.python("""
api.create_repo("m")
api.upload_file(path_or_fileobj=b"unweighed", path_in_repo="own.bin.txt", repo_id="ann/m")
""")
    got = bob.python("""
made = api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ann/m", create_pr=True)
result = [sorted(api.list_repo_files("ann/m", revision="refs/pr/1")), made.oid]
""")
    assert got[0] == [".gitattributes", "a.txt"]
    for revision in ("refs%2Fpr%2F1", got[1]):
        path = f"/ann/m/resolve/{revision}/a.txt"
        assert [gated.call(user, "GET", path).status for user in ("ann", "bob", "rita", "")] == [
            200,
            200,
            404,
            404,
        ]
    talk = gated.call("rita", "GET", "/api/models/ann/m/discussions/1?diff=1").json
    assert (talk["diff"], talk["isPullRequest"]) == ("", True)
    assert "+x" in gated.call("bob", "GET", "/api/models/ann/m/discussions/1?diff=1").json["diff"]
    assert gated.call("rita", "GET", "/api/models/ann/m/refs?include_prs=1").status == 404
    merged = ann.python("""
api.merge_pull_request("ann/m", 1)
result = sorted(api.list_repo_files("ann/m"))
""")
    assert merged == [".gitattributes", "a.txt", "own.bin.txt"]


def test_what_others_have_sent_is_not_proposed_by_its_digest(registry: Registry, ann: Client) -> None:
    digest = ann.python("""
import hashlib
api.create_repo("treasure", private=True)
api.create_repo("open")
content = b"treasure" * 5000
api.upload_file(path_or_fileobj=content, path_in_repo="w.bin", repo_id="ann/treasure")
result = hashlib.sha256(content).hexdigest()
""")
    lines = [
        {"key": "header", "value": {"summary": "Mine now"}},
        {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": digest, "size": 40000}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    asked = {"Content-Type": "application/x-ndjson"}
    path = "/api/models/ann/open/commit/main?create_pr=1"
    answer = registry.call("bob", "POST", path, body, **asked)
    assert answer.status == 400
    assert "was not sent" in answer.json["error"]
    assert registry.call("bob", "GET", "/api/models/ann/open/discussions").json["count"] == 0
    assert registry.call("bob", "POST", path.replace("main", "a" * 40), body, **asked).status == 404


def test_conflicts_tell_nothing_of_commits_that_are_hidden(gated: Registry) -> None:
    """Who proposes a file could ask by it whether a commit that was not accepted has one of its name."""

    def lines(word: str) -> bytes:
        file = {"key": "file", "value": {"path": "secret.txt", "content": word, "encoding": "utf-8"}}
        header = {"key": "header", "value": {"summary": word}}
        return b"\n".join(json.dumps(each).encode() for each in (header, file))

    def conflicts(user: str) -> object:
        got = gated.call(user, "GET", "/api/models/ann/quiet/discussions/1")
        assert got.status == 200
        return got.json["filesWithConflicts"]

    assert gated.call("ann", "POST", "/api/repos/create", {"name": "quiet"}).status == 200
    commit = "/api/models/ann/quiet/commit/main"
    assert gated.call("bob", "POST", f"{commit}?create_pr=1", lines("guessed")).status == 200
    assert gated.call("ann", "POST", commit, lines("hidden")).status == 200
    assert conflicts("ann") == ["secret.txt"]
    assert conflicts("bob") == conflicts("rita") == []
