"""Whether a file is what its name says, and what no model needs: executables and hidden archives."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from weighbridge.domain.scan import Finding
from weighbridge.scanners.notes import Notes
from weighbridge.scanners.sniff import EXECUTABLES, PACKINGS, is_tar_header
from weighbridge.scanners.zip_directory import ends_like_zip

_TEXTS = {"text", "empty", "script"}
_PICKLES = {"pickle", *PACKINGS}
_TORCH = {"zip", "pickle", "tar"}
_UNMARKED = {"binary", "text", "lzma", "zlib", "mp3"}
"""What the first bytes of a format without a mark may look like."""
EXPECTED: dict[str, frozenset[str]] = {
    ending: frozenset(kinds)
    for endings, kinds in (
        (".safetensors", {"safetensors"}),
        (".pt .pth .ckpt", {*_TORCH, "binary"}),
        (".bin", {*_TORCH, "binary"}),
        (".pkl .pickle .dill .joblib .p .pk .pck .sav .cloudpickle", {*_PICKLES, *_TORCH, "binary", "text"}),
        (".npy", {"npy"}),
        (".npz .zip .keras .skops .pt2 .mar .whl .jar .docx .xlsx", {"zip"}),
        (".tar", {"tar"}),
        (".nemo", {"tar", "gzip"}),
        (".gz .tgz", {"gzip"}),
        (".gguf", {"gguf"}),
        (".h5 .hdf5", {"hdf5"}),
        (".onnx .pb .msgpack", _UNMARKED),
        (".model .spm", _UNMARKED),
        (".tflite", {"tflite"}),
        (".mlmodel .ot", {"binary", "zip"}),
        (".arrow", {"arrow", "binary"}),
        (".png .apng", {"png"}),
        (".jpg .jpeg .jfif", {"jpeg"}),
        (".gif", {"gif"}),
        (".webp", {"webp"}),
        (".wav", {"wav"}),
        (".flac", {"flac"}),
        (".mp3", {"mp3"}),
        (".ogg .opus .oga .ogv", {"ogg"}),
        (".mp4 .m4a .m4v .mov .heic .avif", {"mp4"}),
        (".pdf", {"pdf"}),
        (".parquet", {"parquet"}),
        (".json .jsonl .md .txt .yaml .yml .toml .csv .tsv .xml .html .svg .ini .cfg .rst", _TEXTS),
        (".jinja .jinja2 .j2 .prototxt .ipynb .pbtxt .template", _TEXTS),
        (".py .sh .bash .bat .ps1 .js .c .h .cpp .cu .rs .tex .bib .gitattributes .gitignore", _TEXTS),
        (".ts", {*_TEXTS, "zip"}),  # TypeScript, or TorchScript
    )
    for ending in endings.split()
}
"""What a file with this ending may be. A file with another ending may be anything."""
FORMATS_BY_ENDING = {
    ".onnx": "onnx", ".pb": "tensorflow", ".h5": "hdf5", ".keras": "keras", ".nemo": "nemo",
    ".msgpack": "msgpack", ".tflite": "tflite", ".mlmodel": "coreml", ".ot": "rust", ".skops": "skops",
    ".model": "sentencepiece", ".spm": "sentencepiece", ".gguf": "gguf", ".pt2": "torch export",
    ".rds": "r", ".rda": "r", ".rdata": "r", ".t7": "torch 7",
}  # fmt: skip
"""What a file with this ending is called in a report; text in it does not make it clean."""
TEXT_OR_NOT = ".model"
"""A tokenizer is either a SentencePiece model or a text of tokens (tiktoken)."""
_TEXT_NAMES = frozenset({"license", "licence", "readme", "notice", "makefile", "dockerfile", "copying"})
PICKLE_ENDINGS = frozenset({
    ".pkl", ".pickle", ".p", ".pk", ".pck", ".dill", ".joblib", ".cloudpickle", ".sav",
    ".pt", ".pth", ".ckpt", ".npy", ".npz",
})  # fmt: skip
"""Names whose loaders may unpickle."""
_BINARY_PROGRAMS = (
    ".exe",
    ".dll",
    ".so",
    ".dylib",
    ".pyd",
    ".pyc",
    ".msi",
    ".scr",
    ".com",
    ".class",
    ".lnk",
    ".dex",
    ".wasm",
)
SCRIPTS = frozenset(
    """
    .sh .bash .zsh .ksh .csh .fish .command .bat .cmd .ps1 .psm1 .vbs .vbe .wsf .hta .reg .inf .desktop .url
    .js .mjs .cjs .jse .ts .rb .pl .php .lua .r .jl .pyw .pyx .ipy .rmd .qmd .applescript .terminal .jnlp .scf
    .library-ms .searchconnector-ms .iqy .webloc .bashrc .bash_profile .profile .zshrc .zshenv .envrc
    .rprofile .pdbrc .gdbinit .lldbinit
    """.split()  # noqa: SIM905
)
"""Endings of texts that a shell, a desktop or an interpreter runs."""
SCRIPT_NAMES = frozenset(
    """
    makefile gnumakefile justfile rakefile jenkinsfile vagrantfile dockerfile containerfile mlproject
    desktop.ini autorun.inf
    """.split()  # noqa: SIM905
)
"""Names of texts that a tool or a desktop runs commands from."""
_MAY_HOLD_HDF5 = {"hdf5", "zip", "tar"}
_MAY_HOLD_ZIP = {"tar", "parquet", "arrow", "sqlite", "hdf5"}
"""What may have a whole archive among its last data, and is not taken for one."""
_USER_BLOCK = 512


def ending_of(path: str) -> str:
    """The lowercase ending with its dot (``.gitattributes`` is one), or an empty string."""
    name = path.rpartition("/")[2].lower()
    dot = name.rfind(".")
    return name[dot:] if dot >= 0 else ""


def check_content(path: str, file: Path, size: int, kind: str) -> tuple[Finding, ...]:
    """What can be said of any file from its name, its kind and its last bytes."""
    notes = Notes(path)
    ending, name = ending_of(path), path.rpartition("/")[2].lower()
    is_source = ending == ".py" or ending in SCRIPTS
    if ending in _BINARY_PROGRAMS or (kind in EXECUTABLES and not (kind == "script" and is_source)):
        notes.block("content.executable", f"is an executable ({kind})", subject=kind)
    expected = EXPECTED.get(ending) or (frozenset(_TEXTS) if name in _TEXT_NAMES else None)
    if kind == "empty" and expected is not None and kind not in expected:
        notes.review("content.empty", f"is called {ending} but is empty")
    elif expected is not None and kind not in expected:
        notes.block("content.mismatch", f"is called {ending or name} but holds {kind}", subject=kind)
    if kind in ("7z", "rar"):
        notes.block(f"archive.{kind}", f"a {kind} archive, which no model loader reads")
    if kind == "safetensors" and ending != ".safetensors" and expected is None:
        # Its first bytes can be made to read as another format, and another loader would take it.
        notes.block("content.mismatch", "holds safetensors but is not called .safetensors", subject=kind)
    with file.open("rb") as source:
        _check_second_format(source, size, kind, notes)
    return notes.findings


def _check_second_format(source: BinaryIO, size: int, kind: str, notes: Notes) -> None:
    """Formats that a reader finds in a file although its first bytes are those of another."""
    # A TFLite model carries its labels as a ZIP behind it, which its own scanner reports.
    exact = kind in _MAY_HOLD_ZIP
    if kind not in ("zip", "tflite") and ends_like_zip(source, size, to_the_byte=exact):
        notes.block("archive.prepended", "a ZIP archive hides behind other content")
    source.seek(0)
    if kind != "tar" and is_tar_header(source.read(512)):
        notes.block("content.polyglot", f"reads as {kind}, and as a tar archive too")
    at = _USER_BLOCK
    while kind not in _MAY_HOLD_HDF5 and at < size:
        source.seek(at)
        if source.read(8) == b"\x89HDF\r\n\x1a\n":
            # MATLAB's own files are such; as binary data they are nothing that anybody vouches for.
            report = notes.review if kind == "binary" else notes.block
            report("content.polyglot", f"reads as {kind}, and as HDF5 behind it", at)
        at *= 2
