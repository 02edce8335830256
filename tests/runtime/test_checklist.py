"""Starts that pass: what is fetched, kept, asked for again, and told."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.doors.uploading import registry_at
from tests.hub_process import write_repo
from tests.hub_server import HubRepo, serve_hub
from tests.runtime.starting import AS_FOLDER, AS_GGUF, AS_LORA, BASE, CANARY, GGUF, Yard, card
from tests.tiny_gguf import tiny_gguf
from weighbridge.adapters.lock_file import LockRegister
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge.runtime import start
from weighbridge.domain.start_report import STEPS, Outcome


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with size and time of change in ns."""
    return {
        file.relative_to(folder).as_posix(): (file.stat().st_size, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_every_step_is_told_in_its_order(at: Yard) -> None:
    done = at.start(AS_GGUF)
    assert tuple(step.name for step in done.report.steps) == STEPS
    assert at.told == list(done.report.steps)
    assert done.report.steps[-1].outcome is Outcome.SKIPPED
    assert done.report.passed
    assert done.loaded is None


def test_the_identity_names_commit_and_digests(at: Yard) -> None:
    identity = at.start(AS_GGUF).report.identity
    assert identity is not None
    model = identity.model
    assert (model.repo, model.version, model.commit) == ("acme/tiny", "main", at.hub.repos["acme/tiny"].head)
    assert {file.path: file.sha256 for file in model.files} == {
        name: hashlib.sha256(GGUF[name]).hexdigest() for name in ("README.md", "tiny.Q4.gguf")
    }
    assert model.license == "mit"
    assert identity.facts is not None
    assert (identity.facts["architecture"], identity.facts["context_length"]) == ("llama", 512)


def test_files_lie_below_id_and_version(at: Yard) -> None:
    at.hub.repos["acme/tiny"].tags["v0.1.0"] = at.hub.repos["acme/tiny"].head
    done = at.start(AS_GGUF, MODEL_VERSION="v0.1.0")
    assert done.folder == at.cache / "acme" / "tiny" / "v0.1.0"
    assert (done.folder / "tiny.Q4.gguf").read_bytes() == GGUF["tiny.Q4.gguf"]
    assert sorted(path.name for path in done.folder.iterdir()) == ["README.md", "tiny.Q4.gguf"]


def test_nothing_is_written_outside_of_the_cache_folder(at: Yard) -> None:
    at.start(AS_GGUF)
    assert [path.name for path in at.place.iterdir()] == ["models"]


@pytest.mark.parametrize("wish", [AS_GGUF, AS_LORA, AS_FOLDER], ids=["gguf", "lora", "transformers"])
def test_what_is_held_starts_without_the_hub_and_without_a_write(at: Yard, wish: dict[str, str]) -> None:
    first = at.start(wish, ALLOWED_LICENSES="mit,apache-2.0")
    before = tree(at.cache)
    at.hub.forget()
    again = at.start(wish, ALLOWED_LICENSES="mit,apache-2.0", HF_ENDPOINT="http://127.0.0.1:9", HF_TOKEN="")
    assert at.hub.requests == []
    assert tree(at.cache) == before
    assert again.report.identity == first.report.identity


def test_offline_a_held_model_starts_and_another_does_not(at: Yard) -> None:
    at.start(AS_GGUF)
    assert at.start(AS_GGUF, HF_HUB_OFFLINE="1").report.passed
    failed = at.failure(AS_FOLDER, HF_HUB_OFFLINE="1")
    assert failed.step == "resolve"


def test_a_branch_is_pinned_once_and_warned_of(at: Yard) -> None:
    repo = at.hub.repos["acme/tiny"]
    was = repo.head
    first = at.start(AS_GGUF)
    assert [was in warning for warning in first.report.warnings] == [True]
    repo.commit({**GGUF, "tiny.Q4.gguf": tiny_gguf(3)})
    again = at.start(AS_GGUF)
    assert again.report.warnings == ()
    assert again.report.identity is not None
    assert again.report.identity.model.commit == was
    (at.cache / "acme" / "tiny" / "main.lock").unlink()
    moved = at.start(AS_GGUF).report.identity
    assert moved is not None
    assert moved.model.commit == repo.head


def test_neither_a_tag_nor_a_commit_is_warned_of(at: Yard) -> None:
    repo = at.hub.repos["acme/tiny"]
    repo.tags["v1"] = repo.head
    assert at.start(AS_GGUF, MODEL_VERSION="v1").report.warnings == ()
    assert at.start(AS_GGUF, MODEL_VERSION=repo.head).report.warnings == ()


def test_two_files_of_one_version_share_a_folder(at: Yard) -> None:
    first = at.start(AS_GGUF)
    second = at.start(AS_GGUF, MODEL_FILE="tiny.F32.gguf")
    assert first.folder == second.folder
    assert (first.folder / "tiny.Q4.gguf").read_bytes() == GGUF["tiny.Q4.gguf"]
    at.hub.forget()
    assert at.start(AS_GGUF).report.passed
    assert at.hub.requests == []
    identity = second.report.identity
    assert identity is not None
    assert [file.path for file in identity.model.files] == ["README.md", "tiny.F32.gguf"]


def test_the_only_gguf_needs_no_name(at: Yard) -> None:
    at.hub.repos["acme/one"] = HubRepo({"only.gguf": tiny_gguf()})
    assert at.start({"MODEL_ID": "acme/one", "MODEL_TYPE": "gguf"}).report.passed


def test_an_adapter_is_fetched_with_its_base_and_without_pickles(at: Yard) -> None:
    done = at.start(AS_LORA)
    identity = done.report.identity
    assert identity is not None
    assert identity.base is not None
    assert [f.path for f in identity.model.files] == [
        "README.md", "adapter_config.json", "adapter_model.safetensors",
    ]  # fmt: skip
    assert [f.path for f in identity.base.files] == [
        "README.md", "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    assert identity.base.commit == at.hub.repos["acme/base"].head
    assert at.hub.asked("*.bin") + at.hub.asked("*.pt") == []


def test_adapter_and_base_have_versions_of_their_own(at: Yard) -> None:
    lora, base = at.hub.repos["acme/lora"], at.hub.repos["acme/base"]
    lora.tags["v0.1.0"], old = lora.head, base.head
    base.commit({**BASE, "tokenizer.json": b'{"newer": true}'})
    done = at.start(AS_LORA, MODEL_VERSION="v0.1.0", BASE_REVISION=old)
    identity = done.report.identity
    assert identity is not None
    assert identity.base is not None
    assert (identity.model.version, identity.base.commit) == ("v0.1.0", old)
    other = at.start(AS_LORA, MODEL_VERSION="none", LORA_REVISION=lora.head).report.identity
    assert other is not None
    assert other.model.version == lora.head


def test_an_adapter_for_another_base_is_taken_where_that_is_said(at: Yard) -> None:
    at.hub.repos["acme/copy"] = HubRepo(BASE)
    done = at.start(AS_LORA, BASE_MODEL="acme/copy", ALLOW_OTHER_BASE="1", ALLOWED_LICENSES="mit,apache-2.0")
    assert any("'acme/base'" in warning and "acme/copy" in warning for warning in done.report.warnings)


def test_checksums_that_are_published_are_compared(at: Yard) -> None:
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in GGUF.items())
    at.hub.repos["acme/tiny"].commit({**GGUF, "checksums.txt": sums.encode()})
    verified = at.start(AS_GGUF, MODEL_SHA256=hashlib.sha256(GGUF["tiny.Q4.gguf"]).hexdigest()).report.steps[
        3
    ]
    assert "checksums.txt agrees on 2 files" in verified.detail
    assert "sha256 is MODEL_SHA256" in verified.detail


def test_a_list_of_checksums_without_the_weights_is_warned_of(at: Yard) -> None:
    at.hub.repos["acme/tiny"].commit({**GGUF, "checksums.txt": f"{'0' * 64}  TINY.gguf\n".encode()})
    assert "checksums.txt of acme/tiny has no sha256 of 'tiny.Q4.gguf'" in at.start(AS_GGUF).report.warnings


def test_a_file_at_an_address_is_pinned_by_its_sha256(at: Yard) -> None:
    files = at.hub.repos["acme/tiny"]
    address = f"{at.hub.url}/acme/tiny/resolve/{files.head}/tiny.Q4.gguf?signature={CANARY}"
    wish = {
        "MODEL_ID": "acme/tiny", "MODEL_TYPE": "gguf", "MODEL_VERSION": "v1", "MODEL_REGISTRY": "url",
        "MODEL_URL": address, "MODEL_SHA256": hashlib.sha256(GGUF["tiny.Q4.gguf"]).hexdigest(),
    }  # fmt: skip
    done = at.start(wish)
    assert done.report.passed
    assert done.report.identity is not None
    assert done.report.identity.model.commit == ""
    assert {asked.headers.get("authorization") for asked in at.hub.requests} == {None}
    assert CANARY not in str(done.report.to_json())
    assert "127.0.0.1" not in str(done.report.to_json())
    at.hub.forget()
    assert at.start(wish).report.passed
    assert at.hub.requests == []


def test_a_file_at_an_address_has_the_licence_that_its_head_states(at: Yard) -> None:
    for file, licence in (("stated.gguf", {"general__license": "apache-2.0"}), ("silent.gguf", {})):
        content = tiny_gguf(1, **licence)
        at.hub.repos["acme/files"] = HubRepo({file: content})
        wish = {
            "MODEL_ID": "acme/elsewhere", "MODEL_TYPE": "gguf", "MODEL_VERSION": file,
            "MODEL_URL": f"{at.hub.url}/acme/files/resolve/main/{file}", "ALLOWED_LICENSES": "apache-2.0",
            "MODEL_SHA256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        if licence:
            identity = at.start(wish).report.identity
            assert identity is not None
            assert identity.licenses == ("Apache-2.0",)
        else:
            assert "no licence is stated" in str(at.failure(wish))


def test_findings_that_were_looked_at_are_accepted_by_name(at: Yard) -> None:
    odd = {"tokenizer__chat_template": "{{ messages[0]['a' + 'b'] }}"}
    at.hub.repos["acme/tiny"].commit({**GGUF, "tiny.Q4.gguf": tiny_gguf(1, **odd)})
    failed = at.failure(AS_GGUF)
    assert failed.step == "scan"
    assert "ALLOWED_FINDINGS=template.computed" in failed.hint
    done = at.start(AS_GGUF, ALLOWED_FINDINGS="template.computed")
    assert done.report.warnings == ("findings of template.computed are accepted",)


def test_the_licence_of_the_whole_line_is_asked_for(at: Yard) -> None:
    at.hub.repos["acme/base"].commit({**BASE, "README.md": card("mit", "acme/root")})
    at.hub.repos["acme/root"] = HubRepo({"README.md": card("llama3.1")})
    for repo in ("acme/base", "acme/root"):
        at.hub.repos[repo].info = {"tags": []}
    failed = at.failure(AS_GGUF, ALLOWED_LICENSES="mit")
    assert failed.step == "licence"
    assert "llama3.1 (of the base model acme/root) is none of mit" in str(failed)
    done = at.start(AS_GGUF, ALLOWED_LICENSES="permissive,llama3.1")
    assert done.report.identity is not None
    assert done.report.identity.licenses == ("LicenseRef-HF-llama3.1", "MIT")


def test_a_licence_expression_is_taken_apart(at: Yard) -> None:
    assert at.start(AS_GGUF, ALLOWED_LICENSES="MIT OR Apache-2.0").report.passed


def test_a_private_model_needs_the_token(tmp_path: Path) -> None:
    repo = HubRepo(GGUF)
    repo.private = True
    with serve_hub({"acme/tiny": repo}) as hub:
        hub.token = CANARY
        at = Yard(hub, tmp_path)
        assert at.failure(AS_GGUF, HF_TOKEN="").step == "resolve"
        assert at.start(AS_GGUF).report.passed


def test_a_private_model_of_our_own_registry_starts_at_its_tag(at: Yard) -> None:
    with registry_at(at.place / "registry", WEIGHBRIDGE_SERVE="all") as registry:
        ann = HfApi(registry.url, token=registry.tokens["ann"])
        folder = write_repo(at.place / "src", "ann/tiny", {"README.md": card("mit"), "m.gguf": tiny_gguf()})
        ann.create_repo("ann/tiny", private=True)
        ann.upload_folder(repo_id="ann/tiny", folder_path=str(folder))
        ann.create_tag("ann/tiny", tag="v0.1.0")
        wish = {"MODEL_ID": "ann/tiny", "MODEL_TYPE": "gguf", "MODEL_VERSION": "v0.1.0"}
        assert at.failure(wish, HF_ENDPOINT=registry.url, HF_TOKEN="").step == "resolve"
        done = at.start(
            wish, HF_ENDPOINT=registry.url, HF_TOKEN=registry.tokens["ann"], ALLOWED_LICENSES="mit"
        )
        assert done.report.identity is not None
        assert done.report.identity.model.commit == ann.model_info("ann/tiny").sha


class Watching(SilentReporter):
    """Notes with each stretch of bytes that comes in whether ``clean`` would wait."""

    def __init__(self, register: LockRegister) -> None:
        self.register, self.waits = register, list[bool]()

    def begin(self, title: str, total_bytes: int) -> None:
        """A stretch begins."""
        self.waits.append(self.register.is_used())


@pytest.mark.skipif(sys.platform == "win32", reason="no locks on folders there")
@pytest.mark.parametrize("wish", [AS_GGUF, AS_LORA])
def test_nothing_is_cleaned_away_while_a_start_fetches(at: Yard, wish: dict[str, str]) -> None:
    watching = Watching(LockRegister(at.cache / ".weighbridge" / "store"))
    start(at.environ(**wish), into_memory=False, reporter=watching)
    assert watching.waits
    assert all(watching.waits)
    assert not watching.register.is_used()
