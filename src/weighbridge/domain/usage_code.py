"""Python that shows how a published model is loaded: it parses, whatever the model is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CAUSAL = "text-generation"
_AUTO: Mapping[str, str] = {
    CAUSAL: "AutoModelForCausalLM",
    "text2text-generation": "AutoModelForSeq2SeqLM",
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "fill-mask": "AutoModelForMaskedLM",
    "feature-extraction": "AutoModel",
}
"""The class of transformers that loads a model for a task."""
_GENERATING = (CAUSAL, "text2text-generation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What is to be loaded: the repository, the library, the task, and what the library asks for.

    ``base`` is the base model of an adapter, empty where it is not known; ``file`` a GGUF file.
    """

    repo: str
    library: str
    task: str = ""
    base: str = ""
    file: str = ""


def usage_code(loading: Loading) -> str:
    """The program for the library that loads it; any other library gets the files."""
    made = {
        "peft": _peft,
        "transformers": _transformers,
        "gguf": _gguf,
        "sentence-transformers": _sentences,
        "diffusers": _diffusers,
    }.get(loading.library, _files)
    return made(loading)


def _peft(loading: Loading) -> str:
    repo, auto = _literal(loading.repo), _AUTO.get(loading.task, "AutoModel")
    if not loading.base:
        return (
            "from peft import AutoPeftModel\n\n"
            "# The adapter's configuration names the model that it is put on\n"
            f"model = AutoPeftModel.from_pretrained({repo})\n"
        ).rstrip()
    base = _literal(loading.base)
    return (
        f"from transformers import {auto}, AutoTokenizer\n"
        "from peft import PeftModel\n\n"
        "# Load base model\n"
        f"base_model = {auto}.from_pretrained({base})\n"
        f"tokenizer = AutoTokenizer.from_pretrained({base})\n\n"
        "# Load adapter\n"
        f"model = PeftModel.from_pretrained(base_model, {repo})\n\n"
    ) + _ending(loading.task)


def _transformers(loading: Loading) -> str:
    repo, auto = _literal(loading.repo), _AUTO.get(loading.task, "AutoModel")
    return (
        f"from transformers import {auto}, AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained({repo})\n"
        f"model = {auto}.from_pretrained({repo})\n\n"
    ) + _ending(loading.task)


def _ending(task: str) -> str:
    inputs = 'inputs = tokenizer("Your text here", return_tensors="pt")\n'
    if task in _GENERATING:
        return (
            "# Generate\n"
            'inputs = tokenizer("Your prompt here", return_tensors="pt")\n'
            "outputs = model.generate(**inputs, max_new_tokens=50)\n"
            "print(tokenizer.decode(outputs[0], skip_special_tokens=True))"
        )
    if task == "text-classification":
        return (
            f"{inputs}label = model(**inputs).logits.argmax(-1).item()\nprint(model.config.id2label[label])"
        )
    return f"{inputs}outputs = model(**inputs)"


def _gguf(loading: Loading) -> str:
    return (
        "from llama_cpp import Llama\n\n"
        "model = Llama.from_pretrained(\n"
        f"    repo_id={_literal(loading.repo)},\n"
        f"    filename={_literal(loading.file)},\n"
        ")\n"
        'answer = model("Your prompt here", max_tokens=50)\n'
        'print(answer["choices"][0]["text"])'
    )


def _sentences(loading: Loading) -> str:
    return (
        "from sentence_transformers import SentenceTransformer\n\n"
        f"model = SentenceTransformer({_literal(loading.repo)})\n"
        'vectors = model.encode(["A sentence", "Another one"])'
    )


def _diffusers(loading: Loading) -> str:
    return (
        "from diffusers import DiffusionPipeline\n\n"
        f"pipeline = DiffusionPipeline.from_pretrained({_literal(loading.repo)})\n"
        'image = pipeline("Your prompt here").images[0]'
    )


def _files(loading: Loading) -> str:
    repo = _literal(loading.repo)
    return f"from huggingface_hub import snapshot_download\n\nfolder = snapshot_download({repo})"


def _literal(text: str) -> str:
    """The text as a literal of Python in one line of ASCII."""
    spelled = ascii(text)
    return spelled if '"' in text or "'" in text else f'"{spelled[1:-1]}"'
