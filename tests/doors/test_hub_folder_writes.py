"""A folder that the real clients write: everything is there again as plain files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.uploading import Client
from tests.doors.written_folder import Written, plain_files, written_folder
from tests.hub_process import TINY, hub_process, write_repo


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Written]:
    with written_folder(tmp_path / "folder") as hub:
        yield hub


@pytest.mark.parametrize("xet", [True, False], ids=["xet", "lfs"])
def test_the_plain_files_are_as_main_whatever_the_client_does(
    hub: Written, tmp_path: Path, xet: bool
) -> None:
    folder = tmp_path / "upload"
    write_repo(folder, ".", {**TINY, "big.bin": bytes(range(256)) * 50_000})
    shown = Client(registry=hub, home=tmp_path / "client", xet=xet).python(f"""
        plain = lambda: files_of({str(hub.folder / "acme" / "tiny")!r})
        def both():
            return [files_of(snapshot_download("acme/tiny")), plain()]
        result = []
        api.create_repo("acme/tiny")
        result.append(both())
        api.upload_file(path_or_fileobj=b"one", path_in_repo="a/b.txt", repo_id="acme/tiny")
        result.append(both())
        api.upload_folder(repo_id="acme/tiny", folder_path={str(folder)!r})
        result.append(both())
        api.create_branch("acme/tiny", branch="dev")
        api.upload_file(path_or_fileobj=b"two", path_in_repo="a/b.txt", repo_id="acme/tiny", revision="dev")
        api.create_tag("acme/tiny", tag="v1")
        result.append(both())
        api.delete_file("a/b.txt", repo_id="acme/tiny")
        api.delete_folder("sub dir", repo_id="acme/tiny")
        result.append(both())
        api.create_commit("acme/tiny", [
            CommitOperationCopy("big.bin", "copy.bin"),
            CommitOperationDelete("config.json"),
            CommitOperationAdd("config.json/now a folder.txt", b"three"),
        ], commit_message="several")
        result.append(both())
        made = api.create_commit("acme/tiny", [CommitOperationAdd("proposed.txt", b"four")],
                                 commit_message="please", create_pr=True)
        result.append(both())
        api.merge_pull_request("acme/tiny", made.pr_num)
        result.append(both())
    """.replace("\n        ", "\n"))  # fmt: skip
    for by_client, by_hand in shown:
        assert by_client == by_hand
    last = shown[-1][1]
    assert "a/b.txt" not in last
    assert bytes.fromhex(last["proposed.txt"]) == b"four"
    assert bytes.fromhex(last["copy.bin"]) == bytes(range(256)) * 50_000


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / "a ?b=1&c %41#d \u00fc"
    with written_folder(folder) as hub:
        hub.call("POST", "/api/repos/create", {"name": "m"})
        hub.commit("local/m", {"a.txt": "one"})
    assert list(tmp_path.iterdir()) == [folder]
    assert (folder / ".weighbridge-hub/catalog.sqlite3").is_file()
    with written_folder(folder) as hub:
        assert hub.files("local/m")["a.txt"] == b"one"


def test_data_sets_spaces_moving_and_deleting(hub: Written, tmp_path: Path) -> None:
    result = Client(registry=hub, home=tmp_path / "client").python("""
for kind in ("dataset", "space"):
    api.create_repo("acme/words", repo_type=kind, space_sdk="static" if kind == "space" else None)
    api.upload_file(path_or_fileobj=b"1", path_in_repo="a.csv", repo_id="acme/words", repo_type=kind)
api.move_repo("acme/words", "lab/letters", repo_type="dataset")
api.delete_repo("acme/words", repo_type="space")
result = [
    api.dataset_info("acme/words").id,
    [each.id for each in api.list_datasets()],
    api.repo_exists("acme/words", repo_type="space"),
    api.create_repo("mine").repo_id,
    api.create_repo("mine", exist_ok=True).repo_id,
    said(api.create_repo, "mine")[0],
    api.whoami()["name"],
    [org["name"] for org in api.whoami()["orgs"]],
]
""")
    assert result == [
        "lab/letters", ["lab/letters"], False, "local/mine", "local/mine", "HfHubHTTPError", "local", ["lab"],
    ]  # fmt: skip
    assert (hub.folder / "datasets/lab/letters/a.csv").read_bytes() == b"1"
    assert not (hub.folder / "datasets/acme").exists()
    assert not (hub.folder / "spaces/acme").exists()
    assert (hub.folder / "local/mine/.gitattributes").is_file()


def test_plain_files_become_a_repository_under_the_commit_that_they_had(tmp_path: Path) -> None:
    refs = {"branches": ["dev"], "tags": ["v1.0"]}
    sidecar = {
        "refs": refs,
        "gated": "auto",
        "downloads": 7,
        "likes": 2,
        "tags": ["region:eu"],
        "private": False,
    }
    root = write_repo(tmp_path / "folder", "acme/tiny", TINY, sidecar)
    with hub_process(tmp_path / "folder") as url:
        before = Written(url=url, folder=tmp_path / "folder").sha("acme/tiny")
    inodes = {path: (root / path).stat().st_ino for path in TINY}
    with written_folder(tmp_path / "folder") as hub:
        assert hub.sha("acme/tiny") == before
        assert not list((tmp_path / "folder/.weighbridge-hub").glob("copies-v1/*"))  # reading adopts nothing
        after = hub.commit("acme/tiny", {"config.json": "{}"})
        commits = hub.call("GET", "/api/models/acme/tiny/commits/main").json
        assert [each["id"] for each in commits] == [after, before]
        assert hub.files("acme/tiny", before) == TINY
        assert hub.files("acme/tiny", "v1.0") == hub.files("acme/tiny", "dev") == TINY
        assert hub.files("acme/tiny") == {**TINY, "config.json": b"{}"} == plain_files(root)
        hub.call("POST", "/api/models/acme/tiny/like")
        info = hub.call("GET", "/api/models/acme/tiny").json
        assert (info["gated"], info["downloads"], info["likes"]) == ("auto", 7, 3)
        assert "region:eu" in info["tags"]
        assert [each["downloads"] for each in hub.call("GET", "/api/models").json] == [7]
        kept = {path for path in TINY if (root / path).stat().st_ino == inodes[path]}
        assert kept == TINY.keys() - {"config.json"}
    with written_folder(tmp_path / "folder") as hub:
        assert hub.files("acme/tiny", before) == TINY
        hub.call("POST", "/api/repos/move", {"fromRepo": "acme/tiny", "toRepo": "lab/small"})
        assert hub.call("GET", "/api/models/lab/small").json["downloads"] == 7
        hub.call("DELETE", "/api/repos/delete", {"name": "lab/small"})
    assert [path.name for path in (tmp_path / "folder").iterdir()] == [".weighbridge-hub"]


def test_what_is_changed_by_hand_becomes_a_commit(hub: Written) -> None:
    root = hub.folder / "local/m"
    hub.call("POST", "/api/repos/create", {"name": "m"})
    old = hub.commit("local/m", {"a.txt": "one", "b/c.txt": "two", "d.txt": "three"})
    (root / "a.txt").write_text("ONE")  # as many bytes, in the same place
    (root / "b/c.txt").unlink()
    (root / "e").mkdir()
    (root / "e/new.txt").write_text("four")
    new = hub.sha("local/m")
    assert new != old
    commit = hub.call("GET", "/api/models/local/m/commits/main").json[0]
    assert commit["title"] == "Changed in the folder"
    assert [each["user"] for each in commit["authors"]] == ["local"]
    assert hub.files("local/m") == plain_files(root)
    assert hub.files("local/m")["a.txt"] == b"ONE"
    assert "b/c.txt" not in hub.files("local/m")
    assert hub.files("local/m", old)["b/c.txt"] == b"two"
    assert hub.sha("local/m") == new
    pushed = hub.commit("local/m", {"d.txt": "5"})
    assert hub.files("local/m") == plain_files(root)
    (root / "d.txt").write_text("by hand")
    hub.commit("local/m", {"f.txt": "by a client, with the change by hand below it"})
    assert hub.files("local/m")["d.txt"] == b"by hand"
    titles = ["by a client", "Changed in the folder"] * 2 + ["by a client", "initial commit"]
    assert hub.titles("local/m") == titles
    assert hub.files("local/m", pushed)["d.txt"] == b"5"


def test_a_folder_that_was_taken_away_is_not_found_until_it_is_put_back(hub: Written) -> None:
    root, aside = hub.folder / "local/m", hub.folder / ".aside"
    hub.call("POST", "/api/repos/create", {"name": "m"})
    commit = hub.commit("local/m", {"a.txt": "one"})
    root.rename(aside)
    assert hub.call("GET", "/api/models/local/m").status == 404
    assert hub.call("GET", f"/local/m/resolve/{commit}/a.txt").status == 404
    assert hub.call("POST", "/api/models/local/m/branch/dev", {}).status == 404
    assert [each["id"] for each in hub.call("GET", "/api/models").json] == []
    aside.rename(root)
    assert hub.sha("local/m") == commit
    root.rename(aside)
    assert hub.call("POST", "/api/repos/create", {"name": "m"}).status == 200
    assert hub.files("local/m").keys() == {".gitattributes"}
    assert hub.call("GET", f"/local/m/resolve/{commit}/a.txt").status == 404


def test_who_sends_no_token_reads_what_is_public_and_writes_nothing(hub: Written) -> None:
    hub.call("POST", "/api/repos/create", {"name": "m"})
    hub.commit("local/m", {"a.txt": "one"})
    hub.call("POST", "/api/repos/create", {"name": "secret", "private": True})
    assert hub.call("GET", "/local/m/resolve/main/a.txt", token="").body == b"one"
    assert hub.call("GET", "/api/models/local/secret", token="").status == 404
    assert hub.call("GET", "/api/models/local/secret").status == 200
    refused = hub.call("POST", "/api/repos/create", {"name": "other"}, token="")
    assert (refused.status, (hub.folder / "local/other").exists()) == (401, False)
    refused = hub.call("DELETE", "/api/repos/delete", {"name": "local/m"}, token="")
    assert (refused.status, (hub.folder / "local/m").exists()) == (401, True)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("datasets/words", 422),
        ("spaces/words", 422),
        ("acme/tiny.hub.json", 422),
        ("lone/part", 409),
        ("acme/TINY", 409),
        ("acme/file", 409),
    ],
)
def test_names_for_which_the_folder_has_no_place(hub: Written, name: str, status: int) -> None:
    write_repo(hub.folder, "lone", TINY)
    write_repo(hub.folder, "acme/tiny", TINY)
    (hub.folder / "acme/file").write_text("")
    before = plain_files(hub.folder / "lone")
    answer = hub.call("POST", "/api/repos/create", {"name": name})
    assert answer.status in (status, 400), answer.body
    assert answer.json["error"]
    assert plain_files(hub.folder / "lone") == before


def test_what_lies_elsewhere_is_served_and_not_written(hub: Written, tmp_path: Path) -> None:
    elsewhere = write_repo(tmp_path, "elsewhere", TINY)
    (hub.folder / "acme").mkdir()
    (hub.folder / "acme/link").symlink_to(elsewhere)
    write_repo(hub.folder, "gpt2", TINY)
    assert hub.files("acme/link") == TINY
    answer = hub.call("POST", "/api/models/acme/link/branch/dev", {})
    assert (answer.status, "link to a folder elsewhere" in answer.json["error"]) == (403, True)
    answer = hub.call("DELETE", "/api/repos/delete", {"name": "gpt2"})
    assert (answer.status, "no namespace" in answer.json["error"]) == (403, True)
    assert plain_files(elsewhere) == plain_files(hub.folder / "gpt2") == TINY


def test_a_link_to_a_file_is_replaced_and_never_written_through(hub: Written) -> None:
    shared = hub.folder / "acme/shared"
    write_repo(hub.folder, "acme/shared", {"a.txt": b"shared"})
    (hub.folder / "acme/m").mkdir()
    (hub.folder / "acme/m/a.txt").symlink_to(shared / "a.txt")
    hub.commit("acme/m", {"a.txt": "mine"})
    assert (hub.folder / "acme/m/a.txt").read_bytes() == b"mine"
    assert (shared / "a.txt").read_bytes() == b"shared"


def test_a_link_in_the_place_of_a_written_repository_is_not_written_through(
    hub: Written, tmp_path: Path
) -> None:
    hub.call("POST", "/api/repos/create", {"name": "m"})
    commit = hub.commit("local/m", {"a.txt": "one"})
    (hub.folder / "local/m").rename(hub.folder / "local/real")
    elsewhere = write_repo(tmp_path, "elsewhere", {"a.txt": b"theirs"})
    (hub.folder / "local/m").symlink_to(elsewhere)
    assert hub.call("GET", "/api/models/local/m").status == 404
    assert hub.call("POST", "/api/models/local/m/branch/dev", {}).status == 404
    assert hub.call("POST", "/api/repos/create", {"name": "m"}).status == 409
    (hub.folder / "local/m").unlink()
    (hub.folder / "local/real").rename(hub.folder / "local/m")
    assert hub.sha("local/m") == commit
    assert plain_files(elsewhere) == {"a.txt": b"theirs"}


def test_an_unsafe_name_made_by_hand_is_named_and_nothing_is_changed(hub: Written) -> None:
    hub.call("POST", "/api/repos/create", {"name": "m"})
    commit = hub.commit("local/m", {"a.txt": "one"})
    bad = hub.folder / "local/m/a\\b.txt"
    bad.write_text("x")
    answer = hub.call("GET", "/api/models/local/m")
    assert (answer.status, "b.txt" in answer.json["error"]) == (502, True)
    bad.unlink()
    assert hub.sha("local/m") == commit


def test_discussions_and_likes_of_what_was_never_written(hub: Written) -> None:
    write_repo(hub.folder, "acme/tiny", TINY)
    write_repo(hub.folder, "acme/secret", TINY, {"private": True})
    assert hub.call("GET", "/api/models/acme/secret/discussions").status == 200
    assert hub.call("GET", "/api/models/acme/secret/discussions", token="").status == 404
    assert hub.call("GET", "/api/models/acme/tiny/discussions").json["count"] == 0
    assert hub.call("GET", "/api/models/acme/tiny/likers").json == []
    assert not list(hub.folder.glob(".weighbridge-hub/copies-v1/*"))
    hub.call("POST", "/api/models/acme/tiny/discussions", {"title": "hello", "description": "you"})
    assert hub.call("GET", "/api/models/acme/tiny/discussions").json["count"] == 1


def test_one_process_writes_a_folder_and_others_read_it(tmp_path: Path) -> None:
    write_repo(tmp_path, "acme/tiny", TINY)
    with hub_process(tmp_path, "--write") as url:
        hub = Written(url=url, folder=tmp_path)
        hub.commit("acme/tiny", {"a.txt": "one"})
        command = [sys.executable, "-m", "weighbridge", "hub", str(tmp_path), "--write", "--port", "0"]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert (second.returncode, "another 'weighbridge hub --write'" in second.stderr) == (5, True)
        with hub_process(tmp_path) as reading:
            reader = Written(url=reading, folder=tmp_path)
            assert reader.files("acme/tiny") == hub.files("acme/tiny") == {**TINY, "a.txt": b"one"}
            refused = reader.call("POST", "/api/repos/create", {"name": "m"})
            assert refused.status == 405
            assert "--write" in refused.json["error"]


def test_the_command_says_what_it_does(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "weighbridge", "hub", str(tmp_path), "--write", "--json"]
    with subprocess.Popen(
        [*command, "--port", "0", "--host", "0.0.0.0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        process.terminate()
        _, told = process.communicate(timeout=600)
    assert (said["folder"], said["write"]) == (str(tmp_path), True)
    assert "everyone who reaches" in told


def test_a_repository_is_duplicated_and_squashed_as_plain_files(hub: Written) -> None:
    write_repo(hub.folder, "acme/plain", TINY)
    made = hub.call("POST", "/api/models/acme/plain/duplicate", {"repository": "acme/copy"})
    assert made.status == 200, made.body
    assert plain_files(hub.folder / "acme" / "copy") == plain_files(hub.folder / "acme" / "plain")
    assert hub.sha("acme/copy") == hub.sha("acme/plain")
    hub.commit("acme/copy", {"a.txt": "one"})
    assert hub.call("POST", "/api/models/acme/copy/super-squash/main", {"message": "All"}).status == 200
    assert hub.titles("acme/copy") == ["All"]
    assert hub.files("acme/copy") == plain_files(hub.folder / "acme" / "copy")
    again = hub.call("POST", "/api/models/acme/plain/duplicate", {"repository": "ACME/Copy"})
    assert again.status == 409


def test_the_name_under_which_everybody_writes(tmp_path: Path) -> None:
    with hub_process(tmp_path, "--write", "--user", "ann") as url:
        hub = Written(url=url, folder=tmp_path)
        assert hub.call("POST", "/api/repos/create", {"name": "m"}).json["id"]
        hub.commit("ann/m", {"a.txt": "one"})
        hub.call("POST", "/api/models/ann/m/like")
        assert [each["repo"]["name"] for each in hub.call("GET", "/api/users/ann/likes").json] == ["ann/m"]
        hub.call("PUT", "/api/models/ann/m/settings", {"gated": "auto"})
        assert hub.call("GET", "/ann/m/resolve/main/a.txt", token="").status == 403
        assert hub.call("POST", "/ann/m/ask-access").status == 200
        assert hub.call("GET", "/api/whoami-v2").json["name"] == "ann"
        authors = hub.call("GET", "/api/models/ann/m/commits/main").json[0]["authors"]
        assert [each["user"] for each in authors] == ["ann"]


@pytest.mark.parametrize("name", ["anonymous", "Ann", "a/b", "..", "a..b", ""])
def test_a_name_that_nobody_can_have(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "weighbridge", "hub", str(tmp_path), "--write", "--user", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, "cannot be a user's name" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
