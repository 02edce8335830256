"""transformers without torch: configurations and tokenizers, up and down."""

from __future__ import annotations

import sys
from pathlib import Path

from cases import ENDPOINT, KEPT, MODE, case, files_of, run, same
from huggingface_hub import HfApi
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    AutoConfig,
    AutoTokenizer,
    BertConfig,
    GenerationConfig,
    PreTrainedTokenizerFast,
)
from transformers.utils import cached_file

api, NAME = HfApi(), f"ann/tiny-{MODE}"
WORDS = {"[UNK]": 0, "[PAD]": 1, **{f"w{number}": number + 2 for number in range(2000)}}


def tokenizer() -> PreTrainedTokenizerFast:
    made = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]")


@case("create")
def config_push_to_hub() -> None:
    BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2).push_to_hub(NAME)
    same("config.json" in api.list_repo_files(NAME), True)


@case("upload a folder")
def tokenizer_push_to_hub() -> None:
    tokenizer().push_to_hub(NAME)
    same("tokenizer.json" in api.list_repo_files(NAME), True)


@case("download")
def auto_config() -> None:
    same(AutoConfig.from_pretrained(NAME).hidden_size, 32)


@case("download")
def auto_config_at_a_commit() -> None:
    KEPT.head = api.model_info(NAME).sha
    same(AutoConfig.from_pretrained(NAME, revision=KEPT.head).num_hidden_layers, 2)


@case("download")
def auto_tokenizer() -> None:
    same(AutoTokenizer.from_pretrained(NAME)("w0 w7 other")["input_ids"], [2, 9, 0])


@case("download")
def cached_file_that_is_there() -> None:
    path = cached_file(NAME, "config.json")
    same(Path(path).parent.name, KEPT.head)


@case("download")
def cached_file_that_may_be_missing() -> None:
    got = cached_file(NAME, "none.json", _raise_exceptions_for_missing_entries=False)
    same(got, None)


@case("upload a folder")
def generation_config_push_to_hub() -> None:
    GenerationConfig(max_new_tokens=7).push_to_hub(NAME)
    same(GenerationConfig.from_pretrained(NAME).max_new_tokens, 7)


@case("create")
def save_pretrained_and_push_private() -> None:
    tokenizer().save_pretrained("saved", push_to_hub=True, repo_id=f"{NAME}-private", private=True)
    same(api.model_info(f"{NAME}-private").private, True)
    same(AutoTokenizer.from_pretrained(f"{NAME}-private")("w1")["input_ids"], [3])


@case("branches and tags")
def push_to_a_branch() -> None:
    api.create_branch(NAME, branch="dev")
    BertConfig(hidden_size=64).push_to_hub(NAME, revision="dev")
    same([AutoConfig.from_pretrained(NAME, revision=r).hidden_size for r in ("dev", "main")], [64, 32])


@case("errors")
def a_model_that_is_missing() -> None:
    try:
        AutoConfig.from_pretrained("ann/none")
    except OSError as error:
        assert "ann/none" in str(error), str(error)
    else:
        raise AssertionError("no error")


@case("errors")
def a_revision_that_is_missing() -> None:
    try:
        AutoConfig.from_pretrained(NAME, revision="none")
    except OSError as error:
        assert "none" in str(error), str(error)
    else:
        raise AssertionError("no error")


@case("download")
def a_local_copy_of_everything() -> None:
    root = api.snapshot_download(NAME, local_dir="all")
    same({"config.json", "tokenizer.json", "tokenizer_config.json"} <= set(files_of(root)), True)
    assert ENDPOINT.startswith("http://127.0.0.1:")


if __name__ == "__main__":
    sys.exit(run())
