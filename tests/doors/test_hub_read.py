"""What pushed repositories look like to those who read them, by the real client and on the wire."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.doors.asgi_server import Answer
from tests.doors.uploading import Client, Registry, registry_at
from tests.hub_process import safetensors
from weighbridge.bridge import open_bridge
from weighbridge.bridge.repos import State
from weighbridge.domain.access import Permission, Principal
from weighbridge.domain.hosted import Change, DeleteFile, Gate, SmallFile
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.settings import load_settings

ANN = Principal(
    name="ann", permissions=frozenset({Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD})
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    home = tmp_path_factory.mktemp("registry") / "home"
    with registry_at(home, WEIGHBRIDGE_SERVE="all") as running:
        yield running


@pytest.fixture
def client(registry: Registry, tmp_path: Path) -> Client:
    return Client(registry=registry, home=tmp_path / "rita", user="rita")


def push(registry: Registry, name: str, title: str, *changes: Change) -> str:
    return registry.bridge.repos.commit(ANN, RepoId.parse(name), "main", changes, title=title).id


def judged(registry: Registry, repo: RepoId) -> State:
    """How main stands once it is judged; a judgement that never comes ends the test by its limit."""
    while (standing := registry.bridge.repos.standing(ANN, repo)).state is State.WAITING:
        time.sleep(0.05)
    return standing.state


def small(path: str, content: bytes = b"words\n") -> SmallFile:
    return SmallFile(path=path, content=content)


# --- the last commit of each file -------------------------------------------------------------


@pytest.fixture(scope="module")
def grown(registry: Registry) -> str:
    """A repository with a history."""
    registry.bridge.repos.create(ANN, RepoId.parse("ann/grown"))
    push(registry, "ann/grown", "one", small("a.txt"), small("sub/b.txt"), small("sub/deep/c.txt"))
    push(registry, "ann/grown", "two", small("a.txt", b"other words\n"), small("sub/gone.txt"))
    push(registry, "ann/grown", "three", DeleteFile(path="sub/gone.txt"))
    return "ann/grown"


def test_each_file_and_folder_names_the_commit_that_changed_it(client: Client, grown: str) -> None:
    got = client.python(f"""
listed = list(api.list_repo_tree("{grown}", recursive=True, expand=True))
result = {{each.path: each.last_commit.title for each in listed}}
named = api.get_paths_info("{grown}", ["a.txt", "sub", "nope"], expand=True)
assert {{each.path: each.last_commit.title for each in named}} == {{"a.txt": "two", "sub": "three"}}
commits = {{each.title: each.commit_id for each in api.list_repo_commits("{grown}")}}
assert all(each.last_commit.oid == commits[each.last_commit.title] for each in listed)
older = api.list_repo_tree("{grown}", recursive=True, expand=True, revision=commits["two"])
assert {{each.path: each.last_commit.title for each in older}}["sub"] == "two"
""")
    assert got == {
        ".gitattributes": "initial commit",
        "a.txt": "two",
        "sub": "three",
        "sub/b.txt": "one",
        "sub/deep": "one",
        "sub/deep/c.txt": "one",
    }


def test_a_new_commit_is_named_at_once(registry: Registry) -> None:
    registry.bridge.repos.create(ANN, RepoId.parse("ann/moving"))
    address = "/api/models/ann/moving/tree/main?expand=true"
    for number in range(3):
        commit = push(registry, "ann/moving", f"change {number}", small(f"{number}.txt"))
        listed = {each["path"]: each["lastCommit"] for each in registry.call("rita", "GET", address).json}
        assert listed[f"{number}.txt"]["id"] == commit
        assert listed["0.txt"]["title"] == "change 0"


def test_the_file_system_of_the_client_reads_every_form(client: Client, grown: str) -> None:
    got = client.python(f"""
from huggingface_hub import HfFileSystem
fs, repo = HfFileSystem(), "{grown}"
listed = {{each["name"].partition("/grown/")[2]: each for each in fs.ls(repo + "/sub", expand_info=True)}}
result = {{"titles": {{name: each["last_commit"].title for name, each in listed.items()}}}}
result["glob"] = sorted(fs.glob(repo + "/**/*.txt"))
result["found"] = sorted(fs.find(repo + "/sub", withdirs=True))
result["kinds"] = [fs.isdir(repo + "/sub"), fs.isfile(repo + "/a.txt"), fs.exists(repo + "/nope")]
result["read"] = [fs.cat_file(repo + "/a.txt", 2, 7).decode(), fs.read_text(repo + "@main/sub/b.txt")]
with fs.open(repo + "/a.txt", block_size=4) as file:
    file.seek(6)
    result["seek"] = file.read(5).decode()
result["modified"] = fs.modified(repo + "/a.txt").year > 2000
result["size"] = fs.du(repo + "/sub")
commits = {{each.title: each.commit_id for each in api.list_repo_commits(repo)}}
result["older"] = fs.read_text(repo + "@" + commits["one"] + "/a.txt")
""")
    assert got == {
        "titles": {"sub/b.txt": "one", "sub/deep": "one"},
        "glob": [f"{grown}/{path}" for path in ("a.txt", "sub/b.txt", "sub/deep/c.txt")],
        "found": [f"{grown}/sub{path}" for path in ("", "/b.txt", "/deep", "/deep/c.txt")],
        "kinds": [True, True, False],
        "read": ["her w", "words\n"],
        "seek": "words",
        "modified": True,
        "size": 12,
        "older": "words\n",
    }


# --- pages while something changes ------------------------------------------------------------


def next_of(got: Answer) -> str:
    """The path of the next page."""
    address = got.headers["link"].partition("<")[2].partition(">")[0]
    return "/" + address.partition("://")[2].partition("/")[2]


def test_what_comes_meanwhile_moves_nothing_between_pages_of_a_listing(registry: Registry) -> None:
    for name in ("p2", "p4", "p6"):
        registry.bridge.repos.create(ANN, RepoId.parse(f"ann/{name}", RepoKind.SPACE))
    got = registry.call("rita", "GET", "/api/spaces?author=ann&limit=2")
    assert [each["id"] for each in got.json] == ["ann/p2", "ann/p4"]
    for name in ("p1", "p3", "p5"):
        registry.bridge.repos.create(ANN, RepoId.parse(f"ann/{name}", RepoKind.SPACE))
    rest = registry.call("rita", "GET", next_of(got))
    assert [each["id"] for each in rest.json] == ["ann/p5", "ann/p6"]
    assert "link" not in rest.headers
    bad = registry.call("rita", "GET", "/api/spaces?cursor=2")
    assert (bad.status, "cursor" in bad.json["error"]) == (400, True)


def test_a_push_moves_nothing_between_pages_of_a_history_or_a_tree(registry: Registry) -> None:
    registry.bridge.repos.create(ANN, RepoId.parse("ann/paged"))
    for name in "abc":
        push(registry, "ann/paged", name, small(f"{name}.txt"))
    commits = registry.call("rita", "GET", "/api/models/ann/paged/commits/main?limit=2")
    tree = registry.call("rita", "GET", "/api/models/ann/paged/tree/main?limit=2")
    push(registry, "ann/paged", "d", small("aa.txt"), DeleteFile(path="c.txt"))
    assert [each["title"] for each in commits.json] == ["c", "b"]
    rest = registry.call("rita", "GET", next_of(commits))
    assert [each["title"] for each in rest.json] == ["a", "initial commit"]
    assert [each["path"] for each in tree.json] == [".gitattributes", "a.txt"]
    rest = registry.call("rita", "GET", next_of(tree))
    assert [each["path"] for each in rest.json] == ["b.txt", "c.txt"]


def test_a_listing_shows_each_change_at_once_and_to_each_what_is_theirs(registry: Registry) -> None:
    def listed(user: str) -> list[str]:
        return [each["id"] for each in registry.call(user, "GET", "/api/datasets?search=seen").json]

    made = RepoId.parse("ann/seen", RepoKind.DATASET)
    assert listed("rita") == listed("rita") == []
    registry.bridge.repos.create(ANN, made)
    assert listed("rita") == listed("rita") == listed("") == ["ann/seen"]
    registry.bridge.repos.change_settings(ANN, made, private=True)
    assert listed("rita") == listed("") == []
    assert listed("ann") == ["ann/seen"]
    registry.bridge.repos.delete(ANN, made)
    assert listed("ann") == []


# --- what a listing and an info may hold ------------------------------------------------------


def test_the_client_sorts_and_filters_as_it_can(registry: Registry, client: Client) -> None:
    cards = {
        "s1": ("license: mit\nlanguage: en\npipeline_tag: fill-mask", 640),
        "s2": ("license: mit\ntags: [odd]\npipeline_tag: fill-mask", 64_000),
        "s3": ("license: apache-2.0\ntags: [odd]", 0),
    }
    for name, (front, values) in cards.items():
        registry.bridge.repos.create(ANN, RepoId.parse(f"ann/{name}"))
        weights = [small("model.safetensors", safetensors(values))] if values else []
        card = small("README.md", f"---\n{front}\n---\n".encode())
        push(registry, f"ann/{name}", "A card", card, *weights)
    registry.bridge.repos.change_settings(ANN, RepoId.parse("ann/s3"), gate=Gate.MANUAL)
    registry.bridge.repos.guests.like(ANN, RepoId.parse("ann/s2"))
    got = client.python("""
def found(**query):
    names = [m.id[4:] for m in api.list_models(author="ANN", search="ann/s", **query)]
    return [name for name in names if name in ("s1", "s2", "s3")]
asked = dict(full=True, cardData=True, fetch_config=True)
odd = ("sort", "num_parameters", "inference")
sorts = ("created_at", "downloads", "last_modified", "likes", "trending_score")
result = {
    "sorted": {sort: found(sort=sort) for sort in sorts},
    "license": found(filter="license:mit"),
    "both": found(filter=["license:mit", "odd"]),
    "task": found(pipeline_tag="fill-mask", filter="en"),
    "gated": [found(gated=True), found(gated=False)],
    "parameters": [found(num_parameters="max:1K"), found(num_parameters="min:60K")],
    "one": [m.id for m in api.list_models(search="s2 ann", limit=1, **asked)],
    "odd": [said(lambda: list(api.list_models(**{key: "x"})))[0] for key in odd],
}
""")
    first = {sort: found[0] for sort, found in got["sorted"].items() if sort in ("likes", "trending_score")}
    assert first == {"likes": "s2", "trending_score": "s1"}
    assert all(sorted(found) == ["s1", "s2", "s3"] for found in got["sorted"].values())
    assert (got["license"], got["both"], got["task"]) == (["s1", "s2"], ["s2"], ["s1"])
    assert (got["gated"], got["parameters"]) == ([["s3"], ["s1", "s2"]], [["s1"], ["s2"]])
    assert (got["one"], got["odd"]) == (["ann/s2"], ["BadRequestError"] * 3)


def test_every_property_that_the_client_knows_may_be_expanded(client: Client, grown: str) -> None:
    """What is not known of a repository is left out, and nothing is an error."""
    got = client.python(f"""
from typing import get_args
from huggingface_hub import hf_api as known
models = list(get_args(known.ExpandModelProperty_T))
info = api.model_info("{grown}", expand=models)
assert [m.id for m in api.list_models(author="ann", search="grown", expand=models)] == ["{grown}"]
assert list(api.list_datasets(author="nobody", expand=list(get_args(known.ExpandDatasetProperty_T)))) == []
assert list(api.list_spaces(author="nobody", expand=list(get_args(known.ExpandSpaceProperty_T)))) == []
result = [info.author, info.used_storage, [s.rfilename for s in info.siblings]]
""")
    assert got[0] == "ann"
    assert got[1] > 0
    assert got[2] == [".gitattributes", "a.txt", "sub/b.txt", "sub/deep/c.txt"]


def test_an_unknown_property_is_refused_with_those_that_are_known(registry: Registry, grown: str) -> None:
    for path in (f"/api/models/{grown}?expand=size", "/api/models?expand[]=likes&expand[]=size"):
        got = registry.call("rita", "GET", path)
        assert got.status == 400
        assert "'size'" in got.json["error"]
        assert "safetensors" in got.json["error"]
    assert registry.call("rita", "GET", "/api/spaces?expand=safetensors").status == 400


def test_a_model_names_its_parents_and_counts_its_children(registry: Registry, client: Client) -> None:
    for name, parent in (("child", "ann/grown"), ("other", "Ann/Grown"), ("grandchild", "ann/child")):
        registry.bridge.repos.create(ANN, RepoId.parse(f"ann/{name}"))
        card = small("README.md", f"---\nbase_model: {parent}\n---\n".encode())
        push(registry, f"ann/{name}", "A card", card, small("adapter_config.json", b"{}"))
    got = client.python("""
info = api.model_info("ann/child", expand=["baseModels", "childrenModelCount"])
result = [info.base_models, info.children_model_count]
listed = api.list_models(author="ann", search="grown", expand=["childrenModelCount"])
result.append([each.children_model_count for each in listed])
""")
    made_of = {"relation": "adapter", "models": [{"id": "ann/grown"}]}
    assert got == [made_of, 1, [2]]


def test_spaces_are_found_by_what_they_use(registry: Registry, client: Client) -> None:
    cards = {"chat": "models: [ann/grown]\ndatasets: [ann/words]", "plain": "title: Nothing"}
    for name, front in cards.items():
        repo = RepoId.parse(f"ann/{name}", RepoKind.SPACE)
        registry.bridge.repos.create(ANN, repo)
        card = small("README.md", f"---\nsdk: static\n{front}\n---\n".encode())
        registry.bridge.repos.commit(ANN, repo, "main", [card], title="A card")
    got = client.python("""
found = lambda **query: [each.id for each in api.list_spaces(author="ann", **query)]
result = [found(models="ann/Grown"), found(datasets=["ann/words"]), found(linked=True), found(models="x/y")]
result.append(api.space_info("ann/chat").sdk)
""")
    assert got == [["ann/chat"], ["ann/chat"], ["ann/chat"], [], "static"]


def test_the_headers_of_all_shards_come_in_one_answer(registry: Registry, client: Client) -> None:
    registry.bridge.repos.create(ANN, RepoId.parse("ann/shards"))
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    index = {"metadata": {"total_size": 512}, "weight_map": {"w": names[0], "v": names[1]}}
    shards = [small(name, safetensors(64)) for name in names]
    odd = [
        small("sub/broken.safetensors.index.json", b'{"weight_map": {"w": "../config.json"}}'),
        small("flat.safetensors.index.json", b'{"weight_map": {"w": "config.json"}}'),
        small("none.safetensors.index.json", b"[]"),
        small("config.json", b"{}"),
    ]
    listing = small("model.safetensors.index.json", json.dumps(index).encode())
    push(registry, "ann/shards", "Shards", listing, *shards, *odd)
    got = client.python("""
told = api.get_sharded_safetensors_metadata("ann/shards")
result = [told.metadata, sorted(told.files_metadata), sum(told.parameter_count.values())]
""")
    assert got == [{"total_size": 512}, sorted(names), 128]
    at = "/api/models/ann/shards/safetensors-metadata/"
    statuses = {
        path: registry.call("rita", "GET", at + path).status
        for path in ("sub/broken.safetensors.index.json", "flat.safetensors.index.json", "config.json")
    }
    assert list(statuses.values()) == [404, 400, 400]
    assert registry.call("rita", "GET", at + "none.safetensors.index.json").status == 400
    assert registry.call("rita", "GET", at + "absent.index.json").headers["x-error-code"] == "EntryNotFound"


def test_tags_come_by_their_type(registry: Registry, client: Client) -> None:
    registry.bridge.repos.create(ANN, RepoId.parse("ann/tagged"))
    front = "license: mit\nlanguage: [en, de]\nlibrary_name: numpy\npipeline_tag: fill-mask\ntags: [odd]"
    push(registry, "ann/tagged", "A card", small("README.md", f"---\n{front}\n---\n".encode()))
    got = client.python("""
tags = api.get_model_tags()
result = {type: [each["id"] for each in found] for type, found in tags.items()}
api.get_dataset_tags()
""")
    assert {"license:mit"} <= set(got["license"])
    assert {"en", "de"} <= set(got["language"])
    assert "numpy" in got["library"]
    assert "fill-mask" in got["pipeline_tag"]
    assert "odd" in got["other"]


# --- what the scanners found ------------------------------------------------------------------


class Runs:
    """What runs a command when it is unpickled; it never is."""

    def __reduce__(self) -> object:
        import os

        return os.system, ("echo",)


def test_what_the_scanners_found_is_told_file_by_file(registry: Registry, client: Client) -> None:
    repo = RepoId.parse("ann/mixed", RepoKind.DATASET)
    registry.bridge.repos.create(ANN, repo)
    changes = [
        small("a.txt"),
        small("evil.pkl", pickle.dumps(Runs())),
        small("odd.mlmodel", b"\x08\x04\xff\0"),
    ]
    registry.bridge.repos.commit(ANN, repo, "main", changes, title="A mixed bag")
    assert judged(registry, repo) is State.REFUSED
    got = client.python("""
listed = api.list_repo_tree("ann/mixed", repo_type="dataset", expand=True)
result = {"files": {each.path: each.security for each in listed}}
""")
    files = got["files"]
    assert (files["a.txt"]["status"], files["a.txt"]["safe"]) == ("safe", True)
    assert (files["evil.pkl"]["status"], files["evil.pkl"]["safe"]) == ("unsafe", False)
    scan = files["evil.pkl"]["pickle_import_scan"]
    assert scan["highestSafetyLevel"] == "dangerous"
    assert [each["name"] for each in scan["imports"]] == ["system"]
    assert files["odd.mlmodel"]["status"] == "unscanned"
    told = registry.call("rita", "GET", "/api/datasets/ann/mixed?securityStatus=true").json
    assert told["securityRepoStatus"]["scansDone"] is True
    assert told["securityRepoStatus"]["filesWithIssues"] == [
        {"path": "evil.pkl", "level": "unsafe"},
        {"path": "odd.mlmodel", "level": "unscanned"},
    ]


def test_what_is_not_scanned_is_queued_and_never_safe(registry: Registry, client: Client) -> None:
    registry.bridge.repos.create(ANN, RepoId.parse("ann/waiting"))  # nothing to weigh yet
    got = client.python("""
named = api.get_paths_info("ann/waiting", [".gitattributes"], expand=True)
status = api.model_info("ann/waiting", securityStatus=True).security_repo_status
result = [named[0].security, status]
""")
    assert (got[0]["status"], got[0]["safe"]) == ("queued", False)
    assert got[1] == {"scansDone": False, "filesWithIssues": []}


# --- downloads --------------------------------------------------------------------------------


def test_each_download_counts_once_and_lasts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    path = "/ann/fetched/resolve/main/"
    with registry_at(home, WEIGHBRIDGE_SERVE="all") as registry:
        registry.bridge.repos.create(ANN, RepoId.parse("ann/fetched"))
        push(registry, "ann/fetched", "A model", small("config.json", b"{}"), small("other.txt"))
        for number in range(2):
            user = Client(registry=registry, home=tmp_path / str(number), user="rita")
            user.python("result = snapshot_download('ann/fetched') and snapshot_download('ann/fetched')")
        for headers in ({"Range": "bytes=1-"}, {"If-None-Match": "*"}):
            assert registry.call("rita", "GET", path + "config.json", **headers).status in (206, 304)
        assert registry.call("rita", "HEAD", path + "config.json").status == 200
        assert registry.call("rita", "GET", path + "other.txt").status == 200
    with closing(open_bridge(load_settings({"WEIGHBRIDGE_HOME": str(home)}))) as later:
        info = later.hub.info(ANN, RepoKind.MODEL, "ann/fetched")
        assert (info.raw["downloads"], info.raw["downloadsAllTime"]) == (2, 2)
