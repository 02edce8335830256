"""huggingface_hub: what a commit keeps, refuses and leaves out. Run with Xet and without."""

from __future__ import annotations

import io
import sys
import threading
from pathlib import Path

from cases import ENDPOINT, GIVEN, MODE, bytes_of, case, fails, failure, files_of, run, same
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    CommitScheduler,
    HfApi,
    ModelHubMixin,
    hf_hub_download,
    snapshot_download,
)

api, bob = HfApi(), HfApi(token=GIVEN.get("bob"))
NAME = f"ann/committed-{MODE}"
LARGE = bytes_of(31, 200_000)
Add, Copy, Delete = CommitOperationAdd, CommitOperationCopy, CommitOperationDelete


def text(path: str, revision: str | None = None, name: str = NAME) -> bytes:
    return Path(hf_hub_download(name, path, revision=revision)).read_bytes()


def names(name: str = NAME, **more: str) -> set[str]:
    return set(api.list_repo_files(name, **more)) - {".gitattributes"}


def commit(*operations: object, **more: object) -> object:
    return api.create_commit(NAME, commit_message="C", operations=list(operations), **more)


def head() -> str:
    return api.model_info(NAME).sha


@case("commit")
def the_result_says_everything() -> None:
    api.create_repo(NAME)
    done = api.create_commit(
        NAME, commit_message="Words", commit_description="of it", operations=[Add("a.txt", b"a")]
    )
    same((done.commit_message, done.commit_description), ("Words", "of it"))
    same((done.commit_url, done.pr_url, done.pr_num), (f"{ENDPOINT}/{NAME}/commit/{done.oid}", None, None))
    same((done.repo_url.repo_id, done.repo_url.endpoint), (NAME, ENDPOINT))


@case("commit")
def a_name_in_other_letters() -> None:
    api.create_commit(
        NAME.upper().replace("ANN", "Ann"), commit_message="C", operations=[Add("case.txt", b"c")]
    )
    same(text("case.txt"), b"c")


@case("commit")
def of_two_additions_of_one_path_the_last_counts() -> None:
    commit(Add("twice.txt", b"first"), Add("twice.txt", b"second"))
    same(text("twice.txt"), b"second")


@case("commit")
def delete_and_add_of_one_path() -> None:
    commit(Delete("twice.txt"), Add("twice.txt", b"third"))
    same(text("twice.txt"), b"third")


@case("commit")
def a_folder_replaced_by_a_file_of_its_name() -> None:
    commit(Add("turn/x.txt", b"x"))
    commit(Delete("turn/"), Add("turn", b"now a file"))
    same(text("turn"), b"now a file")
    same("turn/x.txt" in names(), False)


@case("commit")
def a_folder_deleted_without_a_slash_and_kept_in_part() -> None:
    commit(Add("part/a.txt", b"a"), Add("part/b.txt", b"b"))
    commit(Delete("part/", is_folder=True), Add("part/b.txt", b"new"))
    same({path for path in names() if path.startswith("part/")}, {"part/b.txt"})


@case("commit")
def a_folder_that_is_missing_is_not_deleted() -> None:
    at = head()
    fails("RemoteEntryNotFoundError", "none", commit, Delete("none/", is_folder=True))
    same(head(), at)


@case("commit")
def nothing_to_do_makes_no_commit() -> None:
    at = head()
    same((commit().oid, head()), (at, at))


@case("commit")
def the_same_contents_make_no_commit() -> None:
    commit(Add("kept.txt", b"kept"), Add("kept.bin", LARGE))
    at = head()
    same((commit(Add("kept.txt", b"kept"), Add("kept.bin", LARGE)).oid, head()), (at, at))


@case("commit")
def the_same_contents_beside_a_new_one() -> None:
    done = commit(Add("kept.txt", b"kept"), Add("fresh.txt", b"fresh"))
    same((done.oid, text("fresh.txt"), text("kept.txt")), (head(), b"fresh", b"kept"))


@case("commit")
def a_deletion_alone_makes_a_commit() -> None:
    at = head()
    commit(Delete("fresh.txt"))
    same((head() != at, "fresh.txt" in names()), (True, False))


@case("commit")
def a_copy_onto_the_same_content_makes_no_commit() -> None:
    at = head()
    same((commit(Copy("kept.bin", "kept.bin")).oid, head()), (at, at))


@case("commit")
def a_copy_of_what_the_same_commit_deletes() -> None:
    commit(Copy("kept.bin", "renamed.bin"), Delete("kept.bin"))
    same((text("renamed.bin") == LARGE, "kept.bin" in names()), (True, False))


@case("commit")
def copies_of_many_files() -> None:
    commit(*(Copy("renamed.bin", f"copies/{number}.bin") for number in range(20)))
    same(len({path for path in names() if path.startswith("copies/")}), 20)
    same(text("copies/19.bin") == LARGE, True)


@case("commit")
def paths_that_lead_out_are_refused() -> None:
    at = head()
    for path in ("../up.txt", "a/../../up.txt", ".git/config", "a/.git/hooks/x"):
        kind, words = failure(lambda path=path: commit(Add(path, b"x")))
        assert kind in ("ValueError", "BadRequestError", "HfHubHTTPError"), (path, kind, words)
    same(head(), at)


@case("commit")
def a_leading_dot_is_only_a_name() -> None:
    commit(Add(".hidden", b"h"), Add("./plain.txt", b"p"))
    same((text(".hidden"), text("plain.txt")), (b"h", b"p"))


@case("commit")
def a_file_where_a_folder_is() -> None:
    commit(Add("dir/in.txt", b"in"))
    kind, _ = failure(commit, Add("dir", b"file"))
    assert kind in ("BadRequestError", "HfHubHTTPError"), kind
    same(text("dir/in.txt"), b"in")


@case("commit")
def an_abbreviated_parent() -> None:
    commit(Add("short.txt", b"s"), parent_commit=head()[:12])
    same(text("short.txt"), b"s")


@case("commit")
def a_parent_that_does_not_exist() -> None:
    at = head()
    kind, _ = failure(commit, Add("p.txt", b"p"), parent_commit="0" * 40)
    assert kind in ("HfHubHTTPError", "RevisionNotFoundError", "BadRequestError"), kind
    same(head(), at)


@case("commit")
def a_parent_that_is_no_commit_id() -> None:
    fails("ValueError", "parent_commit", commit, Add("p.txt", b"p"), parent_commit="main")


@case("commit")
def to_a_tag_and_to_a_commit() -> None:
    api.create_tag(NAME, tag="t1")
    for revision in ("t1", head()):
        kind, _ = failure(commit, Add("to.txt", b"x"), revision=revision)
        assert kind in ("RevisionNotFoundError", "BadRequestError", "HfHubHTTPError"), kind
    same("to.txt" in names(), False)


@case("commit")
def to_a_branch_by_its_whole_name() -> None:
    api.create_branch(NAME, branch="by/name")
    commit(Add("ref.txt", b"r"), revision="refs/heads/by/name")
    same((text("ref.txt", "by/name"), "ref.txt" in names()), (b"r", False))


@case("commit")
def of_two_at_once_each_is_kept() -> None:
    """Without a parent two commits do not exclude each other: both end up in the history."""
    said: list[str] = []

    def one(number: int) -> None:
        said.append(commit(Add(f"at-once/{number}.txt", b"%d" % number)).oid)

    running = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    same(({*said} <= {c.commit_id for c in api.list_repo_commits(NAME)}, len({*said})), (True, 4))
    same(len({path for path in names() if path.startswith("at-once/")}), 4)


@case("commit")
def words_of_many_letters() -> None:
    title, words = "\u00dcber \u2028\U0001f40d \"q\" 'a' <b> & " + "x" * 120, "line\n\n* \u00e9\ttab\n" * 200
    api.create_commit(NAME, commit_message=title, commit_description=words, operations=[Add("w.txt", b"w")])
    newest = api.list_repo_commits(NAME)[0]
    same((newest.title, newest.message.strip()), (title, words.strip()))


@case("commit")
def a_message_of_several_lines() -> None:
    api.create_commit(NAME, commit_message="First line\n\nmore words", operations=[Add("l.txt", b"l")])
    newest = api.list_repo_commits(NAME)[0]
    same((newest.title, newest.message.strip()), ("First line", "more words"))


@case("commit")
def no_message_is_refused() -> None:
    fails(
        "ValueError", "commit_message", api.create_commit, NAME, commit_message="", operations=[Add("n", b"")]
    )


@case("commit")
def an_addition_tells_whether_it_is_uploaded() -> None:
    add = Add("told.bin", LARGE[:100_000])
    api.preupload_lfs_files(NAME, additions=[add])
    same((add._is_uploaded, add._is_committed), (True, False))
    commit(add)
    same((add._is_committed, text("told.bin") == LARGE[:100_000]), (True, True))
    fails("ValueError", "already", commit, add)


@case("commit")
def preupload_lets_the_bytes_go() -> None:
    add = Add("let-go.bin", LARGE[:90_001])
    api.preupload_lfs_files(NAME, additions=[add], free_memory=True)
    same(add.path_or_fileobj, b"")
    commit(add)
    same(text("let-go.bin") == LARGE[:90_001], True)


@case("commit")
def what_the_repository_ignores() -> None:
    commit(Add(".gitignore", b"*.log\nbuild/\n!keep.log\n"))
    commit(Add("x.log", b"x"), Add("keep.log", b"k"), Add("build/out.txt", b"o"), Add("y.txt", b"y"))
    same({"x.log", "build/out.txt"} & names(), set())
    same({"keep.log", "y.txt"} <= names(), True)


@case("commit")
def a_gitignore_in_the_commit_itself_counts() -> None:
    commit(Add(".gitignore", b"*.tmp\n"), Add("z.tmp", b"z"), Add("z.txt", b"z"))
    same({"z.tmp", "z.txt"} & names(), {"z.txt"})


@case("upload a folder")
def a_folder_leaves_out_what_git_and_the_client_keep() -> None:
    files = {
        ".git/config": b"g", ".git/refs/heads/main": b"g", "sub/.git/x": b"g", ".cache/huggingface/f": b"c",
        "sub/.cache/huggingface/f": b"c", ".github/x.txt": b"kept", "s.git/y.txt": b"kept",
    }  # fmt: skip
    for path, content in files.items():
        (Path("git") / path).parent.mkdir(parents=True, exist_ok=True)
        (Path("git") / path).write_bytes(content)
    api.create_repo(f"{NAME}-g")
    api.upload_folder(repo_id=f"{NAME}-g", folder_path="git")
    same(names(f"{NAME}-g"), {".github/x.txt", "s.git/y.txt"})


@case("upload a folder")
def empty_files_and_folders() -> None:
    Path("hollow/none").mkdir(parents=True)
    Path("hollow/zero.bin").touch()
    Path("hollow/zero.txt").touch()
    api.upload_folder(repo_id=f"{NAME}-g", folder_path="hollow", path_in_repo="hollow")
    found = {e.path: e.size for e in api.list_repo_tree(f"{NAME}-g", "hollow")}
    same(found, {"hollow/zero.bin": 0, "hollow/zero.txt": 0})
    same(text("hollow/zero.bin", name=f"{NAME}-g"), b"")


@case("upload a folder")
def two_files_of_one_content() -> None:
    for path in ("one.bin", "two.bin"):
        (Path("same") / path).parent.mkdir(exist_ok=True)
        (Path("same") / path).write_bytes(LARGE)
    api.upload_folder(repo_id=f"{NAME}-g", folder_path="same")
    same([text(path, name=f"{NAME}-g") == LARGE for path in ("one.bin", "two.bin")], [True, True])


@case("upload a folder")
def a_small_file_becomes_a_large_one_and_back() -> None:
    place = Path("grow/g.txt")
    place.parent.mkdir()
    for content in (b"small", b"grown line\n" * 1_000_000, b"small again"):
        place.write_bytes(content)
        api.upload_folder(repo_id=f"{NAME}-g", folder_path="grow")
        same(text("g.txt", name=f"{NAME}-g") == content, True)


@case("upload a file")
def an_open_file_that_was_read_already() -> None:
    file = io.BytesIO(LARGE)
    file.seek(1000)
    api.upload_file(path_or_fileobj=file, path_in_repo="read.bin", repo_id=NAME)
    assert text("read.bin") in (LARGE, LARGE[1000:])


@case("upload a file")
def the_client_refuses_an_open_text() -> None:
    fails("ValueError", "binary", api.upload_file, path_or_fileobj=io.StringIO("x"), path_in_repo="x",
          repo_id=NAME)  # fmt: skip


@case("upload a file")
def what_another_user_sent_is_not_given_for_its_digest() -> None:
    """bob has the same content and must send it: then both repositories hold it."""
    bob.create_repo(f"bob/same-{MODE}")
    bob.upload_file(path_or_fileobj=LARGE, path_in_repo="same.bin", repo_id=f"bob/same-{MODE}")
    same(Path(bob.hf_hub_download(f"bob/same-{MODE}", "same.bin")).read_bytes() == LARGE, True)


@case("pull requests")
def a_commit_as_a_pull_request_says_where() -> None:
    done = commit(Add("pr.txt", b"pr"), create_pr=True)
    same((done.pr_revision, done.pr_num), ("refs/pr/1", 1))
    same(done.pr_url, f"{ENDPOINT}/{NAME}/discussions/1")
    same(text("pr.txt", done.pr_revision), b"pr")


@case("pull requests")
def a_file_and_a_deletion_as_pull_requests() -> None:
    one = api.upload_file(path_or_fileobj=LARGE, path_in_repo="pr.bin", repo_id=NAME, create_pr=True)
    two = api.delete_file("a.txt", NAME, create_pr=True)
    same(
        (text("pr.bin", one.pr_revision) == LARGE, "a.txt" in names(revision=two.pr_revision)), (True, False)
    )
    same("a.txt" in names(), True)


@case("pull requests")
def a_pull_request_from_a_branch_that_is_missing() -> None:
    fails("RevisionNotFoundError", "404", commit, Add("x", b"x"), create_pr=True, revision="none")


@case("pull requests")
def a_commit_does_not_become_a_pull_request() -> None:
    fails("RevisionNotFoundError", "404", commit, Add("x", b"x"), create_pr=True, revision=head())


@case("pull requests")
def nothing_as_a_pull_request_makes_none() -> None:
    count = len(list(api.get_repo_discussions(NAME)))
    commit(Add("case.txt", b"c"), create_pr=True)
    assert len(list(api.get_repo_discussions(NAME))) in (count, count + 1)


@case("upload a folder")
def a_scheduler_sends_a_folder_that_grows() -> None:
    Path("grows").mkdir()
    scheduler = CommitScheduler(
        repo_id=f"{NAME}-scheduled", folder_path="grows", every=100, path_in_repo="log"
    )
    for words in ("first", "second"):
        with scheduler.lock, Path("grows/log.txt").open("a") as file:
            file.write(words + "\n")
        scheduler.trigger().result(600)
    scheduler.stop()
    same(text("log/log.txt", name=f"{NAME}-scheduled"), b"first\nsecond\n")


class Made(ModelHubMixin):
    def __init__(self, size: int = 3) -> None:
        self.size, self.content = size, LARGE[:50_000]

    def _save_pretrained(self, save_directory: Path) -> None:
        (save_directory / "content.bin").write_bytes(self.content)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, revision: str | None, **more: object) -> Made:
        made = cls(size=more["size"])
        made.content = Path(hf_hub_download(model_id, "content.bin", revision=revision)).read_bytes()
        return made


@case("upload a folder")
def a_class_with_the_mixin() -> None:
    Made(size=5).push_to_hub(f"{NAME}-mixin", commit_message="Mixed")
    back = Made.from_pretrained(f"{NAME}-mixin")
    same((back.size, back.content == LARGE[:50_000]), (5, True))
    same(api.list_repo_commits(f"{NAME}-mixin")[0].title, "Mixed")


@case("upload a folder")
def a_class_with_the_mixin_to_a_branch() -> None:
    api.create_branch(f"{NAME}-mixin", branch="dev")
    Made(size=6).push_to_hub(f"{NAME}-mixin", branch="dev")
    same([Made.from_pretrained(f"{NAME}-mixin", revision=r).size for r in ("dev", "main")], [6, 5])


@case("download")
def everything_comes_back() -> None:
    back = files_of(snapshot_download(NAME, local_dir="all"))
    same(set(back) - {".gitattributes"}, names())


if __name__ == "__main__":
    sys.exit(run())
