"""Makes the good files of ``tests/hostile/good`` with the libraries that people make such files with.

    python tests/hostile/make_good.py FOLDER

Each part needs its own libraries, so it is run once in an environment for each, and what cannot be
imported is left out. The files are small and kept in the project; ``made.json`` beside them says by which
version each was made. Nothing here imports Weighbridge.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
PARTS: list[tuple[str, Callable[[Path], None]]] = []


def part(library: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Register a maker whose files are made by ``library``."""

    def keep(make: Callable[[Path], None]) -> Callable[[Path], None]:
        PARTS.append((library, make))
        return make

    return keep


@part("torch")
def torch_files(to: Path) -> None:
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))
    torch.save(net.state_dict(), to / "pytorch_model.bin")
    torch.save(net.state_dict(), to / "legacy.pt", _use_new_zipfile_serialization=False)
    kinds = (torch.bfloat16, torch.float16, torch.int8, torch.bool, torch.float8_e4m3fn, torch.complex64)
    torch.save({str(k): torch.zeros(2, dtype=k) for k in kinds}, to / "dtypes.pth")
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.ones(5, 4)).sum().backward()
    optimizer.step()
    torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict(), "step": 1}, to / "step.ckpt")
    shared = torch.zeros(3, 3)
    torch.save({"a": shared, "b": shared[1:], "p": torch.nn.Parameter(shared)}, to / "shared.pt")
    torch.save(
        {"s": torch.eye(3).to_sparse(), "q": torch.quantize_per_tensor(shared, 0.1, 1, torch.quint8)},
        to / "sparse.pt",
    )
    torch.jit.save(torch.jit.script(net), to / "script.pt")
    torch.export.save(torch.export.export(net.eval(), (torch.zeros(2, 4),)), to / "exported.pt2")
    _torch_safetensors(to)


def _torch_safetensors(to: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2, 3, dtype=torch.bfloat16)}, to / "bf16.safetensors", {"format": "pt"})
    save_file({"a": torch.zeros(3), "b": torch.zeros(2, 2, dtype=torch.int64)}, to / "model.safetensors")
    save_file({"f8": torch.zeros(4, dtype=torch.float8_e5m2), "empty": torch.zeros(0)}, to / "f8.safetensors")


@part("numpy")
def numpy_files(to: Path) -> None:
    import numpy as np

    np.save(to / "float.npy", np.arange(12.0).reshape(3, 4))
    np.save(to / "text.npy", np.array(["ab", "cde"]))
    np.save(to / "record.npy", np.zeros(3, dtype=[("a", "<f4"), ("b", "<i8", (2,))]))
    np.save(to / "fortran.npy", np.asfortranarray(np.eye(3, dtype=np.float16)))
    np.savez(to / "plain.npz", a=np.arange(4), b=np.eye(3))
    np.savez_compressed(to / "packed.npz", a=np.zeros(1000), b=np.eye(3))


@part("scikit-learn")
def sklearn_files(to: Path) -> None:
    import joblib
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    x, y = np.random.default_rng(0).random((12, 3)), np.array([0, 1] * 6)
    line = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    joblib.dump(line, to / "pipeline.joblib")
    for ending in ("z", "gz", "bz2", "xz", "lzma"):
        packing = {"z": "zlib", "gz": "gzip"}.get(ending, ending)
        joblib.dump(line, to / f"pipeline.pkl.{ending}", compress=(packing, 3))
    joblib.dump(RandomForestClassifier(2, random_state=0).fit(x, y), to / "forest.joblib")
    joblib.dump({"w": np.arange(6.0)}, to / "arrays.joblib")
    _skops_files(to, line, RandomForestClassifier(2, random_state=0).fit(x, y), SVC().fit(x, y))


def _skops_files(to: Path, *models: object) -> None:
    from skops import io

    for model, name in zip(models, ("pipeline", "forest", "svc"), strict=True):
        io.dump(model, to / f"{name}.skops")


@part("dill")
def dill_files(to: Path) -> None:
    import dill

    (to / "values.dill").write_bytes(dill.dumps({"a": [1, 2.5, "x"], "b": {1, 2}}))


@part("gguf")
def gguf_files(to: Path) -> None:
    import gguf
    import numpy as np

    template = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"
    for name, order in (("model", gguf.GGUFEndian.LITTLE), ("big-endian", gguf.GGUFEndian.BIG)):
        writer = gguf.GGUFWriter(to / f"{name}.gguf", "llama", endianess=order)
        writer.add_context_length(64)
        writer.add_embedding_length(32)
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list([f"token{n}" for n in range(300)])
        writer.add_token_scores([0.5] * 300)
        writer.add_token_types([1] * 300)
        writer.add_chat_template(template)
        writer.add_tensor("token_embd.weight", np.ones((8, 32), dtype=np.float32))
        writer.add_tensor("output.weight", np.ones((3, 32), dtype=np.float16))
        _write(writer)
    quantised = gguf.GGUFWriter(to / "quantised.gguf", "llama")
    for kind in (
        gguf.GGMLQuantizationType.Q8_0,
        gguf.GGMLQuantizationType.Q4_0,
        gguf.GGMLQuantizationType.Q5_1,
    ):
        data = gguf.quants.quantize(np.ones((4, 64), dtype=np.float32), kind)
        quantised.add_tensor(kind.name, data, raw_dtype=kind)
    _write(quantised)
    split = gguf.GGUFWriter(to / "split-00001-of-00002.gguf", "llama")
    split.add_uint16("split.no", 0)
    split.add_uint16("split.count", 2)
    split.add_array("general.tags", ["a", "b"])
    split.add_tensor("a", np.ones(5, dtype=np.int8))
    _write(split)
    vocabulary = gguf.GGUFWriter(to / "vocabulary.gguf", "bert")
    vocabulary.add_token_list([b"a", "é".encode(), b"\xff"])
    vocabulary.add_token_merges(["a b", "b c"])
    _write(vocabulary)


def _write(writer: object) -> None:
    for step in ("write_header_to_file", "write_kv_data_to_file", "write_tensors_to_file", "close"):
        getattr(writer, step)()


@part("onnx")
def onnx_files(to: Path) -> None:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    value = helper.make_tensor_value_info
    x, y = value("x", TensorProto.FLOAT, [2, 3]), value("y", TensorProto.FLOAT, [2, 4])
    weight = numpy_helper.from_array(np.ones((3, 4), dtype=np.float32), "w")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    save(helper.make_model(graph, producer_name="pytorch"), to / "matmul.onnx")
    save(
        helper.make_model(graph),
        to / "outside.onnx",
        save_as_external_data=True,
        size_threshold=0,
        location="outside.onnx_data",
    )
    flag = value("c", TensorProto.BOOL, [])
    branch = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["z"])], "b", [], [value("z", TensorProto.FLOAT, [2, 3])]
    )
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    save(
        helper.make_model(helper.make_graph([choice], "g", [flag, x], [value("y", TensorProto.FLOAT, None)])),
        to / "branches.onnx",
    )
    own = helper.make_function(
        "mine",
        "Twice",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 20)],
    )
    call = helper.make_graph(
        [helper.make_node("Twice", ["x"], ["y"], domain="mine")],
        "g",
        [x],
        [value("y", TensorProto.FLOAT, [2, 3])],
    )
    sets = [helper.make_opsetid("", 20), helper.make_opsetid("mine", 1)]
    save(helper.make_model(call, functions=[own], opset_imports=sets), to / "function.onnx")
    scaled = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[0.0], scale=[2.0])
    sets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)]
    save(
        helper.make_model(helper.make_graph([scaled], "g", [x], [y]), opset_imports=sets), to / "scaler.onnx"
    )
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(1, dtype=np.float32), "v"),
        numpy_helper.from_array(np.zeros(1, dtype=np.int64), "i"),
        [3],
    )
    node = helper.make_node("Constant", [], ["y"], sparse_value=sparse)
    save(
        helper.make_model(helper.make_graph([node], "g", [], [value("y", TensorProto.FLOAT, [3])])),
        to / "sparse.onnx",
    )


@part("h5py")
def h5py_files(to: Path) -> None:
    import h5py
    import numpy as np

    with h5py.File(to / "plain.h5", "w") as file:
        file["a/b/c"] = np.arange(5)
        file.attrs["title"] = "x" * 100
        file["soft"] = h5py.SoftLink("/a/b")
    with h5py.File(to / "latest.h5", "w", libver="latest") as file:
        file.create_dataset("z", data=np.zeros((50, 50)), chunks=(10, 10), compression="gzip", shuffle=True)
        file.create_dataset("text", data=["a", "bc"], dtype=h5py.string_dtype())
        file.attrs["many"] = np.arange(10)
    with h5py.File(to / "dense.hdf5", "w", libver="latest", track_order=True) as file:
        for number in range(60):
            file[f"group{number}"] = number
            file.attrs[f"attribute{number}"] = f"value {number}"
    with h5py.File(to / "many.h5", "w") as file:
        for number in range(60):
            file.create_group(f"layer_{number}").attrs["names"] = [b"kernel:0", b"bias:0"]
    with h5py.File(to / "resizable.h5", "w") as file:
        file.create_dataset("r", (3,), maxshape=(None,), dtype="f2", fletcher32=True)
        file.create_dataset("s", data=np.zeros(2, dtype=[("a", "f4"), ("b", "S3")]))


@part("keras")
def keras_files(to: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    plain = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, activation="relu", kernel_regularizer="l2"),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(1),
        ]
    )
    plain.compile("adam", "mse", metrics=["mae"])
    plain.save(to / "sequential.keras")
    plain.save(to / "sequential.h5")
    plain.save_weights(to / "sequential.weights.h5")
    (to / "architecture.json").write_text(plain.to_json())
    first, second = keras.Input((8, 8, 3)), keras.Input((2,))
    seen = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, padding="same")(first))
    joined = keras.layers.Concatenate()([seen, keras.layers.BatchNormalization()(second)])
    end = keras.layers.Dense(2, activation="softmax")(keras.ops.multiply(joined, 2.0))
    functional = keras.Model([first, second], end)
    functional.save(to / "functional.keras")
    text = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            keras.layers.Embedding(10, 4, mask_zero=True),
            keras.layers.Bidirectional(keras.layers.LSTM(3)),
            keras.layers.Dense(1, activation=keras.activations.gelu),
        ]
    )
    text.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, 10)), "binary_crossentropy"
    )
    text.save(to / "recurrent.keras")
    text.save(to / "recurrent.h5")


@part("tensorflow")
def tensorflow_files(to: Path) -> None:
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(tf.ones((3, 2)))

        @tf.function(input_signature=[tf.TensorSpec((None, 3))])
        def __call__(self, x: tf.Tensor) -> tf.Tensor:
            return tf.while_loop(
                lambda i, _: i < 2, lambda i, v: (i + 1, v * 2.0), (0, tf.nn.relu(x @ self.w))
            )[1]

    module = Module()
    saved = to / "saved_model"
    tf.saved_model.save(module, saved)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    (to / "float.tflite").write_bytes(converter.convert())
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    (to / "quantised.tflite").write_bytes(converter.convert())
    concrete = tf.function(lambda x: tf.nn.softmax(x * 2.0)).get_concrete_function(tf.TensorSpec((1, 3)))
    (to / "frozen.pb").write_bytes(concrete.graph.as_graph_def().SerializeToString())
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [tf.function(lambda x: tf.strings.lower(x)).get_concrete_function(tf.TensorSpec((1,), tf.string))]
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    (to / "flex.tflite").write_bytes(converter.convert())


@part("flax")
def flax_files(to: Path) -> None:
    import jax.numpy as jnp
    from flax import serialization

    params = {"params": {"Dense_0": {"kernel": jnp.ones((3, 2)), "bias": jnp.zeros(2, jnp.bfloat16)}}}
    (to / "flax_model.msgpack").write_bytes(serialization.to_bytes(params))
    (to / "state.msgpack").write_bytes(
        serialization.msgpack_serialize({"step": 3, "name": "x", "c": 1 + 2j, "f": jnp.float32(2)})
    )


@part("sentencepiece")
def sentencepiece_files(to: Path) -> None:
    import sentencepiece

    text = to / "corpus.txt"
    text.write_text(
        "\n".join(f"the truck number {n} is weighed before it may enter the yard" for n in range(200))
    )
    for kind in ("unigram", "bpe"):
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=str(to / kind),
            vocab_size=40,
            model_type=kind,
            minloglevel=2,
            normalization_rule_name="identity",
        )
        (to / f"{kind}.vocab").unlink()
    text.unlink()


@part("pyarrow")
def pyarrow_files(to: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", None], "c": [[1.5], [], None]})
    parquet.write_table(table, to / "table.parquet")
    parquet.write_table(table, to / "packed.parquet", compression="zstd")
    with pa.OSFile(str(to / "file.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.OSFile(str(to / "stream.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


@part("tokenizers")
def tokenizers_files(to: Path) -> None:
    from tokenizers import Tokenizer, models, trainers

    for name, model, trainer in (
        ("bpe", models.BPE(unk_token="[UNK]"), trainers.BpeTrainer(special_tokens=["[UNK]"], vocab_size=50)),
        ("wordpiece", models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(vocab_size=50)),
    ):
        tokenizer = Tokenizer(model)
        tokenizer.train_from_iterator(["the truck is weighed"] * 5, trainer)
        (to / name).mkdir()
        tokenizer.save(str(to / name / "tokenizer.json"))


@part("openvino")
def openvino_files(to: Path) -> None:
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    x = ops.parameter([1, 3], np.float32)
    ov.save_model(
        ov.Model([ops.relu(ops.matmul(x, np.ones((3, 2), np.float32), False, False))], [x]),
        to / "openvino_model.xml",
        compress_to_fp16=False,
    )


def main() -> None:
    """Make what can be made here, and keep the rest as it is."""
    root = Path(sys.argv[1])
    known = root / "made.json"
    made = json.loads(known.read_text()) if known.exists() else {}
    for library, make in PARTS:
        folder = root / library
        try:
            version = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            try:
                version = importlib.metadata.version(f"{library}-cpu")
            except importlib.metadata.PackageNotFoundError:
                continue
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        made[library] = version
        print(library, version, sum(1 for f in folder.rglob("*") if f.is_file()))
    known.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
