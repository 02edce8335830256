"""The corpus beside other scanners: one run, every file, what each says.

    python -m tests.hostile.table [--peers .venv/peers] [--write]

Makes every file of the corpus, asks our scanners and, where their environments are, the others
(``make scanners-table`` makes those). Prints the sums; with ``--write`` they go to docs/scanners.md and every
single file to docs/scanners-corpus.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.hostile.corpus import BAD, GOOD, REVIEW, made_by_libraries
from tests.hostile.forge_formats import GOOD_FILES
from weighbridge.scanners import RULES, scan_tree

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT, LISTING = ROOT / "docs" / "scanners.md", ROOT / "docs" / "scanners-corpus.md"
PEERS = ("picklescan", "modelscan", "fickling")
KINDS = {"bad": "attacks", "look": "files that ask for a look", "good": "good files"}
GROUPS = (
    ("pickle", r"\.(?:pkl|dill|cloudpickle|joblib)$"),
    ("torch", r"\.(?:pt|pth|ckpt|pt2)$|pytorch_model\.bin$"),
    ("packed pickle", r"\.(?:z|gz|bz2|xz|lzma)$"),
    ("numpy", r"\.np[yz]$"),
    ("archive", r"\.(?:zip|tar|7z|rar|zst)$"),
    ("safetensors", r"\.safetensors$"),
    ("GGUF", r"\.gguf$"),
    ("ONNX", r"\.onnx$"),
    ("TensorFlow", r"\.(?:pb|pbtxt|index|tflite)$|\.data-"),
    ("Keras, HDF5", r"\.(?:keras|h5|hdf5)$"),
    ("NeMo", r"\.nemo$"),
    ("skops", r"\.skops$"),
    ("msgpack", r"\.msgpack$"),
    ("SentencePiece", r"\.model$"),
    ("Parquet, Arrow", r"\.(?:parquet|arrow)$"),
    ("text and code", r"\.(?:json|ya?ml|xml|jinja|py|sh|ipynb|md|txt|gitattributes)$"),
)


class Entry(NamedTuple):
    """One file of the corpus, and what was said of it by whom."""

    name: str
    path: str
    kind: str
    group: str
    answers: dict[str, str]


def group_of(path: str) -> str:
    """The row of the table that a file counts in."""
    return next((name for name, pattern in GROUPS if re.search(pattern, path)), "others")


def place(root: Path) -> list[Entry]:
    """Write the whole corpus, each file in a folder of its own (``root/0007/model.pkl``)."""
    made: list[tuple[str, str, str, bytes]] = []
    marker = str(root / "ran")
    made += [(bad.attack, bad.path, "bad", bad.make(marker)) for bad in BAD]
    made += [(seen.attack, seen.path, "look", seen.make(marker)) for seen in REVIEW]
    made += [(good.what, good.path, "good", good.make()) for good in GOOD]
    for path, _ in made_by_libraries():
        made.append(
            (
                f"by {path.partition('/')[0]}",
                path.rpartition("/")[2],
                "good",
                (GOOD_FILES / path).read_bytes(),
            )
        )
    entries = []
    for number, (name, path, kind, content) in enumerate(made):
        file = root / f"{number:04}" / path
        file.parent.mkdir()
        file.write_bytes(content)
        entries.append(Entry(name, f"{number:04}/{path}", kind, group_of(path), {}))
    return entries


def ask_ours(root: Path, entries: Sequence[Entry]) -> None:
    """Our verdict on each."""
    report = scan_tree([(entry.path, root / entry.path, "0" * 64) for entry in entries])
    for entry, file in zip(entries, report.files, strict=True):
        entry.answers["weighbridge"] = file.verdict.word


def ask_peer(python: Path, tool: str, root: Path, entries: Sequence[Entry]) -> str:
    """Another scanner's answer on each; gives its version."""
    command = [str(python), str(Path(__file__).with_name("peers.py")), tool]
    paths = "".join(f"{root / entry.path}\n" for entry in entries)
    # A folder of its own: some of them write settings, and a payload that runs leaves its mark there.
    ran = subprocess.run(command, input=paths, capture_output=True, text=True, check=False, cwd=root,
                         env={"PATH": os.environ["PATH"], "HOME": str(root)})  # fmt: skip
    if ran.returncode:
        raise SystemExit(f"{tool}: {ran.stderr[-2000:]}")
    said = json.loads(ran.stdout)
    for entry in entries:
        entry.answers[tool] = said["answers"][str(root / entry.path)]
    return str(said["version"])


def summary(entries: Sequence[Entry], versions: dict[str, str]) -> str:
    """The tables of docs/scanners.md."""
    tools = list(versions)
    text = f"Rules {RULES}; " + ", ".join(f"{tool} {version}" for tool, version in versions.items()) + ".\n"
    for kind, title in KINDS.items():
        chosen = [entry for entry in entries if entry.kind == kind]
        text += f"\n**{len(chosen)} {title}.** Weighbridge: block / review / allow. "
        text += "The others: flagged / read and found clean / not read.\n\n"
        text += (
            f"| format | files | weighbridge | {' | '.join(tools)} |\n|---|---|---|{'---|' * len(tools)}\n"
        )
        for group in (*(name for name, _ in GROUPS), "others", "all"):
            rows = [entry for entry in chosen if group in (entry.group, "all")]
            if rows:
                ours = _counts(rows, "weighbridge", ("block", "review", "allow"))
                theirs = [_counts(rows, tool, ("flagged", "clean", "unread")) for tool in tools]
                text += f"| {group} | {len(rows)} | {ours} | {' | '.join(theirs)} |\n"
    return text


def _counts(rows: Sequence[Entry], tool: str, words: Sequence[str]) -> str:
    found = Counter(entry.answers[tool] for entry in rows)
    return " / ".join(str(found[word]) for word in words)


def listing(entries: Sequence[Entry], versions: dict[str, str]) -> str:
    """Every file by itself."""
    tools = ["weighbridge", *versions]
    text = "# The corpus, file by file\n\nWritten by `python -m tests.hostile.table --write`; "
    text += "[the page on the scanners](scanners.md) has the sums.\n"
    for kind, title in KINDS.items():
        text += f"\n## {title.capitalize()}\n\n| file | called | {' | '.join(tools)} |\n"
        text += f"|---|---|{'---|' * len(tools)}\n"
        for entry in entries:
            if entry.kind == kind:
                name = entry.path.partition("/")[2]
                text += f"| {entry.name} | `{name}` | {' | '.join(entry.answers[tool] for tool in tools)} |\n"
    return text


def main() -> None:
    """Ask everybody and print, or write the documents."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv" / "peers")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        entries = place(root)
        ask_ours(root, entries)
        for tool in PEERS:
            python = options.peers / tool / "bin" / "python"
            if python.exists():
                versions[tool] = ask_peer(python, tool, root, entries)
        assert not (root / "ran").exists(), "a payload ran"
    text = summary(entries, versions)
    print(text)
    if options.write:
        before, _, rest = DOCUMENT.read_text().partition("<!-- corpus -->\n")
        _, _, after = rest.partition("<!-- /corpus -->\n")
        DOCUMENT.write_text(f"{before}<!-- corpus -->\n{text}<!-- /corpus -->\n{after}")
        LISTING.write_text(listing(entries, versions))


if __name__ == "__main__":
    main()
