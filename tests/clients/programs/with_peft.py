"""peft: adapters up, and down onto their base model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from cases import KEPT, MODE, case, fails, run, same
from huggingface_hub import HfApi
from peft import AutoPeftModelForCausalLM, LoraConfig, PeftConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

api = HfApi()
BASE, NAME = f"ann/peft-base-{MODE}", f"ann/peft-{MODE}"
IDS = torch.arange(2, 12).reshape(1, 10)
torch.manual_seed(0)


def answered(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits


@case("upload a folder")
def the_base_model() -> None:
    made = LlamaForCausalLM(LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
    ))  # fmt: skip
    made.push_to_hub(BASE)
    same("model.safetensors" in api.list_repo_files(BASE), True)


@case("upload a folder")
def adapter_push_to_hub() -> None:
    config = LoraConfig(
        r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM", init_lora_weights=False
    )
    KEPT.model = get_peft_model(AutoModelForCausalLM.from_pretrained(BASE), config).eval()
    KEPT.model.push_to_hub(NAME)
    found = api.list_repo_files(NAME)
    assert {"adapter_config.json", "adapter_model.safetensors", "README.md"} <= set(found), found


@case("info")
def the_adapter_names_its_base() -> None:
    config = json.loads(Path(api.hf_hub_download(NAME, "adapter_config.json")).read_text())
    same(config["base_model_name_or_path"], BASE)


@case("upload a folder")
def an_adapter_saved_and_then_uploaded() -> None:
    KEPT.model.save_pretrained("saved")
    api.create_repo(f"{NAME}-saved")
    api.upload_folder(repo_id=f"{NAME}-saved", folder_path="saved")
    info = api.model_info(f"{NAME}-saved")
    same((info.library_name, info.pipeline_tag), ("peft", "text-generation"))


@case("download")
def peft_config() -> None:
    same(PeftConfig.from_pretrained(NAME).r, 4)


@case("download")
def peft_model_onto_its_base() -> None:
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE), NAME).eval()
    same(torch.equal(answered(model), answered(KEPT.model)), True)
    plain = AutoModelForCausalLM.from_pretrained(BASE).eval()
    same(torch.equal(answered(plain), answered(KEPT.model)), False)


@case("download")
def peft_model_that_finds_its_base() -> None:
    model = AutoPeftModelForCausalLM.from_pretrained(NAME).eval()
    same(torch.equal(answered(model), answered(KEPT.model)), True)


@case("download")
def peft_model_at_a_tag() -> None:
    api.create_tag(NAME, tag="v1")
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE), NAME, revision="v1").eval()
    same(torch.equal(answered(model), answered(KEPT.model)), True)


@case("download")
def transformers_takes_the_adapter_too() -> None:
    model = AutoModelForCausalLM.from_pretrained(NAME).eval()
    same(torch.equal(answered(model), answered(KEPT.model)), True)


@case("upload a folder")
def a_merged_model() -> None:
    merged = KEPT.model.merge_and_unload()
    merged.push_to_hub(f"{NAME}-merged")
    back = AutoModelForCausalLM.from_pretrained(f"{NAME}-merged").eval()
    same(torch.equal(answered(back), answered(merged.eval())), True)


@case("errors")
def an_adapter_that_is_missing() -> None:
    fails("ValueError", "ann/none", PeftConfig.from_pretrained, "ann/none")


if __name__ == "__main__":
    sys.exit(run())
