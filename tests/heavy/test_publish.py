"""A real adapter is published, and the program of its card generates text with it from our Hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.blocks import Block
from tests.doors.test_publish import settings_of, the_code_of
from tests.doors.written_folder import written_folder
from tests.hub_process import write_repo
from tests.loaders.environments import clean, interpreter, run_in
from weighbridge.bridge.publishing import publish
from weighbridge.domain.publish_request import PublishRequest
from weighbridge.domain.ref import RepoId

pytestmark = pytest.mark.heavy
BASE = "acme/base"


def test_peft_generates_with_what_was_published(tmp_path: Path) -> None:
    run_in("torch", "makes_lora", str(tmp_path), BASE, HF_HUB_OFFLINE="1")
    card = b"---\nlicense: apache-2.0\n---\n# Base\n"
    files = {file.name: file.read_bytes() for file in (tmp_path / "base").iterdir()}
    write_repo(tmp_path / "hub", BASE, {**files, "README.md": card})
    adapter = tmp_path / "adapter"
    assert "More Information Needed" in (adapter / "README.md").read_text()  # as PEFT leaves it
    with written_folder(tmp_path / "hub") as hub:
        settings = settings_of(hub, tmp_path)
        request = PublishRequest(folder=adapter, repo=RepoId.parse("ann/lora"))
        kept = publish(request, settings)
        assert any("says nothing" in warning for warning in kept.warnings)
        anew = publish(PublishRequest(folder=adapter, repo=request.repo, replace_card=True), settings)
        (program,) = the_code_of(anew.card)
        env = clean({"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path)})
        plain = program.replace("model = PeftModel.from_pretrained(base_model, ", "model = base_model  # (")
        said = [
            Block("python", (), f"import torch\ntorch.manual_seed(0)\n{code}", "", 1).run(
                cwd=tmp_path, env=env, python=interpreter("torch")
            )
            for code in (program, plain)
        ]
    adapted, unadapted = (ran.stdout.strip() for ran in said)
    assert adapted.startswith("Your prompt here")
    assert len(adapted) > len("Your prompt here")
    assert adapted != unadapted
