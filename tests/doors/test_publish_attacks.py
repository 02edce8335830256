"""Folders, cards and names with which ``publish`` must not be led astray."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doors.test_publish import MINE, served_bases, settings_of
from tests.doors.trained_folders import ADAPTER, WEIGHTS, write
from tests.doors.written_folder import Written
from tests.torture.killing import environment, run
from weighbridge.bridge.publishing import publish
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.made_model import Said
from weighbridge.domain.publish_request import News, Published, PublishRequest
from weighbridge.domain.ref import RepoId
from weighbridge.doors.cli.ending import run_to_the_end
from weighbridge.doors.cli.render import show_json
from weighbridge.errors import BadInput, NoSuchRevision, NotAuthenticated, RefExists
from weighbridge.flows.publish_target import CARD_LIMIT_BYTES

TOKEN = "hf_aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    with served_bases(tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An adapter and nothing else."""
    config = json.dumps(ADAPTER).encode()
    return write(tmp_path / "mine", {"adapter_config.json": config, "adapter_model.safetensors": WEIGHTS})


def looked_at(folder: Path, hub: Written, **more: object) -> Published:
    request = PublishRequest(**{"folder": folder, "repo": MINE, "dry_run": True, **more})  # type: ignore[arg-type]
    return publish(request, settings_of(hub, folder.parent))


def test_what_is_no_file_of_the_folder_stays_with_its_reason(hub: Written, folder: Path) -> None:
    (folder.parent / "private").write_bytes(b"not yours")
    (folder / "LICENSE").symlink_to(folder.parent / "private")
    (folder / "vocab.txt").symlink_to("vocab.txt")
    (folder / "assets").symlink_to(".")
    (folder / "notice.txt").symlink_to("nowhere")
    (folder / "config.json").symlink_to("adapter_config.json")
    os.mkfifo(folder / "tokenizer.json")
    done = looked_at(folder, hub)
    assert {one.path: one.why.partition(":")[0] for one in done.left_out} == {
        "LICENSE": "is a link that leads out of the folder",
        "vocab.txt": "cannot be read",
        "assets": "is a link to a folder",
        "notice.txt": "cannot be read",
        "tokenizer.json": "is no regular file",
    }
    assert "config.json" in {file.path for file in done.files}


def test_a_name_of_two_lines_is_told_in_one(hub: Written, folder: Path) -> None:
    write(folder, {"a\nnote: all is well.json": b"{}"})
    env = environment(folder.parent / "home", HF_ENDPOINT=hub.url, HOME=str(folder.parent))
    ran = run(["publish", str(folder), "--repo", "ann/mine", "--dry-run"], env, folder.parent)
    assert ran.returncode == 0, ran.stderr
    assert "note: left out: a\\nnote: all is well.json holds a control character" in ran.stderr
    assert "warning: there is no token for" in ran.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_name_that_the_terminal_cannot_show_is_told_all_the_same(
    encoding: str, hub: Written, folder: Path
) -> None:
    name, odd = "notice-\u6f22.txt", os.fsdecode(b"license-\xff")
    write(folder, {name: b"x", odd: b"x"})
    told = looked_at(folder, hub).to_json()
    for shown, end in ((lambda: show_json(told), told), (lambda: print(name), None)):
        written = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        with contextlib.redirect_stdout(written), pytest.raises(SystemExit) as caught:
            run_to_the_end(shown)
        assert caught.value.code == 0
        written.seek(0)
        assert not end or json.loads(written.read()) == json.loads(json.dumps(end))


def test_names_that_some_disk_takes_for_one_are_refused_with_the_next_step(
    hub: Written, folder: Path
) -> None:
    for name in ("Adapter_Config.json", "README.md/config.json"):
        write(folder, {name: b"{}"})
        with pytest.raises(Invalid, match=r"(?i)adapter_config|README") as caught:
            looked_at(folder, hub)
        assert "rename one" in caught.value.hint
        (folder / name).unlink()


def test_a_card_that_is_there_and_cannot_be_read_is_not_written_over(hub: Written, folder: Path) -> None:
    (folder / "README.md").symlink_to("../../elsewhere.md")
    with pytest.raises(BadInput, match=r"README\.md is a link") as caught:
        looked_at(folder, hub)
    assert "--replace-card" in caught.value.hint
    assert looked_at(folder, hub, replace_card=True).card.startswith("---\nbase_model: acme/base\n")


def test_metadata_that_the_hubs_own_reader_does_not_see_are_not_published_as_if_it_did(
    hub: Written, folder: Path
) -> None:
    front = "---\nlicense: mit\n---\n# Mine\n"
    for card in (f"\ufeff{front}", "\ufeff# Mine\n", front.replace("---\nl", "---  \nl")):
        write(folder, {"README.md": card.encode()})
        with pytest.raises(BadInput, match="does not see the metadata") as caught:
            looked_at(folder, hub)
        assert "byte order mark" in caught.value.hint


@pytest.mark.parametrize("card", [b"# Caf\xe9, as written by hand\n", b"# Long\n" + b"x" * CARD_LIMIT_BYTES])
def test_a_card_in_the_repository_that_cannot_be_kept_is_not_lost(
    card: bytes, hub: Written, folder: Path
) -> None:
    repo = f"ann/card-{len(card)}"
    write(hub.folder / repo, {"README.md": card, "config.json": b"{}"})
    for asked in ({}, {"dry_run": False}):
        with pytest.raises(BadInput, match=r"README\.md") as caught:
            looked_at(folder, hub, repo=RepoId.parse(repo), **asked)
        assert "--replace-card" in caught.value.hint
    assert hub.files(repo)["README.md"] == card


def test_a_text_with_a_token_does_not_go_out_whatever_it_is_called(hub: Written, folder: Path) -> None:
    for path, include in (("config.json", ()), ("notes.txt", ("notes.txt",)), ("README.md", ())):
        write(folder, {path: f'{{"hub_token": "{TOKEN}"}}\n'.encode()})
        with pytest.raises(BadInput, match=f"'{path}' holds what looks like a token") as caught:
            looked_at(folder, hub, include=include)
        assert TOKEN not in f"{caught.value} {caught.value.hint}"
        (folder / path).unlink()


def test_settings_of_the_training_are_shown_without_secrets(hub: Written, folder: Path) -> None:
    settings = {"rank": 8, "note": f"as {TOKEN}", "store": "s3://ann:word@host/x", "args": ["-v", TOKEN]}
    done = looked_at(folder, hub, said=Said(training=settings))
    assert '"rank": 8' in done.card
    assert not [word for word in (TOKEN, "ann:word") if word in done.card]


def test_values_as_long_as_their_file_are_cut(hub: Written, folder: Path) -> None:
    long = dict.fromkeys(("peft_type", "peft_version"), "x" * 200000)
    config = {**ADAPTER, **long, "target_modules": ["y" * 50_000, "q_proj"]}
    write(folder, {"adapter_config.json": json.dumps(config).encode()})
    done = looked_at(folder, hub)
    assert len(done.card) < 5_000
    assert max(map(len, done.warnings), default=0) <= 500


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"repo": RepoId.parse("mine")}, "does not say whose"),
        ({"said": Said(license_name="acme-terms")}, "of no licence"),
        ({"said": Said(license="other", license_link="javascript:alert(1)")}, "leads to no page"),
        ({"said": Said(license="other", license_link="data:text/html,x")}, "leads to no page"),
        ({"tag": "main"}, "name of a branch"),
        ({"tag": "next", "revision": "next"}, "name of a branch"),
    ],
)
def test_what_would_fail_at_the_end_is_refused_at_the_beginning(
    asked: dict[str, object], told: str, hub: Written, folder: Path
) -> None:
    with pytest.raises(Invalid, match=told):
        looked_at(folder, hub, **asked)


def test_a_dry_run_says_no_where_the_real_one_would(hub: Written, folder: Path) -> None:
    repo = RepoId.parse("ann/named")
    first = looked_at(folder, hub, repo=repo, dry_run=False, tag="v1")
    assert set(first.news.values()) == {News.NEW}
    looked_at(folder, hub, repo=repo, dry_run=False, revision="next")
    write(folder, {"generation_config.json": b"{}"})
    for asked, error in (
        ({"tag": "v1"}, RefExists),
        ({"tag": "next"}, RefExists),
        ({"revision": "v1"}, Invalid),
        ({"revision": "refs/pr/7"}, NoSuchRevision),
    ):
        for dry_run in (True, False):
            with pytest.raises(error):
                looked_at(folder, hub, repo=repo, dry_run=dry_run, **asked)
    assert hub.sha("ann/named") == first.commit


def test_a_dry_run_says_what_would_change(hub: Written, folder: Path) -> None:
    repo = RepoId.parse("ann/news")
    assert looked_at(folder, hub, repo=repo, dry_run=False).changed
    assert not looked_at(folder, hub, repo=repo).changed
    write(folder, {"generation_config.json": b"{}"})
    done = looked_at(folder, hub, repo=repo)
    assert done.changed
    assert done.news == {
        "README.md": News.SAME, "adapter_config.json": News.SAME, "adapter_model.safetensors": News.SAME,
        "checksums.txt": News.CHANGED, "generation_config.json": News.NEW,
    }  # fmt: skip


def test_who_has_no_token_is_told_before_anything_is_read(hub: Written, folder: Path) -> None:
    without = replace(settings_of(hub, folder.parent), hf_token=None)
    write(folder, {"pytorch_model.bin": b"cos\nsystem\n(S'true'\ntR."})  # which the scanners would block
    with pytest.raises(NotAuthenticated) as caught:
        publish(PublishRequest(folder=folder, repo=MINE), without)
    assert "weighbridge login" in caught.value.hint


def test_what_the_hub_remarks_on_a_card_is_told_and_a_card_of_which_nothing_is_known_is_one(
    hub: Written, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    folder = write(tmp_path / "bare", {"config.json": b"{}"})
    done = looked_at(folder, hub, repo=RepoId.parse("ann/bare"), dry_run=False)
    assert done.card.startswith("# ann/bare\n\n## Usage\n")
    assert any("has no metadata" in warning for warning in done.warnings)
    assert [one for one in recwarn if issubclass(one.category, UserWarning)] == []
