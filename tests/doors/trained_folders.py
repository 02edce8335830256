"""Folders as people have them after training, quantising or merging, and the base models they name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.hub_process import safetensors
from tests.tiny_gguf import tiny_gguf
from weighbridge.domain.made_model import Said

WEIGHTS = safetensors(64_000)
BASES: Mapping[str, Mapping[str, bytes]] = {
    "acme/base": {
        "README.md": b"---\nlicense: apache-2.0\npipeline_tag: text-generation\n---\n# Base\n",
        "config.json": b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}',
    },
    "acme/other": {
        "README.md": b"---\nlicense: cc-by-nc-4.0\n---\n# Other\n",
        "config.json": b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}',
    },
    "acme/own": {
        "README.md": b"---\nlicense: other\nlicense_name: acme-terms\nlicense_link: LICENSE.md\n---\n# Own\n",
        "LICENSE.md": b"Ask us first.\n",
    },
}
STATE = {
    "best_global_step": 40,
    "best_model_checkpoint": None,
    "epoch": 2.0,
    "global_step": 40,
    "log_history": [
        {"epoch": 1.0, "loss": 1.7, "step": 20},
        {"epoch": 1.0, "eval_loss": 1.5, "eval_runtime": 3.1, "step": 20},
        {"epoch": 2.0, "eval_accuracy": 0.75, "eval_loss": 1.25, "eval_samples_per_second": 99.0, "step": 40},
        {"epoch": 2.0, "total_flos": 1e15, "train_loss": 1.6, "train_runtime": 60.0, "step": 40},
    ],
}
ARGUMENTS = {
    "learning_rate": 0.0002, "num_train_epochs": 2, "per_device_train_batch_size": 4, "max_steps": -1,
    "output_dir": "/home/ann/out", "hub_token": "hf_secret", "optim": "paged_adamw_8bit", "seed": 42,
}  # fmt: skip
ADAPTER = {
    "peft_type": "LORA", "r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "task_type": "CAUSAL_LM",
    "target_modules": ["v_proj", "q_proj"], "base_model_name_or_path": "acme/base", "peft_version": "0.21.0",
}  # fmt: skip
MERGE = b"""\
merge_method: slerp
base_model: acme/base
slices:
  - sources:
      - {model: acme/base, layer_range: [0, 2]}
      - {model: /home/ann/models/mine, layer_range: [0, 2]}
      - {model: acme/other, layer_range: [0, 2]}
parameters:
  t: 0.5
dtype: bfloat16
"""
LLAMA = b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "transformers_version": "5.23.0"}'
LEFT = {
    ".env": b"HF_TOKEN=hf_secret\n",
    "training_args.bin": b"\x80\x04.",
    "optimizer.pt": b"state",
    "trainer_state.json": json.dumps(STATE).encode(),
    "checkpoint-20/model.safetensors": WEIGHTS,
    "checkpoint-20/optimizer.pt": b"state",
    "runs/events.out": b"log",
    "notes.txt": b"mine",
}
"""What lies beside a model and does not go out."""


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files in a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def lora(folder: Path) -> Said:
    write(
        folder,
        {"adapter_config.json": json.dumps(ADAPTER).encode(), "adapter_model.safetensors": WEIGHTS, **LEFT},
    )
    return Said(
        datasets=("acme/words",), description="Answers questions.\n\nIn *two* lines.", languages=("en",)
    )


def qlora(folder: Path) -> Said:
    said = lora(folder)
    write(folder, {"training_args.json": json.dumps({**ARGUMENTS, "load_in_4bit": True}).encode()})
    return Said(datasets=said.datasets, metrics={"loss": 0.5, "accuracy": 0.85}, evaluated_on="acme/test")


def finetune(folder: Path) -> Said:
    results = {"epoch": 2.0, "eval_loss": 1.1, "eval_perplexity": 3.0, "eval_runtime": 2.0}
    write(folder, {
        "config.json": LLAMA, "model.safetensors": WEIGHTS, "tokenizer_config.json": b"{}",
        "training_args.json": json.dumps(ARGUMENTS).encode(), **LEFT,
        "all_results.json": json.dumps(results).encode(),
    })  # fmt: skip
    return Said(base_models=("acme/own",), datasets=("my own mail",))


def gguf(folder: Path) -> Said:
    base = {"general__base_model__0__repo_url": "https://huggingface.co/acme/base"}
    write(folder, {
        "tiny-Q4_K_M.gguf": tiny_gguf(general__file_type=15, **base),
        "tiny-Q8_0.gguf": tiny_gguf(2, general__file_type=7, **base),
        "LICENSE": b"A text of its own.\n",
    })  # fmt: skip
    return Said()


def merge(folder: Path) -> Said:
    write(folder, {"mergekit_config.yml": MERGE, "config.json": LLAMA, "model.safetensors": WEIGHTS})
    return Said()


KINDS: Mapping[str, Callable[[Path], Said]] = {
    "lora": lora,
    "qlora": qlora,
    "finetune": finetune,
    "gguf": gguf,
    "merge": merge,
}
