"""``publish`` against our own Hub over HTTP: what goes out, what stays, and what others find.

python -m tests.doors.test_publish --write          write tests/golden/cards again
"""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, hf_hub_download

from tests.doors.trained_folders import BASES, KINDS, LEFT, WEIGHTS, lora, write
from tests.doors.written_folder import Written, plain_files, written_folder
from weighbridge.bridge.publishing import publish
from weighbridge.domain.made_model import Said
from weighbridge.domain.publish_request import Published, PublishRequest
from weighbridge.domain.ref import RepoId
from weighbridge.errors import BadInput, RefExists, UnsafeFiles
from weighbridge.settings import Settings, load_settings

CARDS = Path(__file__).resolve().parents[1] / "golden" / "cards"
MINE = RepoId.parse("ann/mine")


def settings_of(hub: Written, place: Path) -> Settings:
    environ = {"WEIGHBRIDGE_HOME": str(place / "home"), "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_whatever"}
    return load_settings({**environ, "HOME": str(place), "NO_PROXY": "127.0.0.1"})


@contextmanager
def served_bases(place: Path) -> Iterator[Written]:
    """A Hub that holds the base models and takes uploads."""
    for name, files in BASES.items():
        write(place / name, files)
    with written_folder(place) as hub:
        yield hub


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """A Hub that no test publishes to."""
    with served_bases(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Written]:
    with served_bases(tmp_path / "hub") as hub:
        yield hub


def rendered(kind: str, hub: Written, place: Path) -> Published:
    folder = place / kind
    request = PublishRequest(
        folder=folder, repo=RepoId.parse(f"ann/{kind}"), said=KINDS[kind](folder), dry_run=True
    )
    return publish(request, settings_of(hub, place))


def the_code_of(card: str) -> list[str]:
    return [block.partition("\n```")[0] for block in card.split("\n```python\n")[1:]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_of_each_kind_is_as_it_was(kind: str, shared: Written, tmp_path: Path) -> None:
    # renew with: python -m tests.doors.test_publish --write
    done = rendered(kind, shared, tmp_path)
    assert done.card.replace(shared.url, "HUB") == (CARDS / f"{kind}.md").read_text()
    licences = {"finetune": "other", "merge": "cc-by-nc-4.0"}
    assert ModelCard(done.card).data.license == licences.get(kind, "apache-2.0")
    assert [ast.parse(code) for code in the_code_of(done.card)]
    assert "hf_secret" not in done.card
    assert "/home/ann" not in done.card
    assert done.commit == ""


def test_what_was_published_is_what_others_find(hub: Written, tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    request = PublishRequest(folder=folder, repo=MINE, said=lora(folder), tag="v1", message="One\n\nTwo")
    done = publish(request, settings_of(hub, tmp_path))
    assert done.is_new
    held = hub.files("ann/mine", "v1")
    assert held.keys() - {".gitattributes"} == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "checksums.txt",
    }  # fmt: skip
    assert held["adapter_model.safetensors"] == WEIGHTS
    assert held["README.md"].decode() == done.card
    assert hub.titles("ann/mine")[0] == "One"
    assert hub.sha("ann/mine") == done.commit
    stays = {one.path.partition("/")[0] for one in done.left_out}
    assert stays == {path.partition("/")[0] for path in LEFT}
    file = hf_hub_download("ann/mine", "checksums.txt", endpoint=hub.url, cache_dir=tmp_path / "cache")
    assert {line[66:]: line[:64] for line in Path(file).read_text().splitlines()} == {
        one.path: one.sha256 for one in done.files if one.path != "checksums.txt"
    }


def test_a_dry_run_writes_nothing_anywhere(hub: Written, tmp_path: Path) -> None:
    before, folder = plain_files(hub.folder / "acme"), tmp_path / "lora"
    lora(folder)
    mine = plain_files(folder)
    done = publish(PublishRequest(folder=folder, repo=MINE, dry_run=True), settings_of(hub, tmp_path))
    assert (done.commit, done.is_new) == ("", True)
    assert plain_files(hub.folder / "acme") == before
    assert not (hub.folder / "ann").exists()
    assert plain_files(folder) == mine
    assert hub.call("GET", "/api/models/ann/mine").status == 404


def test_the_same_again_is_no_new_commit_and_a_tag_stays_where_it_is(hub: Written, tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    request = PublishRequest(folder=folder, repo=MINE, said=lora(folder), tag="v1")
    settings = settings_of(hub, tmp_path)
    first, again = publish(request, settings), publish(request, settings)
    assert (first.commit, first.changed, again.changed) == (again.commit, True, False)
    write(folder, {"generation_config.json": b"{}"})
    with pytest.raises(RefExists):
        publish(request, settings)
    assert hub.sha("ann/mine") == first.commit


def test_a_card_that_is_there_is_kept_and_completed(hub: Written, tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    said = lora(folder)
    front = "---\r\n# mine\r\nlicense: mit  # as agreed\r\ntags: [mine]\r\n---\r\n"
    card = f"{front}# Mine\r\n\r\n---\r\nKept *as it is*.\r\n"
    write(folder, {"README.md": card.encode()})
    done = publish(PublishRequest(folder=folder, repo=MINE, said=said), settings_of(hub, tmp_path))
    head, _, body = card.partition("\r\n---\r\n#")
    assert done.card.startswith(head + "\r\n")
    assert done.card.endswith("---\r\n#" + body)
    assert done.added is not None
    assert {"base_model", "library_name", "model-index"} <= done.added.keys()
    assert not {"license", "tags"} & done.added.keys()
    assert (folder / "README.md").read_bytes() == card.encode()
    assert ModelCard(hub.files("ann/mine")["README.md"].decode()).data.license == "mit"


def test_a_card_that_somebody_wrote_on_the_hub_is_kept_until_it_is_replaced(
    hub: Written, tmp_path: Path
) -> None:
    folder, settings = tmp_path / "lora", settings_of(hub, tmp_path)
    request = PublishRequest(folder=folder, repo=MINE, said=lora(folder))
    publish(request, settings)
    hub.commit("ann/mine", {"README.md": "---\nlicense: mit\n---\n\n# By hand\n"})
    kept = publish(request, settings)
    assert kept.card.endswith("# By hand\n")
    anew = publish(PublishRequest(folder=folder, repo=MINE, said=request.said, replace_card=True), settings)
    assert "# By hand" not in hub.files("ann/mine")["README.md"].decode()
    assert anew.added is None


def test_a_licence_that_is_freer_than_the_base_models_is_warned_of(shared: Written, tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    lora(folder)
    said = Said(base_models=("acme/other",), license="mit")
    done = publish(
        PublishRequest(folder=folder, repo=MINE, said=said, dry_run=True), settings_of(shared, tmp_path)
    )
    assert any("acme/other" in warning and "less free" in warning for warning in done.warnings)


def test_what_the_scanners_block_is_not_published(hub: Written, tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    said = lora(folder)
    write(folder, {"pytorch_model.bin": b"cos\nsystem\n(S'true'\ntR."})
    with pytest.raises(UnsafeFiles, match=r"pytorch_model\.bin"):
        publish(PublishRequest(folder=folder, repo=MINE, said=said), settings_of(hub, tmp_path))
    assert hub.call("GET", "/api/models/ann/mine").status == 404


def test_a_public_repository_does_not_take_what_is_private(hub: Written, tmp_path: Path) -> None:
    folder, settings = tmp_path / "lora", settings_of(hub, tmp_path)
    said = lora(folder)
    publish(PublishRequest(folder=folder, repo=MINE, said=said), settings)
    with pytest.raises(BadInput, match="public"):
        publish(PublishRequest(folder=folder, repo=MINE, said=said, private=True), settings)
    secret = RepoId.parse("ann/secret")
    publish(PublishRequest(folder=folder, repo=secret, said=said, private=True), settings)
    assert hub.call("GET", "/api/models/ann/secret").json["private"] is True


def test_a_branch_and_a_pull_request_leave_main_as_it_is(hub: Written, tmp_path: Path) -> None:
    folder, settings = tmp_path / "lora", settings_of(hub, tmp_path)
    said = lora(folder)
    main = publish(PublishRequest(folder=folder, repo=MINE, said=said), settings).commit
    write(folder, {"generation_config.json": b"{}"})
    branch = publish(PublishRequest(folder=folder, repo=MINE, said=said, revision="next"), settings)
    pull = publish(
        PublishRequest(folder=folder, repo=MINE, said=said, create_pr=True, message="Please"), settings
    )
    assert pull.pull_request.endswith("/ann/mine/discussions/1")
    assert hub.sha("ann/mine") == main
    assert "generation_config.json" in hub.files("ann/mine", "next")
    assert len({main, branch.commit, pull.commit}) == 3


if __name__ == "__main__" and "--write" in sys.argv:
    with tempfile.TemporaryDirectory() as made, served_bases(Path(made) / "hub") as running:
        for each in KINDS:
            card = rendered(each, running, Path(made)).card
            (CARDS / f"{each}.md").write_text(card.replace(running.url, "HUB"))
