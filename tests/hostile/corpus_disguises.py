"""Disguises: files that two readers take for two things, and words for what is refused by name."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from tests.hostile.corpus_formats import kept
from tests.hostile.forge import P2, P4, shell, system, system_0, tarred, uni, zipped
from tests.hostile.kinds import Bad, Good

GLOBAL = "pickle.global"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082"
)
"""One pixel."""


def late(first: bytes, marker: str) -> bytes:
    """A pickle of protocol 0 that begins with a value, and drops it."""
    return first + b"0" + system_0(marker)


def npy_of(descr: object, marker: str) -> bytes:
    head = repr({"descr": descr, "fortran_order": False, "shape": (1,)}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + system(marker)


def torch_tar(marker: str, begin: bytes = b"storages", *, signed: bool = False) -> bytes:
    """The layout of torch before 0.2, whose first member is called ``begin``."""
    empty = b"\x80\x02K\x00.\x80\x02].\x80\x02K\x00."
    raw = bytearray(
        tarred({"X" * 40: b"", "storages": empty, "tensors": empty, "pickle": system(marker)})[: 512 * 7]
    )
    raw[: len(begin)] = begin
    raw[148:156] = b" " * 8
    total = sum(byte - 256 if signed and byte > 127 else byte for byte in raw[:512])
    raw[148:156] = b"%06o\0 " % total
    return bytes(raw)


def tar_in_a_pickle(marker: str) -> bytes:
    """A pickle of one value: the bytes of the tar archive that it is as well, all but the last (STOP)."""
    length = len(torch_tar(marker)) - 7
    return torch_tar(marker, b"\x80\x03B" + struct.pack("<I", length)) + b"."


def code_in_an_array(marker: str) -> bytes:
    """What joblib takes for the numbers of an array are opcodes for any other loader."""
    code = b"cos\nsystem\n" + uni(shell(marker)) + b"\x85R."
    state = uni("shape") + b"K" + bytes([len(code)]) + b"\x85" + uni("dtype") + b"cnumpy\ndtype\n"
    state += uni("u1") + b"\x85R"
    return P4 + b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + state + b"ub" + code + b"."


def second_name() -> bytes:
    """A member that the newer ``zipfile`` calls ``config.json``, by its extra field."""
    out = BytesIO()
    layers = [{"class_name": "Lambda", "config": {}}]
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("config.json", '{"class_name": "Sequential", "config": {"layers": []}}')
        archive.writestr("metadata.json", "{}")
        member = zipfile.ZipInfo("notes.txt")
        member.extra = struct.pack("<HHBL", 0x7075, 16, 1, zlib.crc32(b"notes.txt")) + b"config.json"
        archive.writestr(member, json.dumps({"class_name": "Sequential", "config": {"layers": layers}}))
    return out.getvalue()


def _zip() -> bytes:
    return zipped({"__main__.py": b"pass"})


def said(value: object) -> Callable[[str], bytes]:
    """JSON, the same for every marker."""
    return lambda marker: json.dumps(value).encode()


def told(text: str) -> Callable[[str], bytes]:
    """A text, with MARKER for the marker."""
    return lambda marker: text.replace("MARKER", marker).encode()


TARGET, EXPRESSION = "config.target", "config.expression"

_UNDERSCORE = "{% set u = '%c'|format(95) %}"

BAD_CONFIGS: tuple[Bad, ...] = (
    Bad(
        "template-name-as-a-keyword",
        "a.jinja",
        "template.unsafe",
        told("{% set k = (dict(__class__=0)|list)[0] %}{{ ''[k] }}"),
    ),
    Bad("template-in-j2", "a.j2", "template.unsafe", told("{{ ''.__class__ }}")),
    Bad("template-in-txt", "chat_template.txt", "template.unsafe", told("{{ ''.__class__ }}")),
    Bad(
        "template-format-as-an-item", "a.jinja", "template.unsafe", told("{{ '{0.x}'['format'](messages) }}")
    ),
    # what loaders build from names in YAML and JSON
    Bad("hyperpyyaml-apply", "hyperparams.yaml", TARGET, told("a: !apply:os.system [touch MARKER]\n")),
    Bad(
        "hyperpyyaml-new",
        "hyperparams.yaml",
        TARGET,
        told("a: !new:subprocess.Popen\n  args: [touch, MARKER]\n"),
    ),
    Bad("hyperpyyaml-module", "hyperparams.yaml", TARGET, told("a: !module:os\n")),
    Bad("hyperpyyaml-include", "hyperparams.yaml", "yaml.include", told("a: !include:../../secret.yaml\n")),
    Bad(
        "pyannote-preprocessor",
        "config.yaml",
        TARGET,
        told("preprocessors:\n  a:\n    name: subprocess.Popen\n    params: {args: [touch, MARKER]}\n"),
    ),
    Bad(
        "latent-diffusion-target",
        "v1-inference.yaml",
        TARGET,
        told("model:\n  target: subprocess.Popen\n  params:\n    args: [touch, MARKER]\n"),
    ),
    Bad(
        "target-by-an-alias",
        "v1-inference.yaml",
        TARGET,
        told("a: &n subprocess.Popen\nmodel:\n  target: *n\n  params: {args: [touch, MARKER]}\n"),
    ),
    Bad(
        "jsonargparse-class",
        "config.yaml",
        TARGET,
        told("model:\n  class_path: torch.hub.load\n  init_args: {repo_or_dir: a/b, trust_repo: true}\n"),
    ),
    Bad("jsonargparse-class-in-json", "config.json", TARGET, said({"class_path": "os.system"})),
    Bad("hydra-target-in-json", "inference.json", "yaml.target", said({"n": {"_target_": "os.system"}})),
    Bad(
        "monai-expression",
        "inference.json",
        EXPRESSION,
        told("{\"run\": [\"$__import__('os').system('touch MARKER')\"]}"),
    ),
    Bad(
        "monai-expression-in-yaml",
        "inference.yaml",
        EXPRESSION,
        told("run:\n- \"$__import__('os').system('touch MARKER')\"\n"),
    ),
    Bad("dense-activation", "config.json", TARGET, said({"activation_function": "os.abort"})),
    Bad(
        "jsonpickle",
        "model.json",
        "json.pickle",
        told('{"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["touch MARKER"]}]}'),
    ),
    Bad(
        "mlflow-loader", "MLmodel", TARGET, told("flavors:\n  python_function:\n    loader_module: os.path\n")
    ),
    # what pandas unpickles
    Bad("pickle-in-an-attribute", "d.h5", GLOBAL, lambda m: kept("pickle-in-an-attribute.h5")),
    Bad("long-pickle-in-an-attribute", "d.h5", GLOBAL, lambda m: kept("long-pickle-in-an-attribute.h5")),
    Bad("rows-of-pickles", "d.h5", "hdf5.pickle", lambda m: kept("rows-of-pickles.h5")),
)

_COMPUTED = "template.computed"
_WAYS = {
    "a variable": "{% set k = u~u~'class'~u~u %}{{ ''[k] }}",
    "a filter": "{% set k = u~u~'class'~u~u %}{{ ['']|map(attribute=k)|first }}",
    "the name of a filter": "{{ ['']|map('a' ~ 'ttr', u~u~'class')|first }}",
    "a macro": "{% macro f(k) %}{{ ''[k] }}{% endmacro %}{{ f(u~u~'class'~u~u) }}",
    "a default": "{% macro f(k=u~u~'class'~u~u) %}{{ ''[k] }}{% endmacro %}{{ f() }}",
    "a macro's text": "{% macro f() %}{{u}}{{u}}class{{u}}{{u}}{% endmacro %}{{ ''[f()] }}",
    "a block": "{% set k %}{{u}}{{u}}class{{u}}{{u}}{% endset %}{{ ''[k] }}",
    "a namespace": "{% set n = namespace(k='') %}{% set n.k = u~u~'class'~u~u %}{{ ''[n.k] }}",
    "a loop": "{% for k in [u+u+'class'+u+u] %}{{ ''[k] }}{% endfor %}",
    "a with": "{% with k = [u,u,'class',u,u]|join %}{{ ''[k] }}{% endwith %}",
    "a method": "{{ ''[''.join([u, u, 'class', u, u])] }}",
    "entities": "{% set k = '&#95;&#95;class&#95;&#95;'|striptags %}{{ ''[k] }}",
    "a token": "{{ ''[bos_token] }}",
}
"""How a template hands a name that it computes to where it is used; each reaches a class."""

REVIEW_CONFIGS: tuple[Bad, ...] = (
    *(
        Bad(f"template name through {way}", "a.jinja", _COMPUTED, told(_UNDERSCORE + t))
        for way, t in _WAYS.items()
    ),
    Bad(
        "SpeechBrain model",
        "hyperparams.yaml",
        TARGET,
        told("rate: 1\nm: !new:speechbrain.nnet.containers.Sequential\n  n: !ref <rate>\n"),
    ),
    Bad(
        "pyannote pipeline",
        "config.yaml",
        TARGET,
        told("pipeline:\n  name: pyannote.audio.pipelines.SpeakerDiarization\n  params: {clustering: c}\n"),
    ),
    Bad(
        "latent diffusion model",
        "v1-inference.yaml",
        TARGET,
        told("model:\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n  params: {channels: 4}\n"),
    ),
    Bad("MONAI bundle", "inference.json", EXPRESSION, said({"imports": ["$import glob"], "x": "$list(@y)"})),
    Bad("module of a megatron", "adapter_config.json", TARGET, said({"megatron_core": "mine"})),
    Bad("own activation", "config.json", TARGET, said({"activation_fn": "mine.Act"})),
    Bad("router of own modules", "router_config.json", "code.modules", said({"types": {"a": "mine.M"}})),
    Bad("trust asked for", "tokenizer_config.json", "code.trust", said({"trust_remote_code": True})),
    Bad(
        "kernel of a part", "config.json", "code.kernel", said({"attn_implementation": {"text": "a/kernel"}})
    ),
    Bad(
        "modular pipeline",
        "modular_model_index.json",
        "code.component",
        said({"unet": ["mine", "Net", {"repo": "a/b"}]}),
    ),
    Bad(
        "configuration of a version, too long",
        "config.4.0.0.json",
        "scan.limit",
        lambda m: b'{"auto_map": {"AutoConfig": "a/b--m.C"}, "p": "' + b"x" * (5 << 20) + b'"}',
    ),
    Bad("YAML of open brackets", "config.yaml", "scan.limit", lambda m: b"[" * 120_000),
    Bad("layer of Caffe in Python", "deploy.prototxt", "caffe.python", told('layer { type: "Python" }')),
)

GOOD_CONFIGS: tuple[Good, ...] = (
    Good(
        "template that counts and looks up",
        "chat_template.jinja",
        lambda: (
            b"{% set n = namespace(at=0) %}{% for m in messages %}{% set n.at = n.at + 1 %}"
            b"{{ messages[n.at - 1].role ~ messages[loop.index0 % 2]['content'] }}"
            b"{% for key in m.arguments | sort %}{{ m.arguments[key] }}{% endfor %}{% endfor %}"
            b"{% macro f(at) %}{{ messages[at.index].role }}{% endmacro %}{{ f('a' ~ 'b') }}"
        ),
    ),
    Good(
        "dense layer", "config.json", lambda: b'{"activation_function": "torch.nn.modules.activation.Tanh"}'
    ),
    Good(
        "adapter",
        "adapter_config.json",
        lambda: b'{"megatron_core": "megatron.core", "megatron_config": null}',
    ),
    Good(
        "MLflow model",
        "MLmodel",
        lambda: b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n",
    ),
    Good(
        "YAML of names and prices",
        "data.yaml",
        lambda: b"name: code.python\ntarget: text.column\nprice: $5\nhome: ${oc.env:HOME}\nf: $f(x)$\n",
    ),
    Good(
        "router of its own", "config.json", lambda: b'{"types": {"a": "sentence_transformers.models.Dense"}}'
    ),
)

BAD_DISGUISES: tuple[Bad, ...] = (
    # numbers that pickletools refuses, and every loader takes
    Bad("hexadecimal-first", "model.mdl", GLOBAL, lambda m: late(b"L0x1L\n", m)),
    Bad("hexadecimal-short-first", "model.pdparams", GLOBAL, lambda m: late(b"I0x1\n", m)),
    Bad("number-with-a-line-first", "model.mdl", GLOBAL, lambda m: late(b"I1_0\n", m)),
    Bad("latin-text-first", "weights", GLOBAL, lambda m: late(b"S'\\xe9'\n", m)),
    # dtypes in words
    Bad("object-in-a-word", "a.npy", "npy.malformed", lambda m: npy_of("object", m)),
    Bad("object-field-in-a-word", "a.npy", "npy.malformed", lambda m: npy_of([("a", "object")], m)),
    Bad(
        "object-subarray-in-a-word", "a.npy", "npy.malformed", lambda m: npy_of([("a", ("object", (1,)))], m)
    ),
    # one file, two formats
    Bad("tar-in-a-pickle", "pytorch_model.bin", "content.polyglot", tar_in_a_pickle),
    Bad("tar-in-a-picture", "a.gif", "content.polyglot", lambda m: torch_tar(m, b"GIF89a\0")),
    Bad("tar-with-a-signed-sum", "a.pt", GLOBAL, lambda m: torch_tar(m, b"\xe9\xe9\0", signed=True)),
    Bad("zip-before-one-more-byte", "a.png", "archive.prepended", lambda m: PNG + _zip() + b"\n"),
    Bad(
        "zip-in-a-pickle",
        "a.pt",
        "archive.prepended",
        lambda m: b"\x80\x03B" + struct.pack("<I", len(_zip())) + _zip() + b".",
    ),
    Bad(
        "hdf5-behind-a-picture",
        "a.png",
        "content.polyglot",
        lambda m: PNG + bytes(1024 - len(PNG)) + b"\x89HDF\r\n\x1a\n" + bytes(88),
    ),
    Bad("second-name-of-a-member", "m.keras", "archive.disagree", lambda m: second_name()),
    Bad("code-in-a-joblib-array", "model.pkl", GLOBAL, code_in_an_array),
    # allowed names, changed for whoever loads next
    Bad(
        "defaults-of-a-function",
        "a.pkl",
        "pickle.changes",
        lambda m: P2 + b"ctorch._utils\n_rebuild_tensor_v2\nN}" + uni("__defaults__") + b"(K\x01ts\x86b.",
    ),
    Bad(
        "attribute-of-a-class",
        "a.pkl",
        "pickle.changes",
        lambda m: P2 + b"ctorch\nTensor\nN}" + uni("__torch_function__") + b"Ns\x86b.",
    ),
    *BAD_CONFIGS,
    Bad("shebang-with-a-tab", "run", "content.executable", lambda m: f"#!\t/bin/sh\ntouch {m}\n".encode()),
)

REVIEW_DISGUISES: tuple[Bad, ...] = (
    *REVIEW_CONFIGS,
    Bad("R data as text", "model.rds", "scan.unsupported", lambda m: b"A\n3\n263168\n131840\n5\nUTF-8\n13\n"),
    Bad("R workspace as text", "model.RData", "scan.unsupported", lambda m: b"RDA3\nA\n3\n263168\n"),
    Bad("command file", "run.cmd", "code.script", lambda m: b"copy a b\r\n"),
    Bad("desktop entry", "a.desktop", "code.script", lambda m: b"[Desktop Entry]\nExec=true\n"),
    Bad("script of node", "a.mjs", "code.script", lambda m: b"import fs from 'fs'\n"),
    Bad("opcodes without end", "model.mdl", "scan.limit", lambda m: b"N0" * 5_100_000 + system_0(m)),
    Bad(
        "TorchScript called .ts",
        "rave.ts",
        "code.torchscript",
        lambda m: zipped(
            {"a/data.pkl": b"\x80\x02N.", "a/constants.pkl": b"\x80\x02).", "a/code/x.py": b"pass"}
        ),
    ),
)

GOOD_DISGUISES: tuple[Good, ...] = (
    *GOOD_CONFIGS,
    Good("a text that begins with initials", "names.txt", lambda: b"N. B. Forrest\nI. Newton\n"),
    Good("labels that begin with cat", "labels.txt", lambda: b"cat\ndog\nbird\n"),
    Good("words that begin with config", "vocab", lambda: b"config\nmodel\ntokenizer\n"),
    Good("a picture", "a.png", lambda: PNG),
)
