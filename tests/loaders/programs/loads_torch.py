"""Makes a tiny Llama and an adapter with transformers and PEFT, and loads them with our loaders."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.loaders.programs.makes_lora import make_adapter, make_base, make_worded_adapter
from tests.loaders.programs.orders import GREETING, SAMPLED, order
from weighbridge.domain.loading import Prompt
from weighbridge.errors import BadInput, CannotLoad
from weighbridge.loaders import LOADERS

place = Path(sys.argv[1])
base, adapter, pickled = place / "base", place / "adapter", place / "pickled"
make_base(base)
make_adapter(base, adapter)
make_worded_adapter(base, place / "worded")
pickled.mkdir()
for file in base.iterdir():
    if file.suffix != ".safetensors":
        (pickled / file.name).write_bytes(file.read_bytes())
torch.save(AutoModelForCausalLM.from_pretrained(base).state_dict(), pickled / "pytorch_model.bin")


def refusal(kind: str, **what: Path) -> str:
    try:
        LOADERS[kind].load(order(**what))
    except CannotLoad as error:
        return str(error)
    return ""


def with_config(source: Path, name: str, **changes: object) -> Path:
    """A copy of a folder with other values in one of its JSON files."""
    fresh = Path(mkdtemp(dir=place)) / "changed"
    shutil.copytree(source, fresh)
    known = json.loads((fresh / name).read_text())
    (fresh / name).write_text(json.dumps({**known, **changes}))
    return fresh


ODD = ({"num_attention_heads": 0}, {"hidden_size": "x"}, {"vocab_size": -1}, {"dtype": "float99"})
BEAMS = {"num_beams": 3, "num_return_sequences": 2, "return_dict_in_generate": True}
beamed = LOADERS["transformers"].load(order(with_config(base, "generation_config.json", **BEAMS))).speak
assert beamed is not None
plain = LOADERS["transformers"].load(order(base)).speak
tuned = LOADERS["lora"].load(order(adapter, base=base))
assert plain is not None
assert tuned.speak is not None
try:
    too_long = plain(Prompt(text="weigh " * 5000))
except BadInput as error:
    too_long = str(error)
tokenizer = AutoTokenizer.from_pretrained(base)
inputs = tokenizer(GREETING.text, return_tensors="pt", return_token_type_ids=False)
itself = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).eval()
tokens = itself.generate(**inputs, max_new_tokens=8, do_sample=False)
asked = inputs["input_ids"].shape[1]
itself_said = tokenizer.decode(tokens[0][asked:], skip_special_tokens=True)
whole = plain(GREETING)
worded = LOADERS["lora"].load(order(place / "worded", base=base))
assert worded.speak is not None
rows = worded.model.get_input_embeddings().weight.shape[0]  # type: ignore[attr-defined]
print(json.dumps({
    "rows": [len(tokenizer), rows, len(worded.speak(Prompt(text="<shop>", max_tokens=4, temperature=0)))],
    "kind": tuned.kind,
    "is_peft": isinstance(tuned.model, PeftModel),
    "plain": whole,
    "tuned": tuned.speak(GREETING),
    "itself": itself_said,
    "sampled": [tuned.speak(SAMPLED), tuned.speak(SAMPLED)],
    "stopped": plain(Prompt(text="weigh", max_tokens=8, temperature=0, stop=(whole[-1],))),
    "pickled": refusal("transformers", folder=pickled),
    "no_base": refusal("lora", folder=adapter),
    "too_long": too_long,
    "beamed": beamed(GREETING),
    "odd": [
        *(refusal("transformers", folder=with_config(base, "config.json", **odd)) for odd in ODD),
        refusal("lora", base=base, folder=with_config(adapter, "adapter_config.json", peft_type="ODD")),
    ],
    "no_adapter": refusal("lora", folder=base, base=base),
}))  # fmt: skip
