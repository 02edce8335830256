"""transformers with torch: whole models up and down, a trainer, and huggingface_hub's mixin for torch."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from cases import KEPT, MODE, case, fails, files_of, run, same
from huggingface_hub import HfApi, PyTorchModelHubMixin, load_state_dict_from_file, save_torch_state_dict
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    pipeline,
)

api, NAME = HfApi(), f"ann/torch-{MODE}"
WORDS = {"[UNK]": 0, "[PAD]": 1, **{f"w{number}": number + 2 for number in range(300)}}
IDS = torch.arange(2, 12).reshape(1, 10)
torch.manual_seed(0)
CONFIG = BertConfig(
    vocab_size=len(WORDS), hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128,
    num_labels=3,
)  # fmt: skip
MODEL = BertForSequenceClassification(CONFIG).eval()


def tokenizer() -> PreTrainedTokenizerFast:
    made = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]")


def answered(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits


@case("upload a folder")
def model_push_to_hub() -> None:
    MODEL.push_to_hub(NAME)
    found = api.list_repo_files(NAME)
    assert {"config.json", "model.safetensors"} <= set(found), found


@case("upload a folder")
def tokenizer_push_to_hub() -> None:
    tokenizer().push_to_hub(NAME, commit_message="The tokenizer")
    same(api.list_repo_commits(NAME)[0].title, "The tokenizer")


@case("download")
def auto_model() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(NAME)
    same(torch.equal(answered(model.eval()), answered(MODEL)), True)


@case("download")
def auto_model_without_its_head() -> None:
    same(AutoModel.from_pretrained(NAME).config.hidden_size, 64)


@case("download")
def auto_model_at_a_commit() -> None:
    KEPT.head = api.model_info(NAME).sha
    model = AutoModelForSequenceClassification.from_pretrained(NAME, revision=KEPT.head)
    same(torch.equal(answered(model.eval()), answered(MODEL)), True)


@case("download")
def pipeline_by_name() -> None:
    found = pipeline("text-classification", model=NAME, device="cpu")("w1 w2 w3")
    assert found[0]["label"].startswith("LABEL_"), found


@case("upload a folder")
def save_pretrained_with_push_to_hub() -> None:
    with torch.no_grad():
        MODEL.classifier.bias.add_(1)
    MODEL.save_pretrained("saved", push_to_hub=True, repo_id=NAME)
    model = AutoModelForSequenceClassification.from_pretrained(NAME)
    same(torch.equal(answered(model.eval()), answered(MODEL)), True)


@case("download")
def the_earlier_weights_at_their_commit() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(NAME, revision=KEPT.head)
    same(torch.equal(answered(model.eval()), answered(MODEL)), False)


@case("upload a folder")
def weights_in_shards() -> None:
    name = f"{NAME}-shards"
    made = LlamaForCausalLM(LlamaConfig(
        vocab_size=400, hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4,
    )).eval()  # fmt: skip
    made.push_to_hub(name, max_shard_size="100KB")
    shards = [path for path in api.list_repo_files(name) if path.endswith(".safetensors")]
    assert len(shards) > 2, shards
    back = LlamaForCausalLM.from_pretrained(name).eval()
    same(torch.equal(answered(back), answered(made)), True)


@case("pull requests")
def model_push_to_hub_as_a_pull_request() -> None:
    with torch.no_grad():
        MODEL.classifier.bias.add_(1)
    MODEL.push_to_hub(NAME, create_pr=True, commit_message="Better")
    (proposed,) = api.get_repo_discussions(NAME, discussion_type="pull_request")
    same(proposed.title, "Better")
    model = AutoModelForSequenceClassification.from_pretrained(NAME, revision=f"refs/pr/{proposed.num}")
    same(torch.equal(answered(model.eval()), answered(MODEL)), True)


@case("create")
def push_to_a_private_repository() -> None:
    MODEL.push_to_hub(f"{NAME}-private", private=True)
    same(api.model_info(f"{NAME}-private").private, True)


@case("upload a folder")
def a_trainer_pushes_what_it_trained() -> None:
    name = f"{NAME}-trained"
    rows = [{"input_ids": list(range(2, 12)), "labels": number % 3} for number in range(8)]
    told = TrainingArguments(
        output_dir="trained", push_to_hub=True, hub_model_id=name, max_steps=2, report_to=[],
        save_strategy="no", use_cpu=True,
    )  # fmt: skip
    trainer = Trainer(
        model=BertForSequenceClassification(CONFIG), args=told, train_dataset=rows,
        processing_class=tokenizer(),
    )  # fmt: skip
    trainer.train()
    trainer.push_to_hub(commit_message="Trained")
    assert {"model.safetensors", "README.md", "tokenizer.json"} <= set(api.list_repo_files(name))
    back = AutoModelForSequenceClassification.from_pretrained(name).eval()
    same(torch.equal(answered(back), answered(trainer.model.eval())), True)


class Small(torch.nn.Module, PyTorchModelHubMixin):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(size, 2)


@case("upload a folder")
def a_module_with_the_mixin() -> None:
    made = Small(5)
    made.push_to_hub(f"{NAME}-mixin")
    back = Small.from_pretrained(f"{NAME}-mixin")
    same(torch.equal(back.linear.weight, made.linear.weight), True)


@case("upload a folder")
def a_pickled_checkpoint_of_weights_only() -> None:
    name, state = f"{NAME}-pickled", {"w": torch.arange(6.0).reshape(2, 3)}
    api.create_repo(name)
    Path("pickled").mkdir()
    save_torch_state_dict(state, "pickled", safe_serialization=False)
    api.upload_folder(repo_id=name, folder_path="pickled")
    file = api.hf_hub_download(name, "pytorch_model.bin")
    same(torch.equal(load_state_dict_from_file(file, weights_only=True, safe=False)["w"], state["w"]), True)


@case("errors")
def a_model_that_is_missing() -> None:
    fails("OSError", "ann/none", AutoModel.from_pretrained, "ann/none")


@case("download")
def a_tokenizer_with_its_model_from_a_local_copy() -> None:
    root = Path(api.snapshot_download(NAME, local_dir="all"))
    same({"config.json", "model.safetensors", "tokenizer.json"} <= set(files_of(root)), True)
    same(AutoTokenizer.from_pretrained(root)("w0 w7 other")["input_ids"], [2, 9, 0])


if __name__ == "__main__":
    sys.exit(run())
