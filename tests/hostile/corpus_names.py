"""Texts that reach for code, files or hosts by the names in them, and the same in containers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np

from tests.hostile.corpus_disguises import said, told
from tests.hostile.forge import P2, one, safetensors, system, tarred, uni
from tests.hostile.forge_formats import (
    gguf,
    gstring,
    gtemplate,
    keras,
    kv,
    layer,
    sequential,
    skops,
)
from tests.hostile.kinds import Bad, Good

UNSAFE, TARGET, OUTSIDE = "template.unsafe", "config.target", "index.outside"
ESCAPE = "{{ cycler.__init__.__globals__.os.system('touch MARKER') }}"
FRAME = "{% set g = messages|map('string') %}{{ g.gi_frame.f_builtins.eval(\"open('MARKER', 'w')\") }}"
"""No name in it begins with an underscore; a plain Jinja environment opens the file."""
LAMBDA = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}}


def keras_layer(kind: str, config: object, module: str | None = "keras.layers") -> Callable[[str], bytes]:
    return lambda marker: keras(sequential(layer(kind, config, module)))


def keras_function(module: str, name: str) -> Callable[[str], bytes]:
    """A dense layer whose activation is a function of ``module``."""
    activation = {"module": module, "class_name": "function", "config": name, "registered_name": name}
    return keras_layer("Dense", {"units": 1, "activation": activation})


def node(loader: str, **more: object) -> Callable[[str], bytes]:
    """A skops file with one estimator of scikit-learn, which ``loader`` is to make."""
    return lambda marker: skops("sklearn.linear_model._logistic", "LogisticRegression", loader, **more)


def padded(value: object) -> Callable[[str], bytes]:
    """JSON of five megabytes, of which ``value`` is the last."""
    return lambda marker: json.dumps({"pad": "x" * (5 << 20), "last": value}).encode()


def records_and_more(marker: str) -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(2, dtype=[("a", "<f4"), ("b", "<i2", (3,))]))
    return out.getvalue() + system(marker)


def scalar_of_a_function(marker: str) -> bytes:
    """Old numpy gives the function back as it is, and the state is set on it."""
    dtype = b"cnumpy\ndtype\n" + uni("O8") + b"\x89\x88\x87R"
    scalar = b"cnumpy.core.multiarray\nscalar\n" + dtype + b"ctorch._utils\n_rebuild_tensor_v2\n\x86R"
    return P2 + scalar + b"N}" + uni("__defaults__") + b")s\x86b."


def objects_of_msgpack_numpy(marker: str) -> bytes:
    data = system(marker)
    return b"\x83\xa2nd\xc3\xa4kind\xa1O\xa4data\xc4" + bytes([len(data)]) + data


def jinja(name: str, text: str, rule: str = UNSAFE) -> Bad:
    return Bad(name, "chat_template.jinja", rule, told(text))


BAD_TEMPLATES: tuple[Bad, ...] = (
    jinja("template-frame-of-a-generator", FRAME),
    jinja("template-frame-as-an-item", "{{ (messages|select)['gi_frame']['f_globals'] }}"),
    jinja("template-frame-by-a-filter", "{{ [messages|select]|map(attribute='gi_frame.f_back')|list }}"),
    jinja("template-frame-in-a-variable", "{% set k = 'gi_frame' %}{{ (messages|select)[k] }}"),
    jinja("template-frame-cut-out", "{{ (messages|select)['xgi_frame'[1:]] }}"),
    jinja("template-frame-backwards", "{{ (messages|select)['emarf_ig'[::-1]] }}"),
    jinja("template-frame-in-capitals", "{{ (messages|select)['GI_FRAME'.lower()] }}"),
    jinja("template-frame-of-a-coroutine", "{{ x.cr_frame.f_back }}"),
    jinja("template-classes", "{{ cycler.mro()|last }}"),
    jinja("template-format-not-called-yet", "{% set f = '{0.x.y}'.format %}{{ f(cycler) }}"),
    Bad("template-in-utf-16", "chat_template.jinja", UNSAFE, lambda m: ESCAPE.encode("utf-16")),
    Bad("gguf-frame", "m.gguf", UNSAFE, lambda m: gtemplate(FRAME)),
    Bad("gguf-template-of-another-key", "m.gguf", UNSAFE, lambda m: gguf((kv("a.b", 8, gstring(ESCAPE)),))),
    Bad("template-of-a-tool", "tokenizer_config.json", UNSAFE, said({"tool_template": ESCAPE})),
    Bad("prompt-of-langchain", "prompt.json", UNSAFE, said({"_type": "prompt", "template": ESCAPE})),
    Bad("prompt-in-yaml", "prompt.yaml", UNSAFE, told(f'_type: prompt\ntemplate: "{ESCAPE}"\n')),
    Bad("prompty", "chat.prompty", UNSAFE, told(f"---\nname: x\n---\nsystem:\n{ESCAPE}\n")),
)

BAD_NAMES: tuple[Bad, ...] = (
    *BAD_TEMPLATES,
    # files and hosts
    Bad(
        "shards-of-flax-outside",
        "flax_model.msgpack.index.json",
        OUTSIDE,
        said({"weight_map": {"a": "../x"}}),
    ),
    Bad("shards-of-keras-outside", "model.weights.json", OUTSIDE, said({"weight_map": {"/a": ["../x.h5"]}})),
    Bad(
        "weights-of-tensorflow-js-outside",
        "model.json",
        OUTSIDE,
        said({"weightsManifest": [{"paths": ["../x"]}]}),
    ),
    Bad("tables-outside", "state.json", OUTSIDE, said({"_data_files": [{"filename": "../../x"}]})),
    Bad(
        "module-outside",
        "modules.json",
        OUTSIDE,
        said([{"path": "../../x", "type": "sentence_transformers.models.Transformer"}]),
    ),
    Bad(
        "vocabulary-of-another-host",
        "tokenizer_config.json",
        OUTSIDE,
        said({"vocab_file": "\\\\host\\v.json"}),
    ),
    # code by name
    Bad(
        "lambda-of-tensorflow-js",
        "model.json",
        "keras.code",
        said({"modelTopology": {"model_config": LAMBDA}}),
    ),
    Bad("lambda-in-a-preset", "task.json", "keras.code", said({"module": "keras_hub", "layers": [LAMBDA]})),
    Bad(
        "lambda-in-yaml",
        "model.yaml",
        "keras.code",
        told("class_name: Sequential\nconfig:\n- class_name: Lambda\n"),
    ),
    Bad("class-of-monty", "model.json", TARGET, said({"@module": "os", "@class": "system"})),
    Bad("class-of-json-tricks", "model.json", TARGET, said({"__instance_type__": ["subprocess", "Popen"]})),
    Bad(
        "class-of-langchain",
        "chain.json",
        TARGET,
        said({"lc": 1, "type": "constructor", "id": ["os", "system"]}),
    ),
    Bad("entry-point", "env.json", TARGET, said({"id": "x-v0", "entry_point": "os:system"})),
    Bad(
        "component-of-haystack",
        "pipeline.yaml",
        TARGET,
        told("components:\n  a:\n    type: os.system\n    init_parameters: {command: touch MARKER}\n"),
    ),
    Bad("pickled-chunks-of-zarr", ".zarray", "json.pickle", said({"filters": [{"id": "pickle"}]})),
    Bad(
        "python-tag-by-a-directive",
        "c.yaml",
        "yaml.python",
        told("%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system [touch MARKER]\n"),
    ),
    Bad(
        "entities-in-pmml",
        "m.pmml",
        "xml.entity",
        told('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///a">]><PMML/>'),
    ),
    Bad(
        "shell-script-and-program",
        "m.llamafile",
        "content.executable",
        told("MZqFpD='\n'\nexec touch MARKER\n"),
    ),
    # places in containers
    Bad(
        "nemo-second-configuration",
        "m.nemo",
        "yaml.target",
        lambda m: tarred({"./model_config.yaml": b"a: 1\n", "./override.yaml": b"_target_: os.system\n"}),
    ),
    Bad("skops-operator-in-disguise", "m.skops", "skops.type", node("OperatorFuncNode")),
    Bad(
        "skops-method-globals",
        "m.skops",
        "skops.function",
        node("MethodNode", content={"func": "__globals__", "obj": {}}),
    ),
    Bad("skops-file-outside", "m.skops", "skops.outside", node("NdArrayNode", type="numpy", file="../x.npy")),
    Bad("keras-function-of-a-module", "m.keras", "keras.code", keras_function("keras.losses", "os.system")),
    Bad(
        "keras-module-in-a-module",
        "m.keras",
        "keras.code",
        keras_function("keras.src.backend.common.backend_utils", "os"),
    ),
    Bad("keras-deserialize", "m.keras", "keras.code", keras_function("keras.src.layers", "deserialize")),
    Bad(
        "keras-unsafe-switch",
        "m.keras",
        "keras.module",
        keras_function("keras.config", "enable_unsafe_deserialization"),
    ),
    Bad("npy-records-trailing", "a.npy", "npy.malformed", records_and_more),
    Bad(
        "half-a-character",
        "m.safetensors",
        "safetensors.malformed",
        lambda m: safetensors(json.dumps(one(name="\ud800")).encode(), b"1234"),
    ),
    Bad("scalar-of-a-function", "a.pkl", "pickle.changes", scalar_of_a_function),
    Bad("objects-of-msgpack-numpy", "a.msgpack", "msgpack.pickle", objects_of_msgpack_numpy),
)

REVIEW_NAMES: tuple[Bad, ...] = (
    jinja(
        "template that doubles",
        "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "template.large",
    ),
    jinja("template that multiplies", "{{ ('a' * 1000) * 1000 * 1000 }}", "template.large"),
    jinja(
        "template name through a split",
        "{% set k = 'a,_b'.split(',') %}{{ ''[k[1].strip()] }}",
        "template.computed",
    ),
    Bad(
        "gguf with a list of templates",
        "m.gguf",
        "gguf.template",
        lambda m: gguf((kv("tokenizer.chat_template", 9, b"\x08\0\0\0" + bytes(8)),)),
    ),
    Bad("architecture too long", "model.json", "scan.limit", padded(LAMBDA)),
    Bad(
        "word spelled with escapes, too long",
        "extra.json",
        "scan.limit",
        lambda m: b'{"pad": "' + b"x" * (5 << 20) + b'", "\\u0061uto_map": {"A": "e/r--m.E"}}',
    ),
    Bad(
        "architecture behind a thousand brackets",
        "model.json",
        "scan.limit",
        lambda m: b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"," + json.dumps(LAMBDA).encode()[1:],
    ),
    Bad(
        "module that is a function",
        "modules.json",
        "code.modules",
        said([{"path": "", "type": "sentence_transformers.util.torch"}]),
    ),
    Bad(
        "imports of MMEngine",
        "config.json",
        "code.custom_imports",
        said({"custom_imports": {"imports": ["os"]}}),
    ),
    Bad(
        "imports of MMEngine in YAML",
        "c.yaml",
        "code.custom_imports",
        told("custom_imports:\n  imports: [os]\n"),
    ),
    Bad(
        "operators from a library", "genai_config.json", "code.library", said({"custom_ops_library": "x.dll"})
    ),
    Bad(
        "layer that YOLOv5 evaluates",
        "model.yaml",
        "config.expression",
        told("backbone:\n- [-1, 1, \"__import__('os').system('touch MARKER')\", []]\n"),
    ),
    Bad(
        "the same in JSON",
        "config.json",
        "config.expression",
        said({"backbone": [[-1, 1, "__import__('os').system('x')", []]]}),
    ),
    Bad(
        "data set that Ultralytics fetches",
        "data.yaml",
        "config.script",
        told("path: x\ndownload: |\n  import os\n  os.mkdir('MARKER')\n"),
    ),
    Bad(
        "function of the evaluation harness", "task.yaml", "yaml.tag", told("doc: !function utils.process\n")
    ),
    Bad(
        "configuration of the RL zoo",
        "config.yml",
        "yaml.python",
        told("!!python/object/apply:collections.OrderedDict\n- - - n_envs\n    - 16\n"),
    ),
    Bad("server in Python", "config.pbtxt", "code.library", told('name: "x"\nbackend: "python"\n')),
    Bad("package that installs", "package.json", "code.script", said({"scripts": {"postinstall": "x"}})),
    Bad(
        "requirement from elsewhere",
        "requirements.txt",
        "code.requirements",
        told("git+https://host/x.git\n"),
    ),
    Bad("picture that a browser runs", "a.svg", "code.markup", told("<svg><script>alert(1)</script></svg>")),
    Bad("template of some language", "a.tmpl", UNSAFE, told(ESCAPE)),
    Bad("makefile", "Makefile", "code.script", told("all:\n\ttouch MARKER\n")),
    Bad("start-up file of R", ".Rprofile", "code.script", told("file.create('MARKER')\n")),
    Bad(
        "folder of another host",
        "desktop.ini",
        "code.script",
        told("[.ShellClassInfo]\nIconResource=\\\\h\\x\n"),
    ),
    Bad("sound by two bytes", "weights.dat", "scan.unsupported", lambda m: b"\xff\xfb" + bytes(range(200))),
    Bad("skops with an unknown node", "m.skops", "skops.node", node("OwnNode")),
    Bad("skops with a method", "m.skops", "skops.function", node("MethodNode", content={"func": "predict"})),
    Bad(
        "Keras with an operator of TensorFlow",
        "m.keras",
        "keras.operator",
        keras_layer("TensorFlowOpLayer", {"node_def": '{"op": "AddV2"}'}),
    ),
)

GOOD_NAMES: tuple[Good, ...] = (
    Good(
        "template that slices and splits",
        "chat_template.jinja",
        lambda: (
            b"{% set system = messages[0].content %}{% set rest = messages[1:] %}{% for m in rest[::-1] %}"
            b"{{ '<|' ~ m.role ~ '|>' ~ m.content.split('</think>')[-1].strip() ~ ('-' * 20) }}"
            b"{% set system = system ~ m.content %}{% endfor %}{{ '{}: {}'.format(system, bos_token) }}"
        ),
    ),
    Good(
        "picture without a program",
        "a.svg",
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>',
    ),
    Good("page without a program", "report.html", lambda: b"<html><body>on time = 3</body></html>"),
    Good("requirements", "requirements.txt", lambda: b"torch>=2  # https://pytorch.org\nnumpy\n"),
    Good(
        "data set of detection", "data.yaml", lambda: b"path: x\nnames: {0: cat}\ndownload: https://h/x.zip\n"
    ),
    Good(
        "templates of another language",
        "prompt.tmpl",
        lambda: b"{{ .System }}{{ range .Messages }}{{ end }}\n",
    ),
    Good(
        "vocabulary of a programmer",
        "vocab.json",
        lambda: json.dumps(
            {"__class__": 1, "{{": 2, "gi_frame": 3, "os.system(": 4, "class_name": 5}
        ).encode(),
    ),
    Good(
        "numbers of Keras in shards",
        "model.weights.json",
        lambda: b'{"metadata": {}, "weight_map": {"/layers/a": ["model_00000.weights.h5"]}}',
    ),
    Good(
        "tokenizer of its writer's machine",
        "tokenizer_config.json",
        lambda: b'{"tokenizer_file": "/home/ann/.cache/tokenizer.json", "name_or_path": "../out"}',
    ),
    Good("package of JavaScript", "package.json", lambda: b'{"name": "x", "scripts": {"test": "jest"}}'),
)
