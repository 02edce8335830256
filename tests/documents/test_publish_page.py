"""The page on publishing, followed against our own Hub."""

from __future__ import annotations

from pathlib import Path

from tests.documents.blocks import DOCUMENTS, Page, environment
from tests.doors.trained_folders import BASES, lora, write
from tests.doors.written_folder import written_folder

PAGE = Page.read(DOCUMENTS / "publish.md")


def test_every_command_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    lora(tmp_path / "out" / "adapter")
    write(tmp_path / "out" / "adapter", {"train.py": b"print(1)\n", "data/a.csv": b"a\n"})
    for name, files in BASES.items():
        write(tmp_path / "hub" / name, files)
    with written_folder(tmp_path / "hub") as hub:
        env = environment(tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN="hf_whatever")
        said = []
        for block in PAGE.blocks("bash"):
            code = int(next((word[5:] for word in block.words if word.startswith("code=")), 0))
            said.append(block.run(cwd=tmp_path, env=env, code=code).stdout)
        look, sent, pull, more, refused = said
        assert "nothing was sent" in look
        assert "accuracy: 0.85" in look.replace("*", "")
        assert "published " in sent
        assert "opened " in pull
        assert "train.py" in more
        assert "data/a.csv" in more
        assert "published" not in refused
        assert hub.call("GET", "/api/models/ann/answers").json["private"] is True
