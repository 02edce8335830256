"""The corpus, second part: every format beside pickles, archives and safetensors."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path

from tests.hostile.forge import patched, system, tarred, torch_zip, weights_dict, zipped
from tests.hostile.forge_formats import (
    ext,
    field,
    gguf,
    good,
    gstring,
    gtemplate,
    gtensor,
    keras,
    keras_h5,
    kv,
    lambda_layer,
    layer,
    nemo,
    nested_arrays,
    nested_onnx,
    oexternal,
    onnx,
    onode,
    saved_model,
    sequential,
    skops,
    tfunction,
    tgraph,
    tnode,
)
from tests.hostile.kinds import Bad

BAD_FILES = Path(__file__).parent / "bad"
TEMPLATE, CODE, OUTSIDE = "template.unsafe", "keras.code", "hdf5.outside"


def kept(name: str) -> bytes:
    """A bad file that a real library made."""
    return (BAD_FILES / name).read_bytes()


def _gguf_template(attack: str, text: str, rule: str = TEMPLATE) -> Bad:
    return Bad(f"gguf-template-{attack}", "m.gguf", rule, lambda m: gtemplate(text))


def _keras(attack: str, found: object, rule: str = CODE) -> Bad:
    return Bad(f"keras-{attack}", "m.keras", rule, lambda m: keras(sequential(found)))


def _graph(attack: str, *nodes: bytes, rule: str = "tf.operator") -> Bad:
    return Bad(f"tf-{attack}", "saved_model.pb", rule, lambda m: saved_model(tgraph(*nodes)))


GGUF = (
    Bad(
        "gguf-huge-array",
        "m.gguf",
        "gguf.malformed",
        lambda m: gguf((kv("a", 9, struct.pack("<IQ", 8, 1 << 60)),)),
    ),
    Bad(
        "gguf-huge-number-array",
        "m.gguf",
        "gguf.malformed",
        lambda m: gguf((kv("a", 9, struct.pack("<IQ", 4, 1 << 60)),)),
    ),
    Bad(
        "gguf-endless-text",
        "m.gguf",
        "gguf.malformed",
        lambda m: gguf((kv("a", 8, struct.pack("<Q", (1 << 64) - 1)),)),
    ),
    Bad("gguf-endless-key", "m.gguf", "gguf.malformed", lambda m: gguf((struct.pack("<Q", 1 << 63),))),
    Bad("gguf-many-entries", "m.gguf", "gguf.malformed", lambda m: gguf(counts=(1, 1 << 62))),
    Bad("gguf-many-tensors", "m.gguf", "gguf.malformed", lambda m: gguf(counts=(1 << 62, 0))),
    Bad("gguf-missing-tensors", "m.gguf", "gguf.malformed", lambda m: gguf(counts=(1000, 0))),
    Bad("gguf-key-twice", "m.gguf", "gguf.malformed", lambda m: gguf((kv("a", 0, b"1"), kv("a", 0, b"2")))),
    Bad("gguf-unknown-value", "m.gguf", "gguf.malformed", lambda m: gguf((kv("a", 77, b"1"),))),
    Bad("gguf-truth-of-2", "m.gguf", "gguf.malformed", lambda m: gguf((kv("a", 7, b"\x02"),))),
    Bad("gguf-version", "m.gguf", "gguf.malformed", lambda m: gguf(version=99)),
    Bad(
        "gguf-alignment", "m.gguf", "gguf.malformed", lambda m: gguf((kv("general.alignment", 4, bytes(4)),))
    ),
    Bad(
        "gguf-tensor-outside", "m.gguf", "gguf.malformed", lambda m: gguf(tensors=(gtensor(offset=1 << 40),))
    ),
    Bad("gguf-tensor-cut-off", "m.gguf", "gguf.malformed", lambda m: gguf(data=bytes(31))),
    Bad(
        "gguf-tensor-askew",
        "m.gguf",
        "gguf.malformed",
        lambda m: gguf(tensors=(gtensor(offset=4),), data=bytes(99)),
    ),
    Bad(
        "gguf-tensors-overlap",
        "m.gguf",
        "gguf.malformed",
        lambda m: gguf(tensors=(gtensor("a", (64,)), gtensor("b", offset=32)), data=bytes(256)),
    ),
    Bad(
        "gguf-tensor-twice",
        "m.gguf",
        "gguf.malformed",
        lambda m: gguf(tensors=(gtensor(), gtensor(offset=32)), data=bytes(64)),
    ),
    Bad(
        "gguf-overflowing-shape",
        "m.gguf",
        "gguf.malformed",
        lambda m: gguf(tensors=(gtensor(shape=(1 << 62, 8)),)),
    ),
    Bad("gguf-many-sides", "m.gguf", "gguf.malformed", lambda m: gguf(tensors=(gtensor(shape=(1,) * 5),))),
    Bad(
        "gguf-half-a-block",
        "m.gguf",
        "gguf.malformed",
        lambda m: gguf(tensors=(gtensor(shape=(33,), kind=8),)),
    ),
    Bad("gguf-cut-off", "m.gguf", "gguf.malformed", lambda m: good("gguf/model.gguf")[:100]),
    _gguf_template("class", "{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    _gguf_template("globals", "{{ cycler.__init__.__globals__.os.popen('id').read() }}"),
    _gguf_template("item", "{{ messages['__class__'] }}"),
    _gguf_template("attr-filter", "{{ messages|attr('x') }}"),
    _gguf_template("map-attribute", "{{ messages|map(attribute='__class__')|list }}"),
    _gguf_template("map-attr", "{{ messages|map('attr', name)|list }}"),
    _gguf_template("spelled", "{% set x = '__class__' %}{{ messages[x] }}"),
    _gguf_template("format", "{{ '{0.a}'.format(messages) }}"),
    _gguf_template("include", "{% include '/etc/passwd' %}"),
    _gguf_template("import", "{% import 'x' as y %}"),
    _gguf_template("extends", "{% extends 'x' %}"),
    _gguf_template("broken", "{% for m in %}", "template.malformed"),
    _gguf_template("deep", "{{ " + "(" * 20_000 + " }}", "template.malformed"),
    Bad(
        "gguf-second-template",
        "m.gguf",
        TEMPLATE,
        lambda m: gguf((kv("tokenizer.chat_template.tool_use", 8, gstring("{{ x.__init__ }}")),)),
    ),
    Bad("gguf-named-onnx", "m.onnx", "content.mismatch", lambda m: gguf()),
    Bad("gguf-zip-behind", "m.gguf", "archive.prepended", lambda m: gguf() + zipped({"a.pkl": system(m)})),
)

ONNX = (
    Bad(
        "onnx-outside-absolute",
        "m.onnx",
        "onnx.external_data",
        lambda m: onnx(onode("Add"), initializers=(oexternal("/etc/passwd"),)),
    ),
    Bad(
        "onnx-outside-climbs",
        "m.onnx",
        "onnx.external_data",
        lambda m: onnx(onode("Add"), initializers=(oexternal("../../secret"),)),
    ),
    Bad(
        "onnx-outside-windows",
        "m.onnx",
        "onnx.external_data",
        lambda m: onnx(onode("Add"), initializers=(oexternal("C:\\secret"),)),
    ),
    Bad(
        "onnx-memory-address",
        "m.onnx",
        "onnx.external_data",
        lambda m: onnx(onode("Add"), initializers=(oexternal("*/_ORT_MEM_ADDR_/*"),)),
    ),
    Bad(
        "onnx-outside-in-attribute",
        "m.onnx",
        "onnx.external_data",
        lambda m: onnx(onode("Constant", attribute=field(1, "value") + field(5, oexternal("../x")))),
    ),
    Bad(
        "onnx-outside-in-branch",
        "m.onnx",
        "onnx.external_data",
        lambda m: onnx(onode("If", attribute=field(6, field(5, oexternal("../x"))))),
    ),
    Bad(
        "onnx-outside-in-sparse",
        "m.onnx",
        "onnx.external_data",
        lambda m: onnx(onode("Constant", attribute=field(22, field(1, oexternal("../x"))))),
    ),
    Bad(
        "onnx-outside-in-training",
        "m.onnx",
        "onnx.external_data",
        lambda m: onnx(onode("Add"), extra=field(20, field(1, field(5, oexternal("../x"))))),
    ),
    Bad("onnx-python-operator", "m.onnx", "onnx.python", lambda m: onnx(onode("PyOp", "ai.onnx.contrib"))),
    Bad(
        "onnx-python-in-function",
        "m.onnx",
        "onnx.python",
        lambda m: onnx(
            onode("F", "mine"),
            extra=field(25, field(1, "F") + field(10, "mine") + field(7, onode("PyOp", "x"))),
        ),
    ),
    Bad(
        "onnx-hidden-graph",
        "m.onnx",
        "onnx.python",
        lambda m: onnx(onode("Add"), extra=field(7, field(1, onode("PyOp", "x")))),
    ),
    Bad("onnx-without-graph", "m.onnx", "onnx.malformed", lambda m: field(1, 9) + field(8, field(2, 17))),
    Bad("onnx-cut-off", "m.onnx", "onnx.malformed", lambda m: good("onnx/matmul.onnx")[:-20]),
    Bad("onnx-random", "m.onnx", "onnx.malformed", lambda m: b"\xff\xfe\xfd" * 100),
    Bad("onnx-endless-number", "m.onnx", "onnx.malformed", lambda m: b"\x08" + b"\xff" * 50),
    Bad("onnx-long-field", "m.onnx", "onnx.malformed", lambda m: b"\x3a\xff\xff\xff\xff\x7f" + bytes(30)),
    Bad("onnx-wrong-type", "m.onnx", "onnx.malformed", lambda m: field(7, 1) + field(1, 9) + field(8, 2)),
    Bad(
        "onnx-is-text", "m.onnx", "onnx.malformed", lambda m: b"version https://git-lfs.github.com/spec/v1\n"
    ),
)

TENSORFLOW = (
    _graph("py-func", tnode("PyFunc")),
    _graph("eager-py-func", tnode("MatMul"), tnode("EagerPyFunc")),
    _graph("read-file", tnode("ReadFile")),
    _graph("write-file", tnode("WriteFile")),
    _graph("print-to-file", tnode("PrintV2")),
    _graph("debug-url", tnode("DebugIdentityV3")),
    _graph("memory-mapped", tnode("ImmutableConst")),
    Bad(
        "tf-write-in-function",
        "saved_model.pb",
        "tf.operator",
        lambda m: saved_model(tgraph(tnode("NoOp"), functions=(tfunction("f", tnode("WriteFile")),))),
    ),
    Bad(
        "tf-save-called-by-function",
        "saved_model.pb",
        "tf.checkpoint",
        lambda m: saved_model(
            tgraph(
                tnode("NoOp"),
                functions=(tfunction("s", tnode("SaveV2")), tfunction("f", tnode("PartitionedCall", "s"))),
            )
        ),
    ),
    _graph(
        "save-to-a-constant",
        tnode("Const", name="c"),
        tnode("SaveV2", inputs=("c", "c")),
        rule="tf.checkpoint",
    ),
    Bad(
        "tf-restore-from-a-constant",
        "saved_model.pb",
        "tf.checkpoint",
        lambda m: saved_model(
            tgraph(tnode("Const", name="c"), tnode("RestoreV2", inputs=("c",))),
            field(3, field(1, "saver_filename:0")),
        ),
    ),
    Bad(
        "tf-save-called-with-a-constant",
        "saved_model.pb",
        "tf.checkpoint",
        lambda m: saved_model(
            tgraph(
                tnode("Const", name="c"),
                tnode("StatefulPartitionedCall", "s", inputs=("c", "saver_filename")),
                functions=(tfunction("s", tnode("SaveV2")),),
            ),
            field(3, field(1, "saver_filename:0")),
        ),
    ),
    Bad(
        "tf-save-for-callers",
        "saved_model.pb",
        "tf.checkpoint",
        lambda m: saved_model(
            tgraph(tnode("NoOp"), functions=(tfunction("s", tnode("SaveV2")),)),
            field(7, field(2, field(1, "s"))),
        ),
    ),
    Bad(
        "tf-second-graph",
        "saved_model.pb",
        "tf.operator",
        lambda m: saved_model(tgraph(tnode("NoOp")), field(2, tgraph(tnode("PyFunc")))),
    ),
    Bad(
        "tf-second-meta-graph",
        "saved_model.pb",
        "tf.operator",
        lambda m: saved_model(tgraph(tnode("NoOp")), top=field(2, field(2, tgraph(tnode("PyFunc"))))),
    ),
    Bad(
        "tf-behind-an-unknown-field",
        "model.pb",
        "tf.operator",
        lambda m: saved_model(tgraph(tnode("PyFunc")), top=field(99, "x")),
    ),
    Bad(
        "tf-asset-outside",
        "saved_model.pb",
        "tf.outside",
        lambda m: saved_model(tgraph(tnode("NoOp")), field(6, field(2, "../../etc/passwd"))),
    ),
    Bad("tf-frozen-py-func", "frozen.pb", "tf.operator", lambda m: tgraph(tnode("PyFuncStateless"))),
    Bad(
        "tf-text-graph", "saved_model.pbtxt", "tf.operator", lambda m: b'node { name: "a" op: "ReadFile" }\n'
    ),
    Bad(
        "tf-lambda-in-metadata",
        "keras_metadata.pb",
        CODE,
        lambda m: field(1, field(2, 1) + field(5, json.dumps(lambda_layer(m)))),
    ),
    Bad(
        "tf-lambda-in-object",
        "saved_model.pb",
        CODE,
        lambda m: saved_model(
            tgraph(tnode("NoOp")), field(7, field(1, field(4, field(3, json.dumps(lambda_layer(m))))))
        ),
    ),
    Bad("tf-no-model", "saved_model.pb", "tensorflow.malformed", lambda m: field(9, "x")),
    Bad(
        "tf-cut-off",
        "saved_model.pb",
        "tensorflow.malformed",
        lambda m: good("tensorflow/saved_model/saved_model.pb")[:-7],
    ),
    Bad(
        "tf-index-cut",
        "variables.index",
        "tensorflow_checkpoint.malformed",
        lambda m: bytes(60) + good("tensorflow/saved_model/variables/variables.index")[-48:],
    ),
    Bad(
        "tflite-write-file",
        "m.tflite",
        "tf.operator",
        lambda m: patched(
            good("tensorflow/flex.tflite"), b"\x0f\0\0\0FlexStringLower", b"\x0d\0\0\0FlexWriteFile\0\0"
        ),
    ),
    Bad("tflite-cut-off", "m.tflite", "tflite.malformed", lambda m: good("tensorflow/float.tflite")[:200]),
    Bad(
        "tflite-root-outside",
        "m.tflite",
        "tflite.malformed",
        lambda m: b"\xff\xff\xff\x7f" + good("tensorflow/float.tflite")[4:],
    ),
    Bad("tflite-text", "m.tflite", "content.mismatch", lambda m: b"hello\n"),
)

KERAS = (
    Bad("keras-lambda", "m.keras", CODE, lambda m: keras(sequential(lambda_layer(m)))),
    Bad(
        "keras-lambda-in-lambda",
        "m.keras",
        CODE,
        lambda m: keras(sequential(layer("TimeDistributed", {"layer": lambda_layer(m)}))),
    ),
    Bad(
        "keras-lambda-behind-a-key",
        "m.keras",
        CODE,
        lambda m: keras(b'{"class_name": "Lambda", "class_name": "Sequential", "config": {}}'),
    ),
    Bad(
        "keras-lambda-as-architecture",
        "model.json",
        CODE,
        lambda m: json.dumps(sequential(lambda_layer(m))).encode(),
    ),
    _keras("os-system", layer("function", "system", "os"), "keras.module"),
    _keras("module-like-keras", layer("Dense", {}, "keras_evil.layers"), "keras.module"),
    _keras(
        "module-below-keras",
        layer("function", "enable_unsafe_deserialization", "keras.config"),
        "keras.module",
    ),
    _keras("builtin-exec", layer("function", "exec", "builtins", registered_name="function")),
    _keras("get-file", layer("function", "get_file", "keras.utils"), "keras.module"),
    _keras("load-model", layer("function", "load_model", "keras.models")),
    _keras("torch-module", layer("TorchModuleWrapper", {"module": "UEsDBA=="})),
    _keras("tf-saved-model", layer("TFSMLayer", {"filepath": "/tmp/x"})),
    _keras("vocabulary-file", layer("StringLookup", {"vocabulary": "/etc/passwd"}), "keras.file"),
    _keras("dotted-class", layer("os.system;x")),
    _keras("write-by-symbol", layer("TFOpLambda", {"function": "io.write_file"}, None)),
    _keras("raw-operator", layer("TFOpLambda", {"function": "raw_ops.WriteFile"}, None)),
    Bad("keras-not-json", "m.keras", "keras.malformed", lambda m: keras(b"{nope")),
    Bad("keras-without-configuration", "m.keras", "keras.malformed", lambda m: zipped({"a.txt": b"x"})),
    Bad(
        "keras-with-pickle",
        "m.keras",
        "pickle.global",
        lambda m: keras(sequential(), **{"assets/x": system(m)}),
    ),
    Bad(
        "keras-broken-weights",
        "m.keras",
        "hdf5.malformed",
        lambda m: zipped(
            {
                "metadata.json": b"{}",
                "config.json": b"{}",
                "model.weights.h5": good("keras/sequential.weights.h5")[:500],
            }
        ),
    ),
    Bad("h5-lambda", "m.h5", CODE, lambda m: keras_h5(b'"Dropout"', b'"Lambda" ')),
    Bad(
        "h5-module",
        "m.h5",
        "keras.module",
        lambda m: keras_h5(b'"module": "keras.initializers"', b'"module": "os"                '),
    ),
    Bad(
        "h5-configuration-not-json",
        "m.h5",
        "keras.malformed",
        lambda m: keras_h5(b'"Dropout",', b'"Dropout"}'),
    ),
    *(
        Bad(f"h5-{name}", "m.h5", CODE, lambda m, name=name: kept(f"{name}.h5"))
        for name in ("lambda-in-attribute", "lambda-fixed-text", "lambda-among-many")
    ),
    *(
        Bad(f"h5-{name}", "m.h5", OUTSIDE, lambda m, name=name: kept(f"{name}.h5"))
        for name in ("external-link", "external-link-among-many", "external-data", "virtual")
    ),
    Bad(
        "h5-integers-as-configuration",
        "m.h5",
        "keras.malformed",
        lambda m: kept("integers-as-configuration.h5"),
    ),
    Bad("h5-cut-off", "m.h5", "hdf5.malformed", lambda m: good("keras/sequential.h5")[:3000]),
    Bad(
        "h5-root-outside",
        "m.h5",
        "hdf5.malformed",
        lambda m: patched(good("h5py/plain.h5"), struct.pack("<Q", 96), struct.pack("<Q", 1 << 50)),
    ),
    Bad("h5-superblock", "m.h5", "hdf5.malformed", lambda m: b"\x89HDF\r\n\x1a\n\x09" + bytes(200)),
    Bad("h5-is-text", "m.h5", "content.mismatch", lambda m: b"hello\n"),
)

OTHERS = (
    Bad("skops-os-system", "m.skops", "skops.type", lambda m: skops("os", "system", "FunctionNode")),
    Bad(
        "skops-method-caller",
        "m.skops",
        "skops.type",
        lambda m: skops("operator", "methodcaller", "OperatorFuncNode"),
    ),
    Bad("skops-unknown-class", "m.skops", "skops.type", lambda m: skops("evil.module", "Evil")),
    Bad("skops-numpy-load", "m.skops", "skops.type", lambda m: skops("numpy", "load", "FunctionNode")),
    Bad("skops-dotted", "m.skops", "skops.type", lambda m: skops("sklearn.utils._joblib", "os.system")),
    Bad(
        "skops-pickle",
        "m.skops",
        "pickle.global",
        lambda m: zipped({"schema.json": b"{}", "1.bin": system(m)}),
    ),
    Bad(
        "skops-object-array",
        "m.skops",
        "numpy.object",
        lambda m: zipped(
            {
                "schema.json": b"{}",
                "1.npy": b"\x93NUMPY\x01\0\x46\0"
                + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(69)
                + b"\n"
                + system(m),
            }
        ),
    ),
    Bad(
        "nemo-target",
        "m.nemo",
        "yaml.target",
        lambda m: nemo("model:\n  _target_: os.system\n  command: x\n"),
    ),
    Bad("nemo-target-flow", "m.nemo", "yaml.target", lambda m: nemo("a: {_target_: subprocess.Popen}\n")),
    Bad(
        "nemo-target-escaped", "m.nemo", "yaml.target", lambda m: nemo('a: {"\\x5ftarget_": builtins.exec}\n')
    ),
    Bad(
        "nemo-target-alias", "m.nemo", "yaml.target", lambda m: nemo("x: &a os.system\ny:\n  _target_: *a\n")
    ),
    Bad(
        "nemo-target-key-alias",
        "m.nemo",
        "yaml.target",
        lambda m: nemo("a: [&k _target_, nemo.core.Foo]\nb:\n  *k : os.system\n"),
    ),
    Bad(
        "nemo-target-through-nemo",
        "m.nemo",
        "yaml.target",
        lambda m: nemo("a:\n  _target_: nemo.core.os.System\n"),
    ),
    Bad(
        "nemo-python-tag", "m.nemo", "yaml.python", lambda m: nemo("a: !!python/object/apply:os.system [x]\n")
    ),
    Bad("nemo-not-yaml", "m.nemo", "yaml.malformed", lambda m: nemo("a: [\n")),
    Bad("nemo-pickle", "m.nemo", "pickle.global", lambda m: nemo("a: 1\n", torch_zip(system(m)))),
    Bad(
        "nemo-nested-twice",
        "m.nemo",
        "archive.nested",
        lambda m: nemo("a: 1\n", zipped({"model_weights.ckpt": torch_zip(weights_dict())})),
    ),
    Bad(
        "yaml-python-tag",
        "config.yaml",
        "yaml.python",
        lambda m: f"a: !!python/object/apply:os.system ['touch {m}']\n".encode(),
    ),
    Bad("yaml-foreign-target", "config.yaml", "yaml.target", lambda m: b"a:\n  _target_: os.system\n"),
    Bad("template-file", "chat_template.jinja", TEMPLATE, lambda m: b"{{ self.__init__ }}"),
    Bad(
        "template-in-configuration",
        "tokenizer_config.json",
        TEMPLATE,
        lambda m: json.dumps(
            {
                "chat_template": [
                    {"name": "default", "template": "hi"},
                    {"name": "x", "template": "{{ a.__b }}"},
                ]
            }
        ).encode(),
    ),
    Bad(
        "template-behind-a-repeated-key",
        "tokenizer_config.json",
        TEMPLATE,
        lambda m: b'{"chat_template": "{{ x|attr(y) }}", "chat_template": "hi"}',
    ),
    Bad(
        "xml-entities",
        "openvino_model.xml",
        "xml.entity",
        lambda m: b'<!DOCTYPE n [<!ENTITY a "b">]><net>&a;</net>',
    ),
    Bad(
        "xml-outside",
        "openvino_model.xml",
        "xml.entity",
        lambda m: b'<!DOCTYPE n [<!ENTITY a SYSTEM "/etc/passwd">]><net>&a;</net>',
    ),
    Bad(
        "xml-cut-off",
        "openvino_model.xml",
        "openvino.malformed",
        lambda m: good("openvino/openvino_model.xml")[:900],
    ),
    Bad(
        "msgpack-huge-map",
        "flax_model.msgpack",
        "msgpack.malformed",
        lambda m: b"\xdf\xff\xff\xff\xff\xa1a\x01",
    ),
    Bad(
        "msgpack-long-text",
        "flax_model.msgpack",
        "msgpack.malformed",
        lambda m: b"\x81\xa1a\xdb\xff\xff\xff\xff",
    ),
    Bad(
        "msgpack-cut-off",
        "flax_model.msgpack",
        "msgpack.malformed",
        lambda m: good("flax/flax_model.msgpack")[:-3],
    ),
    Bad(
        "msgpack-trailing",
        "flax_model.msgpack",
        "msgpack.malformed",
        lambda m: good("flax/flax_model.msgpack") + b"\0",
    ),
    Bad("msgpack-no-value", "flax_model.msgpack", "msgpack.malformed", lambda m: b"\x82\xc1\xc1"),
    Bad(
        "msgpack-array-lies",
        "flax_model.msgpack",
        "msgpack.malformed",
        lambda m: b"\x81\xa1a" + ext(1, b"\x93\x90\xa1f\xc4\x09x"),
    ),
    Bad("sentencepiece-random", "tokenizer.model", "sentencepiece.malformed", lambda m: b"\n\xff\0\0" * 50),
    Bad(
        "sentencepiece-cut-off",
        "spiece.model",
        "sentencepiece.malformed",
        lambda m: good("sentencepiece/bpe.model")[:-9],
    ),
    Bad("parquet-cut-off", "a.parquet", "columnar.malformed", lambda m: good("pyarrow/table.parquet")[:-1]),
    Bad(
        "parquet-footer-lies",
        "a.parquet",
        "columnar.malformed",
        lambda m: good("pyarrow/table.parquet")[:-8] + b"\xff\xff\xff\x7fPAR1",
    ),
    Bad(
        "parquet-encrypted",
        "a.parquet",
        "archive.encrypted",
        lambda m: good("pyarrow/table.parquet")[:-4] + b"PARE",
    ),
    Bad(
        "arrow-pickled-type",
        "a.arrow",
        "arrow.pickle",
        lambda m: patched(good("pyarrow/file.arrow"), b"ARROW1\0\0", b"ARROW1\0\0arrow.py_extension_type"),
    ),
    Bad("arrow-stream-lies", "a.arrow", "columnar.malformed", lambda m: good("pyarrow/stream.arrow")[:-9]),
    Bad("lua-named-bin", "model.bin", "content.executable", lambda m: b"\x1bLua\x54" + bytes(50)),
    Bad("wasm", "model.wasm", "content.executable", lambda m: b"\0asm\x01\0\0\0"),
    Bad("mach-o-named-bin", "model.bin", "content.executable", lambda m: b"\xcf\xfa\xed\xfe" + bytes(50)),
    Bad("bytecode", "modeling.pyc", "content.executable", lambda m: b"\xa7\r\r\n" + bytes(20)),
    Bad("rar", "a.rar", "archive.rar", lambda m: b"Rar!\x1a\x07\x01\0" + bytes(30)),
    Bad(
        "torch-nested-zip",
        "m.pt",
        "archive.nested",
        lambda m: torch_zip(weights_dict(), **{"data/1": zipped({"a.pkl": system(m)})}),
    ),
    Bad(
        "exported-pickle",
        "m.pt2",
        "pickle.global",
        lambda m: zipped({"a/archive_format": b"pt2", "a/data/sample_inputs/model.pt": torch_zip(system(m))}),
    ),
    Bad(
        "script-with-foreign-name",
        "m.pt",
        "pickle.global",
        lambda m: torch_zip(system(m), **{"constants.pkl": b"\x80\x02).", "code/__torch__.py": b"x = 1\n"}),
    ),
    Bad(
        "stacked-behind-torch-magic",
        "m.bin",
        "pickle.global",
        lambda m: pickle.dumps(0x1950A86A20F9469CFC6C, 2) + system(m),
    ),
    Bad(
        "tar-in-a-gz",
        "m.nemo",
        "yaml.target",
        lambda m: __import__("gzip").compress(tarred({"model_config.yaml": b"_target_: os.system\n"})),
    ),
)

BAD_FORMATS = (*GGUF, *ONNX, *TENSORFLOW, *KERAS, *OTHERS)

REVIEW_FORMATS = (
    Bad(
        "template-loops-in-loops",
        "a.jinja",
        "template.large",
        lambda m: b"{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    ),
    Bad(
        "template-macro-in-its-own-loop",
        "a.jinja",
        "template.large",
        lambda m: b"{% macro f(n) %}{% for a in range(9) %}{{ f(n) }}{% endfor %}{% endmacro %}{{ f(0) }}",
    ),
    Bad("template-width", "a.jinja", "template.large", lambda m: b"{{ '%1000000000d' % 1 }}"),
    Bad("gguf-nested-arrays", "m.gguf", "scan.limit", lambda m: nested_arrays(100_000)),
    Bad("onnx-nested-graphs", "m.onnx", "scan.limit", lambda m: nested_onnx(60)),
    Bad("msgpack-deep", "flax_model.msgpack", "scan.limit", lambda m: b"\x91" * 1000),
    Bad(
        "gguf of an unknown type", "m.gguf", "gguf.unknown_type", lambda m: gguf(tensors=(gtensor(kind=200),))
    ),
    Bad("gguf with bytes behind", "m.gguf", "gguf.hidden", lambda m: gguf(data=bytes(500))),
    Bad(
        "gguf that counts far",
        "m.gguf",
        "template.large",
        lambda m: gtemplate("{% for i in range(10000000) %}x{% endfor %}"),
    ),
    Bad(
        "onnx of a custom domain",
        "m.onnx",
        "onnx.custom_domain",
        lambda m: onnx(onode("Fused", "com.microsoft")),
    ),
    Bad("onnx of an unknown operator", "m.onnx", "onnx.unknown_operator", lambda m: onnx(onode("Evaluate"))),
    Bad(
        "onnx with an unknown field",
        "m.onnx",
        "onnx.unknown_field",
        lambda m: onnx(onode("Add"), extra=field(77, "x")),
    ),
    Bad(
        "graph of an unknown operator",
        "saved_model.pb",
        "tf.unknown_operator",
        lambda m: saved_model(tgraph(tnode("Mine"))),
    ),
    Bad(
        "graph that reads a vocabulary",
        "saved_model.pb",
        "tf.unknown_operator",
        lambda m: saved_model(tgraph(tnode("InitializeTableFromTextFileV2"))),
    ),
    Bad("another protocol buffer", "data.pb", "scan.unsupported", lambda m: field(9, "x") + field(2, 5)),
    Bad(
        "tflite with TensorFlow's operators",
        "m.tflite",
        "tflite.custom_operator",
        lambda m: good("tensorflow/flex.tflite"),
    ),
    Bad(
        "tflite with labels behind",
        "m.tflite",
        "tflite.appended",
        lambda m: good("tensorflow/float.tflite") + zipped({"a.txt": b"x"}),
    ),
    Bad(
        "registered Keras class",
        "m.keras",
        "keras.registered",
        lambda m: keras(sequential(layer("Mine", {}, "keras.layers", registered_name="Custom>Mine"))),
    ),
    Bad(
        "named Keras function",
        "m.keras",
        "keras.function",
        lambda m: keras(sequential(layer("function", "my_loss", "builtins", registered_name="function"))),
    ),
    Bad("HDF5 plug-in", "m.h5", "hdf5.filter", lambda m: kept("plugin-filter.h5")),
    Bad(
        "skops with a numpy function",
        "m.skops",
        "skops.function",
        lambda m: skops("numpy", "log1p", "FunctionNode"),
    ),
    Bad(
        "NeMo model",
        "m.nemo",
        "yaml.target",
        lambda m: nemo("a:\n  _target_: nemo.collections.asr.modules.ConvASREncoder\n"),
    ),
    Bad("YAML with a target", "config.yaml", "yaml.target", lambda m: b"_target_: my.module.Class\n"),
    Bad("broken YAML", "config.yaml", "yaml.malformed", lambda m: b"a: [\n"),
    Bad(
        "flax of another extension",
        "m.msgpack",
        "msgpack.extension",
        lambda m: b"\x81\xa1a" + ext(42, b"xyz"),
    ),
    Bad(
        "notebook",
        "a.ipynb",
        "code.notebook",
        lambda m: b'{"cells": [{"cell_type": "code", "source": ["x = 1"]}]}',
    ),
    Bad(
        "kernel of the Hub",
        "config.json",
        "code.kernel",
        lambda m: b'{"attn_implementation": "someone/kernel"}',
    ),
    Bad(
        "component of another library",
        "model_index.json",
        "code.component",
        lambda m: b'{"vae": ["mylib", "Vae"]}',
    ),
    Bad(
        "OpenVINO with a custom layer",
        "openvino_model.xml",
        "openvino.custom_layer",
        lambda m: patched(good("openvino/openvino_model.xml"), b'version="opset1"', b'version="custom"'),
    ),
    Bad("template that computes names", "a.jinja", "template.computed", lambda m: b"{{ x['a' ~ y] }}"),
    Bad("exported program", "m.pt2", "code.torch_export", lambda m: good("torch/exported.pt2")),
    Bad("ExecuTorch program", "m.pte", "scan.unsupported", lambda m: b"\x10\0\0\0ET12" + bytes(50)),
    Bad("CoreML model", "m.mlmodel", "scan.unsupported", lambda m: b"\x08\x04\x12\x02\x0a\0\xff\x01"),
    Bad("FAISS index", "a.index", "scan.unsupported", lambda m: b"IxFI\0\x01" + bytes(99)),
    Bad("XGBoost model", "xgb.model", "scan.unsupported", lambda m: b"binf\0\0" + bytes(range(200))),
)
