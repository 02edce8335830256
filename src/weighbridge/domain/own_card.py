"""The model card of a model that is published: its metadata, and a text with what is known and no more.

The metadata follow the Hub's model card specification (huggingface/hub-docs, modelcard.md); the text
has the sections of the connector's document: Model Details, Training Configuration, Evaluation
Metrics, Usage, License. Whatever a field holds stands there as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.licence import licence_of
from weighbridge.domain.made_model import Documents, MadeModel, Making, Said
from weighbridge.domain.plain_markdown import fenced, inline, json_block, paragraphs
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.training import Result
from weighbridge.domain.usage_code import Loading, usage_code

UNKNOWN_DATA = "unknown"
"""How a model-index says that nobody knows on what was measured; it asks for a data set."""
_NOT_OF_THE_HUB = ("gguf",)
"""Libraries by which usage is shown and which ``library_name`` does not know."""
_NO_TASK_OF_THE_HUB = ("text2text-generation",)
_NOUNS = {
    Making.ADAPTER: "adapter",
    Making.QUANTIZED: "quantised model",
    Making.MERGE: "merged model",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLicence:
    """The licence that a card states: the Hub's identifier, for ``other`` a name and a link; from whom
    it is inherited, empty where its maker chose it.
    """

    id: str = ""
    name: str = ""
    link: str = ""
    inherited_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCard:
    """A card in its parts: metadata without results, the results with the task, and the text."""

    repo: str
    fields: JsonObject
    results: tuple[Result, ...]
    task: str
    body: str


def own_card(repo: RepoId, found: Documents, said: Said, made: MadeModel, licence: StatedLicence) -> OwnCard:
    """The card of the model, out of files, its maker's words and the licence."""
    return OwnCard(
        repo=repo.full_name,
        fields=dict(_fields(said, made, licence)),
        results=made.results,
        task=made.task,
        body="\n\n".join(_sections(repo, found, said, made, licence)) + "\n",
    )


def _fields(said: Said, made: MadeModel, licence: StatedLicence) -> Iterator[tuple[str, Json]]:
    if made.bases:
        yield "base_model", made.bases[0] if len(made.bases) == 1 else list(made.bases)
        if made.making.value:
            yield "base_model_relation", made.making.value
    if made.library and made.library not in _NOT_OF_THE_HUB:
        yield "library_name", made.library
    if made.task and made.task not in _NO_TASK_OF_THE_HUB:
        yield "pipeline_tag", made.task
    if made.tags:
        yield "tags", list(made.tags)
    for key, value in (
        ("license", licence.id),
        ("license_name", licence.name),
        ("license_link", licence.link),
    ):
        if value:
            yield key, value
    if known := [name for name in said.datasets if is_repo(name)]:
        yield "datasets", known
    if said.languages:
        yield "language", said.languages[0] if len(said.languages) == 1 else list(said.languages)


def is_repo(name: str) -> bool:
    """Whether a repository can be called so."""
    try:
        RepoId.parse(name, RepoKind.DATASET)
    except Invalid:
        return False
    return True


def _sections(
    repo: RepoId, found: Documents, said: Said, made: MadeModel, licence: StatedLicence
) -> Iterator[str]:
    yield f"# {inline(repo.full_name)}"
    if description := paragraphs(said.description):
        yield description
    if details := list(_details(made)):
        yield "## Model Details\n\n" + "\n".join(details)
    if made.training:
        name = "Merge" if made.making is Making.MERGE else "Training"
        yield f"## {name} Configuration\n\n{json_block(made.training)}"
    if made.results:
        yield "## Evaluation Metrics\n\n" + "\n".join(_metric(result) for result in made.results)
    code = usage_code(
        Loading(
            repo=repo.full_name,
            library=made.library,
            task=made.task,
            base=made.bases[0] if made.bases else "",
            file=next(iter(made.files), ""),
        )
    )
    yield f"## Usage\n\n{fenced(code, 'python')}"
    if licence.id:
        yield "## License\n\n" + _licence_text(made, licence)


def _details(made: MadeModel) -> Iterator[str]:
    if made.bases:
        name = "Base Model" if len(made.bases) == 1 else "Base Models"
        yield _detail(name, ", ".join(made.bases))
    for name, value in made.details:
        yield _detail(name, value)
    for path, kind in made.files.items():
        yield _detail(path, kind or "GGUF")


def _detail(name: str, value: str) -> str:
    return f"- **{inline(name)}:** {inline(value)}"


def _metric(result: Result) -> str:
    on = f" (on {inline(result.data_set)})" if result.data_set else ""
    return f"- **{inline(result.name)}:** {inline(str(result.value))}{on}"


def _licence_text(made: MadeModel, licence: StatedLicence) -> str:
    known = licence_of(licence.id) if licence.id != "other" else None
    name = inline(known.name if known else licence.name or licence.id)
    noun = _NOUNS.get(made.making, "model")
    from_base = f", as its base model {inline(licence.inherited_from)} is" if licence.inherited_from else ""
    link = f" Its text: {inline(licence.link)}" if licence.link else ""
    word = "" if "licen" in name.lower() else " license"
    return f"This {noun} is released under the {name}{word}{from_base}.{link}"
