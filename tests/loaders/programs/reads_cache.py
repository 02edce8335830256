"""Makes a tiny Llama in a folder, or reads one out of the Hugging Face cache as transformers does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from transformers import AutoModel, AutoTokenizer

from tests.loaders.programs.makes_lora import make_base

if sys.argv[1] == "make":
    make_base(Path(sys.argv[2]))
    print(json.dumps({}))
else:
    shapes = {}
    for revision in sys.argv[3:]:
        model = AutoModel.from_pretrained(sys.argv[2], revision=revision)
        tokenizer = AutoTokenizer.from_pretrained(sys.argv[2], revision=revision)
        shapes[revision] = [sum(p.numel() for p in model.parameters()), tokenizer("a b")["input_ids"]]
    shapes["none"] = [sum(p.numel() for p in AutoModel.from_pretrained(sys.argv[2]).parameters())]
    print(json.dumps(shapes))
