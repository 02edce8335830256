"""Which files of a folder are published, why the others stay behind, and the list of their checksums.

Only what a model needs goes out by itself; everything else is named with the reason, and a pattern
brings it in. What looks like a secret never goes, whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from weighbridge.domain.card import CARD_PATH
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.paths import collisions, path_faults

CHECKSUMS_PATH = "checksums.txt"
FILES_OF_A_NEW_REPO = frozenset({".gitattributes"})
"""What a Hub puts into a repository that it makes."""
IMAGE_LIMIT_BYTES = 2 << 20
"""A larger picture is no illustration of a card."""

_NAMES = re.compile(
    r"""
    # weights, whole or in parts, and the indexes of the parts
    .+\.(safetensors|gguf|onnx|tflite|keras|msgpack|h5)
    | .+\.(safetensors|bin|h5|msgpack)\.index(\.[^.]+)?\.json | .+\.onnx[._]data | openvino_.+\.(bin|xml)
    | (pytorch_model|adapter_model|diffusion_pytorch_model|model)(-\d{5}-of-\d{5})?(\.fp16|\.bf16)?\.bin
    # configurations
    | ([\w-]+[_.-])?config(_[\w-]+)?\.json | model_index\.json | modules\.json | (un)?quantization\.json
    | params\.json | generation\.json | mergekit_config\.ya?ml
    # tokenizers and what prepares inputs
    | tokenizer\.(json|model|model\.v\d+|py\.json) | tokenizer_.+\.json
    | special_tokens_map\.json | added_tokens\.json
    | (vocab|merges|tokens|labels|classes)\.(txt|json|bpe) | id2label\.json | label_map\.json
    | .+\.(bpe\.model|spm|tiktoken|jinja) | (spiece|sentencepiece)[\w.]*\.model | normalizer\.json
    # results of evaluations, papers and pictures
    | (eval|test|predict|all|train)_results\.json | .+\.eval_results\.ya?ml
    | (?! .*key | .*\.(?!(txt|md|rst|html?|pdf|cff|bib|mit|bsd|apache)$)[a-z]\w*$ )
      (licen[sc]e|notice|copying|use_policy|copyright|authors|citation|model_card|changelog)[^/]*
    | .+\.(png|jpe?g|gif|webp)
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What a file is called that goes out by itself, in any folder."""
_IMAGE = re.compile(r".+\.(png|jpe?g|gif|webp)", re.IGNORECASE)
_RESULTS = re.compile(r"\.eval_results/[^/]+\.ya?ml")
"""Hidden, and still the Hub's own place for results."""
_SECRET = re.compile(
    r"""
    \.?env | \.env\..+ | .+\.env | \.netrc | _netrc | \.npmrc | \.pypirc | \.git-credentials | \.htpasswd
    | kubeconfig | id_(rsa|dsa|ecdsa|ed25519)(\.pub)? | .+\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|asc)
    | (.*[_.-])?(credentials?|secrets?|passwords?|passwd|api[_-]?keys?)(\.(json|ya?ml|txt|ini|toml|cfg|csv))?
    | ((hf|access|auth|api|stored)[_-]?)?token(\.(json|txt))? | (hf|access|auth|api|stored)[_-]?tokens(\..+)?
    | service[_-]?account[^/]*\.json | client_secret[^/]*\.json | kaggle\.json
    | \.(pgpass|my\.cnf|s3cfg|boto|dockercfg|vault-token|(bash|zsh|python)_history)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SECRET_FOLDERS = frozenset({".aws", ".ssh", ".gnupg", ".kube", ".docker", ".azure", ".gcloud"})
_STATE = re.compile(
    r"(optimizer|scheduler|scaler|rng_state\w*|random_states?_\w+|training_args)\.(bin|pt|pth|pkl|safetensors)"
    r"|trainer_state\.json|zero_pp_rank_.+|mp_rank_.+|.+_optim_states\.pt|zero_to_fp32\.py|latest",
    re.IGNORECASE,
)
_CHECKPOINT = re.compile(r"(checkpoint|global_step|epoch|step)[-_]?\d+", re.IGNORECASE)
_CACHES = frozenset(
    {"__pycache__", "wandb", "runs", "mlruns", "lightning_logs", "node_modules", "venv", "site-packages"}
)
_PICKLED = re.compile(r".+\.(bin|pt|pth|ckpt|pkl|pickle|joblib|npz)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """A file that may be published: its path in the repository, where it lies, how large it is, and by
    which signs of ``stat`` (size, modification time in nanoseconds, inode) a change of it shows.
    """

    path: str
    place: Path
    size_bytes: int
    stamp: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file, or a folder with so many files, that is not published, and why as a clause."""

    path: str
    why: str
    count: int = 1

    def to_json(self) -> JsonObject:
        """All fields."""
        return {"path": self.path, "why": self.why, "count": self.count}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is published of a folder, besides its card and its checksums, sorted; and what is not."""

    paths: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One commit: the files with their sha256, and where they go. ``parent`` is the commit that the
    branch must be at, empty where that does not matter.
    """

    files: tuple[tuple[OwnFile, str], ...]
    revision: str
    title: str
    description: str = ""
    parent: str = ""
    as_pull_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of it: the commit, the address of the pull request if one was asked for, and what the Hub
    remarked.
    """

    commit: str
    pull_request: str = ""
    warnings: tuple[str, ...] = ()


def selection(sizes: Mapping[str, int], include: Sequence[str] = ()) -> Selection:
    """The files of a folder, given with their sizes in bytes, that are published.

    ``include`` are paths or globs, in which ``*`` crosses folders and an end ``/`` names a folder.

    Raises:
        Invalid: a pattern brings in no file, or two files have names that some disk takes for one.
    """
    reasons = {path: _reason(path, size, include) for path, size in sizes.items()}
    for pattern in include:
        if not any(_matches(path, pattern) and not reasons[path] for path in sizes):
            near = [path for path in sizes if _matches(path, pattern)]
            why = f"brings in nothing: {near[0]} {reasons[near[0]]}" if near else "matches no file"
            raise Invalid("pattern of --include", pattern, why)
    chosen = [path for path, why in reasons.items() if not why and path not in (CARD_PATH, CHECKSUMS_PATH)]
    if clash := collisions([*chosen, CARD_PATH, CHECKSUMS_PATH]):
        first, second, clashes = clash[0]
        raise Invalid("path", first, f"{clashes} {second!r}", hint="rename one: not every disk can hold both")
    stays = {path: why for path, why in reasons.items() if why}
    return Selection(paths=tuple(sorted(chosen)), left_out=_told(stays))


def checksums(sums: Mapping[str, str]) -> str:
    """A list as ``sha256sum`` (coreutils) writes and checks it, sorted by path."""
    return "".join(f"{_line(path, sha256)}\n" for path, sha256 in sorted(sums.items()))


def _line(path: str, sha256: str) -> str:
    if "\\" not in path and "\n" not in path:
        return f"{sha256}  {path}"
    spelled = path.replace("\\", "\\\\").replace("\n", "\\n")
    return f"\\{sha256}  {spelled}"


def _reason(path: str, size: int, include: Sequence[str]) -> str:
    """Why a file stays; empty where it goes."""
    if faults := path_faults(path):
        return faults[0].why
    *folders, name = path.split("/")
    if path.startswith(".cache/huggingface/"):
        return "is bookkeeping of a download"
    if _SECRET.fullmatch(name) or not _SECRET_FOLDERS.isdisjoint(folders):
        return "looks like a secret, which is never published"
    if path in (CARD_PATH, CHECKSUMS_PATH) or any(_matches(path, pattern) for pattern in include):
        return ""
    if not _CACHES.isdisjoint(folders):
        return "lies in a folder of logs or caches"
    if any(map(_CHECKPOINT.fullmatch, folders)):
        return "belongs to a checkpoint"
    if _STATE.fullmatch(name):
        return "is a state of the training, not of the model"
    if any(part.startswith(".") for part in (*folders, name)) and not _RESULTS.fullmatch(path):
        return "is hidden"
    return _unlisted(path, name, size)


def _unlisted(path: str, name: str, size: int) -> str:
    if _IMAGE.fullmatch(name) and size > IMAGE_LIMIT_BYTES:
        return "is a picture of more than 2 MiB"
    if _NAMES.fullmatch(name) or _RESULTS.fullmatch(path):
        return ""
    if _PICKLED.fullmatch(name):
        return "may be a pickle that no library looks for under this name"
    if name.endswith(".py"):
        return "is code"
    return "is nothing that a model needs to run"


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern + "*" if pattern.endswith("/") else pattern)


def _told(stays: Mapping[str, str]) -> tuple[LeftOut, ...]:
    """One line for each file, and one for all of a folder that stay for the same reason."""
    folders: dict[tuple[str, str], list[str]] = {}
    for path, why in sorted(stays.items()):
        folders.setdefault((path.partition("/")[0] if "/" in path else "", why), []).append(path)
    return tuple(sorted(_lines(folders), key=lambda one: one.path))


def _lines(folders: Mapping[tuple[str, str], Sequence[str]]) -> Iterable[LeftOut]:
    for (folder, why), paths in folders.items():
        if folder and len(paths) > 1:
            yield LeftOut(path=f"{folder}/", why=why, count=len(paths))
        else:
            yield from (LeftOut(path=path, why=why) for path in paths)
