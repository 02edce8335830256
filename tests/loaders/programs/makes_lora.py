"""A tiny Llama with a tokenizer of bytes, and a LoRA adapter for it, as transformers and PEFT save them."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)


def make_base(folder: Path) -> None:
    """Two layers with random weights, always the same."""
    torch.manual_seed(0)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {"<s>": 0, "</s>": 1, **{char: number for number, char in enumerate(alphabet, 2)}}
    bytewise = Tokenizer(models.BPE(vocab=words, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytewise, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    made = LlamaForCausalLM(config)
    printable = torch.tensor([len(char) == 1 and char.isascii() for char in words])
    made.lm_head.weight.data *= printable.unsqueeze(1)  # it only ever says what can be printed
    made.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_adapter(base: Path, folder: Path, named: str = "") -> None:
    """An adapter that changes what the base says; it calls its base ``named``."""
    torch.manual_seed(1)
    config = LoraConfig(
        r=8, lora_alpha=64, target_modules=["q_proj", "v_proj", "o_proj", "down_proj"], task_type="CAUSAL_LM",
        init_lora_weights=False,
    )  # fmt: skip
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for adapted in model.peft_config.values():
        adapted.base_model_name_or_path = named or str(base)
    model.save_pretrained(folder)


def make_worded_adapter(base: Path, folder: Path) -> None:
    """An adapter that was trained with one more token, and brings its tokenizer and its embeddings."""
    torch.manual_seed(2)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(["<shop>"])
    plain = AutoModelForCausalLM.from_pretrained(base)
    plain.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    config = LoraConfig(
        r=4, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"], task_type="CAUSAL_LM",
        init_lora_weights=False,
    )  # fmt: skip
    get_peft_model(plain, config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    place, named = Path(sys.argv[1]), sys.argv[2]
    make_base(place / "base")
    make_adapter(place / "base", place / "adapter", named)
    print('{"made": true}')
